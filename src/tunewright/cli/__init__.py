"""The command line: parse, one library call, show."""

from __future__ import annotations

import sys


def main() -> None:
    """Run a command; every error a user can mend ends with exit code 2 and no traceback."""
    from tunewright.cli.app import app
    from tunewright.core.errors import TunewrightError

    try:
        app()
    except TunewrightError as error:
        from tunewright.cli.errors import show_error

        show_error(error)
        sys.exit(2)

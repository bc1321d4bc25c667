"""The command line: parse, one library call, show."""

from __future__ import annotations

import sys
import warnings


def main() -> None:
    """Run a command; every error a user can mend ends with exit code 2 and no traceback."""
    if not sys.warnoptions:  # what a library says to its users is nothing to ours
        warnings.simplefilter("ignore", FutureWarning)
    from tunewright.cli.app import app

    try:
        app()
    except Exception as error:  # the error's own module is only worth its time when there is one
        from tunewright.core.errors import TunewrightError

        if not isinstance(error, TunewrightError):
            raise
        from tunewright.cli.errors import show_error

        show_error(error)
        sys.exit(2)

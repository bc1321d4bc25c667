"""The command line: parse, one library call, show."""

from __future__ import annotations

import sys


def main() -> None:
    """Run a command; every error a user can mend ends with exit code 2 and no traceback."""
    from click import exceptions

    from tunewright.cli.app import app
    from tunewright.cli.errors import show_error
    from tunewright.core.errors import TunewrightError

    try:
        code = app(standalone_mode=False)
    except TunewrightError as error:
        show_error(error)
        code = 2
    except exceptions.ClickException as error:
        error.show()
        code = 2
    except (exceptions.Abort, KeyboardInterrupt):
        code = 130
    sys.exit(code if isinstance(code, int) else 0)

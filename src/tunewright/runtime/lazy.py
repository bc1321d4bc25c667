"""One door for optional, heavy libraries."""

from __future__ import annotations

import importlib
import logging
from typing import Any

from tunewright.core.errors import MissingExtra


def require(module: str, *, extra: str) -> Any:  # noqa: ANN401 - a module of any kind
    """Import `module`, or say which extra brings it."""
    # At its import bitsandbytes says which kernels of a hub it could not fetch; PEFT imports it where it is.
    logging.getLogger("bitsandbytes").setLevel(logging.ERROR)
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if error.name is None or error.name.split(".")[0] != module.split(".")[0]:
            raise
        raise MissingExtra(
            f"`{error.name}` is not installed",
            where=f"extra `{extra}`",
            fix=f'pip install "tunewright[{extra}]"',
        ) from None

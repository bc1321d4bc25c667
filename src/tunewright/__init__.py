"""Turn a general language model into a specialist for one task, and keep it one."""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from tunewright.data import look as look
    from tunewright.loop.project import Project as Project
    from tunewright.loop.spec import Spec as Spec
    from tunewright.runtime import models as models
    from tunewright.runtime.hardware import look as machine

__version__ = "0.1.0"
__all__ = ["Project", "Spec", "__version__", "look", "machine", "models"]

_HOMES = {
    "Project": ("tunewright.loop.project", "Project"),
    "Spec": ("tunewright.loop.spec", "Spec"),
    "look": ("tunewright.data", "look"),
    "machine": ("tunewright.runtime.hardware", "look"),
    "models": ("tunewright.runtime", "models"),
}


def __getattr__(name: str) -> Any:  # noqa: ANN401 - public names are loaded when first used
    if name not in _HOMES:
        raise AttributeError(f"module `tunewright` has no attribute `{name}`")
    module, attribute = _HOMES[name]
    importlib.import_module(f"{module}.{attribute}" if name == "models" else module)
    return getattr(importlib.import_module(module), attribute)

"""What every plug-in must be."""

from __future__ import annotations

from dataclasses import FrozenInstanceError, fields, is_dataclass

LABELS = ("card lost", "top up", "exchange rate")


def is_frozen_dataclass(plugin: object) -> bool:
    """Whether the plug-in is a frozen dataclass that can be made without options."""
    if not is_dataclass(plugin) or isinstance(plugin, type):
        return False
    names = [option.name for option in fields(plugin)]
    try:
        setattr(plugin, names[0] if names else "anything", None)
    except FrozenInstanceError:
        return type(plugin)() is not None
    return False

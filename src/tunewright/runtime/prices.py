"""Devices to train on and what an hour of each costs: a table in package data, and the user's own over it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError

from tunewright.core.errors import SpecError
from tunewright.core.types import Frozen, Problem
from tunewright.runtime import plugins

FILE = "prices.yaml"
"""The user's own table, in the folder of the project."""


class Device(Frozen):
    """Something to train on."""

    memory_gb: float = Field(gt=0, allow_inf_nan=False, description="of the card, in GB")
    tflops: float = Field(
        gt=0, allow_inf_nan=False, description="dense products in the format trained in, 10¹² operations/s"
    )
    bandwidth_gbs: float = Field(gt=0, allow_inf_nan=False, description="of its memory, in GB/s")
    bf16: bool = Field(default=True, description="whether it computes in bfloat16; else in fp32")
    price: float | None = Field(default=None, ge=0, allow_inf_nan=False, description="of an hour")


class Prices(Frozen):
    """Devices by name, and the currency of their prices."""

    currency: str = "USD"
    devices: dict[str, Device] = Field(default={})
    here: float | None = Field(
        default=None, ge=0, allow_inf_nan=False, description="price of an hour of this machine"
    )

    def device(self, name: str) -> Device:
        """The device of that name in any case; raises `SpecError` with the nearest name that is known."""
        found = {known.lower(): device for known, device in self.devices.items()}.get(name.lower())
        if found is None:
            raise SpecError(
                problems=[plugins.unknown(name, tuple(self.devices), where="--on", noun="device")]
            )
        return found


def read(path: Path | None = None) -> Prices:
    """The table, and over it that of the file, if there is one; raises `SpecError`.

    The file says what differs: `{currency: EUR, devices: {a100-80gb: {price: 1.9}}, here: 0.1}`.
    """
    text = resources.files(__package__).joinpath("prices.json").read_text(encoding="utf-8")
    values: dict[str, Any] = json.loads(text)
    if path is not None:
        values = _over(values, _values(path))
    try:
        return Prices.model_validate(values)
    except ValidationError as error:
        raise SpecError(problems=[_problem(dict(one), str(path)) for one in error.errors()]) from None


def _problem(detail: dict[str, Any], path: str) -> Problem:
    place = ".".join(map(str, detail["loc"]))
    what, fix = plugins.say(detail)
    unknown = detail["type"] == "extra_forbidden"
    return Problem(
        where=f"{path}: {place}",
        what="this key is not known" if unknown else what,
        fix="known: `currency`, `here`, `devices`, and of a device "
        + ", ".join(f"`{name}`" for name in Device.model_fields)
        if unknown or not fix
        else fix,
    )


def _values(path: Path) -> Mapping[str, Any]:
    try:
        found = yaml.safe_load(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise SpecError(
            f"the prices cannot be read: {(error.strerror or 'it is no file').lower()}",
            where=str(path),
            fix="give a YAML file; the table that is built in needs none",
        ) from error
    except (UnicodeDecodeError, yaml.YAMLError) as error:
        raise SpecError(f"the prices are no YAML: {error}", where=str(path), fix="mend the file") from error
    if found is None:
        return {}
    if not isinstance(found, dict):
        raise SpecError(
            "this is no table of prices",
            where=str(path),
            fix="write `devices: {a100-80gb: {price: 1.9}}`, and `here: 0.1` for this machine",
        )
    return found


def _over(table: Mapping[str, Any], own: Mapping[str, Any]) -> dict[str, Any]:
    """The table with the user's own values in place of those that it has, down to single figures."""
    both = dict(table)
    for key, value in own.items():
        old = both.get(key)
        both[key] = _over(old, value) if isinstance(old, Mapping) and isinstance(value, Mapping) else value
    return both

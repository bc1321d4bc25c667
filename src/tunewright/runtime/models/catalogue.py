"""Models that tunewright knows by name: a table in package data, and its reader."""

from __future__ import annotations

import json
from functools import cache
from importlib import resources
from typing import Any

from pydantic import Field

from tunewright.core.errors import ModelError
from tunewright.core.types import Frozen
from tunewright.runtime import plugins


class PackageFile(Frozen):
    """A file inside a Python package, fetched by the package's name and checked by its digest."""

    package: str = Field(description="name on the package index")
    version: str
    module: str = Field(description="import name, which is the folder inside the wheel")
    file: str = Field(description="file inside that folder")
    bytes: int = Field(description="size of the file")
    sha256: str = Field(description="SHA-256 of the file")

    @property
    def requirement(self) -> str:
        """The package as pip is asked for it."""
        return f"{self.package}=={self.version}"


class CatalogueEntry(Frozen):
    """A base model that is known by name."""

    name: str
    description: str
    licence: str = Field(description="SPDX name")
    author: str
    architecture: str
    parameters: int
    context: int = Field(description="longest input plus output, in tokens")
    languages: tuple[str, ...] = Field(description="ISO 639-1 codes")
    precision: str = Field(description="where the numbers come from, and how they are kept")
    disk_bytes: int = Field(description="size in the cache, once converted")
    gated: bool = Field(
        default=False, description="whether the hub gives it only to those who agreed to terms"
    )
    source: PackageFile | None = Field(default=None, description="the package that brings it")
    hub: str = Field(default="", description="else its name on the hub")
    config: dict[str, Any] = Field(default={}, description="its shape, in the words of transformers")


class _Table(Frozen):
    models: tuple[CatalogueEntry, ...]


@cache
def catalogue() -> tuple[CatalogueEntry, ...]:
    """Every model that is known by name."""
    text = resources.files(__package__).joinpath("catalogue.json").read_text(encoding="utf-8")
    return _Table.model_validate(json.loads(text)).models


def show(name: str) -> CatalogueEntry:
    """The entry of that name; raises `ModelError` with the nearest name that is known."""
    for entry in catalogue():
        if entry.name == name:
            return entry
    known = tuple(entry.name for entry in catalogue())
    raise ModelError(problems=(plugins.unknown(name, known, where="model", noun="model"),))

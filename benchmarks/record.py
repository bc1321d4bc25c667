"""Writes what a benchmark measured to `benchmarks/results/NAME.json`."""

from __future__ import annotations

import datetime as dt
import json
import sys
from importlib.metadata import version
from pathlib import Path

from tunewright.runtime import hardware

RESULTS = Path(__file__).parent / "results"
WORK = Path(__file__).parent / ".work"
DATASETS = Path(__file__).parent.parent.parent / "shared" / "datasets"
_LIBRARIES = ("tunewright", "torch", "transformers", "peft", "accelerate", "scikit-learn")


def need_dataset(name: str) -> Path:
    """The folder of a development data set, or a clear end."""
    folder = DATASETS / name
    if not folder.exists():
        sys.exit(f"skipped: the data set `{name}` is not at ../shared/datasets")
    return folder


def record(
    name: str,
    figures: dict[str, float | int | None],
    *,
    quick: bool = False,
    libraries: tuple[str, ...] = _LIBRARIES,
) -> Path:
    """Print the figures and keep them with command, machine, versions and date."""
    width = max(map(len, figures))
    for figure, value in figures.items():
        print(
            f"{figure:<{width}}  {value:.4g}" if isinstance(value, float) else f"{figure:<{width}}  {value}"
        )
    machine = hardware.look()
    result = {
        "figures": figures,
        "command": f"python -m benchmarks.{name}" + (" --quick" if quick else ""),
        "machine": machine.model_dump(mode="json"),
        "versions": {library: version(library) for library in libraries},
        "date": dt.datetime.now(dt.UTC).date().isoformat(),
    }
    path = RESULTS / (f"{name}.quick.json" if quick else f"{name}.json")
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(result, indent=1) + "\n")
    return path

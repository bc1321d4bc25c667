"""Read every file of the section, transformed inside the stream, before anything is written."""

from __future__ import annotations

import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tunewright.core.types import SPLITS, Example
from tunewright.data.apart import Parts
from tunewright.data.ports import Transform
from tunewright.data.read import Reading, name_of
from tunewright.data.spec import DataSpec, Files
from tunewright.data.transform import Log, opened
from tunewright.runtime import examples as on_disk


@dataclass(frozen=True)
class Found:
    """What stands in the files."""

    parts: Parts
    """Examples of `sources` stand in `train` until they are split."""
    replay: list[Example]
    """General examples, of which some are trained on."""
    against: dict[str, list[Example]]
    """Evaluation sets that training must not contain, by the name of their file."""


def gather(reading: Reading, spec: DataSpec, log: Log, folder: Path) -> Found:
    """The examples of every file, by way of files in `folder`; raises `DataError` with every bad line."""
    first = Reading(reading.project, spec, reading.labelled)
    ready = opened(spec.transforms, lambda: first.batches(spec.sources))
    others = replace(reading, labelled=False, foreign=True)  # tells into the same lists
    unseen = Log(log.names)  # nothing of an evaluation set is kept, so nothing is told of it
    replay = spec.mix.replay.sources if spec.mix.replay else ()
    with tempfile.TemporaryDirectory(prefix="import-", dir=folder) as place:
        by = _Streams(Path(place), ready)
        parts = [by.stream(reading, sources, log) for sources in (spec.sources, spec.validation, spec.test)]
        general = by.stream(others, replay, log)
        against = {name_of(one): by.stream(others, (one,), unseen) for one in spec.split.against}
        reading.stop_if_bad()
        return Found(
            parts={name: on_disk.read_file(path) for name, path in zip(SPLITS, parts, strict=True)},
            replay=on_disk.read_file(general),
            against={name: on_disk.read_file(path) for name, path in against.items()},
        )


@dataclass
class _Streams:
    """Files of examples, one a stream."""

    folder: Path
    ready: Sequence[Transform]
    count: int = 0

    def stream(self, reading: Reading, sources: Files, log: Log) -> Path:
        """Stream the sources to the disk."""
        self.count += 1
        path = self.folder / f"{self.count}.parquet"
        reading.write(sources, path, self.ready, log)
        return path

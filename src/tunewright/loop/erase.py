"""Erasure of one person from what a project made: data sets without the examples, and who saw them.

The values are never printed and never stored. What is to be done is written down first, by ids of data
sets and examples (`erasures/ID.json`), so that an interrupted erasure is finished by the next one.
"""

from __future__ import annotations

import datetime as dt
import shutil
from collections.abc import Iterator, Sequence
from pathlib import Path

from tunewright.core import digest
from tunewright.core.errors import SpecError
from tunewright.core.types import SPLITS, Dataset, Example, Frozen
from tunewright.data import DataSpec, places_of
from tunewright.loop.labelling import forget
from tunewright.loop.lineage import descendants
from tunewright.loop.traces import Traces
from tunewright.runtime import examples
from tunewright.runtime.workspace import MANIFEST, Workspace, atomic_write, load, save, seal_files

FOLDER = "erasures"
_SHORTEST = 4


class Erasure(Frozen):
    """What an erasure took out and what has seen it; the values themselves stand nowhere."""

    id: str
    removed: dict[str, tuple[str, ...]]
    """Data set → ids of the examples that were taken out."""
    files: tuple[str, ...] = ()
    """Other files of the workspace from which the values were taken."""
    labels: int = 0
    """Items that were taken out of the labelling, with all that was said of them."""
    seen_by: tuple[str, ...] = ()
    """Checkpoints, reports, releases and proposals that were made from those data sets."""
    sources: tuple[str, ...] = ()
    """Lines of the user's own files that still hold a value."""
    still: tuple[str, ...] = ()
    """Files of the workspace that hold a value and cannot be mended."""
    done: bool = False

    @property
    def retrain(self) -> tuple[str, ...]:
        """Checkpoints and releases that saw the data."""
        return tuple(one for one in self.seen_by if one.startswith(("checkpoint-", "release-")))


def erase(project: Path, workspace: Workspace, spec: DataSpec, values: Sequence[str]) -> Erasure:
    """Take the examples of one person out of every data set; raises `SpecError` if a value is too short.

    A value is looked for in every field of an example, `group` and `id` included, whatever the case.
    Where a data set was masked, its examples are found by their place in the source files.
    """
    wanted = [value.strip() for value in values if value.strip()]
    if not wanted or min(map(len, wanted)) < _SHORTEST:
        raise SpecError(
            "there is no value to erase"
            if not wanted
            else "one of the values is too short to be one person's",
            where="erase",
            fix=f"give values of at least {_SHORTEST} characters, such as an e-mail address",
        )
    finish(workspace)
    traces = Traces(tuple(wanted))
    places = dict(places_of(project, spec, traces.found_in))
    removed = dict(_examples(workspace, traces, places))
    texts = [text for dataset, ids in removed.items() for text in _said(workspace, dataset, ids)]
    forgotten = forget(workspace, traces.found_in)
    files, still = traces.with_texts(texts).clean(workspace.root)
    erasure = Erasure(
        id=dt.datetime.now(dt.UTC).strftime("%Y%m%d-%H%M%S-%f"),
        removed={dataset: ids for dataset, ids in removed.items() if ids},
        files=tuple(files),
        still=tuple(still),
        labels=forgotten,
        sources=tuple(place for found in places.values() for place in found),
    )
    erasure = erasure.model_copy(update={"seen_by": tuple(sorted(descendants(workspace, erasure.removed)))})
    _write(workspace, erasure)
    return finish(workspace) or erasure


def every(workspace: Workspace) -> list[Erasure]:
    """All erasures of a project, oldest first."""
    paths = sorted((workspace.root / FOLDER).glob("*.json"))
    return [Erasure.model_validate_json(path.read_bytes()) for path in paths]


def finish(workspace: Workspace) -> Erasure | None:
    """Carry out what is written down and not done yet; the last of it is returned."""
    last = None
    for erasure in every(workspace):
        if erasure.done:
            continue
        for dataset, ids in erasure.removed.items():
            with workspace.lock(dataset):
                _without(workspace, dataset, frozenset(ids))
        last = erasure.model_copy(update={"done": True})
        _write(workspace, last)
    return last


def _write(workspace: Workspace, erasure: Erasure) -> None:
    folder = workspace.root / FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    atomic_write(folder / f"{erasure.id}.json", erasure.model_dump_json(indent=1).encode())


def _datasets(workspace: Workspace) -> Iterator[Dataset]:
    for manifest in sorted(workspace.artifacts.glob(f"dataset-*/{MANIFEST}")):
        yield load(manifest.parent, Dataset)


def _examples(
    workspace: Workspace, traces: Traces, places: dict[str, tuple[str, ...]]
) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Data set and ids of its examples that hold a value, or stand where a value stands in the source."""
    for dataset in _datasets(workspace):
        card = dataset.path / "card.md"
        known = card.read_text(encoding="utf-8") if card.exists() else ""
        here = {place for source, found in places.items() if f"`{source[:16]}`" in known for place in found}
        ids = [
            one.id
            for split in SPLITS
            for one in examples.read(dataset, split)
            if one.source in here or traces.found_in(one.model_dump_json()) or _holds(one, traces)
        ]
        yield dataset.id, tuple(ids)


def _holds(example: Example, traces: Traces) -> bool:
    texts = [message.content for message in example.messages]
    texts += [
        example.text or "",
        example.rejected or "",
        example.label or "",
        example.group or "",
        example.id,
    ]
    return any(traces.found_in(text) for text in (*texts, *example.references, *example.tags))


def _said(workspace: Workspace, dataset: str, ids: Sequence[str]) -> Iterator[str]:
    """What the examples say; their labels are no trace of anybody."""
    chosen = set(ids)
    made = load(workspace.folder(dataset), Dataset)
    for split in SPLITS if chosen else ():
        for one in examples.read(made, split):
            if one.id in chosen:
                yield from (turn.content for turn in one.messages if turn.content != one.label)
                yield from (text for text in (one.text, one.rejected, *one.references) if text)


def _without(workspace: Workspace, dataset_id: str, ids: frozenset[str]) -> None:
    """Put a data set without the examples in the place of the old one, in one rename."""
    final = workspace.folder(dataset_id)
    old = final.with_name(f".{final.name}.old")
    if not final.exists() and old.exists():
        old.rename(final)
    dataset = load(final, Dataset)
    made_in = workspace.partial / f"erase-{dataset_id}"
    shutil.rmtree(made_in, ignore_errors=True)
    shutil.copytree(final, made_in)
    kept = {split: [one for one in examples.read(dataset, split) if one.id not in ids] for split in SPLITS}
    for split in SPLITS:
        examples.write(kept[split], made_in / f"{split}.parquet")
    counts = {split: len(kept[split]) for split in SPLITS}
    (made_in / MANIFEST).unlink()
    told = dataset.model_copy(update={"counts": counts, "path": made_in})
    told = told.model_copy(update={"digest": digest.of_value([digest.of_value(seal_files(made_in)), counts])})
    save(told, made_in)
    workspace.publish(told, made_in)

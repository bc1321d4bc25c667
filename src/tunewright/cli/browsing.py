"""What `show changes`, `show duplicates` and `lineage` print."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

import typer

from tunewright.cli import tables
from tunewright.core.errors import SpecError
from tunewright.core.types import Frozen, Problem
from tunewright.loop.project import Project

if TYPE_CHECKING:
    from tunewright.data import Cluster, Transformed
    from tunewright.loop.lineage import Node

_PAGE = 10
"""Clusters on a page."""
_MEMBERS = 8
"""Examples of a cluster that a terminal shows."""
_WIDTH = 96
_BEFORE = 24
"""Characters before the first difference of two texts that are shown with it."""


def changes(project: Project, *, as_json: bool) -> int:
    """Print what each transform did, with samples before and after."""
    found = project.changes()
    if as_json:
        _as_json(found)
        return 0
    out = tables.console()
    if not found:
        out.print("no transforms: nothing was changed; name them in `data.transforms`", markup=False)
    for line in (line for one in found for line in _transformed(one)):
        out.print(line, markup=False, soft_wrap=True)
    return 0


def _transformed(one: Transformed) -> Iterator[str]:
    yield f"{one.name}: {one.changed:,} texts changed, {one.dropped:,} examples left out"
    for what, times in one.kinds.items():
        yield f"  {times:>7,}  {what}"
    if one.samples and not any(sample.before or sample.after for sample in one.samples):
        yield "  the texts are not kept, as personal data stands in them; the first places:"
        yield from dict.fromkeys(f"  {sample.source} {sample.part}" for sample in one.samples)
        return
    for sample in one.samples:
        before, after = _difference(sample.before, sample.after)
        yield from (f"  {sample.source} {sample.part}", f"    - {before}", f"    + {after}")


def _difference(before: str | None, after: str | None) -> tuple[str, str]:
    """Both texts from shortly before the first difference, on one line each."""
    if before is None or after is None:
        return _line(before, "(not kept)"), _line(after, "(left out)" if before is not None else "(not kept)")
    same = next((n for n, (a, b) in enumerate(zip(before, after, strict=False)) if a != b), len(after))
    start = max(0, same - _BEFORE)
    lead = "…" if start else ""
    return lead + _line(before[start:]), lead + _line(after[start:])


def _line(text: str | None, otherwise: str = "") -> str:
    if text is None:
        return otherwise
    shown = text.replace("\n", "⏎")
    return shown if len(shown) <= _WIDTH else f"{shown[:_WIDTH]}…"


def duplicates(project: Project, page: int, *, as_json: bool) -> int:
    """Print a page of the clusters of examples that are alike, or all of them as JSON."""
    found = project.duplicates()
    if as_json:
        _as_json(found)
        return 0
    pages = max(1, -(-len(found) // _PAGE))
    if not 1 <= page <= pages:
        fix = f"choose 1 to {pages}"
        raise SpecError(problems=[Problem(where="show", what=f"there is no page {page}", fix=fix)])
    out = tables.console()
    removed = sum(cluster.removed for cluster in found)
    out.print(f"{len(found):,} clusters, {removed:,} examples removed; page {page} of {pages}", markup=False)
    for line in (line for one in found[(page - 1) * _PAGE : page * _PAGE] for line in _cluster(one)):
        out.print(line, markup=False, soft_wrap=True)
    return 0


def _cluster(cluster: Cluster) -> Iterator[str]:
    note = ", answered in different ways" if cluster.contradictory else ""
    yield f"\n{len(cluster.members)} alike, {cluster.removed} removed{note}"
    for member in cluster.members[:_MEMBERS]:
        word = "removed" if member.removed else "kept"
        said = f" → {_line(member.answer)}" if member.answer else ""
        yield f"  {word:<7} {member.similarity:.2f}  {member.source}: {_line(member.question)}{said}"
    if len(cluster.members) > _MEMBERS:
        yield f"  … and {len(cluster.members) - _MEMBERS:,} more; `--json` has them all"


def lineage(project: Project, artifact_id: str | None, *, as_json: bool) -> None:
    """Print the artifact between its ancestors and its descendants, each below its parents."""
    found = project.lineage(artifact_id)
    if as_json:
        typer.echo(found.model_dump_json(indent=1))
        return
    shown = {one.id: one for one in (*reversed(found.ancestors), found.artifact, *found.descendants)}
    depths: dict[str, int] = {}
    for one in shown.values():
        depth = _depth(one, shown, depths)
        here = "  <- this one" if one == found.artifact else ""
        typer.echo(f"{'  ' * depth}{_relative(one)}{here}")


def _depth(one: Node, shown: dict[str, Node], depths: dict[str, int]) -> int:
    """Generations between an artifact and what all began with."""
    if one.id not in depths:
        above = [_depth(shown[parent], shown, depths) for parent in one.parents if parent in shown]
        depths[one.id] = 1 + max(above, default=-1)
    return depths[one.id]


def _relative(one: Node) -> str:
    made = f"{one.made.astimezone():%Y-%m-%d %H:%M}" if one.made else "not in this workspace"
    chance = "" if one.seed is None else f"  seed {one.seed}"
    by = f"  tunewright {one.version}" if one.version else ""
    origin = f"  from {', '.join(one.parents)}" if one.parents else ""
    return f"{one.id}  {made}  sha256 {one.digest[:16] or '-'}{chance}{by}{origin}"


def _as_json(found: Sequence[Frozen]) -> None:
    typer.echo(json.dumps([one.model_dump(mode="json") for one in found], indent=1))

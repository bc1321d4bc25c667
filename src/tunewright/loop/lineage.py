"""Where an artifact came from, and what was made from it."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterable, Mapping

from tunewright.core.errors import WorkspaceError
from tunewright.core.types import Frozen
from tunewright.runtime import plugins
from tunewright.runtime.workspace import MANIFEST, Workspace


class Node(Frozen):
    """One artifact, or one source as it was read, among its relatives."""

    id: str
    """Of a source its name and the beginning of its digest: `data/train.csv@0123456789ab`."""
    parents: tuple[str, ...] = ()
    digest: str = ""
    """SHA-256 over its content."""
    made: dt.datetime | None = None
    """When; None where it is not in the workspace, as a source or a base model: only its children name it."""
    seed: int | None = None
    version: str = ""
    """Version of tunewright that made it."""


class Lineage(Frozen):
    """An artifact with everything that it was made from, and everything that was made from it."""

    artifact: Node
    ancestors: tuple[Node, ...] = ()
    """Its parents first, then theirs."""
    descendants: tuple[Node, ...] = ()
    """Its children first, then theirs."""


def lineage(workspace: Workspace, artifact_id: str) -> Lineage:
    """The relatives of an artifact, or of a source by its name; raises `WorkspaceError` if there is none."""
    known = nodes(workspace)
    artifact_id = next((one for one in known if one.startswith(f"{artifact_id}@")), artifact_id)
    if artifact_id not in known:
        raise WorkspaceError(
            problems=[plugins.unknown(artifact_id, tuple(known), where="lineage", noun="artifact")]
        )
    parents = {one.id: one.parents for one in known.values()}
    return Lineage(
        artifact=known[artifact_id],
        ancestors=tuple(known.get(one, Node(id=one)) for one in reached(parents, (artifact_id,))),
        descendants=tuple(known[one] for one in descendants(workspace, (artifact_id,))),
    )


def nodes(workspace: Workspace) -> dict[str, Node]:
    """Every artifact of the workspace by its id, the newest first; behind them the sources."""
    found, read = dict[str, Node](), dict[str, Node]()
    for path in sorted(workspace.artifacts.glob(f"*/{MANIFEST}"), key=lambda one: -one.stat().st_mtime):
        manifest = json.loads(path.read_bytes())
        made = dt.datetime.fromtimestamp(path.stat().st_mtime, dt.UTC)
        sources = [_source(name, digest) for name, digest in manifest.get("sources", {}).items()]
        read |= {one.id: one for one in sources}
        found[path.parent.name] = Node(
            id=path.parent.name,
            parents=(*(one.id for one in sources), *manifest.get("parents", ())),
            digest=manifest.get("digest", ""),
            made=made,
            seed=manifest.get("seed"),
            version=manifest.get("version", ""),
        )
    return {**found, **read}


def _source(name: str, digest: str) -> Node:
    return Node(id=f"{name}@{digest[:12]}", digest=digest)


def descendants(workspace: Workspace, roots: Iterable[str]) -> tuple[str, ...]:
    """Ids of every artifact that was made, directly or not, from one of the roots; the nearest first."""
    children: dict[str, list[str]] = {}
    for one in nodes(workspace).values():
        for parent in one.parents:
            children.setdefault(parent, []).append(one.id)
    return reached(children, roots)


def reached(links: Mapping[str, Iterable[str]], roots: Iterable[str]) -> tuple[str, ...]:
    """What the links lead to from the roots, the nearest first; not the roots themselves."""
    found = dict.fromkeys(roots)
    starts = len(found)
    waiting = list(found)
    for one in waiting:  # grows while it is walked
        new = [other for other in links.get(one, ()) if other not in found]
        found |= dict.fromkeys(new)
        waiting += new
    return tuple(found)[starts:]

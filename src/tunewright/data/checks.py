"""What is wrong with the section `data` before a line is read."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from pathlib import Path

from tunewright.core import digest
from tunewright.core.types import Problem
from tunewright.data.read import HUB, name_of, named
from tunewright.data.sources.kinds import SUFFIXES, kind
from tunewright.data.spec import DataSpec
from tunewright.runtime import plugins
from tunewright.runtime.plugins import Named

_LARGEST_SHARE = 0.8
_OFTEN = 100.0
"""How often an example may stand in training at the most."""


def check(spec: DataSpec, project: Path) -> Iterator[Problem]:
    """Every problem of the section `data`."""
    if not spec.sources:
        fix = "name a file: `sources: data/train.csv`"
        yield Problem(where="data.sources", what="there is no source of examples", fix=fix)
    for where, source in _places(spec):
        yield from _source(source, project, where)
    for place, transform in enumerate(spec.transforms):
        yield from plugins.check("transforms", transform, where=f"data.transforms[{place}]")
    yield from _shares(spec)
    yield from _similarities(spec)
    yield from _mix(spec)
    yield from _same_files(spec, project)


def _places(spec: DataSpec) -> Iterator[tuple[str, str | Named]]:
    """Every source of the section with its place there."""
    replay = spec.mix.replay.sources if spec.mix.replay else ()
    sections = {"data.mix.replay.sources": replay, "data.split.against": spec.split.against}
    own = {f"data.{name}": getattr(spec, name) for name in ("sources", "validation", "test")}
    for section, sources in {**own, **sections}.items():
        for place, source in enumerate(sources):
            yield f"{section}[{place}]", source


def _source(source: str | Named, project: Path, where: str) -> Iterator[Problem]:
    if isinstance(source, str) and not _known(source, project):
        known = ", ".join(f"`{suffix}`" for suffix in sorted(SUFFIXES))
        fix = f"known suffixes: {known}; or name the source: `{{jsonl: {{path: {source}}}}}`"
        yield Problem(where=where, what=f"`{source}` has no known suffix", fix=fix)
        return
    plugin = named(source)
    problems = tuple(plugins.check("sources", plugin, where=where))
    yield from problems
    if not problems:
        for path in plugins.make("sources", plugin).files(project):
            yield from _file(path, project, where)


def _known(source: str, project: Path) -> bool:
    """True if the word says what it is: a file of a known kind, a folder with such files, the hub."""
    path = project / source
    if path.is_dir():
        return any(kind(one.name) for one in path.rglob("*"))
    return source.startswith(HUB) or kind(source) is not None


def _file(path: Path, project: Path, where: str) -> Iterator[Problem]:
    shown = path.relative_to(project).as_posix() if path.is_relative_to(project) else str(path)
    if path.is_dir():
        yield Problem(where=where, what=f"`{shown}` is a folder", fix="name the files in it")
    elif not path.exists():
        fix = _near_miss(path, project)
        yield Problem(where=where, what=f"there is no file `{shown}`", fix=fix)
    elif path.stat().st_size == 0:
        yield Problem(where=where, what=f"`{shown}` is empty", fix="give a file with examples")


def _near_miss(path: Path, project: Path) -> str:
    """The file of that folder, or of the project, that the name may have meant."""
    for folder in (path.parent, project, project / "data"):
        names = [entry.name for entry in sorted(folder.iterdir())] if folder.is_dir() else []
        near = difflib.get_close_matches(path.name, names, n=1)
        if near:
            meant = folder / near[0]
            shown = meant.relative_to(project) if meant.is_relative_to(project) else meant
            return f"did you mean `{shown.as_posix()}`?"
    return f"paths are relative to the spec's folder, {project.name or project}"


def _shares(spec: DataSpec) -> Iterator[Problem]:
    cut = spec.split
    for name in ("validation", "test"):
        share = getattr(cut, name)
        if not getattr(spec, name) and not 0 < share < 1:
            fix = "take 0.15, or name files of your own"
            yield Problem(where=f"data.split.{name}", what=f"{share:g} is no share between 0 and 1", fix=fix)
    if not spec.test and not spec.validation and cut.validation + cut.test > _LARGEST_SHARE:
        what = f"{cut.validation + cut.test:.0%} of the examples would not be trained on"
        yield Problem(where="data.split.test", what=what, fix="take smaller shares, such as 0.15 each")
    if not 0 < cut.near <= 1:
        what = f"{cut.near:g} is no similarity between 0 and 1"
        yield Problem(where="data.split.near", what=what, fix="take 0.7")


def _similarities(spec: DataSpec) -> Iterator[Problem]:
    """Thresholds of near-duplicates that mean nothing."""
    found = spec.deduplicate
    if found is None:
        return
    for name, value in (("remove", found.remove), ("show", found.show)):
        if not 0 < value <= 1:
            what = f"{value:g} is no similarity between 0 and 1"
            yield Problem(
                where=f"data.deduplicate.{name}", what=what, fix="leave it out, or take 0.9 and 0.6"
            )
    if found.by == "near" and found.show > found.remove:
        what = f"`show` ({found.show:g}) is above `remove` ({found.remove:g}): what is removed is shown, too"
        yield Problem(where="data.deduplicate.show", what=what, fix=f"take at most {found.remove:g}")


def _same_files(spec: DataSpec, project: Path) -> Iterator[Problem]:
    """A file that serves in two places, under whatever name."""
    seen: dict[str, str] = {}
    for where, source in _places(spec):
        path = project / name_of(source)
        if not path.is_file() or path.stat().st_size == 0:
            continue
        other = seen.setdefault(digest.of_file(path), where)
        if other != where:
            what = f"`{name_of(source)}` has the same content as `{other}`"
            yield Problem(where=where, what=what, fix="take it out of one of the two places")


def _mix(spec: DataSpec) -> Iterator[Problem]:
    """Names that no source has, and numbers that mean nothing."""
    mix = spec.mix
    replayed = mix.replay.sources if mix.replay else ()
    known = {"ratios": spec.sources, "weights": (*spec.sources, *replayed)}
    for key, sources in known.items():
        names = tuple(name_of(source) for source in sources)
        for name, value in getattr(mix, key).items():
            where = f"data.mix.{key}.{name}"
            if name not in names:
                yield plugins.unknown(name, names, where=where, noun="source")
            elif not 0 < value <= _OFTEN:
                what = f"{value:g} is no number above 0 and up to {_OFTEN:g}"
                fix = "take the source out of `data.sources`, or give 0.5, 1 or 2"
                yield Problem(where=where, what=what, fix=fix)
    if mix.replay and not 0 < mix.replay.share < 1:
        what = f"{mix.replay.share:g} is no share between 0 and 1"
        yield Problem(where="data.mix.replay.share", what=what, fix="take 0.1")

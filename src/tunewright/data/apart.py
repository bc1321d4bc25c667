"""Keep evaluation apart from training: own files, the cut, and the proof that nothing crosses."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tunewright.core.errors import DataError
from tunewright.core.types import SPLITS, Example, Overlap, Problem, Split
from tunewright.data import overlap
from tunewright.data.spec import DataSpec
from tunewright.data.split import split
from tunewright.runtime.examples import SYNTHETIC

Parts = dict[Split, list[Example]]

EVALUATED: tuple[Split, ...] = ("test", "validation")


def evaluable(example: Example) -> bool:
    """Whether an answer may be measured by this example: it is no bad answer, and no model made it."""
    return example.desirable is not False and SYNTHETIC not in example.tags


def only_evaluable(parts: Parts) -> tuple[Parts, list[Problem]]:
    """The own evaluation files without what may never stand in them, and what was left out."""
    kept: Parts = dict(parts)
    for name in EVALUATED:
        kept[name] = list(filter(evaluable, parts[name]))
    problems = [
        _told(
            f"data.{name}",
            f"{len(parts[name]) - len(kept[name])} examples are marked undesirable or synthetic: left out",
            "measure by answers that are right and that people wrote",
        )
        for name in EVALUATED
        if len(kept[name]) < len(parts[name])
    ]
    return kept, problems


def separate(
    parts: Parts, against: Mapping[str, Sequence[Example]], spec: DataSpec
) -> tuple[Parts, list[Overlap]]:
    """Meet what the user's own evaluation sets share with the sources, and count it."""
    parts, overlaps = dict(parts), []
    sets = {**evaluated_in(parts), **against}
    for name, evaluated in sets.items():
        found = overlap.find(name, evaluated, parts["train"], spec.split.near)
        if spec.split.overlap == "report":
            parts.update(_tagged(parts, found))
            overlaps.append(found.overlap)
            continue
        parts["train"] = overlap.without(parts["train"], found.trained)
        overlaps.append(found.overlap.model_copy(update={"removed_from_train": len(found.trained)}))
    if spec.split.overlap == "remove":
        between = overlap.find("validation", parts["validation"], parts["test"], spec.split.near)
        parts["validation"] = overlap.without(parts["validation"], between.evaluated)
    return parts, overlaps


def evaluated_in(parts: Parts) -> dict[str, list[Example]]:
    """The evaluation splits that have examples."""
    return {name: parts[name] for name in EVALUATED if parts[name]}


def _tagged(parts: Parts, found: overlap.Found) -> Parts:
    """The split that the finding is of, with the marks; none for a file that is only looked at."""
    return {
        name: overlap.tagged(parts[name], found.evaluated)
        for name in EVALUATED
        if name == found.overlap.split
    }


def cut(parts: Parts, spec: DataSpec, seed: int) -> tuple[Parts, list[Problem]]:
    """Cut the splits that have no files of their own from the training examples, and say what fell out.

    What may never be evaluated goes to `train`, unless an evaluation example is like it.
    """
    shares: dict[Split, float] = {
        name: getattr(spec.split, name) for name in EVALUATED if not getattr(spec, name)
    }
    pool = [example for example in parts["train"] if evaluable(example)]
    if "time" in spec.split.by:
        _stop_without_time(pool)
    drawn = split(pool, shares, near=spec.split.near, seed=seed, by=spec.split.by)
    made: Parts = {name: drawn[name] or parts[name] if name != "train" else drawn[name] for name in SPLITS}
    problems = list(_astride(len(pool) - sum(map(len, drawn.values()))))
    others = [example for example in parts["train"] if not evaluable(example)]
    past = _past(others, made) if "time" in spec.split.by else others
    kept = harmless(past, evaluated_in(made), spec.split.near)
    made["train"] += kept
    if len(kept) < len(others):
        what = f"{len(others) - len(kept)} undesirable or synthetic examples are like an evaluation example"
        problems.append(_told("data.split", f"{what}, or newer: left out", "nothing needs to be done"))
    return made, [*problems, *_small(drawn, shares, len(pool)), *_newer(made, spec)]


def harmless(
    examples: Sequence[Example], sets: Mapping[str, Sequence[Example]], near: float
) -> list[Example]:
    """Those that training may see beside these evaluation sets."""
    kept = list(examples)
    for name, evaluated in sets.items():
        kept = overlap.without(kept, overlap.find(name, evaluated, kept, near).trained)
    return kept


def prove(parts: Parts, spec: DataSpec) -> list[Overlap]:
    """Look again at the finished splits; gives the figures of the splits that were cut here."""
    figures = []
    for name in EVALUATED:
        own = getattr(spec, name)
        if spec.split.overlap == "report" and own:
            continue
        overlap.prove_none(name, parts[name], parts["train"], spec.split.near)
        if not own:
            figures.append(Overlap(split=name, examples=len(parts[name])))
    return figures


def _stop_without_time(examples: Sequence[Example]) -> None:
    """Raise `DataError` if an example that is to be split by time has none."""
    without = [example for example in examples if example.time is None]
    if without:
        raise DataError(
            f"{len(without)} examples have no time, so they cannot be split by it",
            where=without[0].source,
            fix="name the column with `data.columns.time`, or set `data.split.by: label`",
        )


def _past(examples: Sequence[Example], parts: Parts) -> list[Example]:
    """Those that were said before everything that is evaluated, or have no time."""
    first = min((one.time for name in EVALUATED for one in parts[name] if one.time), default=None)
    return [one for one in examples if first is None or one.time is None or one.time < first]


def _astride(count: int) -> Iterator[Problem]:
    if count:
        what = (
            f"{count} examples stand in no split: they are newer than a cut in time, but like an example "
            "before it, or of one group with it"
        )
        yield _told("data.split.by", what, "nothing needs to be done; a narrower `group` drops fewer")


def _small(drawn: Parts, shares: Mapping[Split, float], size: int) -> Iterator[Problem]:
    for name, share in shares.items():
        found = len(drawn[name])
        if size and found < share * size / 2:
            what = (
                f"`{name}` has {found} examples, {found / size:.1%} instead of {share:.0%}: most others are "
                "connected by what is alike or by groups, and stay together in `train`"
            )
            fix = "group by something narrower, raise `data.split.near`, or give files of your own"
            yield _told(f"data.split.{name}", what, fix)


def _newer(parts: Parts, spec: DataSpec) -> Iterator[Problem]:
    """Where own files are older than training, a split by time does not say what it promises."""
    newer = len(parts["train"]) - len(_past(parts["train"], parts)) if "time" in spec.split.by else 0
    if newer:
        what = f"{newer} training examples are not older than your own evaluation files"
        yield _told("data.split.by", what, "give newer files, or leave `test` and `validation` to the split")


def _told(where: str, what: str, fix: str) -> Problem:
    return Problem(where=where, what=what, fix=fix, fatal=False)

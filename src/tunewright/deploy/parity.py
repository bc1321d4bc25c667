"""The parity gate: two forms of a checkpoint give the same tokens, and the adapter has an effect."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

from tunewright.core.errors import DeployError
from tunewright.core.types import Frozen, Parity, Problem
from tunewright.deploy.ports import FLOAT32

NO_EFFECT = 1e-5
"""An adapter that moves no probability of its own answers by more has no effect."""
EVIDENCE = "parity.json"
_REPORT = "report this with the release's `parity.json`; the checkpoint itself is unharmed and can be served"

Decode = Callable[[Sequence[int]], str]


class Greedy(Frozen):
    """One greedy answer: its tokens, their probabilities, and the lead over the second best.

    Where probabilities are not known for every token, both lists are shorter than the tokens.
    """

    ids: tuple[int, ...]
    probabilities: tuple[float, ...] = ()
    margins: tuple[float, ...] = ()


class Evidence(Frozen):
    """What the gate saw; written beside the release as `parity.json`."""

    same: Parity
    """The trained model against the packed form, opened again."""
    effect: Parity
    """The untouched base against the trained model."""
    served: Parity | None = None
    """The packed form against the same behind a server of its own, over HTTP."""
    largest_effect: float
    """Largest change of the probability of an answer's token, 0 to 1."""
    prompts: tuple[str, ...] = ()
    """Ids of the test examples that were asked."""
    faults: tuple[Problem, ...] = ()
    """What the form carries that is not what was frozen: template, stop token, beginning."""

    @property
    def parities(self) -> tuple[Parity, ...]:
        """All comparisons."""
        return (self.same, self.effect, *([self.served] if self.served is not None else []))


@dataclass(frozen=True)
class Said:
    """Greedy answers of one form, and what it and its checker are called."""

    name: str
    answers: Sequence[Greedy]
    checker: str = ""
    rounding: float | None = FLOAT32
    """Two tokens whose probabilities differ by less are a tie; None of a form that is measured instead."""


def compare(a: Said, b: Said, examples: Sequence[str], decode: Decode) -> Parity:
    """How far two forms say the same; judges nothing."""
    pairs = list(zip(a.answers, b.answers, strict=True))
    partings = [parting(x.ids, y.ids) for x, y in pairs]
    parted = [place for place, at in enumerate(partings) if at is not None]
    first = _shown(a, b, parted[0], examples, decode) if parted else ""
    return Parity(
        a=a.name,
        b=b.name,
        prompts=len(pairs),
        equal=len(pairs) - len(parted),
        first_difference=first,
        checker=b.checker,
        exact=b.rounding is not None,
        ties=sum(_tie(*pairs[place], partings[place] or 0, b.rounding or 0.0) for place in parted),
        agreement=_agreement(pairs, partings),
    )


def largest_effect(base: Sequence[Greedy], tuned: Sequence[Greedy]) -> float:
    """Largest change of the probability of an answer's token."""
    return max((_moved(a, b) for a, b in zip(base, tuned, strict=True)), default=0.0)


def parting(a: Sequence[int], b: Sequence[int]) -> int | None:
    """Place of the first token that differs, None where none does."""
    if tuple(a) == tuple(b):
        return None
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def require_parity(found: Evidence) -> None:
    """Raise `DeployError` unless the forms answer alike and the adapter changes the answers."""
    problems = tuple(objections(found))
    if problems:
        raise DeployError(problems=problems)


def objections(found: Evidence) -> Iterator[Problem]:
    """Everything for which the form is not released, what is known by name first."""
    yield from found.faults
    if found.largest_effect < NO_EFFECT:
        yield Problem(
            where="train",
            what=f"the adapter has no effect: on {found.effect.prompts} test prompts the untouched base "
            "gives the same probabilities",
            fix="train longer or with a higher rate, and see that the loss falls",
        )
    yield from _unequal(found.same)
    if found.served is not None:
        yield from _unequal(found.served)
    drop = found.same.drop
    if drop is not None and drop.value > drop.tolerance:
        yield Problem(
            where="deploy.export",
            what=f"the {found.same.b} form loses {drop.value:.3f} of `{drop.metric}` ({drop.low:.3f} to "
            f"{drop.high:.3f}, {drop.n} examples), and {drop.tolerance:g} are tolerated; first difference: "
            f"{found.same.first_difference or 'none'}",
            fix="take a finer type, such as `q8_0` or `f16`, or raise `deploy.quantised_tolerance`",
        )


def doubts(found: Evidence) -> Iterator[str]:
    """What the gate lets through and has not shown."""
    drop = found.same.drop
    if drop is not None and drop.value <= drop.tolerance < drop.high:
        yield (
            f"the {found.same.b} form loses {drop.value:.3f} of `{drop.metric}`; with {drop.n} examples a "
            f"loss of {drop.high:.3f} is not excluded, and {drop.tolerance:g} are tolerated"
        )


def _unequal(found: Parity) -> Iterator[Problem]:
    differing = found.prompts - found.equal - found.ties
    if found.exact and differing > 0:
        yield Problem(
            where="deploy.export",
            what=f"the {found.b} form answers {differing} of {found.prompts} test prompts with other "
            f"tokens than the {found.a}; first: {found.first_difference}",
            fix=_REPORT,
        )


def _tie(a: Greedy, b: Greedy, at: int, rounding: float) -> bool:
    """Whether the forms saw two equally likely tokens where they part, as far as they tell."""
    known = [one.margins[at] for one in (a, b) if at < len(one.margins)]
    return at < min(len(a.ids), len(b.ids)) and bool(known) and max(known) < rounding


def _moved(base: Greedy, tuned: Greedy) -> float:
    pairs = zip(base.probabilities, tuned.probabilities, strict=True)
    return max((abs(a - b) for a, b in pairs), default=0.0)


def _agreement(pairs: Sequence[tuple[Greedy, Greedy]], partings: Sequence[int | None]) -> float:
    shares = [
        1.0 if at is None else at / max(len(a.ids), len(b.ids))
        for (a, b), at in zip(pairs, partings, strict=True)
    ]
    return sum(shares) / len(shares) if shares else 1.0


def _shown(a: Said, b: Said, place: int, examples: Sequence[str], decode: Decode) -> str:
    x, y = a.answers[place], b.answers[place]
    at = parting(x.ids, y.ids) or 0

    def token(of: Greedy) -> str:
        if at >= len(of.ids):
            return "ends"
        known = f" ({of.probabilities[at]:.4f})" if at < len(of.probabilities) else ""
        return f"{decode(of.ids[at : at + 1])!r}{known}"

    return f"example `{examples[place]}`, token {at + 1}: {a.name} {token(x)}, {b.name} {token(y)}"

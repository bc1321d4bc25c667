"""The parity gate: two forms of a checkpoint give the same tokens, and the adapter has an effect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tunewright.core.errors import DeployError
from tunewright.core.types import Frozen, Parity

TIE = 1e-4
"""Two tokens whose probabilities differ by less are a tie: float32 decides it by rounding."""
NO_EFFECT = 1e-5
"""An adapter that moves no probability of its own answers by more has no effect."""


class Greedy(Frozen):
    """One greedy answer: its tokens, their probabilities, and the lead over the second best."""

    ids: tuple[int, ...]
    probabilities: tuple[float, ...]
    margins: tuple[float, ...]


class Evidence(Frozen):
    """What the gate saw; written beside the release as `parity.json`."""

    same: Parity
    """Base plus adapter against the packed form."""
    effect: Parity
    """The untouched base against base plus adapter."""
    largest_effect: float
    """Largest change of the probability of an answer's token, 0 to 1."""
    ties: int
    """Prompts that parted where two tokens were equally likely within `TIE`."""
    prompts: tuple[str, ...] = ()
    """Ids of the test examples that were asked."""


@dataclass(frozen=True)
class Answers:
    """Greedy answers to the same prompts, one list a form."""

    base: Sequence[Greedy]
    """What the untouched base says at every token of the adapter's answer."""
    adapter: Sequence[Greedy]
    packed: Sequence[Greedy]


def evidence(
    answers: Answers, form: str, examples: Sequence[str], decode: Callable[[Sequence[int]], str]
) -> Evidence:
    """Compare the three; judges nothing."""
    partings = [_parting(a.ids, b.ids) for a, b in zip(answers.adapter, answers.packed, strict=True)]
    parted = [place for place, at in enumerate(partings) if at is not None]
    moved = [_moved(b, a) for b, a in zip(answers.base, answers.adapter, strict=True)]
    first = parted[0] if parted else None
    return Evidence(
        same=Parity(
            a="adapter",
            b=form,
            prompts=len(partings),
            equal=len(partings) - len(parted),
            first_difference="" if first is None else _shown(answers, form, examples[first], first, decode),
        ),
        effect=Parity(
            a="base",
            b="adapter",
            prompts=len(moved),
            equal=sum(b.ids == a.ids for b, a in zip(answers.base, answers.adapter, strict=True)),
        ),
        largest_effect=max(moved, default=0.0),
        ties=sum(_tie(answers.adapter[i], answers.packed[i], partings[i] or 0) for i in parted),
        prompts=tuple(examples),
    )


def require_parity(found: Evidence) -> None:
    """Raise `DeployError` unless the forms answer alike and the adapter changes the answers."""
    differing = found.same.prompts - found.same.equal - found.ties
    if differing:
        raise DeployError(
            f"the {found.same.b} form answers {differing} of {found.same.prompts} test prompts with other "
            f"tokens than the adapter; first: {found.same.first_difference}",
            where="deploy.export",
            fix="report this with `parity.json`; the checkpoint itself is unharmed and can be served",
        )
    if found.largest_effect < NO_EFFECT:
        raise DeployError(
            f"the adapter has no effect: on {found.effect.prompts} test prompts the untouched base gives "
            "the same probabilities",
            where="train",
            fix="train longer or with a higher rate, and see that the loss falls",
        )


def _parting(a: Sequence[int], b: Sequence[int]) -> int | None:
    """Place of the first token that differs, None where none does."""
    if tuple(a) == tuple(b):
        return None
    return next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))


def _tie(a: Greedy, b: Greedy, at: int) -> bool:
    """Whether both forms saw two equally likely tokens where they part."""
    return at < min(len(a.margins), len(b.margins)) and max(a.margins[at], b.margins[at]) < TIE


def _moved(base: Greedy, tuned: Greedy) -> float:
    pairs = zip(base.probabilities, tuned.probabilities, strict=True)
    return max((abs(a - b) for a, b in pairs), default=0.0)


def _shown(
    answers: Answers, form: str, example: str, place: int, decode: Callable[[Sequence[int]], str]
) -> str:
    a, b = answers.adapter[place], answers.packed[place]
    at = _parting(a.ids, b.ids) or 0

    def token(of: Greedy) -> str:
        return f"{decode(of.ids[at : at + 1])!r} ({of.probabilities[at]:.4f})" if at < len(of.ids) else "ends"

    return f"example `{example}`, token {at + 1}: adapter {token(a)}, {form} {token(b)}"

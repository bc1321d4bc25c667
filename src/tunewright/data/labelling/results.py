"""What the answers of people come to: item by item, and all together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal

from tunewright.core.types import Frozen
from tunewright.runtime.measure.labels import normalised
from tunewright.runtime.queue import Answer, Item

State = Literal["open", "unsure", "single", "agreed", "disputed", "decided"]


@dataclass(frozen=True)
class Verdict:
    """Where an item stands, with the answer that counts."""

    state: State
    value: str | None = None


class Annotator(Frozen):
    """What one person did."""

    given: int = 0
    unsure: int = 0
    skipped: int = 0
    decided: int = 0
    suggested: int = 0
    """Answers that were given in sight of a suggestion."""
    accepted: int = 0
    """Of these, those that are the suggestion."""


class Status(Frozen):
    """How far the labelling is."""

    items: int
    states: dict[State, int]
    """`open` nobody answered, `unsure` only unsure, `single` one answer, `agreed`, `disputed`, `decided`."""
    answers_missing: int
    """Answers that are still wanted."""
    annotators: dict[str, Annotator]
    labels: dict[str, int]
    """How often each answer counts, the most frequent first; empty for written answers."""


def given(item: Item) -> list[Answer]:
    """The answers with a value, one a person."""
    return [answer for answer in item.answers if answer.kind == "given" and answer.value is not None]


def verdict(item: Item) -> Verdict:
    """Only people's answers count: a decision, else what all who answered say."""
    decided = [answer for answer in item.answers if answer.kind == "decided"]
    if decided:
        return Verdict("decided", decided[-1].value)
    said = given(item)
    if not said:
        return Verdict("unsure" if any(one.kind == "unsure" for one in item.answers) else "open")
    if len({normalised(one.value or "") for one in said}) > 1:
        return Verdict("disputed")
    return Verdict("agreed" if len(said) > 1 else "single", said[0].value)


def disputed(items: Iterable[Item]) -> list[Item]:
    """Items whose annotators differ and nobody decided, in their order."""
    return [item for item in items if verdict(item).state == "disputed"]


def most(item: Item) -> str | None:
    """What most said; None where two answers are as frequent."""
    ranked = Counter(one.value for one in given(item)).most_common(2)
    return None if len(ranked) > 1 and ranked[0][1] == ranked[1][1] else ranked[0][0]


def labels_of(items: Iterable[Item]) -> dict[str, str]:
    """The answer that counts by id of the item, where there is one; in a dispute what most said."""
    found = {}
    for item in items:
        counts = verdict(item)
        value = most(item) if counts.state == "disputed" else counts.value
        if value is not None:
            found[item.id] = value
    return found


def status(items: Sequence[Item], *, labels: bool) -> Status:
    """Count everything."""
    verdicts = [verdict(item) for item in items]
    people = sorted({answer.annotator for item in items for answer in item.answers})
    frequent = Counter(one.value for one in verdicts if one.value is not None) if labels else Counter()
    return Status(
        items=len(items),
        states=dict(Counter(one.state for one in verdicts)),
        answers_missing=sum(
            max(0, item.wanted - len(given(item)))
            for item, one in zip(items, verdicts, strict=True)
            if one.state != "decided"
        ),
        annotators={person: _person(person, items) for person in people},
        labels=dict(frequent.most_common()),
    )


def _person(person: str, items: Sequence[Item]) -> Annotator:
    own = [answer for item in items for answer in item.answers if answer.annotator == person]
    kinds = Counter(answer.kind for answer in own)
    seen = [answer for answer in own if answer.kind == "given" and answer.suggested is not None]
    return Annotator(
        given=kinds["given"],
        unsure=kinds["unsure"],
        skipped=kinds["skipped"],
        decided=kinds["decided"],
        suggested=len(seen),
        accepted=sum(answer.value == answer.suggested for answer in seen),
    )

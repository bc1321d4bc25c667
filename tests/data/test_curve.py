"""The learning curve of labelled examples, and the doctor's advice on their number."""

from __future__ import annotations

import random

import pytest

from tunewright.core.types import Example, Message
from tunewright.data.curve import label_curve, sizes_up_to
from tunewright.data.doctor import size

TOPICS = {
    "card": ["card", "chip", "plastic", "contactless", "pin", "expired", "swallowed", "stolen"],
    "transfer": ["transfer", "payment", "recipient", "pending", "sent", "landlord", "wire", "iban"],
    "loan": ["loan", "mortgage", "interest", "rate", "repay", "borrow", "credit", "instalment"],
    "login": ["password", "login", "code", "locked", "reset", "account", "username", "device"],
}
FILL = ["please", "help", "today", "again", "why", "my", "the", "is", "what", "now", "still", "about"]


def examples(count: int, seed: int = 0, noise: float = 0.05) -> list[Example]:
    """Questions of two telling words among seven, some with the label of another topic."""
    draw = random.Random(seed)
    found = []
    for number in range(count):
        label = draw.choice(list(TOPICS))
        words = [*draw.sample(TOPICS[label], 1), *draw.sample(FILL, 5)]
        draw.shuffle(words)
        shown = draw.choice(list(TOPICS)) if draw.random() < noise else label
        turns = (Message(role="user", content=" ".join(words)), Message(role="assistant", content=shown))
        found.append(Example(id=str(number), messages=turns, label=shown, source=f"a.csv line {number}"))
    return found


def test_sizes_are_halves_of_what_there_is() -> None:
    assert sizes_up_to(800) == (25, 50, 100, 200, 400, 800)
    assert sizes_up_to(30) == (30,)


def test_error_falls_with_examples_and_the_same_seed_gives_the_same_curve() -> None:
    train, held_out = examples(600), examples(300, seed=1)
    told: list[tuple[int, int]] = []
    curve = label_curve(train, held_out, more=500, told=lambda done, total: told.append((done, total)))
    assert curve is not None
    assert [point.examples for point in curve.points] == [37, 75, 150, 300, 600][-len(curve.points) :]
    assert curve.points[0].value > curve.points[-1].value
    assert curve.now.low <= curve.now.value <= curve.now.high
    assert 0 <= curve.gain.low <= curve.gain.high
    assert told[-1] == (5, 5)
    assert label_curve(train, held_out, more=500) == curve


def test_too_little_gives_no_curve() -> None:
    assert label_curve(examples(40), examples(100, seed=1)) is None
    assert label_curve(examples(400), examples(10, seed=1)) is None


def test_the_advice_says_that_it_measured_and_shows_every_size() -> None:
    (found,) = size(examples(600), examples(300, seed=1))
    assert found.kind == "size" and "measured" in found.what and "[" in found.what
    assert [row.source for row in found.rows][-1] == "600 examples"


@pytest.mark.parametrize(
    ("count", "rule"), [(30, "fewer than any rule"), (400, "1,000"), (6000, "more than")]
)
def test_without_labels_the_advice_names_its_rule_of_thumb_and_that_nothing_was_measured(
    count: int, rule: str
) -> None:
    plain = [one.model_copy(update={"label": None}) for one in examples(count)]
    (found,) = size(plain, [])
    assert rule in found.what and "nothing was measured" in found.what
    assert "tunewright curve --train" in found.fix

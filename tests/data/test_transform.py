"""Transforms change the texts before anything is stored, and every change is told."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.core.types import Dataset, Example, Message
from tunewright.data.ports import Change
from tunewright.data.texts import rewritten
from tunewright.data.transform import Log, opened, transform
from tunewright.runtime import examples as on_disk
from tunewright.runtime.plugins import Named

Run = Callable[..., Dataset]
Questions = list[tuple[str, str]]


def example(number: int, question: str, answer: str, label: str | None = None) -> Example:
    turns = (Message(role="user", content=question), Message(role="assistant", content=answer))
    return Example(id=str(number), messages=turns, label=label, source=f"a.csv line {number}")


def test_wrongly_decoded_text_is_mended_and_shown_before_and_after(
    project: Path, questions: Questions, csv_of: Callable[[Questions], str], run_in: Run
) -> None:
    (question, label), *rest = questions
    (project / "tickets.csv").write_text(csv_of([(question + " cafÃ©", label), *rest]))
    dataset = run_in(sources="tickets.csv", transforms="unicode")
    (change,) = json.loads((dataset.path / "changes.json").read_bytes())
    assert (change["name"], change["changed"], change["dropped"]) == ("unicode", 1, 0)
    (sample,) = change["samples"]
    assert sample["before"].endswith("cafÃ©") and sample["after"].endswith("café")
    assert sample["source"] == "tickets.csv line 2" and sample["part"] == "messages[0]"
    assert "| unicode | 1 | 0 |" in (dataset.path / "card.md").read_text()
    stored = [one for name in ("train", "validation", "test") for one in on_disk.read(dataset, name)]
    assert sum(one.messages[0].content.endswith("café") for one in stored) == 1


def test_a_label_is_never_rewritten_and_an_example_without_text_is_dropped_and_told() -> None:
    (batch,) = on_disk.to_batches(
        [example(1, "UP", "Label", "Label"), example(2, "gone", "x", "x"), example(3, "UP", "Answer")]
    )
    found, changes = rewritten(batch, lambda text: None if text == "gone" else text.lower(), "lowered")
    kept = list(on_disk.of_batch(found))
    assert [one.id for one in kept] == ["1", "3"]
    assert [one.answer for one in kept] == ["Label", "answer"]
    told = [(change.source, change.part, change.after) for change in changes]
    assert told[:2] == [("a.csv line 1", "messages[0]", "up"), ("a.csv line 2", "example", None)]


def test_what_comes_before_mask_keeps_no_text() -> None:
    log = Log(("boilerplate", "mask", "unicode"))
    change = Change(
        source="a line 1", part="text", what="took out “Anna”, in 20 examples", before="Anna", after=""
    )
    for place in range(3):
        log.note(place, [change])
    first, _, last = log.result()
    assert first.kinds == {"took out": 1} and first.samples[0].before is first.samples[0].after is None
    assert last.samples[0].before == "Anna"


def test_a_transform_that_learns_sees_what_the_ones_before_it_made() -> None:
    greeting = "Thanks for writing to us today."
    examples = [example(number, f"<p>{greeting}</p><p>Number {number}</p>", "x") for number in range(30)]
    batches = list(on_disk.to_batches(examples))
    names = ("markup", "boilerplate")
    log = Log(names)
    ready = opened([Named(name=name) for name in names], lambda: batches)
    (batch,) = transform(batches, ready, log)
    assert [one.messages[0].content for one in on_disk.of_batch(batch)][:2] == ["Number 0", "Number 1"]
    assert [one.changed for one in log.result()] == [30, 30]


texts = st.text(min_size=1).filter(lambda text: bool(text.strip()))


@settings(deadline=None)
@given(st.lists(st.tuples(texts, texts), min_size=1, max_size=5))
def test_what_is_not_told_is_not_changed(pairs: list[tuple[str, str]]) -> None:
    given_ones = [example(number, *pair) for number, pair in enumerate(pairs)]
    (batch,) = on_disk.to_batches(given_ones)
    found, changes = rewritten(batch, lambda text: text.replace("a", "b"), "a to b")
    told = {(change.source, change.part) for change in changes}
    for before, after in zip(given_ones, on_disk.of_batch(found), strict=True):
        assert before.model_copy(update={"messages": after.messages}) == after
        for place, (old, new) in enumerate(zip(before.messages, after.messages, strict=True)):
            assert (old != new) == ((before.source, f"messages[{place}]") in told)


def test_line_ends_that_were_made_alike_are_not_called_broken_unicode() -> None:
    from tunewright.data.transforms.unicode import Unicode

    rows = [
        {**dict.fromkeys(on_disk.schema().names), "source": f"line {n}", "messages": [], "text": text}
        for n, text in enumerate(("one\r\ntwo", "cafÃ©"))
    ]
    _, changes = Unicode().apply(on_disk.batch_of(rows))
    assert [change.what for change in changes] == ["made line ends alike", "mended Unicode"]

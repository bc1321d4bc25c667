"""Only what ended well is kept, where it is known."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from tunewright.core.types import Example
from tunewright.data import look
from tunewright.data.transforms.outcome import Outcome
from tunewright.runtime import examples as on_disk
from tunewright.testing.conformance import TransformConformance


class TestOutcome(TransformConformance):
    def plugin(self) -> Outcome:
        return Outcome()

    def examples(self) -> list[Example]:
        return [
            one.model_copy(update={"tags": (f"outcome:{('open', 'solved')[place % 2]}",)})
            for place, one in enumerate(super().examples())
        ]


def kept(transform: Outcome, outcomes: list[str]) -> list[str]:
    examples = [
        Example(id=str(n), text="x", source=f"line {n}", tags=("old", f"outcome:{one}") if one else ("old",))
        for n, one in enumerate(outcomes)
    ]
    (batch,) = on_disk.to_batches(examples)
    found, changes = transform.apply(batch)
    stay = [one.id for one in on_disk.of_batch(found)]
    assert len(changes) == len(outcomes) - len(stay)
    assert all(change.part == "example" and change.what.startswith("dropped: ") for change in changes)
    return [outcomes[int(one)] for one in stay]


def test_outcomes_are_kept_by_name_and_unknown_ones_by_option() -> None:
    outcomes = ["resolved", "open", "", "closed", "wontfix"]
    assert kept(Outcome(), outcomes) == ["resolved", "", "closed"]
    assert kept(Outcome(keep=("Open",), unknown="drop"), outcomes) == ["open"]


@pytest.mark.parametrize(
    ("row", "columns"),
    [
        ({"text": "q", "label": "a", "state": "Won"}, {"outcome": "state"}),
        ({"prompt": "q", "completion": "a", "state": "Won"}, {"outcome": "state"}),
        (
            {
                "messages": [{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}],
                "outcome": "won ",
            },
            {},
        ),
        ({"text": "q", "outcome": "WON"}, {}),
    ],
)
def test_every_shape_has_its_outcome_as_a_tag(
    tmp_path: Path, row: dict[str, object], columns: dict[str, str]
) -> None:
    (tmp_path / "a.jsonl").write_text(json.dumps(row))
    (one,) = look("a.jsonl", folder=tmp_path, columns=columns).first
    assert one.tags == ("outcome:won",)

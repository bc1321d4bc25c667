"""What repeats over many examples is found and taken out, what was named is taken out."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.data.ports import Change
from tunewright.data.transforms.boilerplate.passages import passages, without

DOLLY = Path(__file__).parents[4] / "shared" / "datasets" / "dolly_hhrlhf_small" / "train_small.jsonl"
GREETING = "Thank you for contacting our support team."

Apply = Callable[..., tuple[list[str], list[Change]]]


def test_a_repeated_sentence_is_found_and_taken_out_and_counted(apply: Apply) -> None:
    texts = [f"{GREETING} My question is number {number}." for number in range(40)]
    found, changes = apply("boilerplate", [*texts, "What about this one?"])
    assert found[0] == "My question is number 0." and found[-1] == "What about this one?"
    assert len(changes) == 40
    assert changes[0].what == f"took out “{GREETING}”, in 40 examples"


def test_a_text_of_nothing_else_stays(apply: Apply) -> None:
    assert apply("boilerplate", [GREETING] * 50) == ([GREETING] * 50, [])
    both = f"{GREETING} {GREETING}"
    assert apply("boilerplate", [both] * 50)[0] == [both] * 50


def test_too_few_or_too_short_is_no_boilerplate(apply: Apply) -> None:
    texts = [f"{GREETING} Number {number}." for number in range(19)]
    assert not apply("boilerplate", texts)[1]
    assert not apply("boilerplate", [f"Hello there. Number {number}." for number in range(99)])[1]


def test_named_passages_go_whatever_their_number(apply: Apply) -> None:
    found, changes = apply(
        "boilerplate", ["### Instruction:\nsay it"], passages=["### instruction:"], find=False
    )
    assert found == ["say it"] and len(changes) == 1


@settings(deadline=None)
@given(st.text("ab.!? \n", max_size=60))
def test_passages_joined_are_the_text(text: str) -> None:
    assert "".join(passages(text)) == text
    assert without(text, set()) == text


@pytest.mark.skipif(not DOLLY.exists(), reason="needs ../shared/datasets/dolly_hhrlhf_small")
def test_the_template_around_real_prompts_is_found(apply: Apply) -> None:
    prompts = [json.loads(line)["prompt"] for line in DOLLY.read_text("utf-8").splitlines()[:200]]
    found, changes = apply("boilerplate", prompts)
    assert len(changes) >= 190
    assert not any("Below is an instruction" in text for text in found)

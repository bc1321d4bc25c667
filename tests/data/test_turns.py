"""Turns are found in lists, transcripts and chat markup; what has none is refused with a remedy."""

from __future__ import annotations

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tunewright.data.turns import Refused, of_list, of_markup, of_transcript, preferred

WANT = [("system", "s"), ("user", "q"), ("assistant", "a")]


@pytest.mark.parametrize(
    "text",
    [
        "<|im_start|>system\ns<|im_end|>\n<|im_start|>user\nq<|im_end|>\n<|im_start|>assistant\na<|im_end|>\n",
        "<s>[INST] <<SYS>>\ns\n<</SYS>>\n\nq [/INST] a </s>",
        "<|begin_of_text|><|start_header_id|>system<|end_header_id|>\n\ns<|eot_id|>"
        "<|start_header_id|>user<|end_header_id|>\n\nq<|eot_id|>"
        "<|start_header_id|>assistant<|end_header_id|>\n\na<|eot_id|>",
        "<|system|>\ns</s>\n<|user|>\nq</s>\n<|assistant|>\na</s>",
        "s\n\n### Instruction:\nq\n\n### Response:\na",
        "<bos>s<start_of_turn>user\nq<end_of_turn>\n<start_of_turn>model\na<end_of_turn>",
    ],
)
def test_customary_markup_gives_its_turns(text: str) -> None:
    assert of_markup(text) == WANT


def test_an_input_belongs_to_its_instruction() -> None:
    text = "### Instruction:\nTranslate.\n\n### Input:\nHallo\n\n### Response:\nHello"
    assert of_markup(text) == [("user", "Translate.\n\nHallo"), ("assistant", "Hello")]


words = st.text(st.characters(categories=["L", "N"], codec="utf-8"), min_size=1, max_size=8)


@given(st.lists(st.tuples(words, words), min_size=1, max_size=4))
def test_a_transcript_gives_back_what_was_said(pairs: list[tuple[str, str]]) -> None:
    text = "".join(f"\n\nHuman: {asked}\n\nAssistant: {said}" for asked, said in pairs)
    assert of_transcript(text) == [
        turn for asked, said in pairs for turn in (("user", asked), ("assistant", said))
    ]


def test_preferences_are_read_from_texts_transcripts_and_turns() -> None:
    better = json.dumps([{"role": "user", "content": "q"}, {"role": "assistant", "content": "a"}])
    want = ([("user", "q"), ("assistant", "a")], "b")
    assert preferred("q", "a", "b") == want
    assert preferred(None, better, better.replace('"a"', '"b"')) == want
    assert preferred(None, "\n\nHuman: q\n\nAssistant: a", "\n\nHuman: q\n\nAssistant: b") == want


@pytest.mark.parametrize(
    ("chosen", "rejected", "said"),
    [
        ("a", "b", "no prompt"),
        ("Human: q\n\nAssistant: a", "Human: other\n\nAssistant: b", "same conversation"),
        ("Human: q", "Human: q", "nothing to learn"),
    ],
)
def test_preferences_without_a_common_prompt_are_refused(chosen: str, rejected: str, said: str) -> None:
    with pytest.raises(Refused, match=said) as caught:
        preferred(None, chosen, rejected)
    assert caught.value.fix


@given(st.text(max_size=60) | st.recursive(st.none() | st.text(max_size=5), st.lists).map(json.dumps))
def test_any_text_gives_turns_or_is_refused(text: str) -> None:
    for read in (of_list, of_transcript, of_markup):
        try:
            assert all(role and content for role, content in read(text))
        except Refused as error:
            assert error.fix

"""The shape of a source is seen from its columns and values, or the mapping to write is named."""

from __future__ import annotations

import pytest

from tunewright.core.errors import DataError
from tunewright.data.detect import Detected, detect
from tunewright.data.spec import Columns, Shape

CHAT = '[{"role": "user", "content": "a"}, {"role": "assistant", "content": "b"}]'

SHARED = '[{"from": "human", "value": "a"}, {"from": "gpt", "value": "b"}]'


def seen(
    values: dict[str, list[str | None]],
    columns: Columns | None = None,
    shape: Shape | None = None,
    *,
    labels_wanted: bool = False,
) -> Detected:
    return detect(
        values, where="a.csv", columns=columns or Columns(), shape=shape, labels_wanted=labels_wanted
    )


@pytest.mark.parametrize(
    ("values", "shape"),
    [
        ({"messages": [CHAT]}, "messages"),
        ({"instruction": ["a"], "input": [None], "output": ["b"]}, "instruction"),
        ({"instruction": ["a"], "output": ["b"], "chosen": ["b"], "rejected": ["c"]}, "preference"),
        ({"prompt": ["a"], "chosen": ["b"], "rejected": ["c"]}, "preference"),
        ({"prompt": ["a"], "completion": ["b"], "label": ["true"]}, "desirable"),
        ({"prompt": ["a", "b"], "completion": ["b", "c"], "label": ["yes", "no"]}, "desirable"),
        ({"conversations": [SHARED]}, "sharegpt"),
        ({"text": ["Human: a\n\nAssistant: b"]}, "transcript"),
        ({"text": ["### Instruction:\na\n\n### Response:\nb"]}, "marked"),
        ({"text": ["<|im_start|>user\na<|im_end|>\n<|im_start|>assistant\nb<|im_end|>"]}, "marked"),
        ({"text": ["[INST] a [/INST] b</s>"], "id": ["1"]}, "marked"),
        ({"text": ["a paragraph of a book"], "url": ["x"]}, "text"),
        ({"prompt": ["a"], "completion": ["b"]}, "completion"),
        ({"prompt": ["a"], "response": ["b"]}, "completion"),
        ({"text": ["a"], "label": ["b"]}, "label"),
        ({"Sentence": ["a"], "Intent": ["b"], "n": ["1"]}, "label"),
        ({"question": ["a"], "category": ["b"]}, "label"),
    ],
)
def test_customary_columns_are_known(values: dict[str, list[str | None]], shape: str) -> None:
    assert seen(values).shape == shape


def test_two_unknown_columns_are_told_apart_by_their_values() -> None:
    found = seen({"q": [f"question {n}" for n in range(60)], "dept": ["a", "b", "c"] * 20})
    assert (found.columns.text, found.columns.label, found.confidence) == ("q", "dept", 0.6)


def test_a_named_column_wins() -> None:
    found = seen({"text": ["a"], "label": ["b"], "intent": ["c"]}, Columns(label="intent"))
    assert found.columns.label == "intent"


def test_a_missing_column_is_named_with_those_that_are_there() -> None:
    with pytest.raises(DataError, match="no column `intent`") as caught:
        seen({"text": ["a"], "label": ["b"]}, Columns(label="intent"))
    assert "`label`" in caught.value.problems[0].fix


def test_what_can_be_read_in_two_ways_is_asked_for() -> None:
    values: dict[str, list[str | None]] = {"question": ["a"], "category": ["b"], "answer": ["c"]}
    with pytest.raises(DataError, match="can be read as") as caught:
        seen(values)
    assert "data.format" in caught.value.problems[0].fix
    assert seen(values, labels_wanted=True).shape == "label"
    assert seen(values, shape="completion").shape == "completion"


def test_a_column_that_the_spec_names_and_the_shape_has_no_place_for_is_told() -> None:
    values: dict[str, list[str | None]] = {"prompt": ["a"], "completion": ["b"], "kind": ["c"]}
    with pytest.raises(DataError, match="has no place for it") as caught:
        seen(values, Columns(prompt="prompt", completion="completion", desirable="kind"), "completion")
    assert "`desirable`" in str(caught.value)


def test_what_looks_like_nothing_known_is_refused() -> None:
    with pytest.raises(DataError, match="do not look like") as caught:
        seen({"a": ["1"], "b": ["2"], "c": ["3"]})
    assert "data.columns" in caught.value.problems[0].fix


def test_a_long_text_is_no_label() -> None:
    with pytest.raises(DataError):
        seen({"text": ["a"], "label": ["word " * 40]})


def test_a_shape_that_the_spec_names_needs_its_columns_and_nothing_else() -> None:
    values: dict[str, list[str | None]] = {"full": ["a paragraph"], "spans": ["[1]"], "kind": ["word " * 40]}
    assert seen(values, Columns(text="full"), "text").columns.text == "full"
    assert seen(values, Columns(text="full", label="kind"), "label").columns.label == "kind"


def test_a_text_column_alone_is_asked_for_its_label_or_its_shape() -> None:
    with pytest.raises(DataError) as caught:
        seen({"full": ["a paragraph"], "spans": ["[1]"]}, Columns(text="full"))
    assert "data.format: text" in caught.value.problems[0].fix


OURS: dict[str, list[str | None]] = {
    **{"messages": ["[]"], "text": [None], "rejected": [None], "references": ["[]"]},
    **{"desirable": [None], "label": [None], "weight": ["1.0"], "source": ["a.csv line 2"]},
}


def test_a_file_of_examples_that_we_wrote_is_read_by_what_stands_in_it() -> None:
    assert seen(OURS | {"messages": [CHAT], "label": ["a"]}).shape == "messages"
    assert seen(OURS | {"text": ["a passage"]}).shape == "text"

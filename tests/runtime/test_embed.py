"""The static embedding."""

import subprocess
import sys
from importlib import resources

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.core import digest
from tunewright.runtime.embed import embed, knows


def closeness(a: str, b: str) -> float:
    left, right = embed([a, b])
    return float(left @ right)


def test_a_text_is_one_vector_of_length_one() -> None:
    vectors = embed(["Where is my card?", "A rather longer text. " * 400])
    assert vectors.shape == (2, 256)
    assert vectors.dtype == np.float32
    assert np.linalg.norm(vectors, axis=1) == pytest.approx([1, 1], abs=1e-5)


@pytest.mark.parametrize(
    ("text", "near", "far"),
    [
        (
            "My card has not arrived yet",
            "I am still waiting for the card in the post",
            "The exchange rate is wrong",
        ),
        ("a physician examined the patient", "the doctor saw a sick man", "the stock market fell sharply"),
        ("cancel my subscription", "I want to end the contract", "what is the weather tomorrow"),
    ],
)
def test_texts_of_one_meaning_are_nearer_than_others(text: str, near: str, far: str) -> None:
    assert closeness(text, near) > closeness(text, far) + 0.1


def test_case_and_accents_do_not_matter() -> None:
    assert closeness("CAFÉ Noir", "cafe noir") == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("text", ["", "   ", "\U00013000"])
def test_a_text_that_says_nothing_is_like_nothing(text: str) -> None:
    assert not embed([text]).any()


def test_no_texts_give_no_vectors() -> None:
    assert embed([]).shape == (0, 256)


@given(st.lists(st.text(max_size=60), min_size=1, max_size=6))
@settings(max_examples=30, deadline=None)
def test_a_vector_does_not_depend_on_the_texts_beside_it(texts: list[str]) -> None:
    together = embed(texts)
    assert np.isfinite(together).all()
    for text, vector in zip(texts, together, strict=True):
        assert embed([text])[0] == pytest.approx(vector, abs=1e-5)


def test_more_texts_than_are_tokenised_together_stay_in_order() -> None:
    vectors = embed(["first", *["card"] * 8191, "last"])
    assert vectors[0] @ embed(["first"])[0] == pytest.approx(1, abs=1e-5)
    assert vectors[-1] @ embed(["last"])[0] == pytest.approx(1, abs=1e-5)


@pytest.mark.parametrize("name", ["static.safetensors", "tokenizer.json"])
def test_the_notice_names_the_asset_by_its_content(name: str) -> None:
    folder = resources.files("tunewright.runtime.embed")
    assert digest.of_bytes((folder / name).read_bytes()) in (folder / "NOTICE.md").read_text(encoding="utf-8")


def test_naming_it_loads_nothing_heavy_and_using_it_loads_no_torch() -> None:
    script = (
        "import sys; from tunewright.runtime.embed import embed; assert 'numpy' not in sys.modules;"
        "embed(['card']); assert not {'torch', 'transformers', 'model2vec'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_common_word_is_known_and_a_part_of_one_is_not() -> None:
    assert knows("account") and knows("transfer")
    assert not knows("accou") and not knows("transfe")

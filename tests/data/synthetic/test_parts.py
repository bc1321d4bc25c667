"""The small parts: passages, slips of the keys, templates, and what is read of an answer."""

from __future__ import annotations

import random
import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.data.synthetic.conftest import chat, example

from tunewright.data.synthetic import asking, noise, pairs, paraphrase, prompt
from tunewright.data.synthetic.draft import Draft, Seed
from tunewright.data.synthetic.filters import sift, unlike
from tunewright.data.synthetic.spec import KINDS

SEED = Seed(source="here", question="where is it", answer="there")
TEXTS = st.text(alphabet=st.sampled_from("abcdefgh XYZ019[]?.\n"), max_size=200)


@settings(deadline=None)
@given(st.lists(st.integers(1, 400), max_size=8))
def test_passages_hold_every_word_in_order_and_none_is_too_long(sizes: list[int]) -> None:
    text = "\n\n".join(
        " ".join(f"w{place}-{word}" for word in range(size)) for place, size in enumerate(sizes)
    )
    found = pairs.passages(text)
    words = [word for passage in found for word in passage.split()]
    assert all(pairs.LEAST <= len(passage.split()) <= pairs.MOST for passage in found)
    rest = iter(text.split())
    assert all(word in rest for word in words)
    assert len(text.split()) - len(words) < pairs.LEAST * max(1, len(text.split()) // pairs.MOST + len(sizes))


@settings(deadline=None)
@given(TEXTS, st.integers())
def test_slips_leave_numbers_and_placeholders_alone(text: str, seed: int) -> None:
    made = noise.mistyped(text, random.Random(seed))
    held = re.compile(r"\d+")
    assert held.findall(made) == held.findall(text)
    assert made == noise.mistyped(text, random.Random(seed))


def test_a_placeholder_is_never_mistyped() -> None:
    text = "please call [PERSON_1] or [NAME OF A DEPOT] about the parcel B12-X"
    found = [noise.mistyped(text, random.Random(seed)) for seed in range(200)]
    held = ("[PERSON_1]", "[NAME OF A DEPOT]", "B12-X")
    assert all(part in made for made in found for part in held)
    assert len(set(found)) > 100


@pytest.mark.parametrize(
    ("said", "read"),
    [
        ("Question: Who?\nAnswer: Me.", ("Who?", "Me.")),
        ("Sure!\n**Question:** Who?\n\n**Answer:** Me.\nAnd you.", ("Who?", "Me.\nAnd you.")),
        ("Question: Who?\nAnswer: Me.\n\nQuestion: Why?\nAnswer: So.", ("Who?", "Me.")),
        ('```json\n{"question": "Who?", "answer": "Me."}\n```', ("Who?", "Me.")),
        ('{"question": "Who?"}', None),
        ("Who? Me.", None),
        ("", None),
    ],
)
def test_a_pair_is_read_in_the_ways_that_teachers_write_it(said: str, read: tuple[str, str] | None) -> None:
    draft = pairs.read(said, SEED)
    assert (draft and (draft.question, draft.answer)) == read


@pytest.mark.parametrize(
    ("said", "read"),
    [('"Where is it?"', "Where is it?"), ("\n\nNew question: Where?\nOr so.", "Where?"), (" \n", None)],
)
def test_a_paraphrase_is_its_first_line(said: str, read: str | None) -> None:
    draft = paraphrase.read(said, SEED)
    assert (draft and draft.question) == read


def test_what_is_filled_in_is_not_filled_again() -> None:
    assert (
        prompt.filled("{question} {other} {answer}", {"question": "{answer}", "answer": "x"})
        == "{answer} {other} x"
    )


def test_every_template_of_ours_passes_its_own_check() -> None:
    for kind in (*KINDS[:-1], "judge"):
        assert (
            set(prompt.NEEDED[kind])
            <= set(re.findall(r"\{([a-z]+)\}", prompt.built_in(kind)))
            <= set(prompt.NAMES)
        )


@pytest.mark.parametrize(("said", "grade"), [("4", 4), ("Rating: 5/5", 5), ("none", None), ("9", None)])
def test_a_rating_is_the_first_number_that_is_one(said: str, grade: int | None) -> None:
    assert asking.grade(said) == grade


@settings(deadline=None)
@given(
    st.lists(
        st.sampled_from(["a long question about it", "a long question about It!", "b", "c d e f"]), max_size=9
    )
)
def test_of_those_that_are_alike_one_stays(questions: list[str]) -> None:
    drafts = [Draft(seed=SEED, question=question, answer="x") for question in questions]
    kept, refused = sift(drafts, chat(), {"repeated": unlike(["c d e f"])})
    said = {question.lower().rstrip("!") for question in questions} - {"c d e f"}
    assert len(kept) == len(said) and len(kept) + len(refused) == len(drafts)


def test_only_what_people_said_is_paraphrased() -> None:
    made = example("made up", "no", tags=("synthetic",))
    bad = example("bad", "no", desirable=False)
    ground = chat(train=(made, bad, example("real", "yes")))
    assert [seed.question for seed in paraphrase.seeds(ground, [])] == ["real"]

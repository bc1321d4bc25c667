"""Near-duplicates are found exactly."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.runtime.near import clusters, near_matches, near_pairs, normalised

BANKING = Path(__file__).parents[3] / "shared" / "datasets" / "banking77"
TEXTS = st.lists(st.text("abc d", max_size=14), max_size=12)
THRESHOLDS = st.sampled_from([0.1, 0.3, 0.5, 0.7, 0.9, 1.0])


def grams(text: str) -> set[str]:
    padded = normalised(text).ljust(4, "\0")
    return {padded[i : i + 4] for i in range(len(padded) - 3)}


def alike(a: str, b: str) -> float:
    return len(grams(a) & grams(b)) / len(grams(a) | grams(b))


@settings(max_examples=60, deadline=None)
@given(TEXTS, THRESHOLDS)
def test_every_pair_is_found_and_no_other(texts: list[str], threshold: float) -> None:
    expected = {
        (i, j) for j in range(len(texts)) for i in range(j) if alike(texts[i], texts[j]) >= threshold - 1e-9
    }
    pairs = near_pairs(texts, threshold)
    assert {(pair.a, pair.b) for pair in pairs} == expected
    assert all(pair.similarity == pytest.approx(alike(texts[pair.a], texts[pair.b])) for pair in pairs)


@settings(max_examples=40, deadline=None)
@given(TEXTS, TEXTS, THRESHOLDS)
def test_every_match_of_a_query_is_found_and_no_other(a: list[str], b: list[str], threshold: float) -> None:
    expected = {(i, j) for i in range(len(a)) for j in range(len(b)) if alike(a[i], b[j]) >= threshold - 1e-9}
    assert {(pair.a, pair.b) for pair in near_matches(a, b, threshold)} == expected


def test_clusters_follow_chains_of_near_duplicates() -> None:
    texts = ["where is my card", "something else", "Where is my card?", "where is my cards"]
    assert clusters(texts) == [0, 1, 0, 0]


def test_case_spacing_punctuation_and_unicode_form_make_no_difference() -> None:
    assert normalised("  Where’s\nmy ＣＡＲＤ?!") == normalised("where s my card")
    assert normalised("???") == "???"
    assert normalised("straße") == normalised("STRASSE")


def test_no_texts_have_no_pairs() -> None:
    assert near_pairs([]) == [] == near_matches([], ["a"]) == near_matches(["a"], [])


@pytest.mark.skipif(not BANKING.exists(), reason="needs ../shared/datasets/banking77")
def test_the_known_overlap_of_banking77_is_found() -> None:
    def texts(name: str) -> list[str]:
        with (BANKING / name).open(newline="", encoding="utf-8") as file:
            return [line["text"] for line in csv.DictReader(file)]

    train, test = texts("train.csv"), texts("test.csv")
    assert len({pair.a for pair in near_matches(test, train, 0.7)}) == 492
    known = {normalised(text) for text in train}
    assert sum(normalised(text) in known for text in test) == 25

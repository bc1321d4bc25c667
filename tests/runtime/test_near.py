"""Near-duplicates are found exactly."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.runtime.near import clusters, likely_pairs, near_matches, near_pairs, normalised
from tunewright.runtime.near.minhash import EXACT_UP_TO

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


@pytest.mark.skipif(not BANKING.exists(), reason="needs ../shared/datasets/banking77")
def test_likely_pairs_are_nearly_all_and_every_one_is_right() -> None:
    with (BANKING / "train.csv").open(newline="", encoding="utf-8") as file:
        texts = [line["text"] for line in csv.DictReader(file)][: EXACT_UP_TO + 500]
    exact = {(pair.a, pair.b): pair.similarity for pair in near_pairs(texts, 0.6)}
    likely = likely_pairs(texts, 0.6)
    assert all(exact[pair.a, pair.b] == pytest.approx(pair.similarity) for pair in likely)
    assert len(likely) >= 0.97 * len(exact)
    assert likely == sorted(likely) and likely == likely_pairs(texts, 0.6)


def test_few_texts_are_compared_exactly() -> None:
    texts = ["where is my card", "where is my cards", "something else"]
    assert likely_pairs(texts, 0.6) == near_pairs(texts, 0.6)


def test_a_thousand_copies_of_a_form_make_no_million_pairs() -> None:
    texts = [f"Dear customer, your order {number:06d} is on its way to you" for number in range(4000)]
    pairs = likely_pairs(texts, 0.7)
    assert len(pairs) < 4000 * 24 * 64 // 2
    assert {place for pair in pairs for place in pair[:2]} == set(range(4000))

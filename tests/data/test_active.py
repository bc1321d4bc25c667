"""Active learning: what is worth labelling next."""

from __future__ import annotations

import random

import numpy as np
import pytest
from tests.loop.conftest import questions

from tunewright.data.active import STRATEGIES, Pool, Strategy, choose, guesses

FOUND = questions(each=40)
LABELS = [label for _, label in FOUND]


@pytest.fixture(scope="module")
def pool() -> Pool:
    return Pool.of([text for text, _ in FOUND])


def known(places: list[int]) -> dict[int, str]:
    return {place: LABELS[place] for place in places}


@pytest.mark.parametrize("strategy", STRATEGIES)
@pytest.mark.parametrize("labelled", [[], [0], [0, 50, 100]])
def test_a_batch_has_different_free_texts_and_the_same_every_time(
    pool: Pool, strategy: Strategy, labelled: list[int]
) -> None:
    free = [place for place in range(len(pool)) if place not in labelled]
    chosen = choose(pool, known(labelled), free, 10, strategy=strategy, seed=3)
    assert len(set(chosen)) == 10 and set(chosen) <= set(free)
    assert chosen == choose(pool, known(labelled), free, 10, strategy=strategy, seed=3)


@pytest.mark.parametrize("strategy", STRATEGIES)
def test_where_less_is_free_than_asked_for_all_of_it_is_chosen(pool: Pool, strategy: Strategy) -> None:
    assert sorted(choose(pool, known([0, 50]), [3, 4], 10, strategy=strategy)) == [3, 4]
    assert choose(pool, known([0, 50]), [], 10, strategy=strategy) == []


@pytest.mark.parametrize("strategy", ["active", "uncertainty"])
def test_what_lies_between_two_labels_comes_before_what_is_clear(strategy: Strategy) -> None:
    card, loan = ["my card was swallowed by the machine"] * 3, ["what interest do you take on a loan"] * 3
    between = "does my card have to pay interest on the loan of the machine"
    found = Pool.of([*card, *loan, between])
    labelled = {0: "card", 1: "card", 3: "loan", 4: "loan"}
    assert choose(found, labelled, [2, 5, 6], 1, strategy=strategy) == [6]


def test_diversity_takes_what_is_least_like_all_that_is_labelled(pool: Pool) -> None:
    labelled = known([place for place in range(len(pool)) if LABELS[place] != "login"][:60])
    chosen = choose(
        pool, labelled, [p for p in range(len(pool)) if p not in labelled], 5, strategy="diversity"
    )
    nearest = (pool.meanings @ pool.meanings[list(labelled)].T).max(axis=1)
    assert chosen[0] == int(np.where([p in labelled for p in range(len(pool))], np.inf, nearest).argmin())


def test_the_first_batch_without_any_label_meets_every_group(pool: Pool) -> None:
    chosen = choose(pool, {}, range(len(pool)), 9, strategy="active")
    assert {LABELS[place] for place in chosen} == {"card", "loan", "login"}


def test_guesses_learn_from_few_labels_and_say_how_sure_they_are(pool: Pool) -> None:
    places = random.Random(0).sample(range(len(pool)), 30)
    asked = [place for place in range(len(pool)) if place not in places]
    found = guesses(pool, known(places), asked)
    right = [guess.label == LABELS[place] for guess, place in zip(found, asked, strict=True)]
    assert np.mean(right) > 0.8
    assert all(1 / 3 <= guess.confidence <= 1 for guess in found)
    assert guesses(pool, known([0]), asked) == []

"""The journal of a sweep decides what comes next, and outlives whoever writes it."""

from __future__ import annotations

from pathlib import Path

from tunewright.loop.sweep.spec import SweepSpec
from tunewright.loop.sweep.study import Study, Tried, open_study

RATES = {"train.learning_rate": {"low": 1e-5, "high": 1e-2, "log": True}, "train.tuner.r": [4, 8]}


def opened(folder: Path, *, paths: object = RATES, trials: int = 6, pruning: str = "median") -> Study:
    sweep = SweepSpec.model_validate({"paths": paths, "trials": trials, "pruning": pruning})
    return open_study(folder, sweep, seed=3, higher_is_better=True, looks=4)


def asked(study: Study) -> Tried:
    found = study.ask()
    assert found is not None
    return found


def value_of(tried: Tried) -> float:
    return 1.0 - abs(tried.settings.get("train.learning_rate", 1e-3) - 1e-3)


def test_the_spec_as_it_is_comes_first_and_is_not_one_of_the_trials(tmp_path: Path) -> None:
    study = opened(tmp_path, trials=2)
    numbers = []
    while (tried := study.ask()) is not None:
        numbers.append((tried.number, bool(tried.settings)))
        study.tell(tried.number, "complete", value_of(tried))
    assert numbers == [(0, False), (1, True), (2, True)]


def test_choices_that_are_no_more_than_the_trials_are_all_tried_once(tmp_path: Path) -> None:
    study = opened(tmp_path, paths={"train.tuner.r": [4, 8], "train.batch": [8, 16]}, trials=9)
    found = []
    while (tried := study.ask()) is not None:
        found.append(tuple(tried.settings.items()))
        study.tell(tried.number, "complete", 0.5)
    assert len(found) == len(set(found)) == 5 == study.total


COUNTED = {"train.tuner.r": [4, 8], "train.batch": [8, 16, 32]}


def all_of(folder: Path, trials: int) -> list[tuple[tuple[str, object], ...]]:
    study = opened(folder, paths=COUNTED, trials=trials)
    while (tried := study.ask()) is not None:
        study.tell(tried.number, "complete", 0.5)
    return [tuple(one.settings.items()) for one in study.tried()]


def test_of_choices_that_can_be_counted_none_is_tried_twice(tmp_path: Path) -> None:
    found = all_of(tmp_path, trials=5)
    assert len(found) == len(set(found)) == 6


def test_a_sweep_that_is_given_more_trials_tries_the_choices_that_are_left(tmp_path: Path) -> None:
    assert len(all_of(tmp_path, trials=3)) == 4
    found = all_of(tmp_path, trials=20)
    assert len(found) == len(set(found)) == 7


def test_a_sweep_that_was_closed_draws_what_it_would_have_drawn(tmp_path: Path) -> None:
    for name in ("whole", "cut"):
        (tmp_path / name).mkdir()
    whole, drawn = opened(tmp_path / "whole"), []
    while (tried := whole.ask()) is not None:
        drawn.append(tried.settings)
        whole.tell(tried.number, "complete", value_of(tried))
    again = []
    while True:
        study = opened(tmp_path / "cut")
        tried = study.ask()
        if tried is None:
            break
        again.append(tried.settings)
        study.tell(tried.number, "complete", value_of(tried))
    assert again == drawn and len(drawn) == 7


def test_a_trial_that_nobody_ended_is_found_again_with_its_settings(tmp_path: Path) -> None:
    study = opened(tmp_path)
    study.tell(asked(study).number, "complete", 0.5)
    left = asked(study)
    study.prune(left.number, 1, 0.7)
    (found,) = (reopened := opened(tmp_path)).running()
    assert (found.number, found.settings, found.looks) == (left.number, left.settings, {1})
    reopened.prune(found.number, 1, 0.7)  # told a second time by a run that begins anew
    reopened.tell(found.number, "complete", 0.5)
    assert opened(tmp_path).running() == []


def test_a_line_that_a_kill_left_half_written_is_cut_off(tmp_path: Path) -> None:
    study = opened(tmp_path)
    study.tell(asked(study).number, "complete", 0.5)
    with (tmp_path / "journal.log").open("ab") as file:
        file.write(b'{"op_code": 4, "wor')
    (tmp_path / "journal.log.lock").symlink_to(tmp_path / "journal.log")
    again = opened(tmp_path)
    again.tell(asked(again).number, "complete", 0.5)
    assert [one.state for one in opened(tmp_path).tried()] == ["complete", "complete"]


def test_what_failed_is_tried_again_by_the_next_sweep_and_not_by_this_one(tmp_path: Path) -> None:
    study = opened(tmp_path, trials=1)
    study.tell(asked(study).number, "complete", 0.5)
    failed = asked(study)
    study.tell(failed.number, "failed", problem="no memory")
    assert study.ask() is None
    again = opened(tmp_path, trials=1)
    repeated = asked(again)
    assert repeated.settings == failed.settings
    again.tell(repeated.number, "complete", 0.5)
    assert [one.state for one in again.tried()] == ["complete", "complete"]
    assert again.ask() is None


def test_the_median_ends_a_trial_that_is_behind_the_others(tmp_path: Path) -> None:
    study = opened(tmp_path)
    for loss in (1.0, 1.1, 0.9, 1.0):
        number = asked(study).number
        assert not study.prune(number, 1, loss)
        study.tell(number, "complete", 1 - loss / 2)
    assert study.prune(asked(study).number, 1, 2.0)
    assert not study.prune(asked(study).number, 1, 0.8)


def test_without_pruning_nothing_is_ended(tmp_path: Path) -> None:
    study = opened(tmp_path, pruning="none")
    for _ in range(4):
        number = asked(study).number
        study.prune(number, 1, 1.0)
        study.tell(number, "complete", 0.5)
    assert not study.prune(asked(study).number, 1, 100.0)


def test_hyperband_ends_the_worst_of_many(tmp_path: Path) -> None:
    study = opened(tmp_path, trials=30, pruning="hyperband")
    ended = 0
    for _ in range(30):
        tried = asked(study)
        worse = any(study.prune(tried.number, look, 1.0 + tried.number) for look in (1, 2, 3))
        ended += worse
        study.tell(tried.number, "pruned" if worse else "complete", None if worse else 0.5)
    assert ended > 5

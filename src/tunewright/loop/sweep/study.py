"""What Optuna decides of a sweep: which settings come next, and which trial is not worth its end.

The journal is a file of one writer: whoever holds the sweep's lock.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from tunewright.core import digest
from tunewright.loop.sweep.settings import Settings, combinations, drawn, text_of
from tunewright.loop.sweep.spec import SweepSpec
from tunewright.runtime.lazy import require

State = Literal["running", "complete", "pruned", "failed"]
DEFAULT = "default"
"""Attribute of the trial that takes the spec as it is."""
AGAIN = "again"
"""Attribute of a trial that repeats a failed one: the number of that."""
REPEATS = "repeats"
"""Attribute of what was drawn though it had been tried: it is no trial."""
_RANDOM = 10
"""Trials drawn by chance at most before the sampler learns from those that are there."""
_COMPARED = 5
"""Trials that have to be over, at most, before one is pruned."""


@dataclass(frozen=True, kw_only=True)
class Tried:
    """One trial as the journal has it."""

    number: int
    settings: Settings
    state: State
    looks: frozenset[int]
    """Looks at the validation loss that were told."""
    known: dict[str, str]
    """`report` and `checkpoint` if it is complete, `problem` if it is not, `seconds` once it is over."""


@dataclass(kw_only=True)
class Study:
    """A sweep's trials, kept in a journal that outlives a crash."""

    sweep: SweepSpec
    seed: int
    higher_is_better: bool
    _study: Any
    _open: dict[int, Any] = field(default_factory=dict)
    """Optuna's trials that are running, by number."""
    failed_before: frozenset[int] = frozenset()
    """Numbers of trials that failed when the sweep ran the last time."""

    @property
    def total(self) -> int:
        """Trials of the whole sweep, that of the spec itself included."""
        return 1 + trials_of(self.sweep)

    def tried(self) -> list[Tried]:
        """Every trial so far, but those that failed before and were tried again."""
        every = [_tried(one) for one in self._study.get_trials(deepcopy=False) if one.state.name != "WAITING"]
        again = {one.known.get(AGAIN) for one in every}
        return [one for one in every if str(one.number) not in again and REPEATS not in one.known]

    def ask(self) -> Tried | None:
        """The next settings to try; None once there are enough."""
        if len(self.tried()) - len(self._to_repeat()) >= self.total:
            return None
        self._study.sampler = _sampler(self.sweep, self.seed, len(self._study.get_trials(deepcopy=False)))
        begun = self._begin(self._study.ask())
        others = self._others(begun)
        if others:
            self.tell(begun.number, "failed", None, **{REPEATS: "yes"})
            self._study.enqueue_trial(others[begun.number % len(others)])
            begun = self._begin(self._study.ask())
        return begun

    def running(self) -> list[Tried]:
        """Trials that nobody has told the end of: left over by a process that is gone."""
        trial = require("optuna", extra="sweep").trial.Trial
        left = [one for one in self._study.get_trials(deepcopy=False) if one.state.name == "RUNNING"]
        return [self._begin(trial(self._study, one._trial_id)) for one in left]

    def prune(self, number: int, look: int, loss: float) -> bool:
        """Tell what a trial has come to at a look, and hear whether it should end here."""
        trial = self._open[number]
        if look not in self._one(number).looks:
            trial.report(-loss if self.higher_is_better else loss, look)
        return bool(trial.should_prune())

    def tell(self, number: int, state: State, value: float | None = None, **known: str) -> None:
        """The end of a trial: its value if it is complete, and what else is known of it."""
        trial = self._open.pop(number)
        for name, text in known.items():
            trial.set_user_attr(name, text)
        states = require("optuna", extra="sweep").trial.TrialState
        code = {"complete": states.COMPLETE, "pruned": states.PRUNED, "failed": states.FAIL}[state]
        self._study.tell(trial, value, state=code)

    def _begin(self, trial: Any) -> Tried:  # noqa: ANN401 - Optuna's
        """Write down what the trial tries, unless it stands there: what was drawn is not drawn again."""
        if "settings" not in trial.user_attrs:
            fixed = DEFAULT in trial.user_attrs
            trial.set_user_attr("settings", {} if fixed else dict(_suggested(trial, self.sweep)))
        self._open[trial.number] = trial
        return self._one(trial.number)

    def _others(self, begun: Tried) -> list[dict[str, Any]]:
        """What was not tried yet, in place of what was; empty where it is new, or repeated on purpose."""
        if combinations(self.sweep) is None or AGAIN in begun.known or not begun.settings:
            return []
        known = _known(self._study.get_trials(deepcopy=False)[: begun.number])
        mine = self._study.get_trials(deepcopy=False)[begun.number].params
        return [one for one in _grid(self.sweep) if one not in known] if mine in known else []

    def _one(self, number: int) -> Tried:
        return _tried(self._study.get_trials(deepcopy=False)[number])

    def _to_repeat(self) -> set[int]:
        return {one.number for one in self.tried() if one.number in self.failed_before}


def open_study(folder: Path, sweep: SweepSpec, *, seed: int, higher_is_better: bool, looks: int) -> Study:
    """The study whose journal lies in that folder, or a new one that begins with the spec as it is.

    `looks` is how often a trial looks at the validation loss. Where the choices can be counted and are no
    more than the trials, all of them are tried. What failed before is tried again.
    """
    optuna = require("optuna", extra="sweep")
    optuna.logging.set_verbosity(optuna.logging.ERROR)
    path = folder / "journal.log"
    _mend(path)
    journal = optuna.storages.journal
    made = optuna.create_study(
        storage=journal.JournalStorage(journal.JournalFileBackend(str(path))),
        study_name="sweep",
        direction="maximize" if higher_is_better else "minimize",
        pruner=_pruner(sweep, looks),
        load_if_exists=True,
    )
    everyone = made.get_trials()
    failed = frozenset(
        one.number for one in everyone if one.state.name == "FAIL" and REPEATS not in one.user_attrs
    )
    study = Study(
        sweep=sweep, seed=seed, higher_is_better=higher_is_better, failed_before=failed, _study=made
    )
    for attributes, params in _queued(study, everyone):
        made.enqueue_trial(params, user_attrs=attributes)
    return study


def trials_of(sweep: SweepSpec) -> int:
    """Trials beside that of the spec itself: no more than there are combinations."""
    size = combinations(sweep)
    return sweep.trials if size is None else min(sweep.trials, size)


def _queued(study: Study, everyone: list[Any]) -> Iterator[tuple[dict[str, Any], dict[str, Any]]]:
    """Attributes and parameters of what is tried before anything is drawn."""
    if not everyone:
        yield {DEFAULT: True}, {}
    size = combinations(study.sweep)
    if size is not None and size <= study.sweep.trials:
        known = _known(everyone)
        yield from (({}, params) for params in _grid(study.sweep) if params not in known)
    again = {one.user_attrs.get(AGAIN) for one in everyone}
    for number in sorted(study.failed_before):
        if str(number) not in again:
            kept = {name: value for name, value in everyone[number].user_attrs.items() if name == DEFAULT}
            yield {AGAIN: str(number), **kept}, everyone[number].params


def _known(everyone: list[Any]) -> list[dict[str, Any]]:
    """Parameters of what was tried or waits to be."""
    return [one.params or one.system_attrs.get("fixed_params", {}) for one in everyone]


def _grid(sweep: SweepSpec) -> Iterator[dict[str, str]]:
    choices = [[text_of(choice) for choice in values.choices] for values in sweep.paths.values()]
    yield from (dict(zip(sweep.paths, one, strict=True)) for one in itertools.product(*choices))


def _suggested(trial: Any, sweep: SweepSpec) -> Iterator[tuple[str, Any]]:  # noqa: ANN401 - Optuna's
    for path, values in sweep.paths.items():
        if values.ends is None:
            texts = {text_of(choice): choice for choice in values.choices}
            yield path, texts[trial.suggest_categorical(path, list(texts))]
            continue
        whole = all(isinstance(end, int) for end in (*values.ends, values.step or 0))
        suggest = trial.suggest_int if whole else trial.suggest_float
        step = values.step or (1 if whole else None)
        yield path, drawn(values, suggest(path, *values.ends, log=values.log, step=step))


def _sampler(sweep: SweepSpec, seed: int, before: int) -> Any:  # noqa: ANN401 - Optuna's
    """Drawn from the seed and what was tried before, so that a sweep that goes on draws as it would have."""
    random = min(_RANDOM, max(3, trials_of(sweep) // 3))
    chance = int(digest.of_value([seed, before])[:7], 16)
    return require("optuna", extra="sweep").samplers.TPESampler(n_startup_trials=random, seed=chance)


def _pruner(sweep: SweepSpec, looks: int) -> Any:  # noqa: ANN401 - Optuna's
    pruners = require("optuna", extra="sweep").pruners
    if sweep.pruning == "hyperband":
        return pruners.HyperbandPruner(min_resource=1, max_resource=max(1, looks))
    if sweep.pruning == "median":
        return pruners.MedianPruner(n_startup_trials=min(_COMPARED, max(3, trials_of(sweep) // 4)))
    return pruners.NopPruner()


def _tried(frozen: Any) -> Tried:  # noqa: ANN401 - Optuna's
    states: dict[str, State] = {"COMPLETE": "complete", "PRUNED": "pruned", "FAIL": "failed"}
    attributes = frozen.user_attrs
    return Tried(
        number=frozen.number,
        settings=attributes.get("settings", {}),
        state=states.get(frozen.state.name, "running"),
        looks=frozenset(frozen.intermediate_values),
        known={name: str(value) for name, value in attributes.items() if isinstance(value, str)},
    )


def _mend(path: Path) -> None:
    """Cut off a line that a kill left half written, and take away the lock of whoever wrote it.

    Optuna refuses a journal with such a line as soon as another stands behind it, and waits for the lock.
    """
    path.with_name(f"{path.name}.lock").unlink(missing_ok=True)
    if path.exists():
        whole = path.read_bytes()
        path.write_bytes(whole[: whole.rfind(b"\n") + 1])

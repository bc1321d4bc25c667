"""Rules about amounts: epochs, steps, batch, rank and looks against the size of the data."""

from __future__ import annotations

from tunewright.train.lint.facts import Facts
from tunewright.train.rule import MEASURED, Rule, Told

MANY_EPOCHS = 20
FEW = 300
"""Training examples that are learned by heart soon."""
FEWEST_STEPS = 10
FEWEST_VALIDATION = 20
_RANKED = ("lora", "qlora", "dora")


def _by_heart(facts: Facts) -> Told | None:
    epochs, few = facts.spec.epochs, facts.data is not None and len(facts.data) <= FEW
    ends_early = facts.data and facts.data.validation and facts.spec.patience
    if ends_early or epochs <= (MANY_EPOCHS / 2 if few else MANY_EPOCHS):
        return None
    what = f"{epochs:g} epochs learn {'few' if few else 'the'} examples by heart"
    fix = "try 3; early stopping ends sooner if it helps"
    return Told("train.epochs", what, fix, {"epochs": epochs})


def _few_steps(facts: Facts) -> Told | None:
    if not facts.data or not facts.steps or facts.steps >= FEWEST_STEPS:
        return None
    what = f"{len(facts.data)} examples give fewer than ten steps"
    fix = "make `train.batch` smaller or `train.epochs` larger"
    return Told("train.batch", what, fix, {"steps": facts.steps, "examples": len(facts.data)})


def _batch_over_data(facts: Facts) -> Told | None:
    if not facts.data or facts.spec.batch <= len(facts.data):
        return None
    what = f"a batch of {facts.spec.batch} holds all {len(facts.data)} examples: a step is an epoch"
    fix = f"set `batch: {max(1, len(facts.data) // 8)}`"
    return Told("train.batch", what, fix, {"batch": facts.spec.batch, "examples": len(facts.data)})


def _large_batch(facts: Facts) -> Told | None:
    if facts.spec.batch <= 512:
        return None
    what = f"{facts.spec.batch} examples a step learn slowly"
    return Told("train.batch", what, "try 16", {"batch": facts.spec.batch})


def _idle_patience(facts: Facts) -> Told | None:
    looks = facts.spec.epochs * facts.spec.evaluations
    if facts.spec.patience == 0 or looks >= facts.spec.patience + 1:
        return None
    what = f"{looks:g} looks never lose a patience of {facts.spec.patience}: the run cannot end early"
    fix = f"set `evaluations: {max(1, round((facts.spec.patience + 1) / facts.spec.epochs + 0.5))}`"
    return Told("train.patience", what, fix, {"looks": looks, "patience": facts.spec.patience})


def _no_validation(facts: Facts) -> Told | None:
    if not facts.data or facts.data.validation:
        return None
    what = "there is no validation example: nobody will see when the run begins to overfit"
    return Told("data.split", what, "keep a tenth for validation", {"validation": 0})


def _small_validation(facts: Facts) -> Told | None:
    found = len(facts.data.validation) if facts.data else 0
    if not 0 < found < FEWEST_VALIDATION:
        return None
    what = f"{found} validation examples decide which weights are kept: that is mostly chance"
    fix = f"keep {FEWEST_VALIDATION} or more, 100 if you can"
    return Told("data.split", what, fix, {"validation": found})


def _rank_over_hidden(facts: Facts) -> Told | None:
    hidden = facts.base.hidden if facts.base else 0
    rank = facts.option("r", 16)
    if facts.tuner not in _RANKED or not hidden or rank * 2 <= hidden:
        return None
    what = f"rank {rank:g} of a model {hidden} wide is no low rank: `full` has no more to train"
    place = f"train.tuner.{facts.tuner}.r"
    return Told(place, what, f"set `r: {max(1, hidden // 16)}`", {"rank": rank, "hidden": hidden})


def _rank_over_data(facts: Facts) -> Told | None:
    rank = facts.option("r", 16)
    if facts.tuner not in _RANKED or not facts.data or rank <= 64 or len(facts.data) > FEW:
        return None
    what = f"rank {rank:g} for {len(facts.data)} examples has room to store them all"
    return Told(
        f"train.tuner.{facts.tuner}.r", what, "set `r: 16`", {"rank": rank, "examples": len(facts.data)}
    )


def _idle_dropout(facts: Facts) -> Told | None:
    dropout = facts.option("dropout", 0.0)
    if facts.tuner not in _RANKED or dropout < 0.05 or facts.spec.epochs > 1:
        return None
    what = f"dropout of {dropout:g} against learning by heart, in a run that sees no example twice"
    place = f"train.tuner.{facts.tuner}.dropout"
    return Told(place, what, "leave it out", {"dropout": dropout, "epochs": facts.spec.epochs})


RULES = (
    Rule("by heart", "warning", "right on the examples, worse on everything else", MEASURED, _by_heart),
    Rule("few steps", "warning", "the weights hardly move from where they began", MEASURED, _few_steps),
    Rule(
        "batch over data", "warning", "too few steps, all in nearly one direction", MEASURED, _batch_over_data
    ),
    Rule("large batch", "warning", "the same examples teach less, as fewer steps", MEASURED, _large_batch),
    Rule("idle patience", "note", "a run past its best goes on to the end", MEASURED, _idle_patience),
    Rule(
        "no validation",
        "warning",
        "the last weights are kept, whether or not they are the best",
        "https://github.com/huggingface/transformers/pull/7431",
        _no_validation,
    ),
    Rule("small validation", "note", "chance chooses the checkpoint", MEASURED, _small_validation),
    Rule(
        "rank over width",
        "warning",
        "memory and time of full tuning, with an adapter's limits",
        MEASURED,
        _rank_over_hidden,
    ),
    Rule(
        "rank over data",
        "note",
        "learned by heart sooner",
        "https://github.com/unslothai/unsloth/issues/1368",
        _rank_over_data,
    ),
    Rule("idle dropout", "note", "slower learning for nothing", MEASURED, _idle_dropout),
)

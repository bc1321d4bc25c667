"""Diagnose: what the curve of a run says of it, with the numbers, while it runs and when it is over."""

from __future__ import annotations

import math
import statistics
from collections.abc import Sequence
from dataclasses import dataclass

from tunewright.core.errors import TrainError
from tunewright.runtime.measure.losses import Losses
from tunewright.train.finding import Finding
from tunewright.train.ports import Curve, Look, Plan
from tunewright.train.rule import Rule, Told, found

SMOOTH = 20
"""Steps over which the loss is averaged before it is judged."""
PROOF = "benchmarks/diagnosis.py"
NO_EFFECT = 0.002
"""Change of the validation loss below which a run has changed nothing, as a share of it."""
LITTLE = 0.05
"""Fall of the validation loss below which hardly anything was learned, as a share of it."""
OVERFIT = 1.1
"""Rise of the validation loss over its lowest from which on examples are learned by heart."""
PEAK = 2
"""Steps over which a jump of the training loss is averaged."""
JUMP = 1.3
"""How far it may rise above the untouched model's, and one nat more, before it has jumped."""
FORGOTTEN = 2.0
"""Rise of the loss on general questions, in nats a token, that is more than a narrow task costs anyway."""
KNOWING = 4.0
"""Loss on general questions, in nats a token, above which a model has nothing to forget."""
ALIKE = 0.8
"""Share of questions whose answers are all worth the same, from which on hardly anything is learned."""
UNSURE = 1.5
"""How much worse the stop token may be known than a token of the answer."""


@dataclass(frozen=True)
class Run:
    """A run as far as it got."""

    plan: Plan
    curve: Curve

    @property
    def looks(self) -> Sequence[Look]:
        """Looks at the validation examples, the first of them before anything was trained."""
        return self.curve.validation

    @property
    def lowest(self) -> Look:
        """The look with the lowest loss."""
        return min(self.looks, key=lambda look: look.loss)

    @property
    def kept(self) -> Look:
        """The look that the weights are kept from."""
        return self.curve.best or self.lowest

    def trained(self, step: int) -> float:
        """Training loss around a step, over the steps before it."""
        part = self.curve.losses[max(0, step - SMOOTH) : step] or self.curve.losses[:SMOOTH]
        return statistics.fmean(part) if part else math.nan


def diagnose(plan: Plan, curve: Curve) -> tuple[Finding, ...]:
    """Findings to act on in the next run; none of them is fatal."""
    return found(ONLINE if curve.rewards else RULES, Run(plan, curve))


def midway(plan: Plan, curve: Curve) -> tuple[Finding, ...]:
    """What can be known to go wrong before the run is over."""
    return () if curve.rewards else found(EARLY, Run(plan, curve))


def refuse(plan: Plan, curve: Curve, loss: float, length: float) -> None:
    """End a run whose loss or gradient is no number, or far above where it began; raises `TrainError`."""
    recent = [*curve.losses[-SMOOTH + 1 :], loss]
    first = statistics.fmean(curve.losses[:SMOOTH]) if curve.losses else loss
    away = len(curve.losses) >= 2 * SMOOTH and statistics.fmean(recent) > 1.5 * first + 1.0
    if math.isfinite(loss) and math.isfinite(length) and not away:
        return
    what = "rose" if away else "is no number"
    whose = "the loss" if away or not math.isfinite(loss) else "the gradient"
    numbers = {"loss": loss, "first": first, "gradient": length, "step": len(curve.losses) + 1.0}
    before = f"; the gradient was {statistics.median(curve.norms):.3g} long before" if curve.norms else ""
    untouched = not curve.losses and not away
    raise TrainError(
        problems=[
            Finding(
                kind="divergence" if away else "NaN",
                where=f"train, step {len(curve.losses) + 1} of {plan.steps}",
                what=f"training diverged: {whose} {what} "
                f"({loss:.3g}, from {first:.3g}, gradient {length:.3g}{before})",
                effect="nothing useful is left of the weights",
                fix="fetch the base model again: it was not trained yet"
                if untouched
                else f"set `train.learning_rate: {plan.learning_rate / 3:.0e}` and run again",
                fatal=True,
                numbers={name: value for name, value in numbers.items() if math.isfinite(value)},
                proof=PROOF,
            )
        ]
    )


def _no_effect(run: Run) -> Told | None:
    looks = run.looks
    if run.curve.moved > 0 and len(looks) < 2:
        return None
    change = max((abs(look.loss - looks[0].loss) / looks[0].loss for look in looks), default=0.0)
    if change >= NO_EFFECT:
        return None  # where the untouched weights were kept, the run went wrong in another way
    moved = f"the validation loss moved by {change:.2%}, the weights by {run.curve.moved:.3g}"
    what = f"the adapter has no effect: {moved}"
    fix = f"raise it to {run.plan.learning_rate * 10:.0e} or more, and look at the tuner's `targets`"
    return Told("train.learning_rate", what, fix, {"change": change, "moved": run.curve.moved})


def _overfitting(run: Run) -> Told | None:
    if len(run.looks) < 3 or run.lowest.step == 0:
        return None
    lowest, last = run.lowest, run.looks[-1]
    surer_only = run.plan.best_by == "exact" and last.exact >= max(look.exact for look in run.looks)
    begin, end = run.trained(lowest.step), run.trained(last.step)
    if last.loss <= OVERFIT * lowest.loss or surer_only or end > begin:
        return None
    what = (
        f"the examples are learned by heart: from step {lowest.step} to {last.step} the validation loss rose "
        f"from {lowest.loss:.3f} to {last.loss:.3f}, while the training loss fell to {end:.3f}"
    )
    numbers = {"lowest": lowest.loss, "last": last.loss, "step": float(lowest.step), "training": end}
    epochs = run.plan.epochs * lowest.step / max(1, run.plan.steps)
    return Told("train.epochs", what, f"set `epochs: {max(0.5, epochs):.2g}`, or add examples", numbers)


def _underfitting(run: Run) -> Told | None:
    if len(run.looks) < 2 or _no_effect(run) or _diverged(run):
        return None
    first, lowest = run.looks[0].loss, run.lowest.loss
    fall = 1 - lowest / first
    if fall >= LITTLE or run.lowest.step == 0:
        return None
    fell = f"the validation loss fell by {fall:.1%} only, from {first:.3f} to {lowest:.3f}"
    what = f"{fell}: hardly anything is learned"
    fix = f"set `learning_rate: {run.plan.learning_rate * 3:.0e}`, more epochs or a higher rank"
    return Told("train.learning_rate", what, fix, {"fall": fall, "first": first, "lowest": lowest})


def _still_falling(run: Run) -> Told | None:
    losses = tuple((look.step, look.loss) for look in run.looks)
    if run.curve.best_step != run.plan.steps or not Losses(validation=losses).still_falling:
        return None
    before, last = losses[-2][1], losses[-1][1]
    what = (
        f"the validation loss was still falling at the end, from {before:.3f} to {last:.3f} at the last look"
    )
    return Told(
        "train.epochs", what, f"set `epochs: {run.plan.epochs * 2:g}`", {"before": before, "last": last}
    )


def _diverged(run: Run) -> Told | None:
    return _never_better(run) or _jumped(run)


def _jumped(run: Run) -> Told | None:
    losses, first = run.curve.losses, run.looks[0].loss if run.looks else math.inf
    means = [statistics.fmean(losses[place : place + PEAK]) for place in range(len(losses) - PEAK + 1)]
    peak = max(means, default=0.0)
    if peak <= JUMP * first + 1.0:
        return None
    step, longest = means.index(peak) + PEAK, max(run.curve.norms, default=0.0)
    what = (
        f"the training loss jumped to {peak:.3f} at step {step}, from {first:.3f} before training; "
        f"the longest gradient was {longest:.3g}"
    )
    fix = f"set `learning_rate: {run.plan.learning_rate / 10:.0e}`"
    return Told("train.learning_rate", what, fix, {"peak": peak, "first": first, "longest": longest})


def _never_better(run: Run) -> Told | None:
    if len(run.looks) < 2 or run.lowest.step > 0 or run.looks[-1].loss <= run.looks[0].loss * (1 + NO_EFFECT):
        return None
    first, last = run.looks[0].loss, run.looks[-1].loss
    longest = max(run.curve.norms, default=0.0)
    what = (
        f"the validation loss never fell below the untouched model's: {first:.3f} before, {last:.3f} at "
        f"the end, the longest gradient {longest:.3g}"
    )
    fix = f"set `learning_rate: {run.plan.learning_rate / 3:.0e}`"
    return Told("train.learning_rate", what, fix, {"first": first, "last": last, "longest": longest})


def _forgetting(run: Run) -> Told | None:
    before, after = (
        (look.figures.get("general_loss") for look in (run.looks[0], run.kept)) if run.looks else (None,) * 2
    )
    if before is None or after is None or before > KNOWING:
        return None
    if after - before <= max(FORGOTTEN, LITTLE * before):
        return None
    what = f"general questions are forgotten: their loss rose from {before:.3f} to {after:.3f}"
    fix = "mix general examples in (`replay` of a source), a smaller rate or fewer epochs"
    return Told("data.mix", what, fix, {"before": before, "after": after})


def _no_stop(run: Run) -> Told | None:
    said, loss = (
        (run.kept.figures.get(f"ending_{name}") for name in ("exact", "loss")) if run.looks else (None,) * 2
    )
    if (run.looks and run.kept.step == 0) or _underfitting(run):
        return None  # nothing was learned, the stop token included
    if said is None or loss is None or said >= 0.5 or loss <= max(0.7, UNSURE * run.kept.loss):
        return None
    where = f"at the end of {said:.0%} of the answers it is the likeliest, and its loss is {loss:.2f}"
    what = f"the stop token is not learned: {where}"
    fix = "look at `tunewright show preview`: the last trained token of an answer must be the stop token"
    return Told("train.method", what, fix, {"said": said, "loss": loss})


def _no_reward(run: Run) -> Told | None:
    if len(run.looks) < 2 or run.lowest.step > 0:
        return None
    first, best = -run.looks[0].loss, max(-look.loss for look in run.looks[1:])
    what = f"the answers are worth no more than before training: {first:.3f} then, {best:.3f} at best"
    fix = "let it say more answers to a question (`answers`), train longer, or reward smaller steps"
    return Told("train.method", what, fix, {"first": first, "best": best})


def _alike(run: Run) -> Told | None:
    alike = statistics.fmean(run.curve.alike[-SMOOTH:]) if run.curve.alike else 0.0
    if alike < ALIKE:
        return None
    what = f"to {alike:.0%} of the questions all answers are worth the same, so nothing is learned from them"
    fix = "reward parts of what is wanted, too (`token_f1` beside `exact`), or raise `answers`"
    return Told("train.method", what, fix, {"alike": alike})


RULES: tuple[Rule[Run], ...] = (
    Rule(
        "adapter without effect",
        "warning",
        "the tuned model answers as the base model does",
        PROOF,
        _no_effect,
    ),
    Rule("overfitting", "warning", "right on the examples, worse on everything else", PROOF, _overfitting),
    Rule("underfitting", "warning", "it answers hardly better than the base model", PROOF, _underfitting),
    Rule("still falling", "note", "more epochs would have gone on improving it", PROOF, _still_falling),
    Rule("divergence", "warning", "what the base model knew is broken first", PROOF, _diverged),
    Rule(
        "forgetting",
        "warning",
        "worse at everything that is not the task",
        "https://github.com/unslothai/unsloth/issues/713",
        _forgetting,
    ),
    Rule(
        "stop token not learned",
        "warning",
        "answers run on until they are cut",
        "https://github.com/huggingface/trl/issues/1623",
        _no_stop,
    ),
)
"""What a finished run is looked through for."""
ONLINE: tuple[Rule[Run], ...] = (
    Rule("no reward", "warning", "it answers no better than the base model", PROOF, _no_reward),
    Rule("answers alike", "warning", "most of the time is spent for nothing", PROOF, _alike),
    *(rule for rule in RULES if rule.kind == "forgetting"),
)
"""The same of a run that learns from its own answers: its loss says nothing."""
EARLY = tuple(rule for rule in RULES if rule.kind in ("overfitting", "forgetting"))

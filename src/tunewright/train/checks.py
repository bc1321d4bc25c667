"""Every problem of training that can be known before anything is spent."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping, Sequence

from tunewright.core.types import Problem
from tunewright.runtime import plugins
from tunewright.runtime.chat import Rendered
from tunewright.train.spec import TrainSpec

SANE = {"lora": (2e-5, 2e-3, 1e-2), "dora": (2e-5, 2e-3, 1e-2), "ia3": (5e-4, 5e-2, 0.5)}
"""Learning rates by tuner: below the first too slow, above the second risky, above the third hopeless."""


def check(spec: TrainSpec) -> Iterator[Problem]:
    """Problems of the settings alone."""
    named = (
        ("methods", spec.method),
        ("tuners", spec.tuner),
        ("backends", spec.backend),
        ("trackers", spec.tracker),
    )
    for group, plugin in named:
        if plugin is not None:
            yield from plugins.check(group, plugin, where=f"train.{group[:-1]}")
    yield from _rate(spec)
    if spec.epochs > 20:
        yield Problem(
            where="train.epochs",
            what=f"{spec.epochs:g} epochs learn the examples by heart",
            fix="try 3; early stopping ends sooner if it helps",
            fatal=False,
        )
    if spec.batch > 512:
        yield Problem(
            where="train.batch", what=f"{spec.batch} examples a step learn slowly", fix="try 16", fatal=False
        )


def check_examples(spec: TrainSpec, train: Sequence[Rendered], context: int) -> Iterator[Problem]:
    """Problems of the examples as they were rendered."""
    if not train:
        yield Problem(
            where="train", what="there is no training example", fix="look at `data.sources` and `data.split`"
        )
        return
    limit = min(spec.max_tokens, context or spec.max_tokens)
    longest, length, long = _too_long(train, limit)
    if long:
        room = "the model's context" if limit == context else "`train.max_tokens`"
        yield Problem(
            where="train.max_tokens",
            what=f"{long} of {len(train)} examples are longer than {room} of {limit} tokens; "
            f"the longest, training example {longest}, has {length}",
            fix=f"shorten or remove them; `tunewright show preview --number {longest}` shows that one"
            if limit == context
            else f"set `train.max_tokens: {length}`",
        )
    yield from _mask(train)
    if len(train) * spec.epochs < 10 * spec.batch:
        yield Problem(
            where="train.batch",
            what=f"{len(train)} examples give fewer than ten steps",
            fix="make `train.batch` smaller or `train.epochs` larger",
            fatal=False,
        )


def check_lengths(splits: Mapping[str, Sequence[Rendered]], context: int) -> Iterator[Problem]:
    """Evaluation examples that the model could not answer once it is trained."""
    for split, examples in splits.items():
        longest, length, long = _too_long(examples, context or sys.maxsize)
        if long:
            yield Problem(
                where=f"the split `{split}`",
                what=f"{long} of {len(examples)} examples are longer than the model's context of "
                f"{context} tokens; the longest, number {longest}, has {length}",
                fix="shorten or remove them",
            )


def _too_long(examples: Sequence[Rendered], limit: int) -> tuple[int, int, int]:
    """The longest example by number, its tokens, and how many are longer than the limit."""
    lengths = [len(item.ids) for item in examples]
    length = max(lengths, default=0)
    return lengths.index(length) if lengths else 0, length, sum(one > limit for one in lengths)


def _rate(spec: TrainSpec) -> Iterator[Problem]:
    low, high, hopeless = SANE.get(spec.tuner.name, (0.0, 1.0, 1.0))
    rate, where = spec.learning_rate, "train.learning_rate"
    if rate > hopeless:
        yield Problem(where=where, what=f"{rate:g} will diverge with `{spec.tuner.name}`", fix="try 1e-3")
    elif rate > high:
        yield Problem(
            where=where, what=f"{rate:g} is risky with `{spec.tuner.name}`", fix="try 1e-3", fatal=False
        )
    elif rate < low:
        yield Problem(
            where=where, what=f"{rate:g} hardly moves `{spec.tuner.name}`", fix="try 1e-3", fatal=False
        )


def _mask(train: Sequence[Rendered]) -> Iterator[Problem]:
    total = sum(len(item.ids) for item in train)
    share = sum(sum(item.trained[1:]) for item in train) / max(1, total)
    if share == 0:
        yield Problem(
            where="train.method", what="no token is trained", fix="end every example with an `assistant` turn"
        )
    elif share > 0.99:
        yield Problem(
            where="train.method",
            what=f"{share:.0%} of the tokens are trained, the questions too: the loss mask is missing",
            fix="keep question and answer in turns of their own",
        )

"""The parity gate: a packed form is looked at, asked, and asked again as a server answers from it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from tunewright.core.types import Completion, Drop, Example, Parity, Report
from tunewright.deploy import asking, carried, parity
from tunewright.deploy.asking import AS_IT_SERVES, EXACTLY, Asked
from tunewright.deploy.packing import Packed
from tunewright.deploy.parity import Evidence, Greedy, Said
from tunewright.deploy.ports import FLOAT16, FLOAT32
from tunewright.deploy.serving import Serving
from tunewright.deploy.spec import DeploySpec
from tunewright.runtime import plugins
from tunewright.runtime.chat import Chat
from tunewright.runtime.lazy import require
from tunewright.runtime.measure.ports import Scorer
from tunewright.runtime.settings import Settings

TRAINED = "trained model"
CANDIDATE = "candidate"


@dataclass(frozen=True)
class Given:
    """What the gate works with."""

    examples: Sequence[Example]
    settings: Settings
    report: Report
    """Names the metric of the task."""
    told: Callable[[int], None]


def prove(packed: Packed, spec: DeploySpec, given: Given) -> Evidence:
    """What the form carries and what it answers; judges nothing.

    A fault that is known by its name ends it: answers of such a form say nothing more.
    """
    ids = [example.id for example in given.examples]
    faults = tuple(carried.check(packed.folder, packed.trained, [one.prompt for one in given.examples]))
    if faults:
        unasked = Parity(a=TRAINED, b=packed.form, prompts=0, equal=0)
        return Evidence(same=unasked, effect=unasked, largest_effect=1.0, faults=faults)
    asked = Asked(packed.trained, given.examples, spec.parity_tokens, given.settings, given.told)
    chat = Chat.load(packed.trained.path)
    tuned, untouched = asking.trained(asked)
    said = asking.packed(asked, packed.folder, packed.engine, tuned)
    mine = Said(TRAINED, tuned)
    form = Said(packed.form, said, asking.checker(packed.engine), packed.rounding)
    same = parity.compare(mine, form, ids, chat.decode)
    if packed.rounding is None:
        same = same.model_copy(update={"drop": _drop(given, spec, chat, (tuned, said))})
    served = None
    if spec.parity_served:
        behind, against = _served(packed, asked, spec), form if _exactly(packed) else mine
        few = len(behind.answers)
        first = Said(against.name, against.answers[:few], against.checker)
        served = parity.compare(first, behind, ids[:few], chat.decode)
    return Evidence(
        same=same,
        effect=parity.compare(Said("base", untouched), mine, ids, chat.decode),
        served=served,
        largest_effect=parity.largest_effect(untouched, tuned),
        prompts=tuple(ids),
    )


def _exactly(packed: Packed) -> bool:
    """Whether the server computes as exactly as the checker; else as it will serve."""
    return packed.engine != "llamacpp" or packed.rounding is None


def _served(packed: Packed, asked: Asked, spec: DeploySpec) -> Said:
    """What a server of the form answers, and how exactly: nothing may be changed on the way.

    llama.cpp is asked as it will serve, faster and in f16, where its form must say the trained tokens.
    """
    few = asked.examples[: spec.parity_prompts]
    exact = _exactly(packed)
    engine = EXACTLY[packed.engine] if exact else AS_IT_SERVES
    told = Serving(name=CANDIDATE, checkpoint=packed.checkpoint, engine=engine)
    answers = asking.served(replace(asked, examples=few), told, packed.folder.parent / f"{CANDIDATE}.json")
    return asking.as_said("served", answers, packed.engine, FLOAT32 if exact else FLOAT16)


def _drop(
    given: Given, spec: DeploySpec, chat: Chat, answers: tuple[Sequence[Greedy], Sequence[Greedy]]
) -> Drop:
    """What the form loses in the metric of the task, on the same examples."""
    name = _metric(given.report)
    labels = sorted({example.label for example in given.examples if example.label is not None})
    scorer: Scorer = plugins.make("scorers", name).for_labels(labels)
    scores = [
        [
            scorer.score(example, Completion(text=chat.decode(one.ids)))
            for example, one in zip(given.examples, form, strict=True)
        ]
        for form in answers
    ]
    compare = require("tunewright.runtime.measure.compare", extra="train").compare
    found = compare(scorer, name, (TRAINED, scores[0]), ("form", scores[1]))
    sign = 1 if scorer.higher_is_better else -1
    low, high = sorted((sign * found.low, sign * found.high))
    if scorer.by_mean and all(one.value in (0.0, 1.0) for form in scores for one in form):
        low, high = _bounds([(a.value, b.value) for a, b in zip(*scores, strict=True)], sign)
    return Drop(
        metric=name,
        value=sign * found.difference,
        low=low,
        high=high,
        n=len(given.examples),
        tolerance=spec.quantised_tolerance,
    )


def _bounds(pairs: Sequence[tuple[float, float]], sign: int) -> tuple[float, float]:
    """What may be lost where answers are right or wrong: Wilson's bounds of those lost less those won.

    Wider than they need be; a bootstrap of no difference in n has no width at all.
    """
    stats = require("tunewright.core.stats", extra="train")
    down = stats.wilson(sum(a > b for a, b in pairs), len(pairs), 0.95)
    up = stats.wilson(sum(a < b for a, b in pairs), len(pairs), 0.95)
    lost, won = (down, up) if sign > 0 else (up, down)
    return float(lost.low - won.high), float(lost.high - won.low)


def _metric(report: Report) -> str:
    """The first metric of the report that can be taken of single answers; else whether they are exact."""
    known = plugins.names("scorers")
    said = [metric.name for result in report.results for metric in result.metrics]
    return next((name for name in said if name in known), "exact")

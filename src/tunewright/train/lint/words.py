"""Rules about what is learned: the loss mask, the answers, their weights and labels."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

from tunewright.core.types import Example
from tunewright.runtime.chat import Rendered
from tunewright.runtime.examples import REPLAY
from tunewright.train.lint.facts import DataFacts, Facts
from tunewright.train.rule import MEASURED, Rule, Told

ANSWERING = ("sft", "distill")
"""Methods that learn to say an answer to its end."""
LOPSIDED = 20
"""Times that the heaviest example may count the lightest."""
CONSTANT = 0.95
DIFFER = 0.05


def _nothing(facts: Facts) -> Told | None:
    share = _trained(facts)
    if share is None or share > 0:
        return None
    return Told(
        "train.method", "no token is trained", "end every example with an `assistant` turn", {"share": 0}
    )


def _everything(facts: Facts) -> Told | None:
    share = _trained(facts)
    if share is None or share <= 0.99:
        return None
    what = f"{share:.0%} of the tokens are trained, the questions too: the loss mask is missing"
    return Told("train.method", what, "keep question and answer in turns of their own", {"share": share})


def _trained(facts: Facts) -> float | None:
    if not facts.data or facts.spec.method.name not in ANSWERING:
        return None
    total = sum(len(item.ids) - 1 for item in facts.data.train)
    return sum(sum(item.trained[1:]) for item in facts.data.train) / max(1, total)


def _no_stop(facts: Facts) -> Told | None:
    if not facts.data or facts.base is None or facts.spec.method.name not in ANSWERING:
        return None
    stops = set(facts.base.chat.stop_ids)
    without = [
        item
        for item in facts.data.train
        if not any(learned and token in stops for token, learned in zip(item.ids, item.trained, strict=True))
    ]
    share = len(without) / len(facts.data.train)
    if share <= DIFFER:
        return None
    name = facts.base.chat.special.get("eos_token")
    padded = name is not None and name == facts.base.chat.special.get("pad_token")
    why = "; it is the padding token, too, which some collators mask by its value" if padded else ""
    called = name or "of which none is named"
    what = f"{share:.0%} of the answers are trained without a stop token, {called}{why}"
    fix = "name it as `eos_token` in `tokenizer_config.json`, and let the template end each answer with it"
    return Told("model", what, fix, {"share": share})


def _foreign_instruction(facts: Facts) -> Told | None:
    if not facts.data or facts.data.instruction is None:
        return None
    own = [_system(one) for one in _of_task(facts.data)]
    other = sum(text is not None and text != facts.data.instruction for text in own)
    if not own or other <= DIFFER * len(own):
        return None
    share = other / len(own)
    what = f"{share:.0%} of the examples bring another system turn than the instruction that is served"
    fix = "take it out of the examples, or make it `define.instruction`"
    return Told("define.instruction", what, fix, {"share": share})


def _of_task(data: DataFacts) -> list[Example]:
    return [one for one in data.examples if REPLAY not in one.tags]


def _system(example: Example) -> str | None:
    return next((turn.content for turn in example.messages if turn.role == "system"), None)


def _one_answer(facts: Facts) -> Told | None:
    answers = Counter(one.answer for one in _of_task(facts.data)) if facts.data else Counter[str | None]()
    if answers.total() < 20:
        return None
    ((answer, count),) = answers.most_common(1)
    share = count / answers.total()
    if share <= CONSTANT or answer is None:
        return None
    what = f"{share:.0%} of the answers are the same: {answer[:40]!r}"
    return Told(
        "data.sources", what, "look whether the column of the answer is the right one", {"share": share}
    )


def _weights(facts: Facts) -> Told | None:
    weights = [item.weight for item in facts.data.train] if facts.data else []
    heaviest, lightest = max(weights, default=1.0), min((one for one in weights if one > 0), default=1.0)
    if heaviest <= LOPSIDED * lightest:
        return None
    heavy = sum(one > heaviest / 2 for one in weights)
    times = heaviest / lightest
    what = f"the heaviest examples ({heavy} of {len(weights)}) count {times:.0f} times the lightest"
    fix = "keep weights between 0.2 and 5; show rare examples twice instead"
    return Told("data.mix", what, fix, {"ratio": times, "heavy": heavy})


def _seen_validation(facts: Facts) -> Told | None:
    if not facts.data or not facts.data.validation:
        return None
    known = {item.ids for item in facts.data.train}
    share = sum(item.ids in known for item in facts.data.validation) / len(facts.data.validation)
    if share <= DIFFER:
        return None
    what = f"{share:.0%} of the validation examples stand in training, word for word"
    return Told("data.split", what, "keep `data.split.overlap: remove`", {"share": share})


def _cut(facts: Facts) -> Told | None:
    if not facts.data:
        return None
    limit = facts.spec.max_tokens
    place, longest, long = too_long(facts.data.train, limit)
    if not long:
        return None
    what = (
        f"{long} of {len(facts.data.train)} examples ({long / len(facts.data.train):.1%}) are longer than "
        f"`train.max_tokens` of {limit} tokens; the longest, training example {place}, has {longest}"
    )
    return Told(
        "train.max_tokens", what, f"set `train.max_tokens: {longest}`", {"long": long, "longest": longest}
    )


def too_long(examples: Sequence[Rendered], limit: int) -> tuple[int, int, int]:
    """The longest example by number, its tokens, and how many are longer than the limit."""
    lengths = [len(item.ids) for item in examples]
    length = max(lengths, default=0)
    return lengths.index(length) if lengths else 0, length, sum(one > limit for one in lengths)


_THREADS = "https://github.com"
RULES = (
    Rule(
        "nothing trained",
        "error",
        "the run ends where it began",
        f"{_THREADS}/unslothai/unsloth/issues/2900",
        _nothing,
    ),
    Rule(
        "no loss mask",
        "warning",
        "it learns to ask the questions, and less of the answers",
        f"{_THREADS}/unslothai/unsloth/issues/2900",
        _everything,
    ),
    Rule(
        "stop token outside the mask",
        "warning",
        "it never learns to end an answer, and talks until it is cut",
        f"{_THREADS}/huggingface/trl/issues/1623",
        _no_stop,
    ),
    Rule(
        "another instruction when served",
        "warning",
        "right in training, wrong in service",
        f"{_THREADS}/hiyouga/ChatGLM-Efficient-Tuning/issues/181",
        _foreign_instruction,
    ),
    Rule("one answer", "warning", "it gives that answer to everything", MEASURED, _one_answer),
    Rule("extreme weights", "warning", "a few examples decide every step they stand in", MEASURED, _weights),
    Rule("validation in training", "warning", "overfitting looks like progress", MEASURED, _seen_validation),
    Rule(
        "examples too long",
        "error",
        "cut, an example would lose its answer; so the run stops instead",
        f"{_THREADS}/huggingface/trl/issues/613",
        _cut,
    ),
)

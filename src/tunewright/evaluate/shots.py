"""Which training examples a few-shot prompt shows: the same for every question, by a fixed rule."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence

from tunewright.core import digest
from tunewright.core.types import Example
from tunewright.runtime.lazy import require
from tunewright.runtime.measure.answer import question_text

RULE = "balanced over the labels, each label's examples nearest to the centre of its training questions"
RULE_WITHOUT_LABELS = "drawn by the digest of their ids"


def ranked(train: Sequence[Example]) -> list[Example]:
    """Training examples in the order in which few-shot prompts take them: the first k are shown.

    With labels: most frequent label first, the most typical example of each label, then the second
    of each, and so on. Without labels: by the digest of the id, a fixed draw.
    """
    if any(example.label is None for example in train):
        return sorted(train, key=lambda example: digest.of_text(example.id))
    by_label: dict[str, list[Example]] = defaultdict(list)
    for example in train:
        by_label[example.label or ""].append(example)
    queues = [
        _typical(members)
        for _, members in sorted(by_label.items(), key=lambda item: (-len(item[1]), item[0]))
    ]
    longest = max((len(queue) for queue in queues), default=0)
    return [queue[place] for place in range(longest) for queue in queues if place < len(queue)]


def _typical(examples: Sequence[Example]) -> list[Example]:
    """The examples of one label, nearest to their common centre first."""
    embed = require("tunewright.runtime.embed", extra="all").embed
    vectors = embed([question_text(example) for example in examples])
    nearness = vectors @ vectors.mean(axis=0)
    # Rounded, so that the order does not hang on the last bits of a float.
    order = sorted(range(len(examples)), key=lambda i: (-round(float(nearness[i]), 5), examples[i].id))
    return [examples[i] for i in order]

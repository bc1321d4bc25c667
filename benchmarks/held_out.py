"""What a model makes of examples that it has not seen: one value an example, by the name of the measure."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification

from benchmarks.record import WORK
from tunewright.core.types import Checkpoint, Completion, Example
from tunewright.runtime import plugins
from tunewright.runtime.adapters.loading import put_on
from tunewright.runtime.chat import Chat, Rendered
from tunewright.train.torch.batches import Batch, collate
from tunewright.train.torch.networks import network_for
from tunewright.train.torch.saying import parted, say
from tunewright.train.torch.worth import Rater

CPU = torch.device("cpu")
FORMAT = torch.bfloat16
"""Of the numbers, as in training."""
INSTRUCTION = "Answer."
TOGETHER = 20
"""Examples that are looked at together."""
SAID_TOGETHER = 50

Values = dict[str, list[float]]
"""Of every example a value; what the method is judged by comes first."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """A model as it stands before or after training."""

    base: Checkpoint
    adapter: Path | None
    rater: Path | None = None
    """The adapter of the reward model that rates its answers."""

    @cached_property
    def chat(self) -> Chat:
        """Its template and tokenizer."""
        return Chat.load(self.base.path)

    def load(self, dtype: torch.dtype = FORMAT) -> Any:  # noqa: ANN401 - a model, of PEFT or not
        """Its weights."""
        model = AutoModelForCausalLM.from_pretrained(self.base.path, dtype=dtype)
        return put_on(model, self.adapter) if self.adapter else model.requires_grad_(False)

    def render(self, method: str, examples: Sequence[Example]) -> list[Rendered]:
        """The examples as tokens, as the method with its defaults sees them."""
        found: list[Rendered] = plugins.make("methods", method).render(examples, self.chat, INSTRUCTION)
        return found

    def rate(self, adapter: Path | None, texts: Sequence[Rendered]) -> list[float]:
        """What a reward model gives texts; without an adapter its head has learned nothing."""
        weights = self.base.path if adapter else _with_new_head(self.base.path)
        ratings = Rater(weights, adapter, FORMAT, CPU)(texts, ())
        return [float(one) for one in ratings]


def _with_new_head(base: Path) -> Path:
    """The model as one that rates, its head as chance made it."""
    folder = WORK / "new-head"
    if not folder.exists():
        torch.manual_seed(0)
        model: Any = AutoModelForSequenceClassification.from_pretrained(base, num_labels=1)
        model.save_pretrained(folder)
    return folder


Measure = Callable[[Subject, Sequence[Example]], Values]


def log_probability(subject: Subject, examples: Sequence[Example]) -> Values:
    """Mean log-probability of a token of the right answer; of a text without a question, of all of it."""
    items = subject.render("sft" if examples[0].messages else "cpt", examples)
    found = [batch.means(-losses).tolist() for batch, losses in _judged(subject, items)]
    return {"log_probability": [one for values in found for one in values]}


def preferred(subject: Subject, examples: Sequence[Example], *, by_token: bool = False) -> Values:
    """By how many nats the better answer is likelier, and if it is: the whole, or the mean of its tokens."""
    found: list[float] = []
    for batch, losses in _judged(subject, subject.render("dpo", examples)):
        better, rejected = batch.sides((batch.means if by_token else batch.sums)(-losses))
        found += (better - rejected).double().tolist()
    return {"margin": found, "pairs": [float(one > 0) for one in found]}


def rated(subject: Subject, examples: Sequence[Example]) -> Values:
    """Whether a reward model, the adapter itself, gives the better answer more."""
    items = subject.render("dpo", examples)
    better = subject.rate(subject.adapter, [replace(item, beside=None) for item in items])
    rejected = subject.rate(subject.adapter, [item.beside for item in items if item.beside is not None])
    return {"pairs": [float(one > other) for one, other in zip(better, rejected, strict=True)]}


def answers(subject: Subject, examples: Sequence[Example], *, longest: int = 64) -> Values:
    """Greedy answers against the right ones; before that their reward, where there is a reward model."""
    items = subject.render("sft", examples)
    said = _said(subject, items, longest)
    scorer = plugins.make("scorers", "token_f1")
    stops = subject.chat.stop_ids
    words = [subject.chat.decode([one for one in ids if one not in stops]) for ids in said]
    scores = [
        scorer.score(example, Completion(text=text)).value
        for example, text in zip(examples, words, strict=True)
    ]
    found = {"token_f1": scores, "tokens": [float(len(ids)) for ids in said]}
    if subject.rater is None:
        return found
    texts = [_with_answer(item, ids) for item, ids in zip(items, said, strict=True)]
    return {"reward": subject.rate(subject.rater, texts), **found}


def _judged(subject: Subject, items: Sequence[Rendered]) -> Iterator[tuple[Batch, Tensor]]:
    """Batch by batch, the cross-entropy of every trained token."""
    network, _ = network_for(subject.load())
    for start in range(0, len(items), TOGETHER):
        batch = collate(items[start : start + TOGETHER], 0, CPU)
        yield batch, network.judge(batch)[0]


def _said(subject: Subject, items: Sequence[Rendered], longest: int) -> list[list[int]]:
    """Tokens of the greedy answer to each item's question; alike in length they are asked together."""
    model = subject.load().eval()
    found: list[list[int]] = [[]] * len(items)
    order = sorted(range(len(items)), key=lambda place: len(items[place].ids))
    for start in range(0, len(order), SAID_TOGETHER):
        places = order[start : start + SAID_TOGETHER]
        questions = [parted(items[place])[0] for place in places]
        for place, ids in zip(places, say(model, questions, longest, subject.chat.stop_ids), strict=True):
            found[place] = ids
    return found


def _with_answer(item: Rendered, answer: Sequence[int]) -> Rendered:
    """The item with another answer, and what the template writes after it."""
    question, _, rest = parted(item)
    ids = (*question, *answer, *rest)
    return replace(item, ids=ids, trained=tuple([False] * len(ids)))

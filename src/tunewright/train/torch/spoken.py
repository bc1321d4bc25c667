"""Spoken: validation questions answered in words while a model is trained, and scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile
from statistics import fmean
from typing import Any

import torch

from tunewright.core.types import Completion, Example, Message
from tunewright.runtime import plugins
from tunewright.runtime.chat import Chat, Rendered
from tunewright.runtime.measure.ports import Scorer

SCORERS = ("exact", "token_f1")
ROOM = 16
"""Tokens that an answer may be longer than twice the right one."""


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """Asks the model under training the same few questions at every look; greedy, as evaluation is."""

    model: Any
    chat: Chat
    asked: Sequence[Rendered]
    device: torch.device

    def __call__(self) -> dict[str, float]:
        """Mean score of each scorer over the answers, as `generated_…`; nothing where nothing is asked."""
        if not self.asked:
            return {}
        questions, expected = zip(*(_parted(item) for item in self.asked), strict=True)
        said = self._answers(questions, 2 * max(map(len, expected)) + ROOM)
        pairs = [
            (self.chat.decode(ids), self.chat.decode(right))
            for ids, right in zip(said, expected, strict=True)
        ]
        scorers: dict[str, Scorer] = {name: plugins.make("scorers", name) for name in SCORERS}
        return {
            f"generated_{name}": fmean(
                scorer.score(_example(right), Completion(text=text)).value for text, right in pairs
            )
            for name, scorer in scorers.items()
        }

    @torch.no_grad()
    def _answers(self, questions: Sequence[Sequence[int]], longest: int) -> list[list[int]]:
        """Tokens of the answer to each question, padded on the left so that all end together."""
        width = max(map(len, questions))
        stops = list(self.chat.stop_ids)
        ids = torch.zeros((len(questions), width), dtype=torch.long)
        there = torch.zeros_like(ids)
        for row, question in enumerate(questions):
            ids[row, width - len(question) :] = torch.tensor(question)
            there[row, width - len(question) :] = 1
        was_training = self.model.training
        self.model.eval()
        made = self.model.generate(
            input_ids=ids.to(self.device),
            attention_mask=there.to(self.device),
            do_sample=False,
            max_new_tokens=longest,
            eos_token_id=stops or None,
            pad_token_id=stops[0] if stops else 0,
        )
        self.model.train(was_training)
        return [_until(row, stops) for row in made[:, width:].tolist()]


def _parted(item: Rendered) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """The question of an example, and the tokens of its last trained turn."""
    end = max(place for place, learned in enumerate(item.trained) if learned) + 1
    start = end
    while start and item.trained[start - 1]:
        start -= 1
    return item.ids[:start], item.ids[start:end]


def _until(ids: list[int], stops: Sequence[int]) -> list[int]:
    return list(takewhile(lambda one: one not in stops, ids))


def _example(right: str) -> Example:
    return Example(
        id="", messages=(Message(role="user", content=""), Message(role="assistant", content=right))
    )

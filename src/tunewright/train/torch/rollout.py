"""Rollout: answers of the model as it is, weighed by what they are worth."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor

from tunewright.runtime.chat import Chat, Rendered
from tunewright.train.ports import OnlineMethod
from tunewright.train.torch.networks import Network
from tunewright.train.torch.references import compared, references
from tunewright.train.torch.saying import parted, say
from tunewright.train.torch.worth import Worth

TOGETHER = 64
"""Answers that are said together."""
LOOKED_AT = 64
"""Validation questions that are answered at a look."""


@dataclass(frozen=True)
class Rolled:
    """What a step learns from, and what can be told of it."""

    items: list[Rendered]
    """The answers, group by group; the weight of each is its advantage."""
    reward: float
    alike: float
    """Share of the questions whose answers are all worth the same: nothing is learned from them."""


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """Asks the model under training, and lets `worth` say what the answers are worth."""

    model: Any
    network: Network
    weights: Mapping[str, Tensor]
    """What moves, by name."""
    start: Mapping[str, Tensor]
    """The same before training."""
    method: OnlineMethod
    worth: Worth
    chat: Chat
    seed: int

    def __call__(self, items: Sequence[Rendered], step: int, prefix: int) -> Rolled:
        """Several answers to every question, by chance."""
        asked = [item for item in items for _ in range(self.method.answers)]
        said, words = self._said(asked, 1 + step)
        values, _ = self.worth(said, words)
        groups = values.view(len(items), -1)
        spread = groups.std(dim=1, keepdim=True)
        advantages = (groups - groups.mean(dim=1, keepdim=True)) / (spread + 1e-4)
        weighed = [replace(one, weight=a) for one, a in zip(said, advantages.flatten().tolist(), strict=True)]
        known = self._known(weighed, prefix) if self.method.beta else weighed
        return Rolled(known, float(values.mean()), float((spread == 0).double().mean()))

    def look(self, items: Sequence[Rendered], prefix: int) -> tuple[float, float, dict[str, float]]:
        """Reward of the greedy answers, share of them worth at least the right one, and other figures.

        `kl` is how far the answers have moved from those before training, in nats an answer (Schulman's
        estimate k3 over answers by chance).
        """
        asked = items[:LOOKED_AT]
        said, words = self._said(asked, None)
        values, figures = self.worth(said, words)
        right, _ = self.worth(asked, [self.chat.decode(parted(item)[1]) for item in asked])
        figures |= {"reward": float(values.mean()), "kl": self._moved(asked, prefix)}
        return float(values.mean()), float((values >= right).double().mean()), figures

    def _said(self, asked: Sequence[Rendered], number: int | None) -> tuple[list[Rendered], list[str]]:
        """The asked items, each with an answer of the model, and the answers in words."""
        stops = self.chat.stop_ids
        order = sorted(range(len(asked)), key=lambda place: len(asked[place].ids))
        found: list[tuple[Rendered, str]] = [(asked[0], "")] * len(asked)
        for start in range(0, len(order), TOGETHER):
            places = order[start : start + TOGETHER]
            seed = None if number is None else (self.seed * 1_000_003 + number) * 1_009 + start
            questions = [parted(asked[place])[0] for place in places]
            answers = say(self.model, questions, self.method.longest, stops, seed)
            for place, question, answer in zip(places, questions, answers, strict=True):
                words = self.chat.decode([one for one in answer if one not in stops])
                found[place] = (_answered(asked[place], question, answer), words)
        return [text for text, _ in found], [words for _, words in found]

    def _moved(self, asked: Sequence[Rendered], prefix: int) -> float:
        said = self._known(self._said(asked, 0)[0], prefix)
        now = references(self.network, said, prefix, self.model.device)
        away = torch.tensor([one for text in said for one in text.reference], dtype=torch.float64) - now
        return float((away.exp() - away - 1).sum() / len(said))

    def _known(self, said: Sequence[Rendered], prefix: int) -> list[Rendered]:
        """The texts with what the model before training says of them."""
        with self._before():
            return compared(said, references(self.network, said, prefix, self.model.device))

    @contextmanager
    def _before(self) -> Iterator[None]:
        """The model as it was before training, for a while."""
        now = {name: weight.detach().clone() for name, weight in self.weights.items()}
        self._put(self.start)
        try:
            yield
        finally:
            self._put(now)

    @torch.no_grad()
    def _put(self, values: Mapping[str, Tensor]) -> None:
        for name, weight in self.weights.items():
            weight.copy_(values[name])
        self.network.refresh()


def _answered(item: Rendered, question: Sequence[int], answer: Sequence[int]) -> Rendered:
    after = parted(item)[2]
    ids = (*question, *answer, *after)
    trained = (*[False] * len(question), *[True] * len(answer), *[False] * len(after))
    return replace(item, ids=ids, trained=trained)

"""One answer under way: how the next token is chosen, and what is told of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

import torch
from torch import Tensor

from tunewright.core.types import Delta, Request
from tunewright.runtime.engines import choices
from tunewright.runtime.engines.text import Writer
from tunewright.runtime.engines.transformers.guided import Guide

GREEDY = 1e-5
"""Temperatures up to this leave nothing to chance, and logits divided by them would not be finite."""


@dataclass(frozen=True)
class Scores:
    """What the model says of the next token of one row."""

    logits: Tensor
    """[vocabulary], float32."""
    norm: float
    """Log-sum-exp of the logits."""
    best: int

    def logprob(self, token: int) -> float:
        """Log-probability of a token, as the model gave it."""
        return min(0.0, float(self.logits[token]) - self.norm)

    def likeliest(self, number: int) -> tuple[tuple[int, float], ...]:
        """So many of the likeliest tokens with their log-probabilities, the likeliest first."""
        if number == 0:
            return ()
        found = self.logits.topk(min(number, len(self.logits)))
        pairs = zip(found.indices.tolist(), found.values.tolist(), strict=True)
        return tuple((token, min(0.0, logit - self.norm)) for token, logit in pairs)

    def told(self, token: int, number: int) -> dict[str, Any]:
        """What a delta tells of the token that was taken."""
        found = self.likeliest(number)
        return {
            "token_ids": (token,),
            "logprobs": (self.logprob(token),),
            "likeliest": (found,) if found else (),
        }


class Answer(Protocol):
    """The state of one answer."""

    feed: list[int]
    """Tokens the model must read before the next decision."""
    finished: bool

    def take(self, scores: Scores) -> list[Delta]:
        """Decide, and tell what is now certain."""
        ...


class Draw:
    """Greedy, or by chance with a seed of its own."""

    def __init__(self, request: Request) -> None:
        self.temperature = request.temperature if request.temperature > GREEDY else 0.0
        self.top_p = request.top_p
        self.generator = torch.Generator()
        if request.seed is None:
            self.generator.seed()
        else:
            self.generator.manual_seed(request.seed % (1 << 63))

    def pick(self, logits: Tensor) -> int:
        """The place of the token drawn from `logits`, [candidates]."""
        if self.temperature <= 0:
            return int(logits.argmax())
        ranked, order = (logits.cpu().double() / self.temperature).softmax(dim=-1).sort(descending=True)
        # Nucleus sampling (Holtzman et al. 2020): the smallest set of tokens that reaches `top_p`.
        outside = ranked.cumsum(dim=-1) - ranked >= self.top_p
        outside[0] = False
        place = torch.multinomial(ranked.masked_fill(outside, 0.0), 1, generator=self.generator)
        return int(order[place])


class Free:
    """An answer in the model's own words."""

    def __init__(
        self,
        prompt: Sequence[int],
        request: Request,
        writer: Writer,
        stop_ids: frozenset[int],
        limit: int,
        guide: Guide | None = None,
    ) -> None:
        self.feed = list(prompt)
        self.finished = False
        self._writer, self._stop_ids, self._left = writer, stop_ids, limit
        self._draw, self._likeliest, self._guide = Draw(request), request.likeliest, guide

    def take(self, scores: Scores) -> list[Delta]:
        """One token; the last delta says why it ended."""
        token = self._picked(scores)
        self.feed, self._left = [token], self._left - 1
        ended = token in self._stop_ids
        text = "" if ended else self._writer.push(token)
        stopped = ended or self._writer.stopped
        self.finished = stopped or self._left <= 0
        if self.finished:
            text += self._writer.end()
        return [
            Delta(
                text=text,
                **scores.told(token, self._likeliest),
                finish_reason=None
                if not self.finished
                else ("stop" if stopped or self._writer.stopped else "length"),
            )
        ]

    def _picked(self, scores: Scores) -> int:
        if self._guide is not None:
            token = self._draw.pick(self._guide.only_allowed(scores.logits))
            self._guide.take(token)
            return token
        return scores.best if self._draw.temperature <= 0 else self._draw.pick(scores.logits)


class Chosen:
    """An answer out of a closed list.

    Tokens that the list leaves no choice about are not asked for: they are read by the model
    together with the next decision, or never, when only one choice is left. They have no logprob.
    """

    def __init__(self, prompt: Sequence[int], request: Request, root: choices.Node) -> None:
        opened = choices.forced(root)
        self.feed = [*prompt, *opened.forced]
        self.finished = opened.choice is not None
        self.first = self._told(opened)
        self._node, self._draw, self._likeliest = opened.node, Draw(request), request.likeliest

    def take(self, scores: Scores) -> list[Delta]:
        """Decide among what the list allows; the text comes whole when one choice is left."""
        tokens = list(self._node.children)
        place = self._draw.pick(scores.logits[torch.tensor(tokens, device=scores.logits.device)])
        token = tokens[place]
        opened = choices.forced(self._node.children[token])
        self._node = opened.node
        self.feed = [token, *opened.forced]
        self.finished = opened.choice is not None
        return [Delta(**scores.told(token, self._likeliest)), *self._told(opened)]

    def _told(self, opened: choices.Open) -> list[Delta]:
        if opened.choice is not None:
            return [Delta(text=opened.choice, token_ids=opened.forced, finish_reason="stop")]
        return [Delta(token_ids=opened.forced)] if opened.forced else []

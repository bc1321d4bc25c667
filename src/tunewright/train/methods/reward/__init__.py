"""Reward model: learn to say how good an answer is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

from pydantic import Field

from tunewright.core.types import Example
from tunewright.runtime.chat import Chat, Rendered
from tunewright.train.learning import Pairs


@dataclass(frozen=True, kw_only=True)
class Reward(Pairs):
    """Rate the better answer above the rejected one (Bradley-Terry); `grpo` then learns from the ratings."""

    center: Annotated[float, Field(ge=0)] = 0.01
    """Weight of the square of a pair's summed ratings, to keep them about zero (Eisenstein et al. 2023)."""
    compares: ClassVar[bool] = False
    rates: ClassVar[bool] = True

    def render(self, examples: Sequence[Example], chat: Chat, instruction: str | None) -> list[Rendered]:
        """The better answers, and beside each the rejected one, each read to its end."""
        pairs = super().render(examples, chat, instruction)
        return [replace(one.rated, beside=one.beside.rated) for one in pairs if one.beside is not None]

    def loss(self, network: Any, batch: Any) -> Any:  # noqa: ANN401 - torch is not known here
        """Summed `-log σ(better - rejected)`, and `center` times the square of their sum."""
        return self._of(batch, network.ratings(batch))

    def judge(self, network: Any, batch: Any) -> tuple[Any, Any]:  # noqa: ANN401 - torch is not known here
        """The same without gradient, and of which pairs the better answer is rated higher."""
        ratings = network.judge_ratings(batch)
        better, rejected = batch.sides(ratings)
        return self._of(batch, ratings), better > rejected

    def _of(self, batch: Any, ratings: Any) -> Any:  # noqa: ANN401 - torch is not known here
        better, rejected = batch.sides(ratings.double())
        value = -(better - rejected).sigmoid().log() + self.center * (better + rejected).square()
        return (value * batch.item_weights).sum()

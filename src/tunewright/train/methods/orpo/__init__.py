"""Odds-ratio preference optimization: learn an answer, and that another is worse, at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from tunewright.train.learning import Pairs


@dataclass(frozen=True, kw_only=True)
class Orpo(Pairs):
    """Learn the better answer and raise its odds over the rejected one (Hong et al. 2024)."""

    beta: Annotated[float, Field(gt=0)] = 0.1
    """Weight of the odds ratio beside the likelihood of the better answer."""
    compares: ClassVar[bool] = False

    def loss(self, network: Any, batch: Any) -> Any:  # noqa: ANN401 - torch is not known here
        """Summed `-log p - β log σ(log odds ratio)`, p the geometric mean probability of the tokens."""
        return self._of(batch, network.losses(batch))

    def judge(self, network: Any, batch: Any) -> tuple[Any, Any]:  # noqa: ANN401 - torch is not known here
        """The same without gradient, and of which pairs the better answer has the higher mean probability."""
        losses, _ = network.judge(batch)
        better, rejected = batch.sides(batch.means(-losses))
        return self._of(batch, losses), better > rejected

    def _of(self, batch: Any, losses: Any) -> Any:  # noqa: ANN401 - torch is not known here
        better, rejected = batch.sides(batch.means(-losses))
        odds = better - rejected - (-better.exp()).log1p() + (-rejected.exp()).log1p()
        return -((better + self.beta * odds.sigmoid().log()) * batch.item_weights).sum()

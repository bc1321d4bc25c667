"""Direct preference optimization: learn which of two answers is better."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, ClassVar

from pydantic import Field

from tunewright.train.learning import Pairs


@dataclass(frozen=True, kw_only=True)
class Dpo(Pairs):
    """Make the better answer likelier than the rejected one (Rafailov et al. 2023); rates of about 5e-5."""

    beta: Annotated[float, Field(gt=0)] = 0.1
    """How dear it is to move away from the model as it was."""
    compares: ClassVar[bool] = True

    def loss(self, network: Any, batch: Any) -> Any:  # noqa: ANN401 - torch is not known here
        """Summed `-log σ(β (Δ better - Δ rejected))`, Δ the change of log-probability by training."""
        return self._of(batch, network.losses(batch))

    def judge(self, network: Any, batch: Any) -> tuple[Any, Any]:  # noqa: ANN401 - torch is not known here
        """The same without gradient, and of which pairs the better answer is the likelier."""
        losses, _ = network.judge(batch)
        better, rejected = batch.sides(-batch.sums(losses))
        return self._of(batch, losses), better > rejected

    def _of(self, batch: Any, losses: Any) -> Any:  # noqa: ANN401 - torch is not known here
        better, rejected = batch.sides(batch.sums(-losses - batch.references))
        margin = self.beta * (better - rejected)
        return -(margin.sigmoid().log() * batch.item_weights).sum()

"""Kahneman-Tversky optimization: learn from answers that are good, and from others that are bad."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

from pydantic import Field

from tunewright.core.types import Example
from tunewright.runtime.chat import Chat, Rendered
from tunewright.train.learning import answered


@dataclass(frozen=True, kw_only=True)
class Kto:
    """Make desirable answers likelier and undesirable ones less (Ethayarajh et al. 2024); needs no pairs."""

    beta: Annotated[float, Field(gt=0)] = 0.1
    """How dear it is to move away from the model as it was."""
    desirable: Annotated[float, Field(gt=0)] = 1.0
    """Weight of the desirable answers."""
    undesirable: Annotated[float, Field(gt=0)] = 1.0
    """Weight of the others; the two kinds should weigh alike in sum."""
    compares: ClassVar[bool] = True
    rates: ClassVar[bool] = False

    def takes(self, example: Example) -> bool:
        """An answer, or two."""
        return example.answer is not None

    def render(self, examples: Sequence[Example], chat: Chat, instruction: str | None) -> list[Rendered]:
        """Every answer, a rejected one too; beside it the next answer to the same question.

        How likely answers to other questions have become shows how far the model has moved as a whole.
        """
        found = [one for example in examples for one in _answers(example)]
        following = [*found[1:], *found[:1]]
        return [
            replace(
                answered(example, answer, chat, instruction).last_turn,
                desirable=good,
                beside=answered(example, other, chat, instruction).last_turn,
            )
            for (example, answer, good), (_, other, _) in zip(found, following, strict=True)
        ]

    def lacks(self, train: Sequence[Rendered]) -> str:
        """Answers of both kinds."""
        kinds = {item.desirable for item in train}
        if kinds == {True, False}:
            return ""
        return (
            "desirable answers"
            if False in kinds
            else "undesirable answers (`desirable: false`, or `rejected`)"
        )

    def amount(self, item: Rendered) -> float:
        """An answer counts as often as it weighs."""
        return item.weight

    def loss(self, network: Any, batch: Any) -> Any:  # noqa: ANN401 - torch is not known here
        """Summed `1 - σ(± β (Δ - z))`: Δ how likely an answer has become, z answers to other questions.

        Nothing is learned from the latter, so they are looked at without gradient.
        """
        own, beside = batch.apart()
        others, _ = network.judge(beside)
        return self._of(batch, network.losses(own), others)

    def judge(self, network: Any, batch: Any) -> tuple[Any, Any]:  # noqa: ANN401 - torch is not known here
        """The same without gradient, and which answers have become likelier if desirable, else not."""
        own, beside = batch.apart()
        (losses, _), (others, _) = network.judge(own), network.judge(beside)
        likelier = own.sums(-losses - own.references) > 0
        return self._of(batch, losses, others), likelier == batch.desirable

    def _of(self, batch: Any, losses: Any, others: Any) -> Any:  # noqa: ANN401 - torch is not known here
        own, beside = batch.apart()
        changes = own.sums(-losses - own.references)
        drift = beside.sums(-others - beside.references).mean().clamp(min=0)
        moved = self.beta * (changes - drift)
        good = batch.desirable
        value = self.desirable * good * (1 - moved.sigmoid()) + self.undesirable * ~good * moved.sigmoid()
        return (value * batch.item_weights).sum()


def _answers(example: Example) -> Iterator[tuple[Example, str, bool]]:
    if example.answer is not None:
        yield example, example.answer, example.desirable is not False
    if example.rejected is not None and example.rejected != example.answer:
        yield example, example.rejected, False

"""Group relative policy optimization: learn from the model's own answers by what they are worth."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Annotated, Any, ClassVar

from pydantic import Field

from tunewright.core.types import Example
from tunewright.runtime.chat import Chat, Rendered
from tunewright.runtime.plugins import Named
from tunewright.train.learning import Likelihood, answered


@dataclass(frozen=True, kw_only=True)
class Grpo(Likelihood):
    """Make answers likelier that are worth more than others to the same question (Shao et al. 2024)."""

    rewards: Annotated[tuple[Named, ...], Field(min_length=1)]
    """Scorers that say what an answer is worth, in sum; `reward` is the reward model of an earlier round."""
    weights: tuple[float, ...] = ()
    """How much each of them counts; all alike if left out."""
    answers: Annotated[int, Field(ge=2)] = 8
    """Answers to a question, which are weighed against each other."""
    longest: Annotated[int, Field(ge=1)] = 64
    """Tokens of an answer at most."""
    beta: Annotated[float, Field(ge=0)] = 0.04
    """How dear it is to move away from the model as it was."""
    compares: ClassVar[bool] = False

    def takes(self, example: Example) -> bool:
        """A question and its right answer, which scorers compare with."""
        return example.answer is not None and example.desirable is not False

    def render(self, examples: Sequence[Example], chat: Chat, instruction: str | None) -> list[Rendered]:
        """The examples with their right answers, which are not learned from but show where answers stand."""
        return [
            replace(answered(one, one.answer or "", chat, instruction).last_turn, example=one)
            for one in examples
        ]

    def lacks(self, train: Sequence[Rendered]) -> str:
        """Questions."""
        return "" if train else "questions with an answer"

    def amount(self, item: Rendered) -> float:
        """Every token of an answer counts alike (Yu et al. 2025)."""
        return item.learned

    def loss(self, network: Any, batch: Any) -> Any:  # noqa: ANN401 - torch is not known here
        """Summed `p / p₀ (β (q / p - log(q / p) - 1) - A)` over the tokens of the answers.

        A is the advantage of the answer, p the probability of the token, p₀ the same as a constant, q that by
        the model before training. Every answer is learned from once, so that nothing is clipped; with p / p₀
        before it the gradient of the divergence is unbiased (DeepSeek-AI 2025, V3.2).
        """
        likely = -network.losses(batch).double()
        away = batch.references - likely
        dear = self.beta * (away.exp() - away - 1) - batch.item_weights[batch.rows]
        return ((likely - likely.detach()).exp() * dear).sum()

"""What methods have in common: answers as tokens, learning by likelihood, learning from pairs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, ClassVar

from tunewright.core.types import Example, Message
from tunewright.runtime.chat import Chat, Rendered, with_instruction
from tunewright.runtime.examples import REPLAY


def answered(example: Example, answer: str, chat: Chat, instruction: str | None) -> Rendered:
    """The example's question with that answer, each of its assistant turns marked as trained."""
    turns = (*example.prompt, Message(role="assistant", content=answer))
    served = with_instruction(turns, None if REPLAY in example.tags else instruction)
    return replace(chat.render(served), weight=example.weight)


class Likelihood:
    """Trained tokens are made likelier, each for itself."""

    rates: ClassVar[bool] = False

    def amount(self, item: Rendered) -> float:
        """Its trained tokens, each as often as it weighs."""
        return item.weight * item.learned

    def loss(self, network: Any, batch: Any) -> Any:  # noqa: ANN401 - torch is not known here
        """Summed cross-entropy over the trained tokens of a batch, each as often as its example weighs."""
        return batch.weighed(network.losses(batch)).sum()

    def judge(self, network: Any, batch: Any) -> tuple[Any, Any]:  # noqa: ANN401 - torch is not known here
        """The same without gradient, and whether greedy decoding would say each item token for token."""
        losses, said = network.judge(batch)
        return batch.weighed(losses).sum(), batch.all_of(said)


class Pairs:
    """Every item is the better answer, and beside it the rejected one."""

    rates: ClassVar[bool] = False

    def takes(self, example: Example) -> bool:
        """Two answers that differ."""
        return None not in (example.answer, example.rejected) and example.answer != example.rejected

    def render(self, examples: Sequence[Example], chat: Chat, instruction: str | None) -> list[Rendered]:
        """The better answers, and beside each the rejected one; the last turn alone is learned from."""
        return [
            replace(
                answered(one, one.answer or "", chat, instruction).last_turn,
                beside=answered(one, one.rejected or "", chat, instruction).last_turn,
            )
            for one in examples
        ]

    def lacks(self, train: Sequence[Rendered]) -> str:
        """Pairs."""
        return "" if train else "pairs of answers (`rejected` beside the answer)"

    def amount(self, item: Rendered) -> float:
        """A pair counts as often as it weighs."""
        return item.weight

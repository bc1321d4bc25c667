"""Supervised fine-tuning: learn the assistant's turns."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, Literal

from tunewright.core.errors import DataError
from tunewright.core.types import Example
from tunewright.runtime.chat import Chat, Rendered, with_instruction
from tunewright.runtime.examples import REPLAY


@dataclass(frozen=True, kw_only=True)
class Sft:
    """Learn to say what the assistant says."""

    answers: Literal["last", "all"] = "last"
    """Which of the assistant's turns are learned."""

    def takes(self, example: Example) -> bool:
        """No answer that is marked undesirable: it would be learned to be given."""
        return example.desirable is not False

    def render(self, example: Example, chat: Chat, instruction: str | None) -> Rendered:
        """Tokens of an example, and which of them are learned from."""
        if example.answer is None:
            raise DataError(
                "the last turn is not from the assistant, so there is nothing to learn",
                where=f"example {example.id}",
                fix="end every example with an `assistant` message",
            )
        turns = with_instruction(example.messages, None if REPLAY in example.tags else instruction)
        rendered = replace(chat.render(turns), weight=example.weight)
        return _only_last(rendered) if self.answers == "last" else rendered

    def loss(self, network: Any, batch: Any) -> Any:  # noqa: ANN401 - torch is not known here
        """Summed cross-entropy over the trained tokens of a batch, each as often as its example weighs."""
        losses = network.losses(batch)
        return (losses if batch.weights is None else losses * batch.weights).double().sum()

    def judge(self, network: Any, batch: Any) -> Any:  # noqa: ANN401 - torch is not known here
        """Loss of every trained token, and whether the model would have said it."""
        return network.judge(batch)


def _only_last(rendered: Rendered) -> Rendered:
    trained = list(rendered.trained)
    place = len(trained)
    while place and not trained[place - 1]:
        place -= 1
    while place and trained[place - 1]:
        place -= 1
    return replace(rendered, trained=tuple([False] * place + trained[place:]))

"""An example as the model will see it: token by token, with what is learned from."""

from __future__ import annotations

from dataclasses import dataclass

from tunewright.core.types import Example, Message
from tunewright.runtime.chat import Chat


@dataclass(frozen=True)
class PreviewToken:
    """One token: its text, whether it is learned from, whether it ends the answer."""

    id: int
    text: str
    trained: bool
    stop: bool


@dataclass(frozen=True)
class Preview:
    """The tokens of one example in their order."""

    tokens: tuple[PreviewToken, ...]

    @property
    def trained_share(self) -> float:
        """Share of the tokens that are learned from, 0 to 1."""
        return sum(token.trained for token in self.tokens) / len(self.tokens) if self.tokens else 0.0


def preview(example: Example, chat: Chat, instruction: str | None = None) -> Preview:
    """Render one example as training does; its own system turn wins over `instruction`."""
    own = bool(example.messages) and example.messages[0].role == "system"
    system = (Message(role="system", content=instruction),) if instruction and not own else ()
    rendered = chat.render((*system, *example.messages))
    return Preview(
        tuple(
            PreviewToken(token, _piece(chat, token), learned, learned and token in chat.stop_ids)
            for token, learned in zip(rendered.ids, rendered.trained, strict=True)
        )
    )


def _piece(chat: Chat, token: int) -> str:
    return str(chat.tokenizer.decode([token], skip_special_tokens=False))

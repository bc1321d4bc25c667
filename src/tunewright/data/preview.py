"""An example as the model will see it: token by token, with what is learned from."""

from __future__ import annotations

from dataclasses import dataclass

from tunewright.runtime.chat import Chat, Rendered


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


def preview(rendered: Rendered, chat: Chat) -> Preview:
    """The tokens of an example as its training method renders it."""
    return Preview(
        tuple(
            PreviewToken(token, _piece(chat, token), learned, learned and token in chat.stop_ids)
            for token, learned in zip(rendered.ids, rendered.trained, strict=True)
        )
    )


def _piece(chat: Chat, token: int) -> str:
    return str(chat.tokenizer.decode([token], skip_special_tokens=False))

"""A conversation with a specialist, without a terminal."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from tunewright.core.types import Completion, Delta, Message
from tunewright.deploy.respond import Specialist
from tunewright.runtime.engine import wait


@dataclass
class Conversation:
    """The turns so far; the next question is asked with all of them before it."""

    specialist: Specialist
    constrained: bool | None = None
    """None leaves it to the specialist."""
    remember: bool | None = None
    """Whether earlier turns are sent along; None: only where answers are not labels."""
    temperature: float = 0.0
    turns: list[Message] = field(default_factory=list)

    def ask(self, question: str, heard: Callable[[str], None]) -> Completion:
        """Answer, telling each piece as it comes; an answer that is cut short is not remembered."""
        asked = Message(role="user", content=question)
        before = self.turns if self._remembers() else []
        request = self.specialist.request(
            (*before, asked), constrained=self.constrained, temperature=self.temperature
        )

        def piece(delta: Delta) -> None:
            if delta.text:
                heard(delta.text)

        completion = wait(self.specialist.complete(request, piece))
        self.turns += [asked, Message(role="assistant", content=completion.text)]
        return completion

    def forget(self) -> None:
        """Begin anew."""
        self.turns.clear()

    def _remembers(self) -> bool:
        return not self.specialist.labels if self.remember is None else self.remember

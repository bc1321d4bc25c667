"""A conversation with a specialist, without a terminal."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field

from tunewright.core.types import Completion, Delta, Message, Request
from tunewright.deploy.respond import Specialist
from tunewright.runtime.engine import complete, wait


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
        completion = wait(complete(_Overheard(self.specialist, heard), request))
        self.turns += [asked, Message(role="assistant", content=completion.text)]
        return completion

    def forget(self) -> None:
        """Begin anew."""
        self.turns.clear()

    def _remembers(self) -> bool:
        return not self.specialist.labels if self.remember is None else self.remember


@dataclass(frozen=True)
class _Overheard:
    """A specialist whose pieces of text somebody hears on their way."""

    specialist: Specialist
    heard: Callable[[str], None]

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        async for delta in self.specialist.stream(request):
            if delta.text:
                self.heard(delta.text)
            yield delta

    async def logprobs(self, prompts: Sequence[Sequence[int]]) -> list[list[float]]:
        return await self.specialist.engine.logprobs(prompts)

    def close(self) -> None:
        self.specialist.engine.close()

"""Room: how much is computed at once, and less of it where memory does not suffice."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

from tunewright.core.errors import TrainError
from tunewright.runtime.chat import Rendered
from tunewright.train.torch.batches import longest
from tunewright.train.torch.memory import loosen, out_of_memory, release

R = TypeVar("R")


@dataclass
class Room:
    """Tokens and threads of what is computed at once; the results do not depend on them."""

    tokens: int
    threads: int
    tell: Callable[[str], None]

    @property
    def each(self) -> int:
        """Tokens of a thread."""
        return max(1, self.tokens // self.threads)

    def within(self, items: Sequence[Rendered], work: Callable[[], R]) -> R:
        """What `work` gives; while memory does not suffice, with half as much at once, and less threads.

        Raises `TrainError` if there is nothing left to divide.
        """
        while True:
            try:
                return work()
            except (RuntimeError, MemoryError) as error:
                if not out_of_memory(error):
                    raise
                why = str(error).splitlines()[0] if str(error) else type(error).__name__
            release()
            loosen()
            self._shrink(items, why)

    def _shrink(self, items: Sequence[Rendered], why: str) -> None:
        widest = max(map(longest, items))
        if self.each > widest:
            self.tokens = max(self.threads * widest, self.tokens // 2)
        elif self.threads > 1:
            self.tokens, self.threads = max(widest, self.tokens // self.threads), 1
        else:
            raise TrainError(
                f"there is too little memory for an example of {widest} tokens: {why}",
                where="train",
                fix="close other programs, lower `train.max_tokens`, or take a smaller model or tuner",
            )
        threads = "one thread" if self.threads == 1 else f"{self.threads} threads"
        self.tell(f"memory does not suffice: from here on {self.tokens} tokens at once, in {threads}")

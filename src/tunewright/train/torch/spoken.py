"""Spoken: validation questions answered in words while a model is trained, and scored."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from tunewright.core.types import Completion, Example, Message
from tunewright.runtime import plugins
from tunewright.runtime.chat import Chat, Rendered
from tunewright.runtime.measure.ports import Scorer
from tunewright.train.torch.saying import parted, say

SCORERS = ("exact", "token_f1")
ROOM = 16
"""Tokens that an answer may be longer than twice the right one."""


@dataclass(frozen=True, kw_only=True)
class Spoken:
    """Asks the model under training the same few questions at every look; greedy, as evaluation is."""

    model: Any
    chat: Chat
    asked: Sequence[Rendered]

    def __call__(self) -> dict[str, float]:
        """Mean score of each scorer over the answers, as `generated_…`; nothing where nothing is asked."""
        if not self.asked:
            return {}
        questions, expected, _ = zip(*map(parted, self.asked), strict=True)
        stops = self.chat.stop_ids
        said = say(self.model, questions, 2 * max(map(len, expected)) + ROOM, stops)
        pairs = [
            (self.chat.decode([one for one in ids if one not in stops]), self.chat.decode(right))
            for ids, right in zip(said, expected, strict=True)
        ]
        scorers: dict[str, Scorer] = {name: plugins.make("scorers", name) for name in SCORERS}
        return {
            f"generated_{name}": fmean(
                scorer.score(_example(right), Completion(text=text)).value for text, right in pairs
            )
            for name, scorer in scorers.items()
        }


def _example(right: str) -> Example:
    return Example(
        id="", messages=(Message(role="user", content=""), Message(role="assistant", content=right))
    )

"""Distillation: learn what a larger model says."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Annotated, ClassVar, Literal

from pydantic import Field

from tunewright.core.types import Example
from tunewright.runtime.chat import Chat, Rendered
from tunewright.runtime.plugins import Named
from tunewright.train.learning import Likelihood, answered


@dataclass(frozen=True, kw_only=True)
class Distill(Likelihood):
    """Learn a teacher's answers, or how likely it finds every token of the right ones."""

    model: str = ""
    """A local teacher: the name of a model, or its folder; a merged export of another project is one."""
    teacher: Named = field(default_factory=lambda: Named(name="transformers"))
    """Engine that answers for it; `{openai: {url: …, model: …}}` is an endpoint and needs no `model`."""
    learn: Literal["answers", "probabilities"] = "answers"
    """`answers`: of the teacher, which any model can give (Kim & Rush 2016). `probabilities`: of every token
    of the right answers (Hinton et al. 2015), for a local teacher that cuts text into the same tokens."""
    longest: Annotated[int, Field(ge=1)] = 256
    """Tokens of a teacher's answer at most; what is cut there is not learned."""
    compares: ClassVar[bool] = False

    def takes(self, example: Example) -> bool:
        """A question; for `probabilities` its right answer, too."""
        if self.learn == "probabilities":
            return example.answer is not None and example.desirable is not False
        return bool(example.prompt)

    def render(self, examples: Sequence[Example], chat: Chat, instruction: str | None) -> list[Rendered]:
        """The questions with their answers; without one there is nothing to learn yet."""
        return [answered(one, one.answer or "", chat, instruction).last_turn for one in examples]

    def lacks(self, train: Sequence[Rendered]) -> str:
        """Questions."""
        return "" if train else "questions"

"""What is asked of a teacher, and what came of it."""

from __future__ import annotations

from pathlib import Path
from typing import Literal, get_args

from pydantic import Field, ValidationError, field_validator

from tunewright.core.errors import SpecError
from tunewright.core.types import Frozen, Problem
from tunewright.runtime import plugins
from tunewright.runtime.plugins import Named

Kind = Literal["pairs", "paraphrase", "answers", "negatives", "noise"]
KINDS: tuple[Kind, ...] = get_args(Kind)


class SynthesisSpec(Frozen):
    """What is made, by whom, and how much of it."""

    kind: Kind
    teacher: Named | None = Field(default=None, description="an engine; none for `noise`")
    model: str | None = Field(default=None, description="the model of a local engine")
    source: str | Named | None = Field(
        default=None, description="texts for `pairs`, questions for `answers`: a file, or a source by name"
    )
    number: int = Field(default=100, ge=1, description="most answers that are asked for")
    each: int = Field(default=1, ge=1, description="how many of each passage or example")
    prompt: Path | None = Field(default=None, description="a template of your own")
    output: str = Field(default="data/synthetic.jsonl", description="file that the examples are added to")
    seed: int = Field(default=0, ge=0, description="chance is derived from it")
    temperature: float = Field(default=0.7, ge=0, le=2, description="0 gives one answer a question")
    max_tokens: int = Field(default=256, ge=1, description="longest answer of the teacher, in tokens")
    judge: Named | None = Field(default=None, description="an engine that rates what is left from 1 to 5")
    judge_at_least: int = Field(default=4, ge=1, le=5, description="the worst rating that is kept")
    undesirable: bool = Field(
        default=False, description="`negatives` as answers marked as undesirable instead of pairs"
    )
    prices: tuple[float, float] | None = Field(
        default=None, description="of a million tokens of questions and of answers, in any currency"
    )

    @field_validator("kind", mode="before")
    @classmethod
    def _known(cls, kind: object) -> object:
        if kind not in KINDS:
            raise ValueError(f"there is no kind `{kind}`: {', '.join(KINDS)}")
        return kind

    @classmethod
    def parse(cls, values: dict[str, object]) -> SynthesisSpec:
        """Validate plain values; raises `SpecError` with every problem at once."""
        try:
            return cls.model_validate(values)
        except ValidationError as error:
            raise SpecError(problems=[_problem(dict(one)) for one in error.errors()]) from None


def _problem(detail: dict[str, object]) -> Problem:
    place = [str(part) for part in detail["loc"]]  # type: ignore[attr-defined]
    if detail["type"] == "extra_forbidden":
        return plugins.unknown(place[0], tuple(SynthesisSpec.model_fields), where="synthesise", noun="option")
    what, fix = plugins.say(detail)
    field = SynthesisSpec.model_fields.get(place[0]) if place else None
    said = field.description if field is not None and field.description else ""
    return Problem(where=".".join(["synthesise", *place]), what=what, fix=fix or said or "mend the value")


class Refusal(Frozen):
    """An example that did not pass, and why."""

    filter: str
    reason: str
    source: str
    """What it was made from."""
    question: str = ""
    answer: str = ""


class Synthesis(Frozen):
    """What was made, and what was refused."""

    kind: Kind
    file: Path
    asked: int
    """Answers that the teacher gave, this time or earlier; of `noise` the examples that were made."""
    made: int
    """New examples in the file."""
    there: int = 0
    """Examples that were put into the file earlier, whether or not they still stand there."""
    refused: dict[str, int] = Field(default={})
    """How many each filter refused."""
    samples: tuple[Refusal, ...] = ()
    """The first that each filter refused."""
    prompt_tokens: int = 0
    answer_tokens: int = 0
    cost: float | None = None
    """In the currency of the prices; None where no price was given."""
    notes: tuple[str, ...] = ()

    @property
    def share(self) -> float:
        """Share of the answers that passed every filter, 0 to 1."""
        return (self.made + self.there) / self.asked if self.asked else 0.0

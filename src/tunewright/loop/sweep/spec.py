"""The section `sweep` of the spec: which settings are tried, how often, and what they are compared by."""

from __future__ import annotations

import math
from typing import Any, Literal

from pydantic import Field, model_validator

from tunewright.core.types import Frozen

Number = int | float
_EITHER = "give a list of choices, or `{low: …, high: …}`"


class Values(Frozen):
    """What is tried at one path: a list of choices, or numbers from `low` to `high`, both included."""

    choices: tuple[Any, ...] = Field(default=(), description="values to choose from, of any kind")
    low: Number | None = Field(default=None, description="smallest number; whole ends give whole numbers")
    high: Number | None = Field(default=None, description="largest number")
    log: bool = Field(default=False, description="draw evenly by order of magnitude, as suits a rate")
    step: Number | None = Field(default=None, description="distance between the numbers that are tried")

    @model_validator(mode="before")
    @classmethod
    def _a_list_is_choices(cls, given: object) -> object:
        if isinstance(given, list | tuple):
            return {"choices": given}
        if not isinstance(given, dict | Values):
            raise ValueError(_EITHER)  # noqa: TRY004 - what pydantic turns into a problem
        return given

    @model_validator(mode="after")
    def _holds(self) -> Values:
        ends = self.low is not None or self.high is not None
        if bool(self.choices) == ends:
            raise ValueError(_EITHER)
        if ends:
            _check_ends(self)
        elif self.log or self.step is not None:
            raise ValueError("`log` and `step` belong to `low` and `high`, not to choices")
        elif any(one in self.choices[:place] for place, one in enumerate(self.choices)):
            raise ValueError("a choice stands twice")
        return self

    @property
    def ends(self) -> tuple[Number, Number] | None:
        """Smallest and largest number; None of choices."""
        return None if self.low is None or self.high is None else (self.low, self.high)

    @property
    def extremes(self) -> tuple[Any, ...]:
        """What has to be valid for everything between to be: the ends, or every choice."""
        return self.ends or self.choices


class SweepSpec(Frozen):
    """Which settings are tried, how many, and what they are compared by."""

    paths: dict[str, Values] = Field(
        default={},
        description="path of the spec → what is tried there: `{train.tuner.r: [8, 16], "
        "train.learning_rate: {low: 1e-4, high: 1e-2, log: true}}`",
    )
    trials: int = Field(
        default=20, ge=1, description="settings that are tried beside those of the spec itself"
    )
    workers: int = Field(
        default=1, ge=1, description="trials at a time; they share threads and memory of the machine"
    )
    objective: str | None = Field(
        default=None,
        description="metric they are compared by, on the validation part; the first of the task if left out",
    )
    examples: int | None = Field(
        default=None, ge=1, description="validation examples that are asked at most; all if left out"
    )
    pruning: Literal["median", "hyperband", "none"] = Field(
        default="median",
        description="when a trial is stopped early: its validation loss is worse than the `median` of the "
        "others at the same look, by `hyperband`, or `none`",
    )


def _check_ends(values: Values) -> None:
    ends = values.ends
    if ends is None:
        raise ValueError("a range has two ends: `low` and `high`")
    low, high = ends
    if not all(math.isfinite(end) for end in ends) or low >= high:
        raise ValueError(f"`low` must lie below `high`: {low:g} and {high:g} are no range")
    if values.log and low <= 0:
        raise ValueError(f"`log` needs numbers above zero, and `low` is {low:g}")
    if values.step is not None and (values.log or not 0 < values.step <= high - low):
        raise ValueError("`step` lies between zero and the width of the range, and not with `log`")

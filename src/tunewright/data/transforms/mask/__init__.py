"""The transform `mask`: personal data and secrets become placeholders before anything is stored."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Annotated, Any, Literal

from pydantic import AfterValidator

from tunewright.data.ports import Change
from tunewright.runtime.redact import Detector, Kind

Action = Literal["mask", "drop", "keep"]
"""Replace by a placeholder, leave the example out, or leave the text as it is."""


def _patterns(patterns: tuple[str, ...]) -> tuple[str, ...]:
    for pattern in patterns:
        try:
            re.compile(pattern)
        except re.error as error:
            raise ValueError(f"`{pattern}` is no regular expression: {error}") from None
    return patterns


@dataclass(frozen=True, kw_only=True)
class Mask:
    """Mask what is found; the same person keeps one placeholder within an example.

    Ids and groups are replaced, too: an id by a digest of the place and the masked
    texts, a group by a number.
    """

    kinds: Mapping[Kind, Action] = field(default_factory=lambda: {"organisation": "keep"})
    """What is done to a kind that should not be masked, such as `{card: drop, place: keep}`. Organisations
    are kept unless this says otherwise; give the whole mapping."""
    detectors: tuple[Detector, ...] = ("names",)
    """`names` are own rules and word lists; `presidio` needs the extra `privacy`. Patterns always look."""
    custom: Annotated[tuple[str, ...], AfterValidator(_patterns)] = ()
    """Regular expressions of your own, such as a form of customer numbers, for the kind `custom`."""

    @cached_property
    def _masker(self) -> Any:  # noqa: ANN401 - imported when the first batch comes
        from tunewright.data.transforms.mask.masker import Masker  # noqa: PLC0415 - light until used

        return Masker(dict(self.kinds), self.detectors, tuple(map(re.compile, self.custom)))

    def apply(self, batch: Any) -> tuple[Any, list[Change]]:  # noqa: ANN401 - a `pyarrow.RecordBatch`
        """The batch masked; the changes say kind and place, never what stood there."""
        found: tuple[Any, list[Change]] = self._masker.apply(batch)
        return found

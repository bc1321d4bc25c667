"""The transform `outcome`: examples that did not end well are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tunewright.data.ports import Change, Listed
from tunewright.data.texts import sifted
from tunewright.runtime.examples import OUTCOME


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """Keep examples whose outcome is one of those named; it comes from the column `columns.outcome`."""

    keep: Listed = ("resolved", "solved", "closed")
    """Outcomes that are kept, whatever their case."""
    unknown: Literal["keep", "drop"] = "keep"
    """What is done with examples of which no outcome is known."""

    def apply(self, batch: Any) -> tuple[Any, list[Change]]:  # noqa: ANN401 - a `pyarrow.RecordBatch`
        """The batch without the examples that ended otherwise, each of which is told."""
        return sifted(batch, self._reason)

    def _reason(self, row: dict[str, Any]) -> str | None:
        known = [tag.removeprefix(OUTCOME) for tag in row["tags"] or () if tag.startswith(OUTCOME)]
        if not known:
            return "dropped: no outcome is known" if self.unknown == "drop" else None
        kept = {one.strip().casefold() for one in self.keep}
        return None if kept.intersection(known) else f"dropped: outcome “{known[0]}”"

"""The transform `length`: examples that are too short or too long are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tunewright.data.ports import Change
from tunewright.data.texts import parts, sifted


@dataclass(frozen=True, kw_only=True)
class Length:
    """Keep examples whose text has at least and at most so many words or characters."""

    at_least: int = 1
    """The shortest that is kept."""
    at_most: int | None = None
    """The longest that is kept; no limit by default."""
    unit: Literal["words", "characters"] = "words"
    """What is counted: words between white space, or characters."""
    part: Literal["whole", "question", "answer"] = "whole"
    """What is measured: everything, the turns before the answer, or the answer. A label is never measured."""

    def apply(self, batch: Any) -> tuple[Any, list[Change]]:  # noqa: ANN401 - a `pyarrow.RecordBatch`
        """The batch without the examples outside the limits, each of which is told."""
        return sifted(batch, self._reason)

    def _reason(self, row: dict[str, Any]) -> str | None:
        texts = self._measured(row)
        if not texts:
            return None
        size = sum(len(text.split()) if self.unit == "words" else len(text) for text in texts)
        if size < self.at_least:
            return f"dropped: {self.part} shorter than {self.at_least} {self.unit}"
        if self.at_most is not None and size > self.at_most:
            return f"dropped: {self.part} longer than {self.at_most} {self.unit}"
        return None

    def _measured(self, row: dict[str, Any]) -> list[str]:
        found = [part for part in parts(row) if not part.name.startswith(("rejected", "references"))]
        turns = row["messages"]
        last = f"messages[{len(turns) - 1}]" if turns and turns[-1]["role"] == "assistant" else "text"
        if self.part == "answer":
            return [part.text for part in found if part.name == last]
        if self.part == "question":
            return [part.text for part in found if part.name != last and part.role != "system"]
        return [part.text for part in found]

"""The transform `markup`: HTML and Markdown become plain text."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tunewright.core.types import Role
from tunewright.data.ports import Change
from tunewright.data.texts import SPEAKERS, rewritten


@dataclass(frozen=True, kw_only=True)
class Markup:
    """Make HTML and Markdown plain: the words stay, tags and marks go; a text without them is not touched."""

    kinds: tuple[Literal["html", "markdown"], ...] = ("html", "markdown")
    """Which of the two; HTML is made plain first."""
    links: Literal["text", "address"] = "text"
    """What stays of a link: its text alone, or its address in brackets behind it."""
    roles: tuple[Role, ...] = SPEAKERS
    """Whose turns are rewritten: leave `assistant` out where the model should answer in Markdown."""

    def apply(self, batch: Any) -> tuple[Any, list[Change]]:  # noqa: ANN401 - a `pyarrow.RecordBatch`
        """The batch in plain text, and every change made to it."""
        return rewritten(batch, self._plain, " and ".join(self.kinds) + " made plain", self.roles)

    def _plain(self, text: str) -> str:
        from tunewright.data.plain import html, markdown  # noqa: PLC0415 - light until used

        addresses = self.links == "address"
        after = html.plain(text, addresses) if "html" in self.kinds else text
        after = markdown.plain(after, addresses) if "markdown" in self.kinds else after
        return after if after.strip() else text

"""The transform `unicode`: text that was decoded wrongly is mended, odd characters become plain ones."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

from tunewright.data.ports import Change
from tunewright.data.texts import rewritten
from tunewright.runtime.lazy import require


@dataclass(frozen=True, kw_only=True)
class Unicode:
    """Mend broken Unicode with ftfy: wrong decodings, control characters, lone surrogates."""

    form: Literal["NFC", "NFKC"] = "NFC"
    """`NFKC` also makes ligatures, full-width letters and the like plain."""
    quotes: bool = False
    """Make curly quotes straight."""

    def apply(self, batch: Any) -> tuple[Any, list[Change]]:  # noqa: ANN401 - a `pyarrow.RecordBatch`
        """The batch mended, and every change made to it."""
        ftfy = require("ftfy", extra="all")
        settings = ftfy.TextFixerConfig(
            normalization=self.form, uncurl_quotes=self.quotes, unescape_html=False
        )

        def mended(text: str) -> str:
            return str(ftfy.fix_text(text, settings))

        def what(before: str) -> str:
            alike = before.replace("\r\n", "\n").replace("\r", "\n")
            return "made line ends alike" if mended(before) == alike else "mended Unicode"

        return rewritten(batch, mended, what)

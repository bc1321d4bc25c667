"""The transform `signatures`: what e-mail programs and lawyers put around a message is taken out."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from tunewright.core.types import Role
from tunewright.data.plain import mail
from tunewright.data.ports import Change
from tunewright.data.texts import SPEAKERS, rewritten


@dataclass(frozen=True, kw_only=True)
class Signatures:
    """Take out e-mail signatures, quoted replies and disclaimers; a text of nothing else stays as it is."""

    signature: bool = True
    """What stands below `-- ` or a closing such as `Kind regards`, and `Sent from my …`."""
    quotes: bool = True
    """Earlier messages: lines that begin with `>`, and what follows `On … wrote:` or a forwarded header."""
    disclaimers: bool = True
    """Paragraphs at the end about confidentiality and wrong recipients."""
    roles: tuple[Role, ...] = SPEAKERS
    """Whose turns are rewritten."""

    def apply(self, batch: Any) -> tuple[Any, list[Change]]:  # noqa: ANN401 - a `pyarrow.RecordBatch`
        """The batch with the messages alone, and every change made to it."""
        return rewritten(batch, self._message, "took out signature, quotes or disclaimer", self.roles)

    def _message(self, text: str) -> str:
        return mail.message(text, quotes=self.quotes, signature=self.signature, disclaimers=self.disclaimers)

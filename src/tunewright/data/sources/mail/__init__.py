"""The source `mail`: `.eml`, `.mbox` and folders of them become conversations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tunewright.data.ports import Listed, Tell, batches
from tunewright.data.sources.kinds import below


@dataclass(frozen=True, kw_only=True)
class Mail:
    """Mails and the answers to them as one conversation, without quotes and signatures."""

    path: str
    """A mail (`.eml`), a mailbox (`.mbox`), or a folder of them."""
    assistant: Listed = ()
    """Who speaks for you: addresses, domains, or patterns such as `support@*`."""
    each: bool = False
    """One example for each answer, with all that was said before it, instead of one for each conversation."""
    names: bool = False
    """Write the names of others than the assistant before what they say."""
    signatures: bool = False
    """Keep signatures and disclaimers; quoted mails never stay."""
    pattern: str = "**/*"
    """Which files of a folder."""

    def files(self, project: Path) -> tuple[Path, ...]:
        """The file, or the mails below the folder."""
        return below(project / self.path, self.pattern, "mail")

    def read(self, project: Path, tell: Tell) -> Iterator[Any]:
        """Batches of conversations: `messages`, `thread`, `customer` (no address) and `time`.

        Holds what was written in the mails in memory while it is put into order.
        """
        from tunewright.data.sources.mail import boxes  # noqa: PLC0415 - light until used

        return batches(boxes.read(self, project, tell))

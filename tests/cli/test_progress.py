"""What is shown of a run."""

from __future__ import annotations

import datetime as dt

from tunewright.cli.progress import Progress
from tunewright.core.types import Event


def test_a_clock_that_was_set_back_meanwhile_gives_no_negative_time() -> None:
    shown = Progress()
    began = dt.datetime(2026, 1, 1, 12, tzinfo=dt.UTC)
    with shown.console.capture() as told:
        for kind, hours in (("started", 0), ("finished", -1), ("started", 0), ("finished", 1)):
            time = began + dt.timedelta(hours=hours)
            shown.show(Event(kind=kind, step="train", message="", time=time))  # type: ignore[arg-type]
    assert told.get().splitlines() == ["train …", "train: done", "train …", "train: done in 3600 s"]

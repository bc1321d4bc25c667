"""Events as lines and bars on standard error."""

from __future__ import annotations

import time
from types import TracebackType

from rich.console import Console
from rich.progress import BarColumn, TaskID, TextColumn, TimeElapsedColumn
from rich.progress import Progress as Bars

from tunewright.core.types import Event

_QUIET_SECONDS = 10.0


class Progress:
    """Shows a run while it is followed: a bar in a terminal, a line now and then elsewhere."""

    def __init__(self) -> None:
        self.console = Console(stderr=True, highlight=False)
        self.bars = Bars(
            TextColumn("{task.description}"),
            BarColumn(bar_width=24),
            TextColumn("{task.completed:.0f}/{task.total:.0f}"),
            TextColumn("{task.fields[note]}"),
            TimeElapsedColumn(),
            console=self.console,
            transient=True,
            disable=not self.console.is_terminal,
        )
        self.task: TaskID | None = None
        self.began: dict[str, float] = {}
        self.told = 0.0

    def __enter__(self) -> Progress:
        self.bars.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.bars.stop()

    def show(self, event: Event) -> None:
        """Show one event."""
        if event.step == "run":
            return
        if event.kind == "progress":
            self._progress(event)
        elif event.kind in ("started", "finished", "reused"):
            self._step(event)
        elif event.kind == "metric":
            self.console.print(f"  {event.data.get('done', '')} {_note(event)}", markup=False)
        elif event.kind in ("note", "warning"):
            self.console.print(f"  {'! ' if event.kind == 'warning' else ''}{event.message}", markup=False)

    def _step(self, event: Event) -> None:
        if self.task is not None:
            self.bars.remove_task(self.task)
            self.task = None
        if event.kind == "started":
            self.began[event.step] = event.time.timestamp()
            self.console.print(f"{event.step} …", markup=False)
            return
        seconds = event.time.timestamp() - self.began.get(event.step, event.time.timestamp())
        took = f" in {seconds:.0f} s" if seconds >= 0 else ""  # the clock was set back meanwhile
        how = "already made" if event.kind == "reused" else f"done{took}"
        self.console.print(f"{event.step}: {how}", markup=False)

    def _progress(self, event: Event) -> None:
        done, total = float(event.data.get("done", 0)), float(event.data.get("total", 0))
        note = _note(event)
        if not self.console.is_terminal:
            if time.monotonic() - self.told > _QUIET_SECONDS:
                self.told = time.monotonic()
                self.console.print(
                    f"  {event.message or event.step} {done:.0f}/{total:.0f} {note}", markup=False
                )
            return
        if self.task is None:
            self.task = self.bars.add_task(event.step, total=total, note=note)
        self.bars.update(
            self.task,
            completed=done,
            total=total,
            note=note,
            description=f"  {event.message or event.step}",
        )


def _note(event: Event) -> str:
    """The figures of a progress event that a person looks at."""
    shown = {
        "loss": "loss {:.3f}",
        "validation_loss": "validation loss {:.3f}",
        "validation_exact": "exact {:.3f}",
        "perplexity": "perplexity {:.3g}",
        "generated_token_f1": "F1 of words said {:.3f}",
        "general_loss": "general {:.3f}",
        "learning_rate": "rate {:.1e}",
        "gradient_norm": "gradient {:.2g}",
        "tokens_per_second": "{:.0f} tokens/s",
        "memory_gb": "{:.1f} GB",
        "cost": "cost {:.4f}",
        "seconds_left": "{:.0f} s left",
    }
    return " · ".join(
        form.format(event.data[name]) for name, form in shown.items() if event.data.get(name) is not None
    )

"""Where memory does not suffice, less is computed at once, and the numbers stay the same."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest
from torch import Tensor

from tunewright import train
from tunewright.core.errors import Stopped, TrainError
from tunewright.core.types import Checkpoint, Dataset, Event, Task
from tunewright.runtime.chat import Rendered
from tunewright.runtime.context import Context
from tunewright.train.torch.batches import Batch
from tunewright.train.torch.llama import FastLlama
from tunewright.train.torch.memory import out_of_memory
from tunewright.train.torch.room import Room

from .conftest import SPEC, make_context
from .test_run import curve_of

Contexts = Callable[..., Context]
REFUSED = RuntimeError("[enforce fail] DefaultCPUAllocator: can't allocate memory: you tried to allocate 7")
FEW = SPEC.model_copy(update={"epochs": 1.0, "batch": 8})


def small(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    """As if there were memory for that many tokens at once."""
    losses = FastLlama.losses

    def within(self: FastLlama, batch: Batch) -> Tensor:
        if len(batch.prefix) + batch.ids.numel() > most:
            raise REFUSED
        return losses(self, batch)

    monkeypatch.setattr(FastLlama, "losses", within)


def shortages(events: Sequence[Event]) -> list[str]:
    return [event.message for event in events if "memory does not suffice" in event.message]


def test_a_run_goes_on_with_less_at_once_says_so_and_learns_the_same(
    base: Checkpoint, dataset: Dataset, task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = curve_of(train.run(make_context(tmp_path / "whole"), FEW, base, dataset, task))
    small(monkeypatch, 100)
    events: list[Event] = []
    found = curve_of(train.run(make_context(tmp_path / "small", events), FEW, base, dataset, task))
    assert shortages(events) and not shortages([event for event in events if event.kind != "warning"])
    assert found.losses == pytest.approx(whole.losses, rel=1e-4)
    assert found.validation[-1].loss == pytest.approx(whole.validation[-1].loss, rel=1e-3)


def test_a_resumed_run_remembers_how_much_fits(
    base: Checkpoint, dataset: Dataset, task: Task, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, 100)
    all_events: list[Event] = []
    whole = curve_of(train.run(make_context(tmp_path / "whole", all_events), FEW, base, dataset, task))
    steps: list[Event] = []
    stopping = make_context(
        tmp_path / "cut", steps, should_stop=lambda: any(e.kind == "progress" for e in steps)
    )
    with pytest.raises(Stopped):
        train.run(stopping, FEW, base, dataset, task)
    events: list[Event] = []
    rest = curve_of(train.run(make_context(tmp_path / "cut", events), FEW, base, dataset, task))
    assert shortages(steps) and shortages(steps) + shortages(events) == shortages(all_events)
    assert rest.losses == whole.losses


def test_an_example_that_does_not_fit_alone_ends_the_run_with_a_remedy(
    base: Checkpoint, dataset: Dataset, task: Task, context: Contexts, monkeypatch: pytest.MonkeyPatch
) -> None:
    small(monkeypatch, 10)
    with pytest.raises(TrainError, match="too little memory for an example of") as caught:
        train.run(context(), FEW, base, dataset, task)
    assert "max_tokens" in caught.value.problems[0].fix


def test_room_is_halved_then_given_to_one_thread() -> None:
    item = Rendered((1,) * 30, (True,) * 30)
    room = Room(400, 2, lambda message: None)
    seen: list[tuple[int, int]] = []

    def work() -> str:
        seen.append((room.tokens, room.threads))
        if room.tokens > 30:
            raise REFUSED
        return "done"

    assert room.within([item], work) == "done"
    assert seen == [(400, 2), (200, 2), (100, 2), (60, 2), (30, 1)]


def test_another_error_is_raised_as_it_is() -> None:
    def work() -> None:
        raise RuntimeError("shapes cannot be multiplied")

    with pytest.raises(RuntimeError, match="shapes"):
        Room(100, 1, lambda message: None).within([Rendered((1, 2), (True, True))], work)
    assert all(out_of_memory(RuntimeError(f"could not create a {what}")) for what in ("primitive", "memory"))
    assert out_of_memory(REFUSED) and out_of_memory(MemoryError()) and not out_of_memory(ValueError("x"))


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_memory_beyond_the_limit_is_refused_and_the_limit_is_lifted_afterwards() -> None:
    code = """
import torch
from tunewright.train.torch.memory import _status, limited, out_of_memory
with limited(_status("VmData") / 1e9 + 0.2):
    torch.ones(10_000_000)
    try:
        torch.ones(1_000_000_000)
        print("not refused")
    except RuntimeError as error:
        print(out_of_memory(error))
torch.ones(100_000_000)
print("lifted")
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "lifted"]


@pytest.mark.skipif(sys.platform != "linux", reason="the limit is Linux's")
def test_a_refusal_lifts_the_limit_by_what_is_mapped_and_empty_and_by_a_part_of_it_at_most() -> None:
    code = """
import mmap, resource
from tunewright.train.torch.memory import LIFTED, limited, loosen
loosen()
print(resource.getrlimit(resource.RLIMIT_DATA)[0] == resource.RLIM_INFINITY)
held = mmap.mmap(-1, 1 << 30, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
with limited(4.0):
    before = resource.getrlimit(resource.RLIMIT_DATA)[0]
    loosen()
    after = resource.getrlimit(resource.RLIMIT_DATA)[0]
    print(before < after <= before + before // LIFTED)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["True", "True"]

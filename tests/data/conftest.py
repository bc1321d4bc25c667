"""A project folder and the stage run in it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tunewright import data
from tunewright.core.types import Dataset, Event, Task
from tunewright.runtime import settings
from tunewright.runtime.context import Context
from tunewright.runtime.workspace import Workspace

TOPICS = {
    "card": ("my card was {} by the machine", "card {} at the shop", "a new card, {} please"),
    "transfer": ("the transfer is {} since monday", "{} transfer to my landlord", "money {} on its way"),
    "account": ("close the account, I am {}", "account {} without reason", "my {} account details"),
}
WORDS = (
    *("swallowed", "rejected", "eaten", "late", "pending", "lost", "stuck", "missing", "unhappy", "frozen"),
    *("blocked", "moved", "gone", "green", "quick", "yesterday", "twice", "old", "shared", "wrong"),
)

Run = Callable[..., Dataset]


@pytest.fixture
def project(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    return folder


@pytest.fixture
def questions() -> list[tuple[str, str]]:
    """180 questions of three classes, none alike but for their frame."""
    return [
        (frame.format(f"{word} {''.join(sorted(word))} {word[::-1]}"), topic)
        for word in WORDS
        for topic, frames in TOPICS.items()
        for frame in frames
    ]


@pytest.fixture
def csv_of() -> Callable[[list[tuple[str, str]]], str]:
    return lambda lines: "text,category\n" + "".join(f'"{text}",{label}\n' for text, label in lines)


@pytest.fixture
def run_in(project: Path, tmp_path: Path) -> Run:
    """Run the stage on the project; every call writes to a folder of its own."""

    def run(
        *,
        task: str = "classification",
        seed: int = 0,
        events: list[Event] | None = None,
        **spec: Any,  # noqa: ANN401 - a section of the spec
    ) -> Dataset:
        folder = tmp_path / f"made-{len(list(tmp_path.iterdir()))}"
        folder.mkdir()
        context = Context(
            project=project,
            workspace=Workspace(tmp_path),
            settings=settings.read({}),
            step="data",
            artifact_id="data-1",
            folder=folder,
            seed=seed,
            emit=[].append if events is None else events.append,
        )
        frozen = Task(id="task-1", path=folder, digest="", objective="route it", type=task)  # type: ignore[arg-type]
        return data.run(context, data.DataSpec.model_validate(spec), frozen)

    return run

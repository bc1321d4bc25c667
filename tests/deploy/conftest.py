"""A tiny model with a random adapter, a frozen dataset, and a report about them."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pytest

from tunewright.core.types import (
    CandidateResult,
    Checkpoint,
    Dataset,
    Event,
    Example,
    Message,
    Report,
    Verdict,
    VerdictWord,
)
from tunewright.deploy import DeploySpec
from tunewright.runtime import examples
from tunewright.runtime.context import Context
from tunewright.runtime.settings import Settings
from tunewright.runtime.workspace import Workspace
from tunewright.testing.checkpoint import tiny_checkpoint

LABELS = ("card lost", "top up", "exchange rate")
SPEC = DeploySpec(parity_prompts=4, parity_tokens=8, parity_served=False)


@dataclass
class Setting:
    """All that the stage is given."""

    context: Context
    checkpoint: Checkpoint
    dataset: Dataset
    events: list[Event]


@pytest.fixture(scope="session")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Checkpoint:
    """The tiny model with an adapter of random weights, as training leaves it."""
    folder = tmp_path_factory.mktemp("tuned")
    base = tiny_checkpoint(folder / "base")
    adapter = write_adapter(base.path, folder / "adapter", scale=0.3)
    return base.model_copy(
        update={
            "id": "checkpoint-1",
            "path": adapter,
            "tuner": "lora",
            "method": "sft",
            "instruction": "Name the desk.",
            "labels": LABELS,
        }
    )


def write_adapter(base: Path, folder: Path, *, scale: float, **more: object) -> Path:
    """A LoRA adapter whose B matrices are random, times `scale`."""
    import torch
    from peft import LoraConfig, get_peft_model
    from transformers import AutoModelForCausalLM

    torch.manual_seed(0)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    tuned = get_peft_model(model, LoraConfig(r=4, target_modules=["q_proj", "v_proj", "down_proj"], **more))
    with torch.no_grad():
        for name, weight in tuned.named_parameters():
            if "lora_B" in name:
                weight.copy_(torch.randn_like(weight) * scale)
    tuned.save_pretrained(folder)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(base / name, folder / name)
    return folder


def edited(checkpoint: Checkpoint, folder: Path, edit: Callable[[Path], None]) -> Checkpoint:
    """A copy of the checkpoint with its files changed."""
    shutil.copytree(checkpoint.path, folder)
    edit(folder)
    return checkpoint.model_copy(update={"path": folder})


@pytest.fixture
def setting(tmp_path: Path, tuned: Checkpoint) -> Setting:
    dataset = Dataset(id="dataset-1", path=tmp_path / "data", digest="0", counts={"test": 6}, labels=LABELS)
    dataset.path.mkdir()
    examples.write([question(number) for number in range(6)], dataset.path / "test.parquet")
    events: list[Event] = []
    context = Context(
        project=tmp_path,
        workspace=Workspace(tmp_path / ".tunewright"),
        settings=Settings(cache=tmp_path / "cache", threads=1, offline=True),
        step="deploy",
        artifact_id="release-1",
        folder=tmp_path / "partial" / "release-1",
        parents=("checkpoint-1",),
        emit=events.append,
    )
    context.folder.mkdir(parents=True)
    return Setting(context, tuned, dataset, events)


def question(number: int) -> Example:
    label = LABELS[number % 3]
    turns = (
        Message(role="user", content=f"{label} number {number}?"),
        Message(role="assistant", content=label),
    )
    return Example(id=f"test-{number}", messages=turns, label=label)


def report(word: VerdictWord = "ship", *, about: str = "tuned", checkpoint: str = "checkpoint-1") -> Report:
    return Report(
        id="report-1",
        path=Path(),
        digest="0",
        objective="Route.",
        test_examples=6,
        results=(
            CandidateResult(name="classical", kind="classical"),
            CandidateResult(name="tuned", kind="tuned", checkpoint=checkpoint),
        ),
        verdict=Verdict(word=word, candidate=about, reasons=("because",)),
    )


def read_json(path: Path) -> dict[str, object]:
    return dict(json.loads(path.read_bytes()))

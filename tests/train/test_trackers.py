"""The curves are mirrored to a tracker, each with every point."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import mlflow
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

from tunewright import train
from tunewright.core.types import Checkpoint, Dataset, Event, Task
from tunewright.runtime.plugins import Named
from tunewright.train.ports import Curve, Look
from tunewright.train.trackers.mlflow import MLflow
from tunewright.train.trackers.tensorboard import TensorBoard
from tunewright.train.trackers.wandb import WandB

from .conftest import SPEC, make_context

CURVE = Curve(
    losses=(3.0, 2.0, 1.5),
    validation=(Look(step=0, loss=3.1, exact=0.0), Look(step=3, loss=1.6, exact=0.5)),
    best_step=3,
)


def test_a_run_stands_in_mlflow_with_its_settings_and_every_point_of_its_curves(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    MLflow(experiment="desk").log(context, {"tuner": "lora", "note": "x" * 600}, CURVE)
    client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{context.workspace.root.resolve() / 'mlflow.db'}")
    experiment = client.get_experiment_by_name("desk")
    assert experiment is not None
    (run,) = client.search_runs([experiment.experiment_id])
    assert run.info.status == "FINISHED" and run.info.run_name == context.artifact_id
    assert run.data.params["tuner"] == "lora" and len(run.data.params["note"]) == 500
    points = {
        name: [(point.step, point.value) for point in client.get_metric_history(run.info.run_id, name)]
        for name in ("train_loss", "validation_loss", "validation_exact")
    }
    assert points["train_loss"] == [(1, 3.0), (2, 2.0), (3, 1.5)]
    assert points["validation_loss"] == [(0, 3.1), (3, 1.6)]
    assert points["validation_exact"] == [(0, 0.0), (3, 0.5)]


def test_a_run_stands_in_tensorboard_with_its_settings_and_every_point(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    TensorBoard().log(context, {"tuner": "lora"}, CURVE)
    read = EventAccumulator(str(context.workspace.root / "tensorboard" / context.artifact_id))
    read.Reload()
    losses = [(point.step, point.value) for point in read.Scalars("train_loss")]
    assert losses == [(1, 3.0), (2, 2.0), (3, 1.5)]
    assert [point.value for point in read.Scalars("validation_exact")] == [0.0, 0.5]
    (text,) = read.Tensors("settings/text_summary")
    assert b"| tuner | lora |" in text.tensor_proto.string_val[0]


def test_a_run_stands_in_a_file_of_wandb_that_nobody_sends(tmp_path: Path) -> None:
    context = make_context(tmp_path)
    WandB(project="desk").log(context, {"tuner": "lora"}, CURVE)
    (folder,) = (context.workspace.root / "wandb").glob("offline-run-*")
    (written,) = folder.glob("*.wandb")
    found, rows = _read(written)
    assert found["project"] == "desk" and found["display_name"] == context.artifact_id
    assert [(row["_step"], row["train_loss"]) for row in rows if "train_loss" in row] == [
        (1, 3.0),
        (2, 2.0),
        (3, 1.5),
    ]
    assert [row["validation_loss"] for row in rows if "validation_loss" in row] == [3.1, 1.6]


def _read(path: Path) -> tuple[dict[str, str], list[dict[str, float]]]:
    """Run and history of a file of wandb's own format."""
    internal = import_module("wandb.proto.wandb_internal_pb2")
    run, rows = {}, []
    for data in _records(path.read_bytes()):
        record = internal.Record()
        record.ParseFromString(data)
        if record.run.run_id:
            run = {"project": record.run.project, "display_name": record.run.display_name}
        if items := record.history.item:
            rows.append({item.key or item.nested_key[0]: json.loads(item.value_json) for item in items})
    return run, rows


def _records(content: bytes) -> Iterator[bytes]:
    """Records of a log of LevelDB: blocks of 32 KB, each piece with checksum, length and kind before it."""
    place, whole = 7, b""
    while place + 7 <= len(content):
        if 32768 - place % 32768 < 7:
            place += 32768 - place % 32768
            continue
        _, length, kind = struct.unpack("<IHB", content[place : place + 7])
        whole += content[place + 7 : place + 7 + length]
        place += 7 + length
        if kind in (1, 4):  # the only piece of a record, or its last
            yield whole
            whole = b""


@pytest.mark.parametrize("tracker", ["mlflow", "tensorboard", "wandb"])
def test_a_tracker_that_cannot_be_written_to_costs_a_warning_and_not_the_run(
    tracker: str, base: Checkpoint, dataset: Dataset, task: Task, tmp_path: Path
) -> None:
    events: list[Event] = []
    context = make_context(tmp_path, events)
    root = context.workspace.root
    root.mkdir(exist_ok=True)
    (root / "mlflow.db").write_bytes(b"no data base" * 100)
    for name in ("tensorboard", "wandb"):
        (root / name).write_text("a file where a folder should be")
    spec = SPEC.model_copy(update={"tracker": Named(name=tracker), "epochs": 0.2})
    made = train.run(context, spec, base, dataset, task)
    assert made.trained_parameters > 0
    assert [event.kind for event in events if "not mirrored" in event.message] == ["warning"]

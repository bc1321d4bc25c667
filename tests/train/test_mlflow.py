"""The curves are mirrored to MLflow, and a mirror that fails costs nothing."""

from __future__ import annotations

from pathlib import Path

import mlflow

from tunewright.train.ports import Curve, Look
from tunewright.train.trackers.mlflow import MLflow

from .conftest import make_context

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

"""MLflow, in a SQLite file inside the workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from tunewright.runtime import settings
from tunewright.runtime.context import Context
from tunewright.runtime.lazy import require
from tunewright.train.ports import Curve


@dataclass(frozen=True, kw_only=True)
class MLflow:
    """Mirror the curves to `mlflow.db` in the workspace."""

    experiment: str = "tunewright"
    """Name of the MLflow experiment."""

    def log(self, context: Context, settings_of_run: Mapping[str, str], curve: Curve) -> None:
        """Write a finished run to the tracking store."""
        settings.quiet()
        require("sqlalchemy", extra="train")
        mlflow = require("mlflow", extra="train")
        root = context.workspace.root.resolve()
        client = mlflow.MlflowClient(tracking_uri=f"sqlite:///{root / 'mlflow.db'}")
        found = client.get_experiment_by_name(self.experiment)
        home = (root / "mlflow").as_uri()
        experiment = found.experiment_id if found else client.create_experiment(self.experiment, home)
        run = client.create_run(experiment, run_name=context.artifact_id).info
        metric, parameter = mlflow.entities.Metric, mlflow.entities.Param
        entries = [metric(name, value, run.start_time, step) for name, value, step in curve.points()]
        client.log_batch(run.run_id, params=[parameter(k, v[:500]) for k, v in settings_of_run.items()])
        for start in range(0, len(entries), 1000):
            client.log_batch(run.run_id, metrics=entries[start : start + 1000])
        client.set_terminated(run.run_id)

"""Card: the manifest of a run and the page that tells a person what the checkpoint is."""

from __future__ import annotations

import json
import platform
from collections.abc import Iterator, Sequence
from importlib import metadata

from tunewright.core.types import Checkpoint, Dataset, Task
from tunewright.runtime import hardware, plugins
from tunewright.runtime.context import Context
from tunewright.runtime.measure.losses import Losses, write_losses
from tunewright.runtime.workspace import atomic_write
from tunewright.train.finding import Finding
from tunewright.train.ports import Curve, Plan
from tunewright.train.spec import TrainSpec

MANIFEST = "run.json"
CARD = "card.md"
PACKAGES = (
    "tunewright",
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "tokenizers",
    "safetensors",
    "bitsandbytes",
)


def settings_of(spec: TrainSpec, base: Checkpoint, dataset: Dataset) -> dict[str, str]:
    """The settings of a run as flat text, for trackers."""
    plain = spec.model_dump(mode="json")
    return {
        "model": base.base.name,
        "data": dataset.digest,
        **{key: str(value) for key, value in plain.items()},
    }


def write_card(
    context: Context,
    spec: TrainSpec,
    plan: Plan,
    inputs: tuple[Checkpoint, Dataset, Task],
    curve: Curve,
    findings: Sequence[Finding],
) -> None:
    """Write `run.json`, which repeats the run, `losses.jsonl` for plots, and `card.md` for a person."""
    base, dataset, task = inputs
    manifest = {
        "seed": context.seed,
        "spec": spec.model_dump(mode="json"),
        "plan": plan.model_dump(mode="json"),
        "base": base.base.model_dump(mode="json"),
        "data": {
            "id": dataset.id,
            "digest": dataset.digest,
            "counts": dataset.counts,
            "mix": [one.model_dump() for one in dataset.mix],
        },
        "task": {"id": task.id, "objective": task.objective, "instruction": task.instruction},
        "template_sha256": base.template_sha256,
        "versions": _versions(),
        "hardware": hardware.look(context.folder).model_dump(mode="json"),
        "curve": curve.model_dump(mode="json"),
        "findings": [finding.model_dump(mode="json") for finding in findings],
    }
    atomic_write(context.folder / MANIFEST, (json.dumps(manifest, indent=1, sort_keys=True) + "\n").encode())
    write_losses(
        context.folder,
        Losses(
            training=tuple(enumerate(curve.losses, 1)),
            validation=tuple((look.step, look.loss) for look in curve.validation),
            epochs=plan.epochs,
        ),
    )
    atomic_write(context.folder / CARD, _page(spec, inputs, curve, findings).encode())


def _page(
    spec: TrainSpec, inputs: tuple[Checkpoint, Dataset, Task], curve: Curve, findings: Sequence[Finding]
) -> str:
    base, dataset, task = inputs
    best, whole = curve.best, plugins.make("tuners", spec.tuner).whole
    lines = [
        "---",
        f"base_model: {base.base.name}",
        f"license: {base.base.licence or 'unknown'}",
        f"library_name: {'transformers' if whole else 'peft'}",
        "---",
        f"# {task.objective}",
        "",
        f"{'A whole model' if whole else 'An adapter'} (`{spec.tuner.name}`, "
        f"{curve.trained_parameters:,} trained parameters) on `{base.base.name}`,",
        f"trained by `{spec.method.name}` on {dataset.counts.get('train', 0):,} examples.",
        "",
        "| | |",
        "|---|---|",
        f"| epochs, learning rate, batch | {spec.epochs:g}, {spec.rate:g}, {spec.batch} |",
        f"| steps, best at | {len(curve.losses)}, {curve.best_step} |",
        f"| validation loss | {'none' if best is None else f'{best.loss:.4f}'} |",
        f"| exact answers on validation | {'none' if best is None else f'{best.exact:.1%}'} |",
        f"| time, tokens a second | {curve.seconds:.0f} s, {curve.tokens / max(curve.seconds, 1e-9):.0f} |",
        f"| peak memory | {curve.peak_gb:.1f} GB |",
        *_planned(curve),
        f"| data | `{dataset.digest[:16]}` |",
        f"| chat template | `{base.template_sha256[:16]}`, frozen beside the adapter |",
        "",
        *(f"- {finding}" for finding in findings),
        *(f"- {note}" for note in curve.notes),
        "",
        *_mix(dataset),
        "The limits of the base model and of the data are its limits too.",
        "`run.json` has all that is needed to repeat the run.",
        "",
    ]
    return "\n".join(lines)


def _planned(curve: Curve) -> Iterator[str]:
    """What was thought of time and memory before the run, to compare."""
    if curve.planned_gb:
        told = f"{curve.planned_seconds:.0f} s, {curve.planned_gb:.1f} GB"
        yield f"| planned before the run | {told} |"


def _mix(dataset: Dataset) -> Iterator[str]:
    """What training saw of which source."""
    if not dataset.mix:
        return
    yield from ("| trained on | examples | standing | share | weight |", "|---|---:|---:|---:|---:|")
    for one in dataset.mix:
        name = f"{one.source} (general, against forgetting)" if one.replay else one.source
        yield f"| {name} | {one.examples} | {one.standing} | {one.share:.1%} | {one.weight:g} |"
    yield ""


def _versions() -> dict[str, str]:
    installed = {
        item.metadata["Name"]: item.version for item in metadata.distributions() if item.metadata["Name"]
    }
    found = {name: installed[name] for name in PACKAGES if name in installed}
    return {**found, "python": platform.python_version()}

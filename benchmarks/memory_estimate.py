"""Predicted against measured: peak memory and time of short runs of models, tuners and data.

The models have random weights and the shapes of real ones; each is trained in a process of its own, as the
product starts it. CALIBRATION was looked at when the constants of the estimate were set, COMBINATIONS were
not.
"""

from __future__ import annotations

import argparse
import json
import random
import shutil
import statistics
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM

from benchmarks.record import WORK, need_dataset, record
from benchmarks.short_runs import Data, example, fit
from tunewright.runtime import models, plugins, prices
from tunewright.runtime import settings as environment
from tunewright.runtime.chat import Chat
from tunewright.runtime.models import CONFIG, stored
from tunewright.runtime.models.local import local_checkpoint
from tunewright.train import TrainSpec, forecast
from tunewright.train.torch.forecast import place_here

SHAPES: dict[str, dict[str, Any]] = {
    "smollm2-360m": models.show("smollm2-360m-instruct").config,
    "qwen3-0.6b": models.show("qwen3-0.6b").config,
    "tinyllama-1.1b": models.show("tinyllama-1.1b-chat").config,
    "smollm2-135m": models.show("smollm2-135m-instruct").config,
    "wide": {
        **models.show("smollm2-135m-instruct").config,
        **{"hidden_size": 1024, "intermediate_size": 4096, "num_hidden_layers": 8},
        **{"num_attention_heads": 16, "num_key_value_heads": 8},
    },
    "mistral": {
        **models.show("smollm2-135m-instruct").config,
        **{"model_type": "mistral", "hidden_size": 768, "intermediate_size": 2048, "num_hidden_layers": 12},
        **{"num_attention_heads": 12, "num_key_value_heads": 4},
    },
}
STEPS, LOOKED = 3, 16
"""Steps of a run, and its validation examples."""


@dataclass(frozen=True)
class Case:
    """A run to predict and to measure."""

    shape: str
    tuner: str
    batch: int
    tokens: int
    method: str = "sft"


CALIBRATION = (
    Case("smollm2-135m", "lora", 32, 2048),
    Case("wide", "lora", 8, 2048),
    Case("wide", "full", 8, 1024),
    Case("mistral", "lora", 8, 2048),
    Case("mistral", "ia3", 8, 1024),
    Case("smollm2-135m", "prompt", 16, 4096),
    Case("smollm2-135m", "dora", 8, 1024),
    Case("mistral", "full", 8, 1024),
)
COMBINATIONS = tuple(
    Case(shape, tuner, batch, tokens)
    for shape, batch, tokens, tuners in (
        ("smollm2-360m", 16, 2048, ("lora", "full", "ia3", "prefix")),
        ("qwen3-0.6b", 8, 1024, ("lora", "full", "ia3", "prefix")),
        ("tinyllama-1.1b", 8, 1024, ("lora", "ia3", "prefix", "bottleneck")),
    )
    for tuner in tuners
)


def main() -> None:
    """Predict and measure every case; what was measured before is not measured again."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--child", nargs=3, metavar=("WHAT", "FOLDER", "CASE"), help="used by itself")
    parser.add_argument(
        "--kept", action="store_true", help="record what was measured before, measure nothing"
    )
    parser.add_argument("--calibration", action="store_true", help="the cases that the constants were set by")
    asked = parser.parse_args()
    if asked.child:
        what, folder, case = asked.child
        _child(what, Path(folder), Case(**json.loads(case)))
        return
    cases = CALIBRATION if asked.calibration else COMBINATIONS
    if asked.kept:
        cases = tuple(case for case in cases if _kept(case).exists())
    found = [_both(case) for case in cases]
    errors = [one["planned_gb"] / one["measured_gb"] - 1 for one in found]
    longer = [one["seconds"] / one["planned_seconds"] for one in found]
    if asked.calibration:
        return
    figures: dict[str, float | int | None] = {
        "combinations": len(found),
        "worst_error": max(map(abs, errors)),
        "mean_error": statistics.fmean(errors),
        "least_time": min(longer),
        "most_time": max(longer),
    }
    for case, one in zip(cases, found, strict=True):
        name = f"{case.shape}_{case.tuner}"
        figures |= {f"planned_gb_{name}": one["planned_gb"], f"measured_gb_{name}": one["measured_gb"]}
        figures |= {f"planned_s_{name}": one["planned_seconds"], f"measured_s_{name}": one["seconds"]}
    record("memory_estimate", figures)


def _both(case: Case) -> dict[str, float]:
    """What was planned, then measured, by processes of their own."""
    told, folder = json.dumps(vars(case)), _model(case.shape)
    kept = _kept(case)
    run = json.loads(kept.read_text()) if kept.exists() else _in_a_child("run", folder, told)
    kept.parent.mkdir(exist_ok=True)
    kept.write_text(json.dumps(run))
    found = {**run, **_in_a_child("plan", folder, told)}
    ratio = found["planned_gb"] / found["measured_gb"]
    print(f"{case}: {ratio:.3f} { ({key: round(value, 3) for key, value in found.items()}) }", flush=True)
    return found


def _kept(case: Case) -> Path:
    return WORK / "memory_estimate" / ("-".join(map(str, vars(case).values())) + ".json")


def _in_a_child(what: str, folder: Path, case: str) -> dict[str, float]:
    command = [sys.executable, "-m", "benchmarks.memory_estimate", "--child", what, str(folder), case]
    done = subprocess.run(command, env=environment.child_environment(), capture_output=True, text=True)
    if done.returncode:
        sys.exit(done.stderr[-2000:])
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def _child(what: str, folder: Path, case: Case) -> None:
    base, settings = local_checkpoint(folder), _settings(case)
    data = _data(case)
    if what == "run":
        _, curve = fit(base, data, settings, threads=environment.read().threads)
        print(
            json.dumps(
                {"measured_gb": curve.peak_gb, "seconds": curve.cpu_seconds / environment.read().threads}
            )
        )
        return
    spec = TrainSpec.model_validate(settings)
    chat, method = Chat.load(base.path), plugins.make("methods", spec.method)
    train, validation = (method.render(part, chat, "Route.") for part in data)
    config = json.loads((folder / CONFIG).read_bytes())
    found = forecast(
        spec,
        place_here(environment.read(), prices.read()),
        config,
        stored(folder),
        (train, validation),
        len(train),
    )
    print(json.dumps({"planned_gb": found.memory_bytes / 1e9, "planned_seconds": found.seconds}))


def _settings(case: Case) -> dict[str, Any]:
    return {
        "method": case.method,
        "tuner": case.tuner,
        "batch": case.batch,
        "epochs": 1,
        "evaluations": 1,
        "tracker": None,
        "backend": {"local": {"tokens": case.tokens}},
    }


def _data(case: Case) -> Data:
    (file,) = need_dataset("rasbt_preference").glob("*.json")
    rows = json.loads(file.read_text())
    random.Random(0).shuffle(rows)
    found = [
        example(str(place), f"{row['instruction']}\n{row['input']}", row["chosen"])
        for place, row in enumerate(rows[: STEPS * case.batch + LOOKED])
    ]
    return found[LOOKED:], found[:LOOKED]


def _model(shape: str) -> Path:
    """A model of random weights in bf16, with the tokenizer of the embedded one."""
    folder = WORK / "shapes" / shape
    if folder.exists():
        return folder
    base = models.resolve("smollm2-135m-instruct", environment.read()).path
    torch.manual_seed(0)
    values = {"bos_token_id": 1, "eos_token_id": 2, "pad_token_id": 2, **SHAPES[shape]}
    values["vocab_size"] = max(49152, values["vocab_size"])
    config = AutoConfig.for_model(values.pop("model_type"), **values)
    unfinished = folder.with_name(f"{shape}.tmp")
    AutoModelForCausalLM.from_config(config, dtype=torch.bfloat16).save_pretrained(unfinished)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        if (base / name).exists():
            shutil.copyfile(base / name, unfinished / name)
    unfinished.rename(folder)
    return folder


if __name__ == "__main__":
    main()

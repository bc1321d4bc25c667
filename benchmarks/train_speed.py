"""Training speed and memory against TRL and LLaMA-Factory, on the embedded model with `lora` r=16.

Every contender is a process of its own with two threads and the same settings of the allocator, trains on
the same 1,000 real examples in batches of 8 (about 1,350 tokens a step; packed rows hold as many), and
leaves an adapter that one judge measures on 100 held-out examples. The peers get environments of their
own below `benchmarks/.work/peers`, made by the first run. Speed is real input tokens per second of wall
clock after the first three steps, padding not counted, a common prefix once for every example.

`--only NAME…` runs some contenders; what was measured before is kept and goes into the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.peers import judge, task
from benchmarks.record import WORK, record
from tunewright.runtime import models
from tunewright.runtime import settings as environment

HERE = Path(__file__).parent / "peers"
FOLDER = WORK / "train_speed"
WARM_UP = 3
RATE = 5e-4
ROW = 1360
"""Tokens of a packed row: as many as eight examples have on average."""
PEERS = {
    "trl": ["trl==1.16.0", "peft==0.21.2", "torch==2.13.0", "transformers==5.23.0"],
    "llamafactory": ["llamafactory==0.9.5", "torch==2.13.0"],
}


@dataclass(frozen=True, kw_only=True)
class Contender:
    """Who trains, how, on what, and for how many steps."""

    name: str
    who: str
    steps: int
    batch: int = 8
    long_prompt: bool = False
    seed: int = 0
    options: dict[str, Any] = field(default_factory=dict)


BF16 = {"bf16": True, "disable_gradient_checkpointing": True}
LIGHT = {"weights": "bfloat16", "gradient_checkpointing": False}
ALL = 125
"""Steps that see 1,000 examples."""
CONTENDERS = (
    Contender(name="ours", who="ours", steps=ALL),
    Contender(name="ours_again", who="ours", steps=ALL, seed=1),
    Contender(name="trl_default", who="trl", steps=8),
    Contender(name="llamafactory_default", who="llamafactory", steps=8),
    Contender(name="trl_bf16", who="trl", steps=8, options=LIGHT),
    Contender(
        name="trl_padding_free",
        who="trl",
        steps=8,
        options={**LIGHT, "padding_free": True, "max_length": None},
    ),
    Contender(
        name="trl_packing",
        who="trl",
        steps=8,
        options={**LIGHT, "packing": True, "max_length": ROW, "per_device_train_batch_size": 1},
    ),
    Contender(name="llamafactory_bf16", who="llamafactory", steps=8, options=BF16),
    Contender(
        name="llamafactory_neat_packing",
        who="llamafactory",
        steps=8,
        options={
            **BF16,
            "packing": True,
            "neat_packing": True,
            "cutoff_len": ROW,
            "per_device_train_batch_size": 1,
        },
    ),
    Contender(name="ours_prefix", who="ours", steps=40, long_prompt=True),
    Contender(name="trl_prefix", who="trl", steps=6, long_prompt=True, options=LIGHT),
    Contender(
        name="trl_prefix_packing",
        who="trl",
        steps=6,
        long_prompt=True,
        options={**LIGHT, "packing": True, "max_length": 1824, "per_device_train_batch_size": 2},
    ),
    Contender(
        name="llamafactory_prefix",
        who="llamafactory",
        steps=6,
        long_prompt=True,
        options={
            **BF16,
            "packing": True,
            "neat_packing": True,
            "cutoff_len": 1824,
            "per_device_train_batch_size": 2,
        },
    ),
)
LARGE = (
    Contender(name="ours_prefix_32", who="ours", steps=15, batch=32, long_prompt=True),
    Contender(
        name="trl_prefix_32",
        who="trl",
        steps=5,
        batch=32,
        long_prompt=True,
        options={**LIGHT, "gradient_accumulation_steps": 4},
    ),
)
"""The same with 32 short examples a step, as short ones want; the peer is the fastest at 8."""
BEST = Contender(name="best_peer_1000", who="", steps=ALL)
"""The fastest setting of a peer, on all 1,000 examples."""


def main() -> None:
    """Run the contenders, each after the other, and record the ratios."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", nargs="*", metavar="NAME", help="contenders; all if left out")
    only = parser.parse_args().only
    found = models.cached(models.show("smollm2-135m-instruct"), environment.read())
    if found is None:
        sys.exit("skipped: `tunewright models fetch smollm2-135m-instruct` first")
    for who, packages in PEERS.items():
        _install(who, packages)
    for contender in (*CONTENDERS, *LARGE):
        if only is None or contender.name in only:
            _run(contender, found.path)
    measured = (one for one in (*CONTENDERS, *LARGE) if _result(one.name).exists())
    results = {one.name: _read(one.name) for one in measured}
    best = _best(results)
    if only is None or BEST.name in only:
        chosen = next(one for one in CONTENDERS if one.name == best)
        again = Contender(name=BEST.name, who=chosen.who, steps=_steps(chosen), options=chosen.options)
        _run(again, found.path)
    if not _result(BEST.name).exists() or len(results) < len(CONTENDERS) + len(LARGE):
        sys.exit("not every contender has been measured yet, so no ratios")
    results[BEST.name] = _read(BEST.name)
    record("train_speed", _figures(results, best, found.path))


def _steps(contender: Contender) -> int:
    """Packed rows are not exactly full: as many steps as see all examples once."""
    tokens = sum(len(json.loads(line)["ids"]) for line in (FOLDER / "mixed/train.jsonl").open())
    per_step = _read(contender.name)["tokens_per_step"]
    return max(1, round(tokens / per_step)) if "packing" in contender.options else ALL


def _install(who: str, packages: list[str]) -> None:
    """An environment for a peer; LLaMA-Factory's import wants torchaudio, which text needs not."""
    folder = WORK / "peers" / who
    if (folder / "ready").exists():
        return
    subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
    subprocess.run([folder / "bin/python", "-m", "pip", "install", "--quiet", *packages], check=True)
    if who == "llamafactory":
        gone = ["uninstall", "--quiet", "--yes", "torchvision", "torchaudio"]
        subprocess.run([folder / "bin/python", "-m", "pip", *gone], check=True)
        (next((folder / "lib").glob("python3.*/site-packages")) / "torchaudio.py").touch()
    (folder / "ready").touch()


def _run(contender: Contender, model: Path) -> None:
    data = FOLDER / ("long_prompt" if contender.long_prompt else "mixed")
    train, _ = task.write(data, model, long_prompt=contender.long_prompt)
    described = {
        "model": str(model),
        "train": str(train),
        "folder": str(FOLDER / contender.name),
        "result": str(_result(contender.name)),
        "threads": 2,
        "steps": contender.steps,
        "seed": contender.seed,
        "batch": contender.batch,
        "learning_rate": RATE,
        "options": contender.options,
    }
    for old in (contender.name, f"{contender.name}.scratch"):
        shutil.rmtree(FOLDER / old, ignore_errors=True)  # a run would go on where it was, or refuse to
    path = FOLDER / f"{contender.name}.task.json"
    path.write_text(json.dumps(described))
    python = sys.executable if contender.who == "ours" else str(WORK / "peers" / contender.who / "bin/python")
    variables = {**os.environ, **environment.STEADY_MEMORY, **environment.PATIENT_THREADS}
    print(f"{contender.name}: {contender.steps} steps …", flush=True)
    with (FOLDER / f"{contender.name}.log").open("w") as log:
        begin = time.monotonic()
        subprocess.run(
            [python, str(HERE / f"run_{contender.who}.py"), str(path)],
            check=True,
            env={**variables, "OMP_NUM_THREADS": "2", "HF_HUB_OFFLINE": "1"},
            stdout=log,
            stderr=subprocess.STDOUT,
        )
        whole = time.monotonic() - begin
    found = json.loads(_result(contender.name).read_text())
    steps = found["steps"]
    # Of the steps that were told of; ours tells once a second.
    first, last = steps[min(WARM_UP, len(steps) - 2)], steps[-1]
    tokens = last["tokens"] - first["tokens"]
    summary = {
        "tokens_per_second": tokens / (last["clock"] - first["clock"]),
        "tokens_per_cpu_second": tokens / (last["cpu"] - first["cpu"]),
        "tokens_per_step": last["tokens"] / contender.steps,
        "peak_gb": found["peak_gb"],
        "seconds": whole,
        "adapter": found.get("adapter", str(FOLDER / contender.name)),
    }
    print(summary, flush=True)
    _result(contender.name).write_text(json.dumps({**found, **summary}))


def _result(name: str) -> Path:
    return FOLDER / f"{name}.json"


def _read(name: str) -> dict[str, Any]:
    return dict(json.loads(_result(name).read_text()))


def _best(results: dict[str, dict[str, Any]]) -> str:
    peers = [name for name in results if name.startswith(("trl", "llamafactory")) and "prefix" not in name]
    return max(peers, key=lambda name: float(results[name]["tokens_per_second"]))


def _figures(results: dict[str, dict[str, Any]], best: str, model: Path) -> dict[str, float | int | None]:
    speed = {name: float(one["tokens_per_second"]) for name, one in results.items()}
    eight = (name for name in speed if "prefix" in name and "ours" not in name and "32" not in name)
    prefix = max(speed[name] for name in eight)
    losses = judge.losses(
        model,
        FOLDER / "mixed/validation.jsonl",
        {name: Path(results[name]["adapter"]) for name in ("ours", "ours_again", BEST.name)},
    )
    floor = judge.gemm_floor(model, FOLDER / "mixed/train.jsonl")
    ours, peer = results["ours"], results[best]
    return {
        "ratio_trl_default": speed["ours"] / speed["trl_default"],
        "ratio_llamafactory_default": speed["ours"] / speed["llamafactory_default"],
        "ratio_best_peer": speed["ours"] / speed[best],
        "memory_to_best_peer": ours["peak_gb"] / peer["peak_gb"],
        "ratio_cold_1000": results[BEST.name]["seconds"] / ours["seconds"],
        "ratio_shared_prefix": speed["ours_prefix_32"] / speed["trl_prefix_32"],
        "ratio_shared_prefix_batch_8": speed["ours_prefix"] / prefix,
        "share_of_gemm_floor": ours["tokens_per_cpu_second"] / floor,
        "loss_difference": losses["ours"] - losses[BEST.name],
        "loss_of_another_seed": losses["ours_again"] - losses["ours"],
        **{f"loss_{name}": loss for name, loss in losses.items()},
        **{f"tokens_per_second_{name}": value for name, value in speed.items()},
        **{f"tokens_per_step_{name}": one["tokens_per_step"] for name, one in results.items()},
        **{f"peak_gb_{name}": one["peak_gb"] for name, one in results.items()},
        "gemm_floor_tokens_per_cpu_second": floor,
        "seconds_ours": ours["seconds"],
        "seconds_best_peer": results[BEST.name]["seconds"],
    }


if __name__ == "__main__":
    main()

"""LLaMA-Factory on the same conversations, by its own template: `run_llamafactory.py TASK.json`."""
# ruff: noqa: ANN401 - types of a peer

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any, ClassVar

import torch
from llamafactory.train.tuner import run_exp
from measured import Measured
from transformers import Trainer, TrainerCallback

task = json.loads(Path(sys.argv[1]).read_text())
torch.set_num_threads(task["threads"])
measured = Measured()
plain_step = Trainer.training_step


def counting_step(self: Any, model: Any, inputs: Any, *rest: Any, **more: Any) -> Any:
    """One step; padding is not counted: of packed texts it is what does not even attend to itself."""
    seen = inputs["attention_mask"]
    own = seen.diagonal(dim1=-2, dim2=-1) == 0 if seen.dim() == 4 else seen > 0
    measured.tokens += int(own.sum())
    return plain_step(self, model, inputs, *rest, **more)


class Clock(TrainerCallback):
    """Notes the end of every step, and what was said of it."""

    losses: ClassVar[list[float]] = []

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """One step is over."""
        measured.step()

    def on_log(self, *_: Any, logs: dict[str, float] | None = None, **__: Any) -> None:
        """The loss of a step."""
        if logs and "loss" in logs:
            self.losses.append(logs["loss"])


Trainer.training_step = counting_step
folder = Path(task["folder"])
folder.mkdir(parents=True, exist_ok=True)
lines = [json.loads(line) for line in Path(task["train"]).read_text().splitlines()]
(folder / "train.json").write_text(json.dumps([{"messages": one["messages"]} for one in lines]))
description = {
    "file_name": "train.json",
    "formatting": "sharegpt",
    "columns": {"messages": "messages"},
    "tags": {
        "role_tag": "role",
        "content_tag": "content",
        "user_tag": "user",
        "assistant_tag": "assistant",
        "system_tag": "system",
    },
}
(folder / "dataset_info.json").write_text(json.dumps({"task": description}))
clock = Clock()
settings: dict[str, Any] = {
    "model_name_or_path": task["model"],
    "stage": "sft",
    "do_train": True,
    "finetuning_type": "lora",
    "lora_target": "all",
    "lora_rank": 16,
    "lora_alpha": 32,
    "template": "smollm2",
    "dataset": "task",
    "dataset_dir": str(folder),
    "output_dir": str(folder / "out"),
    "learning_rate": task["learning_rate"],
    "lr_scheduler_type": "constant",
    "weight_decay": 0.0,
    "max_steps": task["steps"],
    "seed": task["seed"],
    "logging_steps": 1,
    "save_strategy": "no",
    "report_to": "none",
    "use_cpu": True,
    "disable_tqdm": True,
    **task["options"],
}
run_exp(settings, callbacks=[clock])
measured.write(task["result"], losses=clock.losses, adapter=str(folder / "out"))

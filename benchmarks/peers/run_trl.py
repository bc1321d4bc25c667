"""TRL's trainer on examples that are tokens already: `run_trl.py TASK.json`."""
# ruff: noqa: ANN401 - types of a peer

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Any

import torch
from datasets import Dataset
from measured import Measured
from peft import LoraConfig
from transformers import AutoModelForCausalLM, AutoTokenizer, TrainerCallback
from trl import SFTConfig, SFTTrainer

task = json.loads(Path(sys.argv[1]).read_text())
torch.set_num_threads(task["threads"])
measured = Measured()


class Counting(SFTTrainer):
    """Counts the tokens that are no padding."""

    def training_step(self, model: Any, inputs: Any, *rest: Any, **more: Any) -> Any:
        """One step."""
        seen = inputs.get("attention_mask")
        measured.tokens += int(inputs["input_ids"].numel() if seen is None else (seen > 0).sum())
        return super().training_step(model, inputs, *rest, **more)


class Clock(TrainerCallback):
    """Notes the end of every step."""

    def on_step_end(self, *_: Any, **__: Any) -> None:
        """One step is over."""
        measured.step()


lines = [json.loads(line) for line in Path(task["train"]).read_text().splitlines()]
table = Dataset.from_list([{"input_ids": one["ids"], "completion_mask": one["trained"]} for one in lines])
options = dict(task["options"])
dtype = getattr(torch, options.pop("weights", "float32"))
settings = SFTConfig(
    output_dir=task["folder"],
    learning_rate=task["learning_rate"],
    lr_scheduler_type="constant",
    weight_decay=0.0,
    max_steps=task["steps"],
    seed=task["seed"],
    logging_steps=1,
    save_strategy="no",
    report_to=[],
    use_cpu=True,
    disable_tqdm=True,
    **options,
)
trainer = Counting(
    model=AutoModelForCausalLM.from_pretrained(task["model"], dtype=dtype),
    args=settings,
    train_dataset=table,
    processing_class=AutoTokenizer.from_pretrained(task["model"]),
    peft_config=LoraConfig(r=16, lora_alpha=32, target_modules="all-linear", task_type="CAUSAL_LM"),
    callbacks=[Clock()],
)
trainer.train()
trainer.save_model(task["folder"])
losses = [one["loss"] for one in trainer.state.log_history if "loss" in one]
measured.write(task["result"], losses=losses)

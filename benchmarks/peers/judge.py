"""One judge for every contender's adapter, and the machine's own floor."""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM


def losses(model: Path, validation: Path, adapters: Mapping[str, Path]) -> dict[str, float]:
    """Mean cross-entropy of a trained token of the validation file, by transformers and PEFT in fp32."""
    lines = [json.loads(line) for line in validation.read_text().splitlines()]
    found = {}
    for name, folder in adapters.items():
        base = AutoModelForCausalLM.from_pretrained(model, dtype=torch.float32)
        tuned = PeftModel.from_pretrained(base, folder).eval()
        total = count = 0.0
        for line in lines:
            ids, trained = torch.tensor([line["ids"]]), torch.tensor(line["trained"][1:]) == 1
            with torch.no_grad():
                logits = tuned(ids).logits[0, :-1][trained]
            total += float(torch.nn.functional.cross_entropy(logits, ids[0, 1:][trained], reduction="sum"))
            count += float(trained.sum())
        found[name] = total / count
    return found


def gemm_floor(model: Path, train: Path, rank: int = 16, rows: int = 1024) -> float:
    """Tokens a CPU second would give if nothing but the matrix products of a step were computed.

    One thread, bf16 where the machine has it: every linear layer forward and backward to its input, its
    low-rank changes forward, backward to the input and to both weights, the head forward and backward at
    the share of trained tokens. Products of queries with keys are left out.
    """
    config = json.loads((model / "config.json").read_text())
    hidden, inner, heads = config["hidden_size"], config["intermediate_size"], config["num_attention_heads"]
    width = hidden // heads
    kv = config["num_key_value_heads"] * width
    able = torch.ops.mkldnn._is_mkldnn_bf16_supported()
    dtype = torch.bfloat16 if able else torch.float32
    torch.set_num_threads(1)
    stacks = ((hidden, hidden + 2 * kv, 3), (hidden, hidden, 1), (hidden, 2 * inner, 2), (inner, hidden, 1))
    seconds = 0.0
    for ins, outs, changes in stacks:
        ranks = rank * changes
        seconds += 2 * _seconds(rows, ins, outs, dtype)
        seconds += 3 * _seconds(rows, ins, ranks, dtype) + 3 * _seconds(rows, ranks, outs, dtype)
    lines = [json.loads(line) for line in train.read_text().splitlines()]
    share = sum(sum(line["trained"]) for line in lines) / sum(len(line["ids"]) for line in lines)
    head = 2 * _seconds(128, hidden, config["vocab_size"], dtype) / 128
    torch.set_num_threads(2)
    return 1 / (seconds * config["num_hidden_layers"] / rows + head * share)


def _seconds(rows: int, ins: int, outs: int, dtype: torch.dtype, repeats: int = 5) -> float:
    x, weight = torch.randn(rows, ins).to(dtype), torch.randn(ins, outs).to(dtype)
    x @ weight
    begin = time.process_time()
    for _ in range(repeats):
        x @ weight
    return (time.process_time() - begin) / repeats

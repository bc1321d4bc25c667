"""Greedy answers of two forms of a model in float32, token by token with their probabilities."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path

import torch
from peft import PeftModel
from transformers import AutoModelForCausalLM

from tunewright.deploy.parity import Greedy

Told = Callable[[], None]


def adapter_answers(
    base: Path, adapter: Path, prompts: Sequence[Sequence[int]], stop: Sequence[int], tokens: int, told: Told
) -> tuple[list[Greedy], list[Greedy]]:
    """What base and adapter answer, and what the untouched base says at each of those tokens."""
    model = PeftModel.from_pretrained(_open(base), adapter).eval()
    tuned = _answers(model, prompts, stop, tokens, told)
    with model.disable_adapter():
        untouched = [_forced(model, *pair) for pair in zip(prompts, tuned, strict=True)]
    return tuned, untouched


def folder_answers(
    folder: Path, prompts: Sequence[Sequence[int]], stop: Sequence[int], tokens: int, told: Told
) -> list[Greedy]:
    """What the model that lies in `folder` answers."""
    return _answers(_open(folder).eval(), prompts, stop, tokens, told)


def _open(folder: Path) -> torch.nn.Module:
    model: torch.nn.Module = AutoModelForCausalLM.from_pretrained(
        folder, dtype=torch.float32, local_files_only=True
    )
    return model


def _answers(
    model: torch.nn.Module, prompts: Sequence[Sequence[int]], stop: Sequence[int], tokens: int, told: Told
) -> list[Greedy]:
    answers = []
    for prompt in prompts:
        answers.append(_greedy(model, prompt, stop, tokens))
        told()
    return answers


@torch.inference_mode()
def _greedy(model: torch.nn.Module, prompt: Sequence[int], stop: Sequence[int], tokens: int) -> Greedy:
    step, past, ids, rows = torch.tensor([list(prompt)]), None, list[int](), list[torch.Tensor]()
    while len(ids) < tokens:
        out = model(input_ids=step, past_key_values=past, use_cache=True)
        past, row = out.past_key_values, out.logits[0, -1]
        ids.append(int(row.argmax()))
        rows.append(row)
        if ids[-1] in stop:
            break
        step = torch.tensor([ids[-1:]])
    return _measured(ids, torch.stack(rows), ids)


@torch.inference_mode()
def _forced(model: torch.nn.Module, prompt: Sequence[int], answer: Greedy) -> Greedy:
    """The model's own choice after each token of somebody else's answer."""
    logits = model(input_ids=torch.tensor([[*prompt, *answer.ids]])).logits[0]
    rows = logits[len(prompt) - 1 : len(prompt) - 1 + len(answer.ids)]
    return _measured(rows.argmax(dim=-1).tolist(), rows, answer.ids)


def _measured(chosen: Sequence[int], rows: torch.Tensor, asked: Sequence[int]) -> Greedy:
    """Probability of the tokens `asked` for, and how far the best token leads the second."""
    probabilities = rows.float().softmax(dim=-1)
    best = probabilities.topk(2, dim=-1).values
    return Greedy(
        ids=tuple(chosen),
        probabilities=tuple(probabilities.gather(1, torch.tensor(asked)[:, None])[:, 0].tolist()),
        margins=tuple((best[:, 0] - best[:, 1]).tolist()),
    )

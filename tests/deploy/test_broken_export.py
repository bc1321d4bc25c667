"""A packed form that answers differently is caught, however small its fault."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from tests.deploy.conftest import LABELS, Setting, question
from tunewright.core.errors import DeployError
from tunewright.deploy import parity
from tunewright.deploy.exports.merged import Merged
from tunewright.deploy.parity import Evidence, Said, require_parity
from tunewright.deploy.torch import greedy
from tunewright.runtime import models
from tunewright.runtime.chat import Chat, with_instruction

Weights = dict[str, torch.Tensor]


def unmerged(weights: Weights, base: Weights) -> Weights:
    """The base itself, as if the adapter had been forgotten."""
    return {name: base[name] for name in weights}


def halved(weights: Weights, base: Weights) -> Weights:
    """The adapter at half its strength."""
    return {name: (weight + base[name]) / 2 for name, weight in weights.items()}


def swapped(weights: Weights, base: Weights) -> Weights:
    """Two layers in the wrong order."""
    return {
        name.replace(".0.", ".9.").replace(".1.", ".0.").replace(".9.", ".1."): w
        for name, w in weights.items()
    }


@pytest.mark.parametrize("fault", [unmerged, halved, swapped])
def test_a_broken_merge_cannot_be_released(
    setting: Setting, tmp_path: Path, fault: Callable[[Weights, Weights], Weights]
) -> None:
    settings, checkpoint = setting.context.settings, setting.checkpoint
    base = models.weights(checkpoint.base, settings)
    packed = tmp_path / "packed"
    packed.mkdir()
    Merged().pack(checkpoint, packed, settings)
    path = packed / "model.safetensors"
    broken = fault(load_file(path), load_file(base / "model.safetensors"))
    save_file({name: w.contiguous() for name, w in broken.items()}, path, metadata={"format": "pt"})

    chat = Chat.load(packed)
    asked = [question(number) for number in range(4)]
    prompts = [chat.prompt(with_instruction(example.prompt, LABELS[0])) for example in asked]
    how = (prompts, chat.stop_ids, 8, lambda _: None)
    tuned, untouched = greedy.adapter_answers(base, checkpoint.path, *how)
    said = Said("merged", greedy.folder_answers(packed, *how))
    mine, ids = Said("adapter", tuned), [example.id for example in asked]
    found = Evidence(
        same=parity.compare(mine, said, ids, chat.decode),
        effect=parity.compare(Said("base", untouched), mine, ids, chat.decode),
        largest_effect=parity.largest_effect(untouched, tuned),
    )
    with pytest.raises(DeployError, match="other tokens than the adapter; first: example"):
        require_parity(found)


def test_greedy_answers_are_those_of_transformers(setting: Setting) -> None:
    """The oracle: `generate` of the library itself, token by token."""
    from transformers import AutoModelForCausalLM

    base = models.weights(setting.checkpoint.base, setting.context.settings)
    chat = Chat.load(base)
    prompts = [chat.prompt(question(number).prompt) for number in range(3)]
    ours = greedy.folder_answers(base, prompts, chat.stop_ids, 12, lambda _: None)
    model = AutoModelForCausalLM.from_pretrained(base, dtype=torch.float32)
    for prompt, answer in zip(prompts, ours, strict=True):
        theirs = model.generate(
            torch.tensor([prompt]), max_new_tokens=12, do_sample=False, eos_token_id=list(chat.stop_ids)
        )
        assert list(answer.ids) == theirs[0, len(prompt) :].tolist()

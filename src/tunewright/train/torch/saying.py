"""Answers of a model under training, in tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch.nn.functional import pad

from tunewright.runtime.adapters import soft
from tunewright.runtime.chat import Rendered
from tunewright.train.torch.networks import still


@torch.no_grad()
def say(
    model: Any,
    questions: Sequence[Sequence[int]],
    longest: int,
    stops: Sequence[int],
    seed: int | None = None,
) -> list[list[int]]:
    """Tokens of the answer to each question, its stop token included if it was said.

    Greedy, or by chance where a seed is given. Questions are padded on the left, so that all end together.
    """
    width = max(map(len, questions))
    ids = torch.zeros((len(questions), width), dtype=torch.long)
    there = torch.zeros_like(ids)
    for row, question in enumerate(questions):
        ids[row, width - len(question) :] = torch.tensor(question)
        there[row, width - len(question) :] = 1
    if seed is not None:
        torch.manual_seed(seed)
    chance: dict[str, Any] = {} if seed is None else {"temperature": 1.0, "top_p": 1.0, "top_k": 0}
    with still(model):
        before = soft.learned(model)
        if before is not None:
            model, tokens = model.get_base_model(), before[0][0].shape[1]
            chance["past_key_values"] = soft.cache(before, len(questions))
            ids, there = pad(ids, (tokens, 0)), pad(there, (tokens, 0), value=1)
        made = model.generate(
            input_ids=ids.to(model.device),
            attention_mask=there.to(model.device),
            do_sample=seed is not None,
            **chance,
            max_new_tokens=longest,
            eos_token_id=list(stops) or None,
            pad_token_id=stops[0] if stops else 0,
        )
    return [_to_the_stop(row, stops) for row in made[:, ids.shape[1] :].tolist()]


def parted(item: Rendered) -> tuple[tuple[int, ...], tuple[int, ...], tuple[int, ...]]:
    """The question of a text, its last trained turn, and what follows."""
    end = max(place for place, learned in enumerate(item.trained) if learned) + 1
    start = end
    while start and item.trained[start - 1]:
        start -= 1
    return item.ids[:start], item.ids[start:end], item.ids[end:]


def _to_the_stop(ids: list[int], stops: Sequence[int]) -> list[int]:
    ends = [place for place, one in enumerate(ids) if one in stops]
    return ids[: ends[0] + 1] if ends else ids

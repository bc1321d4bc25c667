"""How likely given texts are to the model, token by token."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from tunewright.core.types import Delta
from tunewright.runtime.engines.transformers.network import Network

Told = tuple[list[float], list[tuple[tuple[int, float], ...]]]
POSITIONS = 512
"""Tokens whose scores over the whole vocabulary are held at once."""


@torch.inference_mode()
def read(network: Network, prompts: Sequence[Sequence[int]], likeliest: int) -> list[Delta]:
    """Log-probability of every token after the first, for each prompt, and the likeliest in its place."""
    found = [Delta()] * len(prompts)
    for places in _batches([len(prompt) for prompt in prompts]):
        told = _batch(network, [prompts[p] for p in places], likeliest)
        for place, (logprobs, near) in zip(places, told, strict=True):
            ids = tuple(prompts[place][1:])
            found[place] = Delta(token_ids=ids, logprobs=tuple(logprobs), likeliest=tuple(near))
    return found


def _batches(lengths: Sequence[int]) -> list[list[int]]:
    batches: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda place: (lengths[place], place)):
        if lengths[place] < 2:
            continue
        if batches and (len(batches[-1]) + 1) * lengths[place] <= POSITIONS:
            batches[-1].append(place)
        else:
            batches.append([place])
    return batches


def _batch(network: Network, prompts: Sequence[Sequence[int]], likeliest: int) -> list[Told]:
    """Prompts of one batch; a prompt longer than `POSITIONS` is alone and read in pieces."""
    memory = network.memory(len(prompts))
    longest = max(map(len, prompts))
    found: list[Told] = [([], []) for _ in prompts]
    for start in range(0, longest - 1, POSITIONS):
        pieces = [list(prompt[start : start + POSITIONS]) for prompt in prompts]
        scores = network.scores(memory, pieces, [start] * len(prompts))
        for row, (prompt, piece) in enumerate(zip(prompts, pieces, strict=True)):
            following = torch.tensor(prompt[start + 1 : start + 1 + len(piece)], device=scores.device)
            own = scores[row, scores.shape[1] - len(piece) :][: len(following)]
            likely = own.log_softmax(dim=-1).clamp(max=0.0)
            found[row][0].extend(likely.gather(1, following[:, None])[:, 0].tolist())
            found[row][1].extend(_nearest(likely, likeliest))
    return found


def _nearest(likely: Tensor, number: int) -> list[tuple[tuple[int, float], ...]]:
    """Of each row of [tokens, vocabulary], so many of the likeliest."""
    if number == 0:
        return []
    top = likely.topk(min(number, likely.shape[1]))
    rows = zip(top.indices.tolist(), top.values.tolist(), strict=True)
    return [tuple(zip(ids, values, strict=True)) for ids, values in rows]

"""How likely given texts are to the model, token by token."""

from __future__ import annotations

from collections.abc import Sequence

import torch

from tunewright.runtime.engines.transformers.network import Network

POSITIONS = 512
"""Tokens whose scores over the whole vocabulary are held at once."""


@torch.inference_mode()
def logprobs(network: Network, prompts: Sequence[Sequence[int]]) -> list[list[float]]:
    """Log-probability of every token after the first, for each prompt."""
    found: list[list[float]] = [[] for _ in prompts]
    for places in _batches([len(prompt) for prompt in prompts]):
        for place, row in zip(places, _batch(network, [prompts[p] for p in places]), strict=True):
            found[place] = row
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


def _batch(network: Network, prompts: Sequence[Sequence[int]]) -> list[list[float]]:
    """Prompts of one batch; a prompt longer than `POSITIONS` is alone and read in pieces."""
    memory = network.memory(len(prompts))
    longest = max(map(len, prompts))
    found: list[list[float]] = [[] for _ in prompts]
    for start in range(0, longest - 1, POSITIONS):
        pieces = [list(prompt[start : start + POSITIONS]) for prompt in prompts]
        scores = network.scores(memory, pieces, [start] * len(prompts))
        for row, (prompt, piece) in enumerate(zip(prompts, pieces, strict=True)):
            following = torch.tensor(prompt[start + 1 : start + 1 + len(piece)], device=scores.device)
            own = scores[row, scores.shape[1] - len(piece) :][: len(following)]
            likely = own.log_softmax(dim=-1).gather(1, following[:, None])[:, 0]
            found[row] += likely.clamp(max=0.0).tolist()
    return found

"""Greedy answers of two forms of a model in float32, token by token with their probabilities."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

import torch
from torch.nn import functional

from tunewright.deploy.parity import Greedy
from tunewright.runtime import adapters
from tunewright.runtime.adapters.loading import put_on
from tunewright.runtime.adapters.soft import Pair, cache, kept
from tunewright.runtime.models.opening import open_model

Told = Callable[[int], None]
"""Told how many more prompts were answered."""
TOGETHER = 4096
"""Prompt tokens in one batch, padding included."""
Ids = Sequence[int]


def adapter_answers(
    base: Path, adapter: Path, prompts: Sequence[Ids], stop: Ids, tokens: int, told: Told
) -> tuple[list[Greedy], list[Greedy]]:
    """What base and adapter answer, and what the untouched base says at each of those tokens."""
    if adapters.stands_before(adapter):
        model = _open(base).eval()
        tuned = _answers(model, prompts, stop, tokens, told, kept(model, adapter))
        return tuned, _forced(model, prompts, tuned)
    model = put_on(_open(base), adapter).eval()
    tuned = _answers(model, prompts, stop, tokens, told)
    with model.disable_adapter():
        untouched = _forced(model, prompts, tuned)
    return tuned, untouched


def whole_answers(
    base: Path, folder: Path, prompts: Sequence[Ids], stop: Ids, tokens: int, told: Told
) -> tuple[list[Greedy], list[Greedy]]:
    """The same of a model that was tuned whole and lies in `folder`."""
    tuned = folder_answers(folder, prompts, stop, tokens, told)
    return tuned, _forced(_open(base).eval(), prompts, tuned)


def folder_answers(folder: Path, prompts: Sequence[Ids], stop: Ids, tokens: int, told: Told) -> list[Greedy]:
    """What the model that lies in `folder` answers."""
    return _answers(_open(folder).eval(), prompts, stop, tokens, told)


def _open(folder: Path) -> torch.nn.Module:
    model: torch.nn.Module = open_model(folder, torch.float32)
    return model


def _answers(
    model: torch.nn.Module,
    prompts: Sequence[Ids],
    stop: Ids,
    tokens: int,
    told: Told,
    before: Sequence[Pair] = (),
) -> list[Greedy]:
    """Every form is asked in the same batches, so that padding is no difference between them."""
    answers = list[Greedy]()
    for batch in _batches(prompts):
        answers += _greedy(model, batch, stop, tokens, before)
        told(len(batch))
    return answers


@torch.inference_mode()
def _greedy(
    model: torch.nn.Module, prompts: Sequence[Ids], stop: Ids, tokens: int, before: Sequence[Pair]
) -> list[Greedy]:
    """Greedy answers; all attend to what stands `before`, by layer, if anything does."""
    step, mask, positions = _padded(prompts)
    live, past, steps = torch.ones(len(prompts), dtype=torch.bool), None, list[_Step]()
    if before:
        learned = before[0][0].shape[1]
        past, mask = cache(before, len(prompts)), functional.pad(mask, (learned, 0), value=1)
        positions = positions + learned
    while len(steps) < tokens and bool(live.any()):
        out = model(
            input_ids=step,
            attention_mask=mask,
            position_ids=positions,
            past_key_values=past,
            use_cache=True,
            logits_to_keep=1,
        )
        past, rows = out.past_key_values, out.logits[:, -1]
        steps.append(_measured(rows, rows.argmax(dim=-1)))
        step = steps[-1].chosen[:, None]
        live &= ~torch.isin(step[:, 0], torch.tensor(list(stop)))
        mask = torch.cat([mask, mask.new_ones(len(prompts), 1)], dim=1)
        positions = positions[:, -1:] + 1
    return [_until_stop(_told(steps, row), stop) for row in range(len(prompts))]


@torch.inference_mode()
def _forced(model: torch.nn.Module, prompts: Sequence[Ids], answers: Sequence[Greedy]) -> list[Greedy]:
    """The model's own choice after each token of somebody else's answers."""
    found = list[Greedy]()
    for prompt, answer in zip(prompts, answers, strict=True):
        ids = torch.tensor([[*prompt, *answer.ids]])
        rows = model(input_ids=ids, logits_to_keep=len(answer.ids) + 1).logits[0, :-1]
        asked = _measured(rows, torch.tensor(answer.ids))
        found.append(
            Greedy(
                ids=tuple(asked.chosen.tolist()),
                probabilities=tuple(asked.probability.tolist()),
                margins=tuple(asked.margin.tolist()),
            )
        )
    return found


class _Step(NamedTuple):
    """One decision of every row, or every decision of one."""

    chosen: torch.Tensor
    probability: torch.Tensor
    margin: torch.Tensor


def _measured(rows: torch.Tensor, asked: torch.Tensor) -> _Step:
    """Best tokens, the probability of the tokens `asked` for, and the lead of the best over the second."""
    probabilities = rows.float().softmax(dim=-1)
    best = probabilities.topk(2, dim=-1).values
    return _Step(rows.argmax(dim=-1), probabilities.gather(1, asked[:, None])[:, 0], best[:, 0] - best[:, 1])


def _told(steps: Sequence[_Step], row: int) -> Greedy:
    return Greedy(
        ids=tuple(int(step.chosen[row]) for step in steps),
        probabilities=tuple(float(step.probability[row]) for step in steps),
        margins=tuple(float(step.margin[row]) for step in steps),
    )


def _until_stop(answer: Greedy, stop: Ids) -> Greedy:
    """The answer up to its stop token, which belongs to it."""
    ends = next((place + 1 for place, token in enumerate(answer.ids) if token in stop), len(answer.ids))
    return Greedy(
        ids=answer.ids[:ends], probabilities=answer.probabilities[:ends], margins=answer.margins[:ends]
    )


def _batches(prompts: Sequence[Ids]) -> Iterator[Sequence[Ids]]:
    size = max(1, TOGETHER // max(map(len, prompts), default=1))
    for start in range(0, len(prompts), size):
        yield prompts[start : start + size]


def _padded(prompts: Sequence[Ids]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Ids, attention mask and positions, padded on the left so that all end together."""
    width = max(map(len, prompts))
    ids = torch.tensor([[0] * (width - len(prompt)) + list(prompt) for prompt in prompts])
    mask = torch.tensor([[0] * (width - len(prompt)) + [1] * len(prompt) for prompt in prompts])
    return ids, mask, (mask.cumsum(dim=-1) - 1).clamp(min=0)

"""The head at trained positions alone, never all logits at once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional

from tunewright.train.torch.pointwise import Before, wide

CHUNK = 128
"""Positions whose logits are held at once."""


@dataclass(frozen=True)
class Head:
    """What makes logits of what a model has read."""

    before: Before
    weight: Tensor
    """[vocabulary, width]"""


@torch.no_grad()
def judge(x: Tensor, before: Before, head: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy of every position, and whether its target is the likeliest token."""
    losses, right = [], []
    for part, target in zip(torch.split(x, CHUNK), torch.split(targets, CHUNK), strict=True):
        logits = functional.linear(before(part)[0], head)
        scores = logits.to(wide(logits))
        losses.append(functional.cross_entropy(scores, target, reduction="none"))
        right.append(scores.argmax(dim=-1) == target)
    return torch.cat(losses), torch.cat(right)


class _TokenLosses(Function):
    """The gradient is made in the forward pass, a chunk of positions at a time, in the same memory."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, before: Before, head: Tensor, targets: Tensor) -> Tensor:
        exact, size = wide(x), (min(CHUNK, len(x)), len(head))
        slopes, losses = torch.empty_like(x), x.new_empty(len(x), dtype=exact)
        logits, scores = x.new_empty(size), x.new_empty(size, dtype=exact)
        for start in range(0, len(x), CHUNK):
            stop = min(start + CHUNK, len(x))
            target, buffer, slope = targets[start:stop, None], logits[: stop - start], scores[: stop - start]
            inner, back = before(x[start:stop])
            slope.copy_(torch.mm(inner, head.t(), out=buffer))
            said, most = slope.gather(1, target), slope.amax(dim=-1, keepdim=True)
            total = slope.sub_(most).exp_().sum(dim=-1, keepdim=True)
            losses[start:stop] = total.log().add_(most).sub_(said).squeeze(1)
            slope.div_(total).scatter_add_(1, target, slope.new_full(target.shape, -1.0))
            slopes[start:stop] = back(buffer.copy_(slope) @ head)
        ctx.save_for_backward(slopes)
        return losses

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (slopes,) = ctx.saved_tensors
        return slopes * grads[0].to(slopes.dtype)[:, None], None, None, None


class _Divergences(Function):
    """The same of the divergence from what a teacher says."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, head: Head, y: Tensor, teacher: Head) -> Tensor:
        slopes, losses = torch.empty_like(x), x.new_empty(len(x), dtype=wide(x))
        for start in range(0, len(x), CHUNK):
            part = slice(start, start + CHUNK)
            inner, back = head.before(x[part])
            logits = functional.linear(inner, head.weight)
            said = logits.to(wide(x)).log_softmax(dim=-1)
            taught = functional.linear(teacher.before(y[part])[0], teacher.weight)
            wanted = taught.to(said.dtype).log_softmax(dim=-1)
            likely = wanted.exp()
            losses[part] = (likely * (wanted - said)).sum(dim=-1)
            slopes[part] = back(said.exp_().sub_(likely).to(x.dtype) @ head.weight)
        ctx.save_for_backward(slopes)
        return losses

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (slopes,) = ctx.saved_tensors
        return slopes * grads[0].to(slopes.dtype)[:, None], None, None, None


def divergences(x: Tensor, head: Head, y: Tensor, teacher: Head) -> Tensor:
    """Kullback-Leibler divergence from the teacher's next token to the student's, [positions].

    `x` and `y` are what student and teacher have read before their heads, [positions, width of each].
    """
    losses: Tensor = _Divergences.apply(x, head, y, teacher)  # type: ignore[no-untyped-call]
    return losses


def token_losses(x: Tensor, before: Before, head: Tensor, targets: Tensor) -> Tensor:
    """Cross-entropy of every position, [positions]."""
    losses: Tensor = _TokenLosses.apply(x, before, head, targets)  # type: ignore[no-untyped-call]
    return losses

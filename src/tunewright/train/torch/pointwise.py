"""What is done to each token on its own: cheap enough to be done again in the backward pass, not kept."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor
from torch.nn import functional

Back = Callable[[Tensor], Tensor]
"""From the gradient at an output, which it may overwrite, to that at the input."""


class Before(Protocol):
    """What stands before a product: its input is kept, its output is made again."""

    def __call__(self, x: Tensor) -> tuple[Tensor, Back]:
        """The product's input, [tokens, width], and the way back from its gradient to that of `x`."""
        ...


def same(x: Tensor) -> tuple[Tensor, Back]:
    """Nothing stands before the product."""
    return x, lambda slope: slope


@dataclass(frozen=True)
class Norm:
    """Every token scaled to unit root mean square, then by a frozen weight (Zhang & Sennrich 2019)."""

    weight: Tensor
    eps: float

    def __call__(self, x: Tensor) -> tuple[Tensor, Back]:
        """The scaled tokens, computed in fp32 at least."""
        exact = x.to(wide(x), copy=True)
        square = torch.linalg.vector_norm(exact, dim=-1, keepdim=True).square_()
        scale = square.div_(x.shape[-1]).add_(self.eps).rsqrt_()

        def back(slope: Tensor) -> Tensor:
            slope = slope.mul_(self.weight)
            inner = (slope * x).sum(dim=-1, keepdim=True, dtype=scale.dtype)
            pull = inner.mul_(scale.pow(3)).div_(-x.shape[-1])
            return slope.mul_(scale.to(x.dtype)).addcmul_(x, pull.to(x.dtype))

        return exact.mul_(scale).to(x.dtype).mul_(self.weight), back


def gate(x: Tensor) -> tuple[Tensor, Back]:
    """`silu(gate) · up` of the two stacked side by side, [tokens, 2 · inner] (SwiGLU, Shazeer 2020)."""
    first, up = x.chunk(2, dim=-1)
    active = functional.silu(first)

    def back(slope: Tensor) -> Tensor:
        both = torch.empty_like(x)
        into, beside = both.chunk(2, dim=-1)
        torch.mul(slope, active, out=beside)
        torch.ops.aten.silu_backward.grad_input(slope.mul_(up), first, grad_input=into)
        return both

    return active * up, back


def turn_(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Rotary positions, in place (Su et al. 2021); with `-sin` it turns back.

    `x` is [tokens, heads, width], `cos` and `sin` are [tokens, 1, width / 2].
    """
    first, second = x.chunk(2, dim=-1)
    turned = torch.addcmul(first * cos, second, sin, value=-1)
    second.mul_(cos).addcmul_(first, sin)
    first.copy_(turned)
    return x


def wide(x: Tensor) -> torch.dtype:
    """The number format of sums: fp32 at least."""
    return torch.promote_types(x.dtype, torch.float32)

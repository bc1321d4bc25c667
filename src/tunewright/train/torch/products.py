"""Frozen products with their low-rank changes: little is kept for the backward pass."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional

from tunewright.train.torch.pointwise import Before

Plan = Sequence[tuple[slice, slice, float]]
"""For each low-rank change: rows of the product it adds to, its columns of the ranks, its scale."""


class Adapted:
    """A frozen weight with its low-rank changes beside it, so that one product gives both.

    It holds a copy of the changes, which `refresh` renews when they have moved.
    """

    def __init__(self, weight: Tensor, plan: Plan, adapters: Sequence[Tensor]) -> None:
        self.width, self.plan, self.adapters = weight.shape[1], plan, adapters
        ranks = sum(len(down) for down in adapters[0::2])
        self.beside = functional.pad(weight, (0, ranks))
        self.down = torch.zeros((ranks, self.width), dtype=weight.dtype, device=weight.device)
        self.refresh()

    @property
    def weight(self) -> Tensor:
        """The frozen weight alone, [outputs, inputs]."""
        return self.beside[:, : self.width]

    @property
    def up(self) -> Tensor:
        """The way back from the ranks, scaled, [outputs, ranks]."""
        return self.beside[:, self.width :]

    @torch.no_grad()
    def refresh(self) -> None:
        """Copy the changes beside the weight again."""
        for (rows, columns, scale), down, up in zip(
            self.plan, self.adapters[0::2], self.adapters[1::2], strict=True
        ):
            self.down[columns].copy_(down)
            self.up[rows, columns].copy_(up * scale)


def kept(shape: torch.Size, dropout: float, chance: torch.Generator) -> tuple[Tensor, float]:
    """Which inputs dropout leaves, drawn a byte each, and the scale that makes up for the others.

    The probability is rounded to a 256th: eight draws then cost one random number.
    """
    level = max(1, round(256 * dropout))
    draws = torch.empty(shape.numel() // 8 + 1, dtype=torch.int64, device=chance.device)
    draws.random_(-(2**63), None, generator=chance)
    left = draws.view(torch.uint8)[: shape.numel()].view(shape) >= level
    return left, 256 / (256 - level)


Dropped = tuple[Tensor, float]
"""What dropout left of the inputs of the changes, and the scale that makes up for the rest."""


class _AdaptedProduct(Function):
    """Only the input, its low ranks and what dropout left are kept."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, before: Before, frozen: Adapted, dropped: Dropped | None, *adapters: Tensor
    ) -> Tensor:
        inner, _ = before(x)
        left, makeup = dropped or (None, 1.0)
        low = functional.linear(inner if left is None else inner * left, frozen.down)
        if left is not None:
            low.mul_(makeup)
        ctx.save_for_backward(x, low, left)
        ctx.before, ctx.frozen, ctx.makeup, ctx.exact = before, frozen, makeup, adapters[0].dtype
        return functional.linear(torch.cat([inner, low], dim=1), frozen.beside)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, low, left = ctx.saved_tensors
        frozen, slope = ctx.frozen, grads[0]
        into = None
        if ctx.needs_input_grad[0]:
            both = slope @ frozen.beside
            into, back = both[:, : frozen.width], both[:, frozen.width :].contiguous()
        else:
            back = slope @ frozen.up
        back = back.mul_(ctx.makeup) if left is not None else back
        inner, again = ctx.before(x)
        down = (back.t() @ (inner if left is None else inner.mul(left))).to(ctx.exact)
        up = (slope.t() @ low).to(ctx.exact)
        adapters: list[Tensor] = []
        for rows, columns, scale in frozen.plan:
            adapters += [down[columns], up[rows, columns] * scale]
        if into is not None and left is None:
            into = again(torch.addmm(into, back, frozen.down))
        elif into is not None:
            into = again(torch.addcmul(into, back @ frozen.down, left))
        return into, None, None, None, *adapters


class _FrozenProduct(Function):
    """Only the input is kept."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, before: Before, weight: Tensor) -> Tensor:
        ctx.save_for_backward(x)
        ctx.before, ctx.weight = before, weight
        return functional.linear(before(x)[0], weight)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (x,) = ctx.saved_tensors
        return ctx.before(x)[1](grads[0] @ ctx.weight), None, None


def product(
    x: Tensor, before: Before, frozen: Adapted, dropout: float = 0.0, chance: torch.Generator | None = None
) -> Tensor:
    """`before(x)` times a frozen weight and its low-rank changes, [tokens, outputs].

    Dropout leaves out inputs of the changes only; layers that share an input share its draw.
    """
    if not frozen.plan:
        plain: Tensor = _FrozenProduct.apply(x, before, frozen.weight)  # type: ignore[no-untyped-call]
        return plain
    shape = torch.Size((len(x), frozen.width))
    dropped = kept(shape, dropout, chance) if dropout and chance else None
    inputs = (x, before, frozen, dropped, *frozen.adapters)
    adapted: Tensor = _AdaptedProduct.apply(*inputs)  # type: ignore[no-untyped-call]
    return adapted

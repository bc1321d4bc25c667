"""Differentiable parts of a Llama-type layer that keep little for the backward pass and suit a CPU."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function
from torch.nn import functional

Plan = Sequence[tuple[slice, slice, float]]
"""For each low-rank change: rows of the product it adds to, its columns of the ranks, its scale."""

LONG = 512  # beyond this many tokens the score matrix costs more than torch's own attention


class Adapted:
    """A frozen weight with its low-rank changes beside it, so that one product gives both.

    On a CPU it is held in both orders: each direction then reads memory in its own (LAB.md). Both hold a
    copy of the changes, which `refresh` renews when they have moved.
    """

    def __init__(self, weight: Tensor, plan: Plan, adapters: Sequence[Tensor]) -> None:
        self.width, self.plan, self.adapters = weight.shape[1], plan, adapters
        ranks = sum(len(down) for down in adapters[0::2])
        self.wide = functional.pad(weight, (0, ranks))
        self.turned = self.wide.t().contiguous() if weight.device.type == "cpu" else self.wide.t()
        self.down = torch.empty((ranks, self.width), dtype=weight.dtype, device=weight.device)
        self.refresh()

    @property
    def weight(self) -> Tensor:
        """The frozen weight alone."""
        return self.wide[:, : self.width]

    @torch.no_grad()
    def refresh(self) -> None:
        """Copy the changes beside the weight again."""
        for (rows, columns, scale), down, up in zip(
            self.plan, self.adapters[0::2], self.adapters[1::2], strict=True
        ):
            at = slice(self.width + columns.start, self.width + columns.stop)
            self.down[columns].copy_(down)
            self.wide[rows, at].copy_(up * scale)
            if self.turned.data_ptr() != self.wide.data_ptr():
                self.turned[at, rows].copy_(self.wide[rows, at].t())


class _Norm(Function):
    """RMS norm with a frozen weight: only the input and one number per token are kept."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, weight: Tensor, eps: float) -> Tensor:
        wide = torch.float64 if x.dtype == torch.float64 else torch.float32
        exact = x.to(wide, copy=True)
        square = torch.linalg.vector_norm(exact, dim=-1, keepdim=True).square_()
        scale = square.div_(x.shape[-1]).add_(eps).rsqrt_()
        ctx.save_for_backward(x, weight, scale)
        return exact.mul_(scale).mul_(weight.to(wide)).to(x.dtype)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        x, weight, scale = ctx.saved_tensors
        slope = grads[0] * weight
        inner = (slope * x).sum(dim=-1, keepdim=True, dtype=scale.dtype)
        pull = inner.mul_(scale.pow(3)).div_(-x.shape[-1])
        return slope.mul_(scale.to(x.dtype)).addcmul_(x, pull.to(x.dtype)), None, None


class _Gate(Function):
    """`silu(gate) * up` on the stacked product of both."""

    @staticmethod
    def forward(ctx: Any, both: Tensor) -> Tensor:
        gate, up = both.chunk(2, dim=-1)
        active = functional.silu(gate)
        ctx.save_for_backward(both, active)
        return active * up

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> Tensor:
        both, active = ctx.saved_tensors
        gate, up = both.chunk(2, dim=-1)
        slope = torch.empty_like(both)
        torch.mul(grads[0], active, out=slope[..., gate.shape[-1] :])
        into = slope[..., : gate.shape[-1]]
        torch.ops.aten.silu_backward.grad_input(grads[0] * up, gate, grad_input=into)
        return slope


def _turn(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    half = x.shape[-1] // 2
    first, second = x[..., :half], x[..., half:]
    out = torch.empty_like(x)
    torch.addcmul(first * cos, second, sin, value=-1, out=out[..., :half])
    torch.addcmul(second * cos, first, sin, out=out[..., half:])
    return out


class _Rotate(Function):
    """Rotary positions; the backward pass is the rotation the other way."""

    @staticmethod
    def forward(ctx: Any, x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
        ctx.save_for_backward(cos, sin)
        return _turn(x, cos, sin)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        cos, sin = ctx.saved_tensors
        return _turn(grads[0], cos, -sin), None, None


def kept(shape: torch.Size, dropout: float, chance: torch.Generator) -> tuple[Tensor, float]:
    """Which inputs dropout leaves, drawn a byte each, and the scale that makes up for the others.

    The probability is rounded to a 256th: eight draws then cost one random number.
    """
    level = max(1, round(256 * dropout))
    draws = torch.empty(shape.numel() // 8 + 1, dtype=torch.int64, device=chance.device)
    draws.random_(-(2**63), None, generator=chance)
    left = draws.view(torch.uint8)[: shape.numel()].view(shape) >= level
    return left, 256 / (256 - level)


class _AdaptedProduct(Function):
    """A frozen product plus its low-rank changes: only `x` and `x Aᵀ` are kept, and what dropout left."""

    @staticmethod
    def forward(
        ctx: Any, x: Tensor, frozen: Adapted, left: Tensor | None, makeup: float, *adapters: Tensor
    ) -> Tensor:
        low = functional.linear(x if left is None else x * left, frozen.down)
        beside = torch.cat([x, low if left is None else low.mul_(makeup)], dim=1)
        ctx.save_for_backward(beside, left)
        ctx.frozen, ctx.makeup, ctx.wide = frozen, makeup, adapters[0].dtype
        return beside @ frozen.turned

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        beside, left = ctx.saved_tensors
        frozen, slope = ctx.frozen, grads[0]
        width = frozen.width
        both = slope @ frozen.wide
        back = both[:, width:] * ctx.makeup
        seen = beside[:, :width] if left is None else beside[:, :width] * left
        down_slope = (back.t() @ seen).to(ctx.wide)
        up_slope = (slope.t() @ beside[:, width:].contiguous()).to(ctx.wide)
        adapters: list[Tensor] = []
        for rows, columns, scale in frozen.plan:
            adapters += [down_slope[columns], up_slope[rows, columns] * scale]
        into = both[:, :width]
        if left is None:
            return torch.addmm(into, back, frozen.down), None, None, None, *adapters
        return torch.addcmul(into, back @ frozen.down, left), None, None, None, *adapters


@torch.no_grad()
def judge(hidden: Tensor, head: Tensor, targets: Tensor, chunk: int = 256) -> tuple[Tensor, Tensor]:
    """Cross-entropy of every position, and whether its target is the likeliest token."""
    losses, right = [], []
    for part, target in zip(torch.split(hidden, chunk), torch.split(targets, chunk), strict=True):
        logits = functional.linear(part, head)
        scores = logits if logits.dtype == torch.float64 else logits.float()
        losses.append(functional.cross_entropy(scores, target, reduction="none"))
        right.append(scores.argmax(dim=-1) == target)
    return torch.cat(losses), torch.cat(right)


class _TokenLosses(Function):
    """Cross-entropy by position; its gradient is made in the forward pass, a chunk of positions at a time."""

    @staticmethod
    def forward(ctx: Any, hidden: Tensor, head: Tensor, targets: Tensor, chunk: int) -> Tensor:
        exact = torch.float64 if hidden.dtype == torch.float64 else torch.float32
        slopes, losses = torch.empty_like(hidden), hidden.new_empty(len(targets), dtype=exact)
        for start in range(0, len(targets), chunk):
            part, target = hidden[start : start + chunk], targets[start : start + chunk, None]
            logits = functional.linear(part, head)
            scores = logits.to(exact)
            log_norm = scores.logsumexp(dim=-1, keepdim=True)
            losses[start : start + chunk] = log_norm.sub(scores.gather(1, target)).squeeze(1)
            slope = scores.sub_(log_norm).exp_()
            slope.scatter_add_(1, target, slope.new_full(target.shape, -1.0))
            slopes[start : start + chunk] = slope.to(hidden.dtype) @ head
        ctx.save_for_backward(slopes)
        return losses

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (slopes,) = ctx.saved_tensors
        return slopes * grads[0].to(slopes.dtype)[:, None], None, None, None


def _apply(function: Any, *inputs: Any) -> Tensor:
    result: Tensor = function.apply(*inputs)
    return result


def norm(x: Tensor, weight: Tensor, eps: float) -> Tensor:
    """Scale every token to unit root mean square, then by the frozen weight."""
    return _apply(_Norm, x, weight, eps)


def gate(both: Tensor) -> Tensor:
    """Apply SwiGLU to a stacked gate and up product."""
    return _apply(_Gate, both)


def rotate(x: Tensor, cos: Tensor, sin: Tensor) -> Tensor:
    """Turn queries and keys by their positions."""
    return _apply(_Rotate, x, cos, sin)


def adapted_product(
    x: Tensor, frozen: Adapted, dropout: float = 0.0, chance: torch.Generator | None = None
) -> Tensor:
    """Multiply by a frozen weight and add its low-rank changes.

    Dropout leaves out inputs of the changes only; layers that share an input share its draw.
    """
    left, makeup = kept(x.shape, dropout, chance) if dropout and chance else (None, 1.0)
    return _apply(_AdaptedProduct, x, frozen, left, makeup, *frozen.adapters)


def token_losses(hidden: Tensor, head: Tensor, targets: Tensor, chunk: int = 256) -> Tensor:
    """Cross-entropy of every position, [positions], without ever holding all logits."""
    return _apply(_TokenLosses, hidden, head, targets, chunk)


def attend(q: Tensor, k: Tensor, v: Tensor, mask: Tensor) -> Tensor:
    """Attention of grouped queries; q is [batch, kv heads, group, tokens, width]."""
    batch, heads, group, tokens, width = q.shape
    if tokens > LONG:
        keys, values = (part[:, :, None].expand(-1, -1, group, -1, -1).flatten(1, 2) for part in (k, v))
        attention = functional.scaled_dot_product_attention
        out: Tensor = attention(q.flatten(1, 2), keys, values, attn_mask=mask.to(q.dtype)).view(q.shape)
        return out
    scores = (q.reshape(batch, heads, group * tokens, width) * width**-0.5) @ k.mT
    scores = scores.view(batch, heads, group, tokens, -1).add_(mask)
    weights = scores.softmax(dim=-1).view(batch, heads, group * tokens, -1)
    mixed: Tensor = weights @ v
    return mixed.view(q.shape)

"""Causal attention of examples side by side, all after one common prefix that is computed once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from tunewright.train.torch.pointwise import turn_

BLOCK = 256
"""Queries of an example whose attention weights are held at once."""


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Where the tokens of a batch stand: prefix first, then the examples one after the other."""

    prefix: int
    batch: int
    tokens: int
    """Of each example, padding included."""
    heads: int
    kv_heads: int
    cos: Tensor
    """Of every token's position, [prefix + batch · tokens, 1, width / 2]."""
    sin: Tensor


@dataclass(frozen=True)
class _Side:
    """Queries, keys and values, or their gradients, of examples side by side."""

    q: Tensor
    """[kv heads, examples, group, tokens, width]"""
    k: Tensor
    """[kv heads, examples, tokens, width]"""
    v: Tensor


class _Attention(Function):
    """Only queries, keys and values are kept, turned in place; the weights are made again."""

    @staticmethod
    def forward(ctx: Any, stacked: Tensor, geometry: Geometry) -> Tensor:
        heads = geometry.heads
        rows = stacked.view(len(stacked), heads + 2 * geometry.kv_heads, -1)
        turn_(rows[:, : heads + geometry.kv_heads], geometry.cos, geometry.sin)
        out = torch.empty_like(rows[:, :heads])
        first, rest = _sides(rows, geometry)
        mixed, mixed_rest = (_queries(part, geometry) for part in _cut(out, geometry))
        if first is not None:
            _mix(first, None, mixed)
        _mix(rest, first, mixed_rest)
        ctx.save_for_backward(stacked)
        ctx.geometry = geometry
        return out.view(len(stacked), -1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (stacked,), geometry = ctx.saved_tensors, ctx.geometry
        heads = geometry.heads
        rows = stacked.view(len(stacked), heads + 2 * geometry.kv_heads, -1)
        slopes = torch.empty_like(rows)
        first, rest = _sides(rows, geometry)
        slope_first, slope_rest = _sides(slopes, geometry)
        given, given_rest = (
            _queries(part, geometry) for part in _cut(grads[0].view(len(rows), heads, -1), geometry)
        )
        if first is not None and slope_first is not None:
            _mix_back(first, None, given, slope_first, None)
        _mix_back(rest, first, given_rest, slope_rest, slope_first)
        turn_(slopes[:, : heads + geometry.kv_heads], geometry.cos, -geometry.sin)
        return slopes.view(stacked.shape), None


def attend(stacked: Tensor, geometry: Geometry) -> Tensor:
    """Attention from the stacked product of queries, keys and values, which is overwritten.

    [rows, (heads + 2 · kv heads) · width] → [rows, heads · width], one row for every token of the batch.
    """
    out: Tensor = _Attention.apply(stacked, geometry)  # type: ignore[no-untyped-call]
    return out


def _cut(rows: Tensor, geometry: Geometry) -> tuple[Tensor, Tensor]:
    """The prefix as a batch of one, and the examples: [examples, tokens, heads, width] each."""
    prefix = geometry.prefix
    own = rows[prefix:].view(geometry.batch, geometry.tokens, *rows.shape[1:])
    return rows[:prefix].unsqueeze(0), own


def _queries(part: Tensor, geometry: Geometry) -> Tensor:
    """[kv heads, examples, group, tokens, width], a view."""
    examples, tokens, heads, width = part.shape
    split = part.view(examples, tokens, geometry.kv_heads, heads // geometry.kv_heads, width)
    return split.permute(2, 0, 3, 1, 4)


def _sides(rows: Tensor, geometry: Geometry) -> tuple[_Side | None, _Side]:
    """Views of the prefix, if there is one, and of the examples."""
    heads, kv = geometry.heads, geometry.kv_heads
    first, rest = (
        _Side(
            _queries(part[:, :, :heads], geometry),
            part[:, :, heads : heads + kv].permute(2, 0, 1, 3),
            part[:, :, heads + kv :].permute(2, 0, 1, 3),
        )
        for part in _cut(rows, geometry)
    )
    return (first if geometry.prefix else None), rest


def _blocks(tokens: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK, tokens)) for start in range(0, tokens, BLOCK))


def _weights(q: Tensor, k: Tensor, before: Tensor | None, block: slice) -> Tensor:
    """Attention weights, [kv heads, examples, group · queries, prefix + keys up to the last query].

    `q` is [kv heads, examples, group · queries, width], scaled; `before` are the keys of the prefix.
    """
    queries = block.stop - block.start
    own = q @ k.mT
    hidden = torch.ones((queries, block.stop), dtype=torch.bool, device=q.device).triu_(block.start + 1)
    own.view(*own.shape[:2], -1, *hidden.shape).masked_fill_(hidden, float("-inf"))
    if before is not None:
        shared = q.flatten(1, 2) @ before.mT
        own = torch.cat([shared.view(*own.shape[:3], -1), own], dim=-1)
    return own.softmax(dim=-1)


def _mix(side: _Side, first: _Side | None, out: Tensor) -> None:
    """Write the values of every query's keys, mixed by its weights."""
    scale, prefix = side.q.shape[-1] ** -0.5, 0 if first is None else first.k.shape[2]
    keys, values = side.k.contiguous(), side.v.contiguous()
    for block in _blocks(side.q.shape[3]):
        q = (side.q[:, :, :, block] * scale).flatten(2, 3)
        weights = _weights(q, keys[:, :, : block.stop], None if first is None else first.k[:, 0], block)
        mixed = weights[..., prefix:] @ values[:, :, : block.stop]
        if first is not None:
            mixed += (weights[..., :prefix].flatten(1, 2) @ first.v[:, 0]).view(mixed.shape)
        out[:, :, :, block] = mixed.view(out[:, :, :, block].shape)


def _mix_back(
    side: _Side, first: _Side | None, given: Tensor, slope: _Side, slope_first: _Side | None
) -> None:
    """Write the gradients of a side, and add those of the prefix's keys and values."""
    scale, prefix = side.q.shape[-1] ** -0.5, 0 if first is None else first.k.shape[2]
    keys, values = side.k.contiguous(), side.v.contiguous()
    into_k, into_v = torch.zeros_like(keys), torch.zeros_like(values)
    for block in _blocks(side.q.shape[3]):
        q = (side.q[:, :, :, block] * scale).flatten(2, 3)
        out = given[:, :, :, block].flatten(2, 3)
        seen = slice(0, block.stop)
        weights = _weights(q, keys[:, :, seen], None if first is None else first.k[:, 0], block)
        pull = out @ values[:, :, seen].mT
        if first is not None:
            shared = out.flatten(1, 2) @ first.v[:, 0].mT
            pull = torch.cat([shared.view(*pull.shape[:3], -1), pull], dim=-1)
        scores = torch._softmax_backward_data(pull, weights, -1, weights.dtype)
        own = scores[..., prefix:]
        into_q = own @ keys[:, :, seen]
        into_k[:, :, seen] += own.mT @ q
        into_v[:, :, seen] += weights[..., prefix:].mT @ out
        if first is not None and slope_first is not None:
            shared = scores[..., :prefix].flatten(1, 2)
            into_q += (shared @ first.k[:, 0]).view(into_q.shape)
            slope_first.k[:, 0] += shared.mT @ q.flatten(1, 2)
            slope_first.v[:, 0] += weights[..., :prefix].flatten(1, 2).mT @ out.flatten(1, 2)
        slope.q[:, :, :, block] = into_q.mul_(scale).view(slope.q[:, :, :, block].shape)
    slope.k.copy_(into_k)
    slope.v.copy_(into_v)

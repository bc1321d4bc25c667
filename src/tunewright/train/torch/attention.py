"""Causal attention of examples side by side, all after one common prefix that is computed once."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from tunewright.train.torch.pointwise import turn_

BLOCK = 128
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
        _mix(first.q, first.k, first.v, mixed)
        _mix(rest.q, _after(first.k, rest.k), _after(first.v, rest.v), mixed_rest)
        ctx.save_for_backward(stacked)
        ctx.geometry = geometry
        return out.view(len(stacked), -1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (stacked,), geometry = ctx.saved_tensors, ctx.geometry
        heads, prefix = geometry.heads, geometry.prefix
        rows = stacked.view(len(stacked), heads + 2 * geometry.kv_heads, -1)
        slopes = torch.empty_like(rows)
        first, rest = _sides(rows, geometry)
        into, into_rest = _sides(slopes, geometry)
        given, given_rest = (
            _queries(part, geometry) for part in _cut(grads[0].view(len(rows), heads, -1), geometry)
        )
        keys, values = _mix_back(first.q, first.k, first.v, given, into.q)
        all_keys, all_values = _mix_back(
            rest.q, _after(first.k, rest.k), _after(first.v, rest.v), given_rest, into_rest.q
        )
        for one, both, at, at_rest in (
            (keys, all_keys, into.k, into_rest.k),
            (values, all_values, into.v, into_rest.v),
        ):
            at.copy_(one + both[:, :, :prefix].sum(dim=1, keepdim=True))
            at_rest.copy_(both[:, :, prefix:])
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


def _sides(rows: Tensor, geometry: Geometry) -> tuple[_Side, _Side]:
    """Views of the prefix and of the examples."""
    heads, kv = geometry.heads, geometry.kv_heads
    first, rest = (
        _Side(
            _queries(part[:, :, :heads], geometry),
            part[:, :, heads : heads + kv].permute(2, 0, 1, 3),
            part[:, :, heads + kv :].permute(2, 0, 1, 3),
        )
        for part in _cut(rows, geometry)
    )
    return first, rest


def _after(first: Tensor, own: Tensor) -> Tensor:
    """Keys or values of the prefix, then those of every example."""
    return torch.cat([first.expand(-1, own.shape[1], -1, -1), own], dim=2)


def _blocks(tokens: int) -> Iterator[slice]:
    return (slice(start, min(start + BLOCK, tokens)) for start in range(0, tokens, BLOCK))


def _weights(q: Tensor, k: Tensor, queries: int) -> Tensor:
    """Attention weights of the last queries over all keys, [kv heads, examples, group · queries, keys].

    `q` is [kv heads, examples, group · queries, width], scaled.
    """
    scores = q @ k.mT
    hidden = torch.ones((queries, queries), dtype=torch.bool, device=q.device).triu_(1)
    latest = scores.view(*scores.shape[:2], -1, queries, scores.shape[-1])[..., -queries:]
    latest.masked_fill_(hidden, float("-inf"))
    return scores.softmax(dim=-1)


def _mix(q: Tensor, keys: Tensor, values: Tensor, out: Tensor) -> None:
    """Write the values of every query's keys, mixed by its weights."""
    prefix = keys.shape[2] - q.shape[3]
    for block in _blocks(q.shape[3]):
        seen, some = slice(0, prefix + block.stop), _scaled(q, block)
        mixed = _weights(some, keys[:, :, seen], block.stop - block.start) @ values[:, :, seen]
        out[:, :, :, block] = mixed.view(out[:, :, :, block].shape)


def _mix_back(q: Tensor, keys: Tensor, values: Tensor, given: Tensor, into: Tensor) -> tuple[Tensor, Tensor]:
    """Write the gradients of the queries; those of the keys and values."""
    prefix, scale = keys.shape[2] - q.shape[3], q.shape[-1] ** -0.5
    into_keys, into_values = torch.zeros_like(keys), torch.zeros_like(values)
    for block in _blocks(q.shape[3]):
        seen, some = slice(0, prefix + block.stop), _scaled(q, block)
        weights = _weights(some, keys[:, :, seen], block.stop - block.start)
        out = given[:, :, :, block].flatten(2, 3)
        into_values[:, :, seen] += weights.mT @ out
        pull = out @ values[:, :, seen].mT
        scores = torch._softmax_backward_data(pull, weights, -1, weights.dtype)
        into_keys[:, :, seen] += scores.mT @ some
        into[:, :, :, block] = (scores @ keys[:, :, seen]).mul_(scale).view(into[:, :, :, block].shape)
    return into_keys, into_values


def _scaled(q: Tensor, block: slice) -> Tensor:
    some: Tensor = q[:, :, :, block] * q.shape[-1] ** -0.5
    return some.flatten(2, 3)

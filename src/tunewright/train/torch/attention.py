"""Causal attention of examples of any length, all after one common prefix that is computed once."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor
from torch.autograd import Function

from tunewright.train.torch.pointwise import turn_

BLOCK = 128
"""Queries of an example whose attention weights are held at once."""
ALIKE, FEW = 0.8, 8
"""Examples are padded to each other if the shorter has this share of the longer's tokens, less a few."""


@dataclass(frozen=True)
class Group:
    """Examples of like length, whose attention is computed together."""

    index: Tensor
    """Their tokens among the own tokens of all examples, [examples, longest]; padded with any token."""
    real: Tensor
    """Places in `index`, flattened, that are no padding."""
    padding: Tensor
    """The other places."""

    def take(self, own: Tensor) -> Tensor:
        """Rows of these examples, [examples, longest, …], from those of all."""
        return own.index_select(0, self.index.flatten()).view(*self.index.shape, *own.shape[1:])

    def put(self, found: Tensor, own: Tensor) -> None:
        """Write such rows back to their places among those of all."""
        flat, rows = found.flatten(0, 1), self.index.flatten()
        if len(self.padding):
            flat, rows = flat.index_select(0, self.real), rows.index_select(0, self.real)
        own.index_copy_(0, rows, flat)


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Where the tokens of a batch stand: prefix first, then the examples one after the other, unpadded."""

    prefix: int
    groups: Sequence[Group]
    heads: int
    kv_heads: int
    cos: Tensor
    """Of every token's position, [prefix + own tokens, 1, width / 2]."""
    sin: Tensor


def grouped(lengths: Sequence[int], device: torch.device) -> list[Group]:
    """Examples of these lengths, one after the other, in groups that waste little on padding."""
    starts = list(accumulate(lengths, initial=0))
    groups: list[list[int]] = []
    for place in sorted(range(len(lengths)), key=lambda place: -lengths[place]):
        if groups and lengths[place] >= ALIKE * lengths[groups[-1][0]] - FEW:
            groups[-1].append(place)
        else:
            groups.append([place])
    return [_group([(starts[one], lengths[one]) for one in group], device) for group in groups]


def _group(texts: Sequence[tuple[int, int]], device: torch.device) -> Group:
    """Of texts given by their first token and their length, the longest first."""
    longest = texts[0][1]
    index = [[begin + min(place, length - 1) for place in range(longest)] for begin, length in texts]
    lengths = [(row * longest, length) for row, (_, length) in enumerate(texts)]
    real = [start + place for start, length in lengths for place in range(length)]
    padding = [start + place for start, length in lengths for place in range(length, longest)]
    tensors = (torch.tensor(places, dtype=torch.long, device=device) for places in (index, real, padding))
    return Group(*tensors)


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
        heads, prefix = geometry.heads, geometry.prefix
        rows = stacked.view(len(stacked), heads + 2 * geometry.kv_heads, -1)
        turn_(rows[:, : heads + geometry.kv_heads], geometry.cos, geometry.sin)
        out = torch.empty_like(rows[:, :heads])
        first = _side(rows[:prefix].unsqueeze(0), geometry)
        _mix(first.q, first.k, first.v, _queries(out[:prefix].unsqueeze(0), geometry))
        for group in geometry.groups:
            side = _side(group.take(rows[prefix:]), geometry)
            mixed = out.new_empty((*group.index.shape, *out.shape[1:]))
            _mix(side.q, _after(first.k, side.k), _after(first.v, side.v), _queries(mixed, geometry))
            group.put(mixed, out[prefix:])
        ctx.save_for_backward(stacked)
        ctx.geometry = geometry
        return out.view(len(stacked), -1)

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        (stacked,), geometry = ctx.saved_tensors, ctx.geometry
        heads, prefix = geometry.heads, geometry.prefix
        rows = stacked.view(len(stacked), heads + 2 * geometry.kv_heads, -1)
        given, slopes = grads[0].view(len(rows), heads, -1), torch.empty_like(rows)
        first, into = (_side(one[:prefix].unsqueeze(0), geometry) for one in (rows, slopes))
        keys, values = _mix_back(
            first.q, first.k, first.v, _queries(given[:prefix].unsqueeze(0), geometry), into.q
        )
        for group in geometry.groups:
            side, pull = _side(group.take(rows[prefix:]), geometry), group.take(given[prefix:])
            pull.flatten(0, 1).index_fill_(0, group.padding, 0.0)
            found = rows.new_empty((*group.index.shape, *rows.shape[1:]))
            own = _side(found, geometry)
            all_keys, all_values = _mix_back(
                side.q,
                _after(first.k, side.k),
                _after(first.v, side.v),
                _queries(pull, geometry),
                own.q,
            )
            for total, both, at in ((keys, all_keys, own.k), (values, all_values, own.v)):
                total += both[:, :, :prefix].sum(dim=1, keepdim=True)
                at.copy_(both[:, :, prefix:])
            group.put(found, slopes[prefix:])
        into.k.copy_(keys)
        into.v.copy_(values)
        turn_(slopes[:, : heads + geometry.kv_heads], geometry.cos, -geometry.sin)
        return slopes.view(stacked.shape), None


def attend(stacked: Tensor, geometry: Geometry) -> Tensor:
    """Attention from the stacked product of queries, keys and values, which is overwritten.

    [rows, (heads + 2 · kv heads) · width] → [rows, heads · width], one row for every token of the batch.
    """
    out: Tensor = _Attention.apply(stacked, geometry)  # type: ignore[no-untyped-call]
    return out


def _queries(part: Tensor, geometry: Geometry) -> Tensor:
    """[kv heads, examples, group, tokens, width], a view of [examples, tokens, heads, width]."""
    examples, tokens, heads, width = part.shape
    split = part.view(examples, tokens, geometry.kv_heads, heads // geometry.kv_heads, width)
    return split.permute(2, 0, 3, 1, 4)


def _side(part: Tensor, geometry: Geometry) -> _Side:
    """Views of [examples, tokens, heads + 2 · kv heads, width]."""
    heads, kv = geometry.heads, geometry.kv_heads
    return _Side(
        _queries(part[:, :, :heads], geometry),
        part[:, :, heads : heads + kv].permute(2, 0, 1, 3),
        part[:, :, heads + kv :].permute(2, 0, 1, 3),
    )


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

"""Attention over tokens that a whole batch shares, held once, and each answer's own tokens."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor
from transformers import AttentionInterface

NAME = "tunewright_shared"
Pair = tuple[Tensor, Tensor]
"""Keys and values of one layer, [heads, tokens, width]."""

_fused = torch.ops.aten._scaled_dot_product_flash_attention_for_cpu


def shared_attention(
    module: Any,  # noqa: ANN401 - an attention layer of transformers
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attention_mask: Tensor,
    **options: Any,  # noqa: ANN401 - what the layer passes on
) -> tuple[Tensor, None]:
    """Attention as transformers asks for it; `shared` holds a key and value pair for each layer."""
    rows, heads, tokens, width = query.shape
    groups = key.shape[1]
    scale = options.get("scaling") or width**-0.5
    folded = query.reshape(rows, groups, -1, width)
    mask = attention_mask.expand(rows, heads // groups, tokens, -1).reshape(rows, 1, folded.shape[2], -1)
    shared: Sequence[Pair] | None = options.get("shared")
    out, norm = attend(folded, key, value, mask, scale)
    if shared is not None:
        before, before_norm = _over_shared(folded, shared[module.layer_idx], scale)
        # Two softmaxes become one by the weights of their normalisers (log-sum-exp).
        out = torch.lerp(out, before, torch.sigmoid(before_norm - norm).unsqueeze(-1).to(out.dtype))
    return out.reshape(rows, heads, tokens, width).transpose(1, 2), None


def attend(
    query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, scale: float
) -> tuple[Tensor, Tensor]:
    """Weighted values, and the logarithm of each query's softmax denominator."""
    if query.device.type == "cpu":
        out, norm = _fused(query, key, value, attn_mask=mask, scale=scale)
        return out, norm
    scores = (query @ key.mT).float() * scale
    scores = scores if mask is None else scores + mask
    norm = scores.logsumexp(dim=-1)
    return (scores - norm.unsqueeze(-1)).exp().to(value.dtype) @ value, norm


def _over_shared(query: Tensor, shared: Pair, scale: float) -> tuple[Tensor, Tensor]:
    """All queries of the batch in one product with the shared tokens."""
    rows, groups, tokens, width = query.shape
    together = query.transpose(0, 1).reshape(1, groups, rows * tokens, width)
    out, norm = attend(together, shared[0][None], shared[1][None], None, scale)
    return (
        out.view(groups, rows, tokens, width).transpose(0, 1),
        norm.view(groups, rows, tokens).transpose(0, 1),
    )


def install() -> None:
    """Make the name known to transformers."""
    AttentionInterface.register(NAME, shared_attention)

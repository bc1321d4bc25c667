"""The fast forward pass of a Llama-type model: one common prefix, stacked products, a small head."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from tunewright.train.torch import kernels
from tunewright.train.torch.batches import Batch


class Product:
    """Several linear layers that read the same input, as one frozen product and its low-rank changes."""

    def __init__(self, layers: list[Any]) -> None:
        bases = [getattr(layer, "base_layer", layer) for layer in layers]
        widths = [base.out_features for base in bases]
        adapters: list[Tensor] = []
        plan: list[tuple[slice, slice, float]] = []
        self.dropout = 0.0
        row = column = 0
        for layer, width in zip(layers, widths, strict=True):
            if hasattr(layer, "lora_A"):
                down, up = layer.lora_A["default"].weight, layer.lora_B["default"].weight
                columns = slice(column, column + len(down))
                plan.append((slice(row, row + width), columns, layer.scaling["default"]))
                adapters += [down, up]
                self.dropout = getattr(layer.lora_dropout["default"], "p", 0.0)
                column += len(down)
            row += width
        self.frozen = kernels.Adapted(torch.cat([base.weight.detach() for base in bases]), plan, adapters)
        for base, part in zip(bases, torch.split(self.frozen.weight, widths), strict=True):
            base.weight.data = part  # the plain layers now look into the stacked weight, so it is held once

    def __call__(self, x: Tensor, chance: torch.Generator | None) -> Tensor:
        """The outputs of all layers, side by side; without `chance` nothing is left out."""
        if not self.frozen.plan:
            return nn.functional.linear(x, self.frozen.weight)
        return kernels.adapted_product(x, self.frozen, self.dropout, chance)


class Layer:
    """One decoder layer."""

    def __init__(self, layer: Any, heads: int, kv_heads: int) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self.before, self.after = layer.input_layernorm, layer.post_attention_layernorm
        self.qkv = Product([attention.q_proj, attention.k_proj, attention.v_proj])
        self.out = Product([attention.o_proj])
        self.gate_up = Product([mlp.gate_proj, mlp.up_proj])
        self.down = Product([mlp.down_proj])
        self.heads, self.kv_heads = heads, kv_heads

    def __call__(self, x: Tensor, geometry: Geometry) -> Tensor:
        """The next layer's input."""
        chance = geometry.chance
        qkv = self.qkv(kernels.norm(x, self.before.weight, self.before.variance_epsilon), chance)
        x = x + self.out(self._attention(qkv, geometry), chance)
        both = self.gate_up(kernels.norm(x, self.after.weight, self.after.variance_epsilon), chance)
        return x + self.down(kernels.gate(both), chance)

    def _attention(self, qkv: Tensor, geometry: Geometry) -> Tensor:
        heads, kv, group = self.heads, self.kv_heads, self.heads // self.kv_heads
        cut = geometry.prefix
        qkv = qkv.view(len(qkv), heads + 2 * kv, -1)
        turned = kernels.rotate(qkv[:, : heads + kv], geometry.cos, geometry.sin)
        q, k, v = turned[:, :heads], turned[:, heads:], qkv[:, heads + kv :]

        def shape(part: Tensor, groups: int) -> Tensor:
            return part.view(geometry.batch, geometry.tokens, kv, groups, -1).permute(0, 2, 3, 1, 4)

        own_q, own_k, own_v = shape(q[cut:], group), shape(k[cut:], 1)[:, :, 0], shape(v[cut:], 1)[:, :, 0]
        if not cut:
            return (
                kernels.attend(own_q, own_k, own_v, geometry.mask)
                .permute(0, 3, 1, 2, 4)
                .reshape(len(qkv), -1)
            )
        pre_q = q[:cut].view(1, cut, kv, group, -1).permute(0, 2, 3, 1, 4)
        pre_k, pre_v = k[None, :cut].transpose(1, 2), v[None, :cut].transpose(1, 2)
        first = kernels.attend(pre_q, pre_k, pre_v, geometry.prefix_mask)
        all_k, all_v = (
            torch.cat([pre.expand(geometry.batch, -1, -1, -1), own], dim=2)
            for pre, own in ((pre_k, own_k), (pre_v, own_v))
        )
        rest = kernels.attend(own_q, all_k, all_v, geometry.mask)
        return torch.cat(
            [part.permute(0, 3, 1, 2, 4).reshape(-1, heads * qkv.shape[-1]) for part in (first, rest)]
        )


@dataclass(frozen=True, kw_only=True)
class Geometry:
    """Where the tokens of a batch stand: prefix first, then the examples one after the other."""

    prefix: int
    batch: int
    tokens: int
    cos: Tensor
    sin: Tensor
    mask: Tensor
    prefix_mask: Tensor
    chance: torch.Generator | None
    """What dropout draws from; None where nothing is learned."""


class FastLlama:
    """Reads the weights of a PEFT model of the Llama kind and computes the same loss, faster."""

    parallel = True
    """Parts of a step may be computed side by side, in threads."""

    def __init__(self, model: Any) -> None:
        core = model.get_base_model()
        self.config = core.config
        self.embed, self.final, self.head = core.model.embed_tokens, core.model.norm, core.lm_head
        self.rotary = core.model.rotary_emb
        self.layers = [
            Layer(layer, self.config.num_attention_heads, self.config.num_key_value_heads)
            for layer in core.model.layers
        ]

    def refresh(self) -> None:
        """Take note that the trained weights have moved."""
        for layer in self.layers:
            for product in (layer.qkv, layer.out, layer.gate_up, layer.down):
                product.frozen.refresh()

    def losses(self, batch: Batch) -> Tensor:
        """Cross-entropy of every trained token of a batch, in the order of its targets."""
        chance = torch.Generator(batch.ids.device).manual_seed(batch.seed)
        return kernels.token_losses(self._hidden(batch, chance), self.head.weight, batch.targets)

    @torch.no_grad()
    def judge(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Cross-entropy of every trained token, and whether it is the likeliest."""
        return kernels.judge(self._hidden(batch, None), self.head.weight, batch.targets)

    def _hidden(self, batch: Batch, chance: torch.Generator | None) -> Tensor:
        ids = torch.cat([batch.prefix, batch.ids.flatten()])
        x = self.embed(ids)
        geometry = self._geometry(batch, x, chance)
        for layer in self.layers:
            x = layer(x, geometry)
        chosen = x.index_select(0, batch.places + geometry.prefix)
        return kernels.norm(chosen, self.final.weight, self.final.variance_epsilon)

    def _geometry(self, batch: Batch, x: Tensor, chance: torch.Generator | None) -> Geometry:
        prefix, (examples, tokens) = len(batch.prefix), batch.ids.shape
        own = torch.arange(prefix, prefix + tokens, device=x.device)
        positions = torch.cat([torch.arange(prefix, device=x.device), own.repeat(examples)])
        cos, sin = self.rotary(x, positions[None])
        half = cos.shape[-1] // 2
        far = torch.finfo(x.dtype).min

        def mask(queries: Tensor, keys: int) -> Tensor:
            hidden = torch.arange(keys, device=x.device)[None, :] > queries[:, None]
            return torch.zeros(hidden.shape, dtype=x.dtype, device=x.device).masked_fill_(hidden, far)

        return Geometry(
            prefix=prefix,
            batch=examples,
            tokens=tokens,
            cos=cos[0, :, None, :half].contiguous(),
            sin=sin[0, :, None, :half].contiguous(),
            mask=mask(own, prefix + tokens),
            prefix_mask=mask(torch.arange(prefix, device=x.device), prefix),
            chance=chance,
        )

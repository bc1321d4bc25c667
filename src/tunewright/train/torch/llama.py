"""The fast forward pass of a Llama-type model: one common prefix, no padding, stacked products."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor

from tunewright.runtime import adapters
from tunewright.runtime.adapters.bottleneck import NAME
from tunewright.runtime.adapters.soft import is_soft
from tunewright.train.torch.attention import Geometry, attend, grouped
from tunewright.train.torch.batches import Batch
from tunewright.train.torch.head import Head, divergences, judge, token_losses
from tunewright.train.torch.pointwise import Before, Norm, gate, same
from tunewright.train.torch.products import Adapted, product


class Product:
    """Several linear layers that read the same input, as one frozen product and its low-rank changes."""

    def __init__(self, before: Before, layers: list[Any]) -> None:
        self.before = before
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
        self.frozen = Adapted(torch.cat([base.weight.detach() for base in bases]), plan, adapters)
        for base, part in zip(bases, torch.split(self.frozen.weight, widths), strict=True):
            base.weight.data = part  # the plain layers now look into the stacked weight, so it is held once

    def __call__(self, x: Tensor, chance: torch.Generator | None) -> Tensor:
        """The outputs of all layers, side by side; without `chance` nothing is left out."""
        return product(x, self.before, self.frozen, self.dropout, chance)


class Layer:
    """One decoder layer."""

    def __init__(self, layer: Any) -> None:
        attention, mlp = layer.self_attn, layer.mlp
        self.qkv = Product(
            _norm(layer.input_layernorm), [attention.q_proj, attention.k_proj, attention.v_proj]
        )
        self.out = Product(same, [attention.o_proj])
        self.gate_up = Product(_norm(layer.post_attention_layernorm), [mlp.gate_proj, mlp.up_proj])
        self.down = Product(gate, [mlp.down_proj])
        self.behind = [getattr(part, NAME, _nothing) for part in (attention, mlp)]

    def __call__(
        self, x: Tensor, geometry: Geometry, chance: torch.Generator | None, chosen: Tensor | None = None
    ) -> Tensor:
        """The next layer's input; with `chosen`, only at these rows."""
        mixed = attend(self.qkv(x, chance), geometry)
        if chosen is not None:
            x, mixed = x.index_select(0, chosen), mixed.index_select(0, chosen)
        after_attention, after_mlp = self.behind
        x = x + after_attention(self.out(mixed, chance))
        return x + after_mlp(self.down(self.gate_up(x, chance), chance))

    def refresh(self) -> None:
        """Take note that the trained weights have moved."""
        for stacked in (self.qkv, self.out, self.gate_up, self.down):
            stacked.frozen.refresh()


def _nothing(x: Tensor) -> Tensor:
    return x


def _norm(module: Any) -> Norm:
    return Norm(module.weight.detach(), module.variance_epsilon)


def base_of(model: Any) -> Any:
    """The model of transformers that an adapter stands in; a plain one is its own."""
    return model.get_base_model() if hasattr(model, "get_base_model") else model


PROMPT = "prompt_encoder.default.embedding.weight"
"""PEFT's name of the learned embeddings before every text."""


def prompt_of(model: Any) -> Tensor | None:
    """Learned embeddings that stand before every text, [tokens, hidden], if there are any."""
    if not is_soft(model) or model.active_peft_config.peft_type.value != adapters.PROMPT:
        return None
    found: Tensor = model.get_parameter(PROMPT)
    return found


def rate(head: Any, read: Tensor) -> Tensor:
    """The number that a rating head gives what was read, [texts, hidden] → [texts]; it is held in fp32."""
    found: Tensor = head(read.to(head.weight.dtype))
    return found.squeeze(1)


class FastLlama:
    """Reads the weights of a PEFT model of the Llama kind and computes the same loss, faster."""

    parallel = True
    """Parts of a step may be computed side by side, in threads."""
    padded = False
    """Texts of unlike length cost no more than their tokens."""

    def __init__(self, model: Any) -> None:
        core = self.core = base_of(model)
        self.config = core.config
        self.embed, self.rotary = core.model.embed_tokens, core.model.rotary_emb
        self.final, self.prompt = _norm(core.model.norm), prompt_of(model)
        self.layers = [Layer(layer) for layer in core.model.layers]

    def refresh(self) -> None:
        """Take note that the trained weights have moved."""
        for layer in self.layers:
            layer.refresh()

    def losses(self, batch: Batch) -> Tensor:
        """Cross-entropy of every trained token of a batch, in the order of its targets."""
        chance = torch.Generator(batch.ids.device).manual_seed(batch.seed)
        head = self.core.lm_head.weight
        return token_losses(self._hidden(batch, chance), self.final, head, batch.targets)

    @torch.no_grad()
    def judge(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Cross-entropy of every trained token, and whether it is the likeliest."""
        return judge(self._hidden(batch, None), self.final, self.core.lm_head.weight, batch.targets)

    def divergences(self, batch: Batch, teacher: FastLlama) -> Tensor:
        """Divergence from what a teacher says to what it says, of every trained token."""
        return self._diverging(batch, teacher, torch.Generator(batch.ids.device).manual_seed(batch.seed))

    @torch.no_grad()
    def judge_divergences(self, batch: Batch, teacher: FastLlama) -> Tensor:
        """The same without gradient."""
        return self._diverging(batch, teacher, None)

    def _diverging(self, batch: Batch, teacher: FastLlama, chance: torch.Generator | None) -> Tensor:
        with torch.no_grad():
            taught = teacher._hidden(batch, None)
        return divergences(self._hidden(batch, chance), self._top, taught, teacher._top)

    @property
    def _top(self) -> Head:
        return Head(self.final, self.core.lm_head.weight)

    def ratings(self, batch: Batch) -> Tensor:
        """What a rating model gives each text, [texts], read before its one trained token."""
        return self._rated(batch, torch.Generator(batch.ids.device).manual_seed(batch.seed))

    @torch.no_grad()
    def judge_ratings(self, batch: Batch) -> Tensor:
        """The same without gradient."""
        return self._rated(batch, None)

    def _rated(self, batch: Batch, chance: torch.Generator | None) -> Tensor:
        return rate(self.core.score, self.core.model.norm(self._hidden(batch, chance)))

    def _hidden(self, batch: Batch, chance: torch.Generator | None) -> Tensor:
        """The last layer's output at the trained places, [targets, hidden]."""
        x: Tensor = self.embed(torch.cat([batch.prefix, batch.ids.flatten().index_select(0, batch.there)]))
        if self.prompt is not None:
            x = torch.cat([self.prompt.to(x.dtype), x])
        geometry = self._geometry(batch, x)
        for layer in self.layers[:-1]:
            x = layer(x, geometry, chance)
        places = torch.searchsorted(batch.there, batch.places)
        return self.layers[-1](x, geometry, chance, places + geometry.prefix)

    def _geometry(self, batch: Batch, x: Tensor) -> Geometry:
        prefix, device = len(x) - len(batch.there), x.device
        own = batch.there % batch.ids.shape[1] + prefix
        cos, sin = self.rotary(x, torch.cat([torch.arange(prefix, device=device), own])[None])
        half = cos.shape[-1] // 2
        return Geometry(
            prefix=prefix,
            groups=grouped(batch.lengths, device),
            heads=self.config.num_attention_heads,
            kv_heads=self.config.num_key_value_heads,
            cos=cos[0, :, None, :half].contiguous(),
            sin=sin[0, :, None, :half].contiguous(),
        )

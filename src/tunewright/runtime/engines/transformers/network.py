"""The model's forward pass: feed each row its next tokens, get the scores of what follows."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor

from tunewright.runtime.engines.transformers.attention import Pair
from tunewright.runtime.engines.transformers.memory import Memory

CHUNK = 4096
"""Tokens in one pass, padding included."""


class Network:
    """A causal model of transformers that attends through `attention.py`."""

    def __init__(self, model: Any, context: int, before: Sequence[Pair] | None = None) -> None:  # noqa: ANN401
        """`before` are learned tokens that stand before every text, by layer."""
        self.model, self.before = model, before
        self.learned = 0 if before is None else before[0][0].shape[1]
        self.context = context - self.learned
        self.device = model.device
        self.layers = int(model.config.num_hidden_layers)

    @property
    def token_bytes(self) -> int:
        """Memory of the keys and values of one token."""
        settings = self.model.config
        heads = settings.num_key_value_heads or settings.num_attention_heads
        width = getattr(settings, "head_dim", None) or settings.hidden_size // settings.num_attention_heads
        return int(2 * self.layers * heads * width * self.model.dtype.itemsize)

    def memory(self, rows: int) -> Memory:
        """An empty memory for a new batch."""
        return Memory(self.layers, rows, self.device)

    @torch.inference_mode()
    def feed(
        self,
        memory: Memory,
        tokens: Sequence[Sequence[int]],
        starts: Sequence[int],
        *,
        shared: Sequence[Pair] | None = None,
        room: int = 0,
    ) -> Tensor:
        """Logits after each row's last token, [rows, vocabulary].

        `starts` are the positions of the rows' first tokens, and `shared` what all attend to before
        those, learned tokens included. Rows are padded on the left, so that all end in the same column.
        """
        ids, valid, positions = self._columns(tokens, starts)
        width = max(1, CHUNK // len(tokens))
        logits = torch.empty(0)
        for column in range(0, ids.shape[1], width):
            part = slice(column, column + width)
            memory.open(valid[:, part], room)
            logits = self._pass(
                memory, ids[:, part], positions[:, part], shared, keep=self._last(ids[:, part])
            )
        return logits[:, -1].float()

    @torch.inference_mode()
    def scores(self, memory: Memory, tokens: Sequence[Sequence[int]], starts: Sequence[int]) -> Tensor:
        """Logits after every token, [rows, tokens, vocabulary]; rows are padded on the left."""
        ids, valid, positions = self._columns(tokens, starts)
        memory.open(valid, 0)
        return self._pass(memory, ids, positions, None, keep=0).float()

    def _pass(
        self,
        memory: Memory,
        ids: Tensor,
        positions: Tensor,
        shared: Sequence[Pair] | None,
        *,
        keep: Tensor | int,
    ) -> Tensor:
        output = self.model(
            input_ids=ids,
            attention_mask=self._mask(memory, ids.shape[1]),
            position_ids=positions,
            past_key_values=memory,
            use_cache=True,
            logits_to_keep=keep,
            shared=self.before if shared is None else shared,
        )
        memory.close()
        logits: Tensor = output.logits
        return logits

    def _last(self, ids: Tensor) -> Tensor:
        # By index, not by slice: the head gets a contiguous copy of the last column. With frozen weights
        # torch multiplies a strided input row by row, and copies the whole head for each of them.
        return torch.tensor([ids.shape[1] - 1], device=self.device)

    def _mask(self, memory: Memory, tokens: int) -> Tensor:
        """What is added to the attention scores, [rows, 1, tokens, columns]: nothing, or far below zero."""
        columns = torch.arange(memory.valid.shape[1], device=self.device)
        seen = columns[None] <= columns[-tokens:, None]
        hidden = ~(memory.valid[:, None, None, :] & seen)
        dtype = self.model.dtype
        # Half of the lowest number: added to a score it must not become minus infinity, for a
        # padding token attends to nothing, and its softmax would be no number.
        return torch.zeros(hidden.shape, dtype=dtype, device=self.device).masked_fill_(
            hidden, torch.finfo(dtype).min / 2
        )

    def _columns(
        self, tokens: Sequence[Sequence[int]], starts: Sequence[int]
    ) -> tuple[Tensor, Tensor, Tensor]:
        width = max(map(len, tokens))
        ids = torch.tensor([[0] * (width - len(row)) + list(row) for row in tokens])
        lengths = torch.tensor([len(row) for row in tokens])
        offset = torch.arange(width)[None] - (width - lengths)[:, None]
        positions = (self.learned + torch.tensor(starts)[:, None] + offset).clamp(min=0)
        return ids.to(self.device), (offset >= 0).to(self.device), positions.to(self.device)

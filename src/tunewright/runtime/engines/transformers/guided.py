"""Answers that follow a JSON schema: which tokens may come next, by llguidance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from tunewright.runtime.chat import Chat
from tunewright.runtime.engines import schemas
from tunewright.runtime.lazy import require


class Guide:
    """What may follow in one answer."""

    def __init__(self, matcher: Any) -> None:  # noqa: ANN401 - a class of llguidance, which has no types
        self._matcher = matcher

    def only_allowed(self, logits: Tensor) -> Tensor:
        """The logits, [vocabulary], of what may come next; all others are minus infinity."""
        bits = np.unpackbits(
            np.frombuffer(self._matcher.compute_bitmask(), dtype=np.uint8), bitorder="little"
        )
        allowed = torch.from_numpy(bits[: len(logits)]).bool().to(logits.device)
        allowed = torch.nn.functional.pad(allowed, (0, len(logits) - len(allowed)))
        return logits.masked_fill(~allowed, -torch.inf)

    def take(self, token: int) -> None:
        """A token was said."""
        self._matcher.consume_token(token)


class Guides:
    """Guides for the answers of one model."""

    def __init__(self, chat: Chat, ends: Iterable[int]) -> None:
        self._chat, self._ends = chat, list(ends)

    def guide(self, schema: Mapping[str, Any] | None) -> Guide | None:
        """One for an answer by that schema, None without; raises `Unanswerable`, `MissingExtra`."""
        if schema is None:
            return None
        kind = require("llguidance", extra="serve").LLMatcher
        matcher = kind(self._tokenizer, schemas.grammar(schema), log_level=0)
        return Guide(matcher)

    @cached_property
    def _tokenizer(self) -> Any:  # noqa: ANN401 - a class of llguidance, which has no types
        kind = require("llguidance", extra="serve").LLTokenizer
        return kind(self._chat.tokenizer.to_str(), eos_token=self._ends)

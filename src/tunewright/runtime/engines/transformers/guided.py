"""Answers that follow a JSON schema: which tokens may come next, by llguidance."""

from __future__ import annotations

import json
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
        if not self._matcher.consume_token(token) or self._matcher.is_error():
            raise schemas.refused(self._matcher.get_error())


class Guides:
    """Guides for the answers of one model."""

    def __init__(self, chat: Chat, ends: Iterable[int]) -> None:
        self._chat, self._ends = chat, list(ends)

    def guide(self, schema: Mapping[str, Any]) -> Guide:
        """One for an answer by that schema; raises `Unanswerable`, `MissingExtra`."""
        kind = require("llguidance", extra="serve").LLMatcher
        matcher = kind(self._tokenizer, schemas.grammar(json.dumps(schema)), log_level=0)
        return Guide(matcher)

    @cached_property
    def _tokenizer(self) -> Any:  # noqa: ANN401 - a class of llguidance, which has no types
        kind = require("llguidance", extra="serve").LLTokenizer
        return kind(self._chat.tokenizer.to_str(), eos_token=self._ends)

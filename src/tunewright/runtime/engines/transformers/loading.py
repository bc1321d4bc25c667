"""From a checkpoint to a model in memory: base weights, adapter, number format, template."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers.utils import logging

from tunewright.core.errors import EngineError
from tunewright.core.types import Checkpoint
from tunewright.runtime import adapters, models
from tunewright.runtime.chat import Chat
from tunewright.runtime.engines.frozen import ends, frozen_chat
from tunewright.runtime.engines.transformers import Transformers, attention
from tunewright.runtime.engines.transformers.network import Network
from tunewright.runtime.lazy import require
from tunewright.runtime.models.opening import computes_bf16, open_model
from tunewright.runtime.settings import Settings

_SIZES = ("max_position_embeddings", "num_key_value_heads")


@dataclass(frozen=True)
class Loaded:
    """A model that is ready to answer, with the words around it."""

    network: Network
    chat: Chat
    stop_ids: frozenset[int]


def load(options: Transformers, checkpoint: Checkpoint, settings: Settings) -> Loaded:
    """Read everything from disk; raises `EngineError` or `ModelError` if it is not what it says."""
    torch.set_num_threads(options.threads or settings.threads)
    chat = frozen_chat(checkpoint)
    weights, adapted = models.weights_of(checkpoint, settings), not models.whole(checkpoint)
    attention.install()
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]  # engines do not print
    dtype = number_format(options.dtype)
    model = _base(weights, torch.float32 if adapted and options.merge else dtype)
    soft = adapted and adapters.stands_before(checkpoint.path)
    if adapted and not soft:
        model = _adapted(model, checkpoint.path, merge=options.merge)
    model = model.to(device=_device(), dtype=dtype).eval()
    refuse_other_attention(model.config)
    refuse_unknown_sizes(model.config)
    before = _before(model, checkpoint.path) if soft else None
    network = Network(model, int(model.config.max_position_embeddings), before)
    return Loaded(network, chat, frozenset(ends(weights, chat)))


def number_format(name: str) -> torch.dtype:
    """The dtype of that name; `auto` is bfloat16 where the hardware computes in it."""
    if name != "auto":
        found: torch.dtype = {"float32": torch.float32, "bfloat16": torch.bfloat16}[name]
        return found
    return torch.bfloat16 if computes_bf16() else torch.float32


def refuse_other_attention(config: Any) -> None:  # noqa: ANN401 - of any architecture
    """Raise `EngineError` for models whose layers do not all look at everything before them."""
    kinds = set(getattr(config, "layer_types", None) or ["full_attention"])
    if kinds != {"full_attention"} or getattr(config, "attn_logit_softcapping", None):
        raise EngineError(
            f"the architecture `{config.model_type}` attends in a way this engine does not know",
            where="engine",
            fix="take a model with full attention in every layer, such as Llama or Qwen",
        )


def refuse_unknown_sizes(config: Any) -> None:  # noqa: ANN401 - of any architecture
    """Raise `EngineError` for models that do not say how long their context and how wide their memory is."""
    missing = [name for name in _SIZES if not hasattr(config, name)]
    if missing:
        raise EngineError(
            f"the architecture `{config.model_type}` does not say its `{'` and `'.join(missing)}`",
            where="engine",
            fix="take a model of a newer architecture, such as Llama or Qwen",
        )


def _base(folder: Path, dtype: torch.dtype) -> Any:  # noqa: ANN401 - of any architecture
    return open_model(folder, dtype, attn_implementation=attention.NAME)


def _adapted(model: Any, folder: Path, *, merge: bool) -> Any:  # noqa: ANN401 - one that is adapted
    require("peft", extra="train")
    adapted = require("tunewright.runtime.adapters.loading", extra="train").put_on(model, folder)
    return adapted.merge_and_unload() if merge and not adapters.apart(folder) else adapted


def _before(model: Any, folder: Path) -> list[attention.Pair]:  # noqa: ANN401 - of any architecture
    """What the adapter puts before every text."""
    require("peft", extra="train")
    found: list[attention.Pair] = require("tunewright.runtime.adapters.soft", extra="train").kept(
        model, folder
    )
    return found


def _device() -> torch.device:
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")

"""Put an adapter of PEFT into a model, its first weights decided by the seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import torch
from peft import PeftConfig, get_peft_model

from tunewright.core.errors import ModelError, TrainError
from tunewright.runtime.adapters.loading import renew


def put(config: PeftConfig, model: Any, seed: int, word: str) -> Any:
    """The PEFT model; raises `TrainError` where the named layers are not in the model.

    `word` is the tuner's word in the spec, for the error.
    """
    torch.manual_seed(seed)
    if hasattr(model, "score"):
        config.task_type = "SEQ_CLS"  # a model that rates: its head is trained and kept, too
    try:
        return get_peft_model(model, config)
    except ValueError as error:
        linear = {name.rsplit(".", 1)[-1] for name, part in model.named_modules() if _is_linear(part)}
        raise TrainError(
            f"the adapter cannot be put into this model: {error}",
            where=f"train.tuner.{word}",
            fix=f"name layers that it has: {', '.join(sorted(linear - {'lm_head'}))}",
        ) from error


@torch.no_grad()
def drawn(model: Any, tokens: int, seed: int) -> torch.Tensor:
    """Embeddings of tokens of the vocabulary, drawn by the seed, [tokens, hidden].

    Better to begin with than random numbers (Lester et al. 2021).
    """
    embed = model.get_input_embeddings()
    chance = torch.Generator().manual_seed(seed)
    ids = torch.randint(embed.num_embeddings, (tokens,), generator=chance)
    found: torch.Tensor = embed(ids.to(model.device))
    return found


def put_before(config: PeftConfig, model: Any, first: torch.Tensor) -> Any:
    """The PEFT model that learns tokens before every text, and what they begin as, in PEFT's form."""
    tuned = get_peft_model(model, config)
    encoder: Any = tuned.prompt_encoder["default"]
    encoder.embedding.weight.data = first.float().to(model.device)
    return tuned


def go_on(tuned: Any, folder: Path) -> None:
    """Give an adapted model the weights of an adapter of the same kind; raises `TrainError`."""
    try:
        renew(tuned, folder)
    except ModelError as error:
        raise TrainError(
            f"the adapter to go on from does not fit the tuner: {error}",
            where=str(folder),
            fix="go on with the tuner and the settings that it was made with",
        ) from error


def _is_linear(part: object) -> bool:
    return isinstance(part, torch.nn.Linear)

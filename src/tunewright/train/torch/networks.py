"""Networks: one way to the loss of every token, fast for Llama-type models, plain PEFT for the rest."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import Any, Protocol

import torch
from torch import Tensor
from torch.nn import functional

from tunewright.runtime.adapters.bottleneck import NAME
from tunewright.runtime.adapters.soft import is_soft
from tunewright.train.torch.batches import Batch
from tunewright.train.torch.llama import PROMPT, FastLlama, base_of, prompt_of, rate


class Network(Protocol):
    """What a method computes its loss with."""

    @property
    def parallel(self) -> bool:
        """Whether parts of a step may be computed side by side, in threads."""
        ...

    @property
    def padded(self) -> bool:
        """Whether padding costs as much as text."""
        ...

    def refresh(self) -> None:
        """Take note that the trained weights have moved; whoever moves them calls it."""
        ...

    def losses(self, batch: Batch) -> Tensor:
        """Cross-entropy of every trained token of a batch, in the order of its targets."""
        ...

    def judge(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Cross-entropy of every trained token, and whether it is the likeliest; no gradient."""
        ...

    def ratings(self, batch: Batch) -> Tensor:
        """What a rating model gives each text, [texts], read before its one trained token."""
        ...

    def judge_ratings(self, batch: Batch) -> Tensor:
        """The same without gradient."""
        ...


class PlainNetwork:
    """The forward pass of transformers and PEFT as they are."""

    parallel = False
    padded = True

    def __init__(self, model: Any, computed: torch.dtype | None = None) -> None:
        """`computed` is the number format of the products, if it is another than that of the weights."""
        self.model = model
        self.computed = computed

    def refresh(self) -> None:
        """Nothing is copied, so there is nothing to take note of."""

    def losses(self, batch: Batch) -> Tensor:
        """Cross-entropy of every trained token of a batch, in the order of its targets."""
        return functional.cross_entropy(self._scores(batch), batch.targets, reduction="none")

    @torch.no_grad()
    def judge(self, batch: Batch) -> tuple[Tensor, Tensor]:
        """Cross-entropy of every trained token, and whether it is the likeliest."""
        with still(self.model):
            scores = self._scores(batch)
        losses = functional.cross_entropy(scores, batch.targets, reduction="none")
        return losses, scores.argmax(dim=-1) == batch.targets

    def divergences(self, batch: Batch, teacher: PlainNetwork) -> Tensor:
        """Divergence from what a teacher says to what it says, of every trained token."""
        with torch.no_grad():
            wanted = teacher._scores(batch).log_softmax(dim=-1)
        said = self._scores(batch).log_softmax(dim=-1)
        return functional.kl_div(said, wanted, reduction="none", log_target=True).sum(dim=-1)

    @torch.no_grad()
    def judge_divergences(self, batch: Batch, teacher: PlainNetwork) -> Tensor:
        """The same without gradient."""
        with still(self.model):
            return self.divergences(batch, teacher)

    def ratings(self, batch: Batch) -> Tensor:
        """What a rating model gives each text, [texts], read before its one trained token."""
        core = base_of(self.model)
        with self._computing():
            read = core.base_model(input_ids=_ids(batch), use_cache=False).last_hidden_state
        return rate(core.score, _chosen(read, batch))

    @torch.no_grad()
    def judge_ratings(self, batch: Batch) -> Tensor:
        """The same without gradient."""
        with still(self.model):
            return self.ratings(batch)

    def _scores(self, batch: Batch) -> Tensor:
        """Logits of the trained tokens, [trained tokens, vocabulary]; of other places few are computed."""
        columns, width = batch.columns, batch.ids.shape[1]
        with self._computing():
            kept = columns - width
            read = self.model(input_ids=_ids(batch), use_cache=False, logits_to_keep=kept).logits
        places = batch.rows * len(columns) + torch.searchsorted(columns, batch.places % width)
        chosen: Tensor = read.flatten(0, 1).index_select(0, places)
        return chosen if chosen.dtype == torch.float64 else chosen.float()

    def _computing(self) -> AbstractContextManager[object]:
        if self.computed in (None, torch.float32):
            return nullcontext()
        return torch.autocast(self.model.device.type, dtype=self.computed)


@contextmanager
def still(model: Any) -> Iterator[None]:
    """The model without what chance does to it in training, for a while."""
    was_training = model.training
    model.eval()
    try:
        yield
    finally:
        model.train(was_training)


def _ids(batch: Batch) -> Tensor:
    """All texts from their beginning; padding comes after what counts, so the causal mask keeps it out."""
    return torch.cat([batch.prefix.expand(len(batch.ids), -1), batch.ids], dim=1)


def _chosen(read: Tensor, batch: Batch) -> Tensor:
    """Of what was read of every text, the trained places; learned tokens may stand before the texts."""
    own = batch.ids.shape[1]
    return read[:, read.shape[1] - own :].flatten(0, 1).index_select(0, batch.places)


def network_for(model: Any, computed: torch.dtype | None = None) -> tuple[Network, str]:
    """The fastest network that computes this PEFT model exactly, and why it is not faster.

    `computed` is the number format of the products where it is another than that of the weights.
    """
    reason = _obstacle(model)
    return (PlainNetwork(model, computed), reason) if reason else (FastLlama(model), "")


def _obstacle(model: Any) -> str:
    if base_of(model) is model and any(weight.requires_grad for weight in model.parameters()):
        return "every weight is trained: the plain step of transformers is used"
    config = base_of(model).config
    if config.model_type != "llama":
        return f"the architecture `{config.model_type}` has no fast step yet: the plain one of PEFT is used"
    if getattr(config, "quantization_config", None) is not None:
        return "the base model is quantised: the plain step of PEFT is used"
    if config.attention_bias or config.mlp_bias or config.hidden_act != "silu":
        return "this Llama has biases or another activation: the plain step of PEFT is used"
    for name, module in model.named_modules():
        if hasattr(module, "lora_A") and not _simple(module):
            return f"`{name}` is not plain LoRA: the plain step of PEFT is used"
    if is_soft(model) and prompt_of(model) is None:
        return "keys and values are trained: the plain step of PEFT is used"
    outside = [name for name, weight in model.named_parameters() if weight.requires_grad and not _known(name)]
    return f"`{outside[0]}` is trained too: the plain step of PEFT is used" if outside else ""


def _simple(module: Any) -> bool:
    return not any(module.use_dora.values()) and list(module.lora_A) == ["default"]


def _known(name: str) -> bool:
    inside = ".self_attn." in name or ".mlp." in name
    known = any(f".{kind}." in name for kind in ("lora_A", "lora_B", NAME))
    return (
        (inside and known)
        or ".score.modules_to_save." in name
        or name.endswith(".score.weight")
        or name == PROMPT
    )

"""Rehearsal: a step done once on tensors that have a shape and no content, to count what it needs.

Nothing is allocated but the bookkeeping, so a model of any size can be rehearsed on any machine. What is
counted is what the real step would do, by the same code: a tuner, method or network that changes changes
its rehearsal, too. Few layers are rehearsed, and the rest follows on the line through their counts.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils._pytree import tree_leaves
from torch.utils.flop_counter import flop_registry
from transformers import AutoConfig, AutoModelForCausalLM, AutoModelForSequenceClassification

from tunewright.runtime import plugins
from tunewright.runtime.chat import Rendered
from tunewright.train.estimate import Count, Load
from tunewright.train.ports import Method, OnlineMethod, QuantisedTuner, TaughtMethod, Tuner
from tunewright.train.torch.batches import collate
from tunewright.train.torch.networks import network_for

CPU = torch.device("cpu")
SCALES = 1.06
"""A quantised weight with its scales, of the weight alone (NF4: 32 bits for 64 weights, quantised again)."""


@dataclass(frozen=True, kw_only=True)
class Rehearsal:
    """A step of training and a look at validation examples, to be counted."""

    config: Mapping[str, Any]
    """As in the model's `config.json`."""
    dtype: torch.dtype
    """Number format of the products, and of the weights that do not move."""
    tuner: Tuner
    method: Method

    def __call__(self, part: Sequence[Rendered], looked: Sequence[Rendered], prefix: int) -> Count:
        """What one thread needs for a part of a step and for one of a look.

        All texts begin with the same `prefix` tokens.
        """
        layers = int(self.config["num_hidden_layers"])
        period = self._period
        if layers <= 2 * period:
            return self._count(layers, part, looked, prefix)
        short, long = (self._count(some, part, looked, prefix) for some in (period, 2 * period))
        return short.towards(long, layers / period - 1)

    def kind(self, item: Rendered) -> Count:
        """Counts of the fewest layers and a single text: they tell how steps are divided."""
        return self._count(self._period, [item], [item], 0)

    @property
    def _period(self) -> int:
        """Layers after which their kinds come again, as full and sliding attention do by turns."""
        kinds = self.config.get("layer_types") or ()
        return next((n for n in range(1, len(kinds)) if _again(kinds, n)), 1)

    def _count(self, layers: int, part: Sequence[Rendered], looked: Sequence[Rendered], prefix: int) -> Count:
        method = self._method()
        model = self._model(layers)
        saved, dequantised = self._quantised(model)
        tuned = self.tuner.prepare(model, 0)
        tuned.train()
        with FakeTensorMode(allow_non_fake_inputs=True), Counter() as counter:
            _without_content(tuned)
            network, _ = network_for(tuned, self.dtype if self.tuner.whole else None)
            resident = counter.held
            weights = [weight for weight in tuned.parameters() if weight.requires_grad]
            step = counter.of(
                lambda: torch.autograd.grad(method.loss(network, collate(part, prefix, CPU)), weights)
            )
            look = counter.of(lambda: method.judge(network, collate(looked, prefix, CPU)))
        trained = sum(weight.numel() for weight in weights)
        return Count(
            trained=trained,
            frozen=sum(weight.numel() for weight in tuned.parameters()) - trained,
            resident=resident - saved,
            step=step.model_copy(update={"held": step.held + dequantised}),
            look=look.model_copy(update={"held": look.held + dequantised}),
            parallel=network.parallel,
            padded=network.padded,
        )

    def _method(self) -> Method:
        """What learns from answers of its own, or of a teacher, does with them what `sft` does."""
        other = isinstance(self.method, OnlineMethod | TaughtMethod)
        found: Method = plugins.make("methods", "sft") if other else self.method
        return found

    def _model(self, layers: int) -> Any:
        values = {**self.config, "num_hidden_layers": layers}
        if values.get("layer_types"):
            values["layer_types"] = values["layer_types"][:layers]
        config = AutoConfig.for_model(values.pop("model_type"), **values)
        kind: Any = AutoModelForSequenceClassification if self.method.rates else AutoModelForCausalLM
        if self.method.rates:
            config.num_labels, config.pad_token_id = 1, 0
        with torch.device("meta"):
            model = kind.from_config(config, dtype=torch.float32 if self.tuner.whole else self.dtype)
        if self.method.rates:
            model.score.float()
        return model

    def _quantised(self, model: Any) -> tuple[int, int]:
        """Bytes that quantised weights are less, and those of one that is made whole for its product."""
        if not isinstance(self.tuner, QuantisedTuner):
            return 0, 0
        model.config.quantization_config = {"bits": self.tuner.bits}
        layers = [part.weight for name, part in model.named_modules() if _is_inner(name, part)]
        whole = [weight.numel() * weight.element_size() for weight in layers]
        left = sum(weight.numel() for weight in layers) * self.tuner.bits / 8 * SCALES
        return int(sum(whole) - left), max(whole)


class Counter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the bytes that are held at once, and the work, of what runs under it."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.held = self.peak = 0
        self.flops = self.moved = self.operations = 0
        self._known: weakref.WeakSet[Any] = weakref.WeakSet()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        """Do one operation, and count it."""
        found = func(*args, **(kwargs or {}))
        self.operations += 1
        count: Callable[..., int] | None = flop_registry.get(func._overloadpacket)
        if count is not None:
            self.flops += count(*args, **(kwargs or {}), out_val=found)
        for tensor in tree_leaves(found):
            if isinstance(tensor, Tensor):
                self.hold(tensor)
        return found

    def of(self, work: Callable[[], object]) -> Load:
        """What is needed for some work, beside what is held before it."""
        before = (self.held, self.flops, self.moved, self.operations)
        self.peak = self.held
        found = work()
        held, flops, moved, operations = before
        load = Load(
            held=self.peak - held,
            flops=self.flops - flops,
            moved=self.moved - moved,
            operations=self.operations - operations,
        )
        del found
        return load

    def hold(self, tensor: Tensor) -> None:
        """Count the memory of a tensor, once, for as long as it lives."""
        storage = tensor.untyped_storage()
        if storage in self._known:
            return
        self._known.add(storage)
        size = storage.nbytes()
        self.held += size
        self.moved += size
        self.peak = max(self.peak, self.held)
        weakref.finalize(storage, self._free, size)

    def _free(self, size: int) -> None:
        self.held -= size


def _without_content(model: nn.Module) -> None:
    """Put tensors of the same shapes, as if on the CPU, in place of those that are nowhere (`meta`)."""
    made: dict[int, Tensor] = {}
    for module in model.modules():
        tables: tuple[dict[str, Any], ...] = (module._parameters, module._buffers)
        for table in tables:
            for name, old in table.items():
                if old is not None and id(old) not in made:
                    new = torch.empty(old.shape, dtype=old.dtype)
                    parameter = isinstance(old, nn.Parameter)
                    made[id(old)] = nn.Parameter(new, requires_grad=old.requires_grad) if parameter else new
                if old is not None:
                    table[name] = made[id(old)]


def _again(kinds: Sequence[str], period: int) -> bool:
    return all(kind == kinds[place % period] for place, kind in enumerate(kinds))


def _is_inner(name: str, part: object) -> bool:
    return isinstance(part, nn.Linear) and not name.endswith(("lm_head", "score"))

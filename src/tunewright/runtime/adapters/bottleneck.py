"""Bottlenecks: small layers behind the parts of every block; heavy.

Houlsby et al. 2019; behind the MLP alone, Pfeiffer et al. 2021. Behind a part stands x + up(bend(down(x))),
before the block adds it to its stream. `up` begins as zero, so that the model begins as it was.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import torch
from safetensors.torch import save_file
from torch import Tensor, nn
from torch.nn import functional

from tunewright.core.errors import ModelError
from tunewright.core.types import Frozen
from tunewright.runtime import adapters
from tunewright.runtime.models.files import read_object

Bend = Literal["gelu", "relu", "silu"]
_BENDS: dict[Bend, Callable[[Tensor], Tensor]] = {
    "gelu": functional.gelu,
    "relu": functional.relu,
    "silu": functional.silu,
}
NAME = "bottleneck"
"""What the layers are called inside the part that they stand behind."""


class BottleneckConfig(Frozen):
    """What `adapter_config.json` says of bottlenecks."""

    peft_type: Literal["BOTTLENECK"] = "BOTTLENECK"
    base_model_name_or_path: str = ""
    size: int
    after: tuple[str, ...]
    """Parts of a block, by the name of the attribute."""
    bend: Bend
    head: bool = False
    """Whether the model rates texts; its head is trained, and kept with the adapter."""


class Bottleneck(nn.Module):
    """x + up(bend(down(x))), its weights in fp32 whatever x is."""

    def __init__(self, width: int, size: int, bend: Bend) -> None:
        super().__init__()
        self.down, self.up = nn.Linear(width, size), nn.Linear(size, width)
        self.bend = _BENDS[bend]
        nn.init.normal_(self.down.weight, std=width**-0.5)
        for begins_as_zero in (self.down.bias, self.up.weight, self.up.bias):
            nn.init.zeros_(begins_as_zero)

    def forward(self, x: Tensor) -> Tensor:
        """The same shape, [..., width]."""
        change: Tensor = self.up(self.bend(self.down(x.to(self.down.weight.dtype))))
        return x + change.to(x.dtype)


class BottleneckModel(nn.Module):
    """A model of transformers with bottlenecks in it; what it does not know itself, the model knows."""

    def __init__(self, model: Any, config: BottleneckConfig) -> None:
        """Put them in, the base frozen; raises `ModelError` where a block has no such part."""
        super().__init__()
        self.base_model, self.config_of_adapter = model, config
        model.requires_grad_(False)
        self._parts = [part for block in _blocks(model) for part in _parts(block, config.after)]
        for part in self._parts:
            device = next(part.parameters()).device
            setattr(part, NAME, Bottleneck(model.config.hidden_size, config.size, config.bend).to(device))
            part.register_forward_hook(self._through)
        self._asleep = False
        if config.head:
            model.score.requires_grad_(True)

    def forward(self, *args: Any, **options: Any) -> Any:
        """What the model gives."""
        return self.base_model(*args, **options)

    def __getattr__(self, name: str) -> Any:
        """Of the module, else of the model that it stands around."""
        try:
            return super().__getattr__(name)
        except AttributeError:
            return getattr(super().__getattr__("base_model"), name)

    def get_base_model(self) -> Any:
        """The model of transformers, the bottlenecks in it."""
        return self.base_model

    @contextmanager
    def disable_adapter(self) -> Iterator[None]:
        """The untouched model, for a while."""
        self._asleep = True
        try:
            yield
        finally:
            self._asleep = False

    def own(self) -> dict[str, Tensor]:
        """The weights that are the adapter's, by the names that they are saved under."""
        inside = f".{NAME}."
        return {
            name: weight
            for name, weight in self.base_model.state_dict().items()
            if inside in name or (self.config_of_adapter.head and name.startswith("score."))
        }

    @torch.no_grad()
    def renew(self, weights: Mapping[str, Tensor]) -> None:
        """Take these weights, of the same names; raises `RuntimeError` where a shape is another one."""
        self.base_model.load_state_dict(dict(weights), strict=False)

    def save_pretrained(self, folder: Path, base_name: str = "") -> None:
        """Write the adapter's two files."""
        config = self.config_of_adapter.model_copy(update={"base_model_name_or_path": base_name})
        folder.mkdir(parents=True, exist_ok=True)
        text = json.dumps(config.model_dump(mode="json"), indent=1) + "\n"
        (folder / adapters.CONFIG).write_text(text, encoding="utf-8")
        weights = {name: weight.detach().contiguous() for name, weight in self.own().items()}
        save_file(weights, folder / adapters.WEIGHTS, metadata={"format": "pt"})

    def _through(self, part: Any, _: Any, output: Any) -> Any:
        """A part's output through its bottleneck; attention gives its weights beside it."""
        if self._asleep:
            return output
        if isinstance(output, tuple):
            return (getattr(part, NAME)(output[0]), *output[1:])
        return getattr(part, NAME)(output)


def open_bottlenecks(model: Any, folder: Path) -> BottleneckModel:
    """The model with bottlenecks as the folder's config says, their weights still as they begin."""
    try:
        config = BottleneckConfig.model_validate(read_object(folder / adapters.CONFIG))
    except ValueError as error:
        raise ModelError(
            "the settings of the bottlenecks are damaged",
            where=str(folder / adapters.CONFIG),
            fix="bring the file back as it was, or train the checkpoint again",
        ) from error
    return BottleneckModel(model, config)


def _blocks(model: Any) -> list[Any]:
    """The blocks of the model: its list of modules that is as long as it is deep; raises `ModelError`."""
    depth = model.config.num_hidden_layers
    for part in model.modules():
        if isinstance(part, nn.ModuleList) and len(part) == depth:
            return list(part)
    raise ModelError(
        f"the blocks of the architecture `{model.config.model_type}` cannot be found",
        where="train.tuner.bottleneck",
        fix="take `lora`, or a model such as Llama or Qwen",
    )


def _parts(block: Any, names: tuple[str, ...]) -> list[Any]:
    known = dict(block.named_children())
    missing = [name for name in names if name not in known]
    if missing:
        raise ModelError(
            f"a block of this model has no part `{missing[0]}`",
            where="train.tuner.bottleneck.after",
            fix=f"name parts that it has: {', '.join(f'`{name}`' for name in known)}",
        )
    return [known[name] for name in names]

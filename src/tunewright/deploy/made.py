"""What a checkpoint is, as its files say it: which export can carry it is decided by this."""

from __future__ import annotations

from tunewright.core.types import Checkpoint
from tunewright.deploy.ports import Made
from tunewright.runtime import adapters, models
from tunewright.runtime.models.files import read_object
from tunewright.runtime.settings import Settings


def of_checkpoint(checkpoint: Checkpoint, settings: Settings) -> Made:
    """What is to be packed; an adapter that is damaged is told of by whoever opens it."""
    base = models.weights_of(checkpoint, settings)
    config = read_object(base / models.CONFIG)
    if models.whole(checkpoint):
        return Made(kind=checkpoint.tuner or "", whole=True, config=config, base=base)
    if any(adapters.check(checkpoint.path)):
        return Made(kind=checkpoint.tuner or "", config=config, base=base)
    told = read_object(checkpoint.path / adapters.CONFIG)
    return Made(
        kind=_kind(told, checkpoint.tuner or ""),
        apart=adapters.apart(checkpoint.path),
        saved=tuple(told.get("modules_to_save") or ()),
        config=config,
        base=base,
    )


def _kind(told: dict[str, object], tuner: str) -> str:
    """The tuner by what the adapter is, whatever it was called."""
    if told.get("peft_type") != "LORA":
        return str(told.get("peft_type") or tuner).lower()
    return "dora" if told.get("use_dora") else "qlora" if tuner == "qlora" else "lora"

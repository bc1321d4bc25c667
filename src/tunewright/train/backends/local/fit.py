"""Load the base model, train, and leave the best adapter."""
# ruff: noqa: TID253 - a heavy module, imported when called

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from transformers import AutoModelForCausalLM, AutoModelForSequenceClassification, PreTrainedModel
from transformers.utils import logging

from tunewright.runtime.adapters.loading import save
from tunewright.runtime.adapters.quantised import count, loading, steady
from tunewright.runtime.context import Context
from tunewright.runtime.models.opening import open_model
from tunewright.runtime.workspace import writable
from tunewright.train.backends.local.fits import fitting
from tunewright.train.ports import Curve, OnlineMethod, QuantisedTuner, Work
from tunewright.train.torch.adapters import go_on
from tunewright.train.torch.formats import frozen_format
from tunewright.train.torch.loop import Loop
from tunewright.train.torch.memory import granted, limited, release
from tunewright.train.torch.networks import Network, network_for
from tunewright.train.torch.rollout import Rollout
from tunewright.train.torch.saves import Keep
from tunewright.train.torch.spoken import Spoken
from tunewright.train.torch.teacher import load_teacher, taught
from tunewright.train.torch.threads import denormals_as_zero
from tunewright.train.torch.worth import worth_of

if TYPE_CHECKING:
    from tunewright.train.backends.local import Local


def fit(backend: Local, work: Work, context: Context) -> Curve:
    """Train, and leave the best weights in the context's folder."""
    torch.set_num_threads(context.settings.threads)
    logging.disable_progress_bar()  # type: ignore[no-untyped-call]
    accelerator = Accelerator(mixed_precision="no")
    # What moves is held in fp32: the steps of AdamW are too small for bf16.
    computed, most = frozen_format(backend.precision), granted(backend.memory_gb, context.settings.memory_gb)
    dtype = torch.float32 if work.tuner.whole else computed
    planned = fitting(backend, work, context)
    model = _load(work, dtype, accelerator.device)
    tuned = work.tuner.prepare(model, work.plan.seed)
    if work.start is not None:
        go_on(tuned, work.start)
    network: Network
    network, note = network_for(tuned, computed if work.tuner.whole else None)
    if work.teacher is not None:
        network = taught(network, tuned, load_teacher(work.teacher, dtype).to(accelerator.device))
    weights = {name: weight for name, weight in tuned.named_parameters() if weight.requires_grad}
    first = {name: weight.detach().clone() for name, weight in weights.items()}
    trained = sum(weight.numel() for weight in weights.values())
    share = trained / sum(map(count, tuned.parameters()))
    context.tell("note", f"{trained:,} weights are trained, {_percent(share)} of all")
    if note:
        context.tell("note", note)
    loop = Loop(
        plan=work.plan,
        context=context,
        method=work.method,
        network=network,
        accelerator=accelerator,
        weights=weights,
        train=work.train,
        validation=work.validation,
        most_tokens=planned.tokens,
        save_seconds=60 * backend.save_minutes,
        keep=Keep(newest=backend.keep, best=backend.keep_best),
        **({} if work.method.rates else _words(backend, work, tuned)),
        rollout=_rollout(work, tuned, network, weights, first),
    )
    with denormals_as_zero(), limited(most):
        curve = loop.run().curve
    with torch.no_grad():
        for name, weight in weights.items():
            weight.copy_(loop.best[name])
    _keep(tuned, work.base_name, context.folder)
    release()
    changes = {
        "trained_parameters": trained,
        "moved": _moved(first, weights),
        "notes": (note,) if note else (),
        "planned_gb": planned.memory_gb,
        "planned_seconds": planned.seconds,
    }
    return curve.model_copy(update=changes)


def _words(backend: Local, work: Work, tuned: Any) -> dict[str, Any]:  # noqa: ANN401
    """What is looked at of a model that answers in words."""
    asked = [item for item in work.validation if any(item.trained)][: backend.answers]
    return {"probes": work.probes, "ask": Spoken(model=tuned, chat=work.chat, asked=asked)}


def _rollout(
    work: Work,
    tuned: Any,  # noqa: ANN401 - a model, of PEFT or not
    network: Network,
    weights: dict[str, torch.Tensor],
    first: dict[str, torch.Tensor],
) -> Rollout | None:
    method = work.method
    if not isinstance(method, OnlineMethod):
        return None
    return Rollout(
        model=tuned,
        network=network,
        weights=weights,
        start=first,
        method=method,
        worth=worth_of(work, method, tuned.dtype, tuned.device),
        chat=work.chat,
        seed=work.plan.seed,
    )


def _load(work: Work, dtype: torch.dtype, device: torch.device) -> Any:  # noqa: ANN401 - of any architecture
    """The model that says words, or one that rates, its head in fp32 and decided by the seed."""
    torch.manual_seed(work.plan.seed)
    kind: Any = AutoModelForSequenceClassification if work.method.rates else AutoModelForCausalLM
    more: dict[str, Any] = {"num_labels": 1} if work.method.rates else {}
    quantised = isinstance(work.tuner, QuantisedTuner)
    if isinstance(work.tuner, QuantisedTuner):
        more |= loading(work.tuner.bits, dtype, device)
    new = "score." if work.method.rates else ""
    model = open_model(work.weights, dtype, kind=kind, new=new, **more)
    if work.method.rates:
        model.score.float()
        model.config.pad_token_id = next(iter(work.chat.stop_ids), 0)
    moved: Any = steady(model) if quantised else model.to(device)
    return moved


def _keep(tuned: Any, base_name: str, folder: Path) -> None:  # noqa: ANN401 - a model, adapted or not
    with writable(folder):
        if isinstance(tuned, PreTrainedModel):
            tuned.save_pretrained(folder)
        else:
            save(tuned, folder, base_name)


def _percent(share: float) -> str:
    """A share to two digits: that of some adapters is too small for tenths of a per cent."""
    return f"{share:.1%}" if share >= 0.1 else f"{100 * share:.2g}%"


def _moved(first: dict[str, torch.Tensor], weights: dict[str, torch.Tensor]) -> float:
    """Length of the way from the first weights to the last."""
    ways = [(weights[name].detach() - start).float().norm() for name, start in first.items()]
    return float(torch.stack(ways).norm()) if ways else 0.0

"""The training loop: the only one."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from statistics import fmean
from typing import Any

import torch
from accelerate import Accelerator  # type: ignore[import-untyped]
from torch import Tensor

from tunewright.runtime import plugins
from tunewright.runtime.chat import Rendered
from tunewright.runtime.context import Context
from tunewright.train.diagnose import SMOOTH, midway, refuse
from tunewright.train.ports import SAVES, Look, Method, Plan
from tunewright.train.torch import saves
from tunewright.train.torch.batches import common_prefix, order_of, texts
from tunewright.train.torch.gradients import Gradients
from tunewright.train.torch.judging import Judging
from tunewright.train.torch.memory import peak_gb, trim
from tunewright.train.torch.networks import Network
from tunewright.train.torch.references import compare
from tunewright.train.torch.rollout import Rollout
from tunewright.train.torch.room import Room
from tunewright.train.torch.saves import Keep, Progress
from tunewright.train.torch.schedule import rate

TIDY_EVERY = 2
"""Steps after which freed memory is handed back: batches of many shapes leave holes in it (LAB.md)."""
CLIP = 1.0


@dataclass(kw_only=True)
class Loop:
    """A run under way."""

    plan: Plan
    context: Context
    method: Method
    network: Network
    accelerator: Accelerator
    weights: dict[str, Tensor]
    """The weights that move, by name."""
    train: Sequence[Rendered]
    validation: Sequence[Rendered]
    most_tokens: int
    save_seconds: float
    keep: Keep = field(default_factory=Keep)
    probes: Mapping[str, Sequence[Rendered]] = field(default_factory=dict)
    """What is looked at beside the validation examples, by name."""
    rollout: Rollout | None = None
    """Makes what a step learns from, where that is the model's own answers."""
    ask: Callable[[], dict[str, float]] = dict
    """Answers some validation questions in words, and scores them."""
    progress: Progress = field(default_factory=Progress)
    best: dict[str, Tensor] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """Make the optimizer, and go on where an earlier process was."""
        self.optimizer = torch.optim.AdamW(
            list(self.weights.values()), lr=self.plan.learning_rate, weight_decay=0.0, fused=True
        )
        self.prefix = common_prefix([*self.train, *self.validation])
        apart = self.network.parallel and self.accelerator.device.type == "cpu"
        threads = self.context.settings.threads if apart else 1
        self.room = Room(self.most_tokens, threads, partial(self.context.tell, "warning"))
        device = self.accelerator.device
        self.judged = Judging(network=self.network, device=device, room=self.room)
        self.gradients = Gradients(
            method=self.method,
            network=self.network,
            accelerator=self.accelerator,
            weights=list(self.weights.values()),
            prefix=self.prefix,
            room=self.room,
        )
        self.epochs: dict[int, list[list[int]]] = {}
        self.warned: set[str] = set()
        self.folder: Path = self.context.scratch / SAVES
        self.saved_at = self.counted_at = self.told_at = time.monotonic()
        self.cpu_counted_at = time.process_time()
        self.likelihood: Method = plugins.make("methods", "sft")
        self.references: Tensor | None = None
        self._restore()
        if self.method.compares:
            self._compare()
        self.saved_step = self.progress.step

    def run(self) -> Progress:
        """Train to the end, or to the best point; raises `Stopped` after saving where it stands."""
        if not self.progress.curve.validation:
            self._look()
        while self.progress.step < self.plan.steps and not self._patience_lost():
            self._step()
            step = self.progress.step
            if step % self.plan.evaluate_every == 0 or step == self.plan.steps:
                self._look()
                self._save()
            self._between_steps()
        self._count_time()
        return self.progress

    def _step(self) -> None:
        step, curve = self.progress.step, self.progress.curve
        examples = [self.train[place] for place in self._places(step)]
        for group in self.optimizer.param_groups:
            group["lr"] = rate(self.plan, step)
        if self.rollout is not None:
            rolled = self.rollout(examples, step, self.prefix)
            examples = rolled.items
            self._update(rewards=(*curve.rewards, rolled.reward), alike=(*curve.alike, rolled.alike))
        loss = self.gradients(examples, step)
        length = float(self.accelerator.clip_grad_norm_(list(self.weights.values()), CLIP))
        refuse(self.plan, curve, loss, length)
        self.optimizer.step()
        self.network.refresh()
        self.optimizer.zero_grad()
        self._update(
            step=step + 1,
            losses=(*curve.losses, loss),
            norms=(*curve.norms, length),
            tokens=curve.tokens + sum(len(text.ids) for text in texts(examples)),
            trained_tokens=curve.trained_tokens + sum(text.learned for text in texts(examples)),
        )

    def _places(self, step: int) -> list[int]:
        per_epoch = math.ceil(len(self.train) / self.plan.batch)
        epoch, place = divmod(step, per_epoch)
        if epoch not in self.epochs:
            self.epochs = {epoch: order_of(len(self.train), self.plan.batch, self.plan.seed, epoch)}
        return self.epochs[epoch][place]

    def _look(self) -> None:
        """Measure the validation loss, and remember the weights if they are the best so far."""
        if not self.validation:
            self.best = self._copy()
            self._update(best_step=self.progress.step)
            return
        look, curve = self._judge(), self.progress.curve
        better = curve.best is None or self._better(look, curve.best)
        if better:
            self.best = self._copy()
        self._update(
            bad_looks=0 if better else self.progress.bad_looks + 1,
            validation=(*curve.validation, look),
            best_step=look.step if better else curve.best_step,
        )
        self.context.tell(
            "metric",
            done=look.step,
            total=self.plan.steps,
            best=better,
            validation_loss=look.loss,
            validation_exact=look.exact,
            perplexity=look.perplexity,
            **dict[str, Any](look.figures),
        )
        self._warn()

    def _warn(self) -> None:
        """Tell, once each, what can be known to go wrong before the run is over."""
        for finding in midway(self.plan, self.progress.curve):
            if finding.kind not in self.warned:
                self.warned.add(finding.kind)
                self.context.tell("warning", str(finding), where=finding.where)

    def _better(self, look: Look, best: Look) -> bool:
        """Whether a look beats the best: shares of exact answers within chance are decided by the loss."""
        chance = math.sqrt(best.exact * (1 - best.exact) / len(self.validation))
        gain = look.exact - best.exact if self.plan.best_by == "exact" else 0.0
        return gain > chance or (gain >= -chance and look.loss < best.loss)

    def _judge(self) -> Look:
        if self.rollout is None:
            loss, exact = self.judged(self.validation, self.prefix, self.method)
            figures = self.ask()
        else:
            reward, exact, figures = self.rollout.look(self.validation, self.prefix)
            loss, figures = -reward, figures | self.ask()
        for name, examples in self.probes.items():
            figures[f"{name}_loss"], figures[f"{name}_exact"] = self.judged(examples, 0, self.likelihood)
        return Look(step=self.progress.step, loss=loss, exact=exact, figures=figures)

    def _compare(self) -> None:
        """Give every text its log-probability by the model as it was before training."""
        splits = (self.train, self.validation)
        if self.references is None:
            count = sum(len(texts(items)) for items in splits)
            self.context.tell("note", f"looking at {count} texts before training, to compare with")
        self.references, (self.train, self.validation) = compare(
            self.network, splits, self.prefix, self.accelerator.device, self.references
        )

    def _patience_lost(self) -> bool:
        lost = 0 < self.plan.patience <= self.progress.bad_looks
        if lost:
            best = self.progress.curve.best_step
            self.context.tell(
                "note", f"the validation loss is no longer falling; the best was at step {best}"
            )
        return lost

    def _between_steps(self) -> None:
        now = time.monotonic()
        if self.progress.step % TIDY_EVERY == 0:
            trim()
        if self.context.should_stop():
            self._save()
            self.context.stop_if_asked()
        if now - self.saved_at > self.save_seconds:
            self._save()
        if now - self.told_at > 1.0 or self.progress.step in (1, self.plan.steps):
            self.told_at = now
            self._tell()

    def _tell(self) -> None:
        self._count_time()
        curve, step = self.progress.curve, self.progress.step
        self.context.tell(
            "progress",
            done=step,
            total=self.plan.steps,
            loss=fmean(curve.losses[-SMOOTH:]),
            learning_rate=rate(self.plan, step - 1),
            tokens_per_second=curve.tokens / max(curve.seconds, 1e-9),
            seconds_left=curve.seconds / step * (self.plan.steps - step),
            memory_gb=peak_gb(),
            gradient_norm=curve.norms[-1],
            **dict[str, Any]({"reward": fmean(curve.rewards[-SMOOTH:])} if curve.rewards else {}),
        )

    def _update(self, *, step: int | None = None, bad_looks: int | None = None, **curve: Any) -> None:
        old = self.progress
        self.progress = Progress(
            step=old.step if step is None else step,
            tokens=self.room.tokens,
            threads=self.room.threads,
            bad_looks=old.bad_looks if bad_looks is None else bad_looks,
            curve=old.curve.model_copy(update=curve),
        )

    def _count_time(self) -> None:
        now, cpu, curve = time.monotonic(), time.process_time(), self.progress.curve
        self._update(
            seconds=curve.seconds + now - self.counted_at,
            cpu_seconds=curve.cpu_seconds + cpu - self.cpu_counted_at,
            peak_gb=peak_gb(),
        )
        self.counted_at, self.cpu_counted_at = now, cpu

    def _copy(self) -> dict[str, Tensor]:
        return {name: weight.detach().clone() for name, weight in self.weights.items()}

    def _save(self) -> None:
        if self.progress.step == self.saved_step:
            return
        self._count_time()
        tensors = {
            **{f"weight.{name}": weight.detach() for name, weight in self.weights.items()},
            **{f"best.{name}": weight for name, weight in self.best.items()},
            **saves.optimizer_tensors(self.optimizer),
            "chance": torch.get_rng_state(),
            **({} if self.references is None else {"references": self.references}),
        }
        saves.write(self.folder, self.progress, tensors, self.plan, self.keep)
        self.saved_at, self.saved_step = time.monotonic(), self.progress.step

    def _restore(self) -> None:
        saved = saves.read_last(self.folder, self.plan, partial(self.context.tell, "warning"))
        if saved is None:
            return
        with torch.no_grad():
            for name, weight in self.weights.items():
                weight.copy_(saved.tensors[f"weight.{name}"])
        self.network.refresh()
        self.best = {name: saved.tensors[f"best.{name}"] for name in self.weights}
        saves.restore_optimizer(self.optimizer, saved.tensors)
        torch.set_rng_state(saved.tensors["chance"])
        self.references = saved.tensors.get("references")
        self.progress = saved.progress
        self.room.tokens, self.room.threads = saved.progress.tokens, saved.progress.threads
        self.context.tell("note", f"going on from step {saved.progress.step}")

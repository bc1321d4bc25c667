"""Forecast: what a run would need, on this machine or another, before anything is loaded."""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import torch

from tunewright.runtime import hardware
from tunewright.runtime.chat import Rendered
from tunewright.runtime.prices import Prices
from tunewright.runtime.settings import Settings
from tunewright.train.estimate import SPREAD, STATE, Count, Forecast, Place, Speed, hands_of, memory_bytes
from tunewright.train.ports import Method, OnlineMethod, Tuner
from tunewright.train.torch.batches import common_prefix, cost, divided, order_of
from tunewright.train.torch.formats import frozen_format
from tunewright.train.torch.judging import MOST
from tunewright.train.torch.memory import granted
from tunewright.train.torch.rehearsal import Rehearsal
from tunewright.train.torch.rollout import TOGETHER

LEAST = 256
"""Tokens at once below which less is not tried."""
TOKENS = {"cpu": 2048, "gpu": 16384}
"""Tokens at once that are tried first: more is not faster."""
ROWS, WIDTH, TRIALS = 1024, 1024, 10
"""Of the products that a machine is tried out with, and how often."""
UPDATED = 40
"""Bytes that a step moves for a trained weight: gradient, averages and weight, read and written, in fp32."""
WARM_UP = 3.0
"""Seconds until everything has been computed once (LAB.md)."""
WRITTEN = 3e8
"""Bytes of a checkpoint that are written, digested and synced in a second (LAB.md)."""
SAMPLED = 64
"""Steps that are looked at for the heaviest part."""


@dataclass(frozen=True, kw_only=True)
class Job:
    """A run to forecast."""

    config: Mapping[str, Any]
    """As in the model's `config.json`."""
    stored: Mapping[str, int]
    """Bytes of the weights on the disk, by their number format as safetensors names it."""
    tuner: Tuner
    method: Method
    train: Sequence[Rendered]
    validation: Sequence[Rendered]
    probes: Sequence[Rendered]
    """What a look judges beside the validation examples."""
    batch: int
    steps: int
    looks: int
    """At the validation examples, altogether."""
    seed: int = 0
    beside: int = 0
    """Bytes of models that are held beside it: a teacher, a reward model."""


def forecast(job: Job, place: Place, tokens: int | None = None) -> Forecast:
    """What the run needs with so many tokens at once, or with as many as fit."""
    rehearsal = _rehearsal(job, place)
    kind = rehearsal.kind(job.train[0])
    if tokens is not None:
        return _forecast(job, place, rehearsal, kind, tokens)[0]
    least, tokens = max(LEAST, _longest(job)), TOKENS["gpu" if place.gpu else "cpu"]
    while True:
        found, fixed = _forecast(job, place, rehearsal, kind, tokens)
        left = (place.memory_bytes - fixed) / (found.memory_bytes - fixed)
        if left >= 1 or tokens <= least:
            return found
        tokens = least if left <= 0 else max(tokens >> math.ceil(-math.log2(left)), least)


def _longest(job: Job) -> int:
    return max(len(item.ids) for item in job.train)


def _rehearsal(job: Job, place: Place) -> Rehearsal:
    dtype = torch.bfloat16 if place.bf16 else torch.float32
    return Rehearsal(config=job.config, dtype=dtype, tuner=job.tuner, method=job.method)


def _forecast(job: Job, place: Place, rehearsal: Rehearsal, kind: Count, tokens: int) -> tuple[Forecast, int]:
    """What is needed, and what of the memory is needed however few tokens are computed at once."""
    items = [*_answered(job), *job.validation]
    prefix = common_prefix(items)
    hands = hands_of(kind, place)
    steps = [
        divided(step, prefix, max(1, tokens // hands), hands, padded=kind.padded) for step in _steps(job)
    ]
    parts = [part for step in steps for part in step]
    looked = divided(job.validation or items[:1], prefix, min(tokens, MOST), hands, padded=kind.padded)
    weigh = _weight(prefix, kind)
    heavy, widest = max(parts, key=weigh), max(looked, key=weigh)
    count = rehearsal(heavy, widest, prefix)
    alike = sum(map(weigh, parts)) / weigh(heavy) / len(steps)
    looks = (sum(map(weigh, looked)) + sum(len(text.ids) for text in job.probes)) / weigh(widest)
    step = alike * place.speed.seconds(count.step, hands) / hands
    update = UPDATED * count.trained / place.speed.bandwidth
    look = looks * place.speed.seconds(count.look, hands) / hands
    saves = (job.looks - 1) * STATE * count.trained / WRITTEN
    seconds = WARM_UP + job.steps * (step + update) + job.looks * look + saves + _answering(job, count, place)
    most, spread = max(map(len, steps)), SPREAD["gpu" if place.gpu else "cpu"]
    mapped = job.stored.get("BF16" if rehearsal.dtype == torch.bfloat16 else "F32", 0)
    memory = job.beside + memory_bytes(count, place, parts=most, mapped=mapped)
    found = Forecast(
        memory_bytes=memory,
        fits=memory <= place.memory_bytes,
        tokens=tokens,
        parts=most,
        steps=job.steps,
        trained=count.trained,
        share=count.trained / (count.trained + count.frozen),
        seconds=seconds,
        seconds_low=seconds / spread,
        seconds_high=seconds * spread,
        cost=None if place.price is None else place.price * seconds / 3600,
    )
    return found, job.beside + memory_bytes(count.without_work(), place, parts=most, mapped=mapped)


def _steps(job: Job) -> Iterator[list[Rendered]]:
    """Some steps of the first epoch."""
    items = _answered(job)
    orders = order_of(len(items), job.batch * (len(items) // len(job.train)), job.seed, 0)
    return ([items[place] for place in order] for order in islice(orders, SAMPLED))


def _answered(job: Job) -> list[Rendered]:
    """What a step learns from; of an online method, as many answers as it asks for, of full length."""
    if not isinstance(job.method, OnlineMethod):
        return list(job.train)
    more = job.method.longest
    full = [
        Rendered(ids=(*item.ids, *[0] * more), trained=(*[False] * len(item.ids), *[True] * more))
        for item in job.train
    ]
    return [item for item in full for _ in range(job.method.answers)]


def _answering(job: Job, count: Count, place: Place) -> float:
    """Seconds in which an online method says its answers, token by token, some of them together."""
    if not isinstance(job.method, OnlineMethod):
        return 0.0
    token = count.look.operations * place.speed.operation + count.resident / place.speed.bandwidth
    steps = job.steps * math.ceil(job.batch * job.method.answers / TOGETHER)
    return (steps + job.looks) * job.method.longest * token


def _weight(prefix: int, count: Count) -> Callable[[Sequence[Rendered]], int]:
    return lambda part: cost(part, prefix, count.padded)


def place_here(
    settings: Settings, prices: Prices, *, precision: str = "auto", memory_gb: float | None = None
) -> Place:
    """This machine, its speed tried out in a moment; the last two are options of the local backend."""
    machine, dtype = hardware.look(gpus=True), frozen_format(precision)
    card, most = next(iter(machine.gpus), None), granted(memory_gb, settings.memory_gb)
    free = card.memory_bytes if card else machine.memory_free_bytes
    return Place(
        name=card.name if card else "this machine",
        gpu=card is not None,
        memory_bytes=int(most * 1e9) if most else int((1 - hardware.SPARED) * free),
        bf16=dtype == torch.bfloat16,
        threads=settings.threads,
        speed=_speed(settings.threads, dtype, "cuda" if card else "cpu"),
        price=prices.here,
    )


def _speed(threads: int, dtype: torch.dtype, device: str) -> Speed:
    """Tried out in a moment; of a CPU on one thread, by the time that it was at work and not in a queue."""
    before, clock = torch.get_num_threads(), time.perf_counter if device == "cuda" else time.thread_time
    hands = threads if device == "cpu" else 1
    torch.set_num_threads(1)
    how: dict[str, Any] = {"dtype": dtype, "device": device}
    try:
        left, right = torch.ones((ROWS, WIDTH), **how), torch.ones((WIDTH, 3 * WIDTH), **how)
        block, small = torch.ones(1 << 23, **how), torch.ones(8, **how)
        return Speed(
            flops=hands * 2 * ROWS * WIDTH * 3 * WIDTH / _seconds(lambda: left @ right, clock),
            bandwidth=hands * block.numel() * block.element_size() / _seconds(lambda: block * 2, clock),
            operation=_seconds(lambda: small * 2, clock),
        )
    finally:
        torch.set_num_threads(before)


def _seconds(work: Callable[[], object], clock: Callable[[], float]) -> float:
    """Of one call, the fastest of some."""
    found = []
    for _ in range(TRIALS):
        start = clock()
        work()
        if torch.cuda.is_available():
            torch.cuda.synchronize()
        found.append(clock() - start)
    return min(found)

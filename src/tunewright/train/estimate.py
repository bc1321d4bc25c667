"""Estimate: memory, time and money of a run, from what its steps were counted to need."""

from __future__ import annotations

from pydantic import Field

from tunewright.core.types import Frozen

FLOOR = {"cpu": 620e6, "gpu": 700e6}
"""Bytes of a process that trains and holds no model yet; of a GPU, what CUDA takes (LAB.md; GPU untried)."""
SLACK = {"cpu": 1.35, "gpu": 1.1}
"""Memory taken, of what is held at once: freed memory between what is held (LAB.md; GPU untried)."""
STATE = 4 * 4
"""Bytes beside a trained weight: where it began, the best so far, and two averages of AdamW, in fp32."""
GRADIENT = 4
SPREAD = {"cpu": 1.5, "gpu": 3.0}
"""By what factor the time may be off, either way (LAB.md; GPU untried)."""


class Load(Frozen):
    """What some work needs."""

    held: int
    """Bytes held at once, at most, beside the model."""
    flops: int
    """Floating-point operations of products."""
    moved: int
    """Bytes that are written to new memory."""
    operations: int

    def towards(self, other: Load, far: float) -> Load:
        """On the line from this to the other, which is at 1."""
        return Load(**_line(self, other, far, tuple(type(self).model_fields)))


class Count(Frozen):
    """What a model of some shape, with a tuner and a method, was counted to need."""

    trained: int
    """Weights that move."""
    frozen: int
    resident: int
    """Bytes of all weights, once they are ready to train."""
    step: Load
    """One part of a step, with its gradients."""
    look: Load
    """One part of a look at validation examples."""
    parallel: bool
    """Whether parts are computed side by side, from weights that were copied to lie together."""
    padded: bool
    """Whether padding costs as much as text."""

    def towards(self, other: Count, far: float) -> Count:
        """On the line from this to the other, which is at 1."""
        line = _line(self, other, far, ("trained", "frozen", "resident"))
        loads = {"step": self.step.towards(other.step, far), "look": self.look.towards(other.look, far)}
        return self.model_copy(update={**line, **loads})

    def without_work(self) -> Count:
        """The same while nothing is computed."""
        nothing = Load(held=0, flops=0, moved=0, operations=0)
        return self.model_copy(update={"step": nothing, "look": nothing})


def _line(one: Load | Count, other: Load | Count, far: float, names: tuple[str, ...]) -> dict[str, int]:
    ends = ((name, getattr(one, name), getattr(other, name)) for name in names)
    return {name: max(0, round(first + far * (second - first))) for name, first, second in ends}


class Speed(Frozen):
    """How fast a machine computes."""

    flops: float
    """Floating-point operations of products per second."""
    bandwidth: float
    """Bytes per second that are written to new memory."""
    operation: float
    """Seconds that an operation takes however small it is."""

    @classmethod
    def of_device(cls, flops: float, bandwidth: float) -> Speed:
        """Of what a maker says of a GPU, what training gets (not tried on one here)."""
        return cls(flops=0.5 * flops, bandwidth=0.6 * bandwidth, operation=8e-6)

    def seconds(self, load: Load, hands: int) -> float:
        """How long it takes where so many hands have such a load each."""
        work = load.flops / self.flops + load.moved / self.bandwidth
        return hands * work + load.operations * self.operation


class Place(Frozen):
    """Where a run would take place."""

    name: str
    gpu: bool
    memory_bytes: int
    """What the run may use at most."""
    bf16: bool
    """Whether it multiplies bfloat16 fast."""
    threads: int = 1
    speed: Speed
    price: float | None = None
    """For an hour."""


class Forecast(Frozen):
    """What a run would need."""

    memory_bytes: int = Field(description="peak of the process, or of the GPU's memory")
    fits: bool
    tokens: int = Field(description="tokens that are computed at once")
    parts: int = Field(description="parts, at most, that a step is divided into")
    steps: int
    trained: int = Field(description="weights that move")
    share: float = Field(description="share of the weights that move, 0 to 1")
    seconds: float = Field(description="of training, with its looks at validation examples")
    seconds_low: float
    seconds_high: float
    cost: float | None = Field(description="money for the time, where a price is known")


def memory_bytes(count: Count, place: Place, *, parts: int, mapped: int) -> int:
    """Peak of a run whose steps have so many parts.

    Weights that are loaded in the format they lie on the disk in are pages of their file, `mapped` bytes,
    which stay beside the copies that the fast step makes.
    """
    kind = "gpu" if place.gpu else "cpu"
    hands = hands_of(count, place)
    beside = mapped if count.parallel and not place.gpu else 0
    added = GRADIENT * count.trained if parts > 1 else 0
    step = hands * count.step.held * SLACK[kind] + added
    look = hands * count.look.held * SLACK[kind] + GRADIENT * count.trained
    return int(FLOOR[kind] + beside + count.resident + STATE * count.trained + max(step, look))


def hands_of(count: Count, place: Place) -> int:
    """Parts that are computed side by side."""
    return place.threads if count.parallel and not place.gpu else 1

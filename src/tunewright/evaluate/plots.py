"""The report's plots: metrics with intervals, classes, confusions, losses; drawn by hand as SVG."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from tunewright.core.types import CandidateResult, ClassMetrics, Metric, Target
from tunewright.evaluate.svg import line, picture, rectangle, tag, text, title
from tunewright.runtime.measure.losses import Losses

WIDTH = 720.0
ROW = 30.0
LEFT = 120.0
"""Room for the names of candidates."""
ADVANCE = 7.2
"""Width of a letter of the small type, near enough to give labels room."""


def metric_plot(name: str, results: Sequence[CandidateResult], targets: Sequence[Target]) -> str:
    """One metric: a dot and its interval for each candidate, the target as a dashed line."""
    found = [(result, metric) for result in results if (metric := result.metric(name)) is not None]
    height = len(found) * ROW + 40
    span = WIDTH - LEFT - 70
    bottom = len(found) * ROW + 8
    parts = []
    for tick in range(0, 11, 2):
        x = LEFT + span * tick / 10
        parts += [line(x, 4, x, bottom, "grid"), text(x, bottom + 16, f"{tick / 10:.1f}", "tick", "middle")]
    for place, (result, metric) in enumerate(found):
        parts += _whisker(result, metric, place * ROW + 20, span)
    for target in targets:
        if target.metric == name:
            bound = target.at_least if target.at_least is not None else target.at_most or 0.0
            x = LEFT + span * min(max(bound, 0.0), 1.0)
            parts += [
                line(x, 0, x, bottom, "target"),
                text(x, bottom + 30, f"target {bound:g}", "tick", "middle"),
            ]
    return picture(WIDTH, height, parts, f"{name} of every candidate, with intervals")


def _whisker(result: CandidateResult, metric: Metric, y: float, span: float) -> list[str]:
    low, value, high = (
        LEFT + span * min(max(end, 0.0), 1.0) for end in (metric.low, metric.value, metric.high)
    )
    kind = "tuned" if result.kind == "tuned" else "baseline"
    hint = f"{result.name}: {metric.value:.3f} [{metric.low:.3f}, {metric.high:.3f}], n = {metric.n}"
    return [
        text(LEFT - 12, y + 4, result.name, "name", "end"),
        line(low, y, high, y, f"whisker {kind}"),
        line(low, y - 5, low, y + 5, f"whisker {kind}"),
        line(high, y - 5, high, y + 5, f"whisker {kind}"),
        tag("circle", title(hint), cx=value, cy=y, r=5.5, class_=f"dot {kind}"),
        text(LEFT + span + 14, y + 4, f"{metric.value:.3f}", "value"),
    ]


def class_plot(classes: Sequence[ClassMetrics], other: Sequence[ClassMetrics], other_name: str) -> str:
    """F1 of every class, weakest first; a tick shows where another candidate stands."""
    weakest = sorted(classes, key=lambda one: (one.f1, one.label))
    there = {one.label: one.f1 for one in other}
    left = 20 + ADVANCE * max((len(one.label) for one in weakest), default=0)
    span = max(200.0, WIDTH - left - 60)
    parts = []
    for place, one in enumerate(weakest):
        y = place * 20.0 + 2
        hint = f"{one.label}: precision {one.precision:.3f}, recall {one.recall:.3f}, {one.support} examples"
        parts += [
            text(left - 10, y + 12, one.label, "small", "end"),
            rectangle((left, y, span, 14), "track"),
            rectangle((left, y, span * one.f1, 14), "bar", hint),
            text(left + span + 8, y + 12, f"{one.f1:.2f}", "small"),
        ]
        if one.label in there:
            x = left + span * there[one.label]
            parts.append(line(x, y - 2, x, y + 16, "mark"))
    label = "F1 of every class" + (f"; the tick is {other_name}" if there else "")
    return picture(left + span + 50, len(weakest) * 20 + 8, parts, label)


def confusion_plot(cells: Mapping[str, Mapping[str, int]], labels: Sequence[str]) -> str:
    """Expected labels down, answered labels across; darker is more, errors in another colour."""
    answered = [*labels, *sorted({name for row in cells.values() for name in row} - set(labels))]
    expected = [label for label in labels if label in cells]
    size = max(11.0, min(34.0, 560 / max(len(answered), 1)))
    left = top = 20 + ADVANCE * max((len(label) for label in answered), default=0)
    parts = [
        *(
            text(left - 8, top + size * (i + 0.5) + 4, name, "small", "end")
            for i, name in enumerate(expected)
        ),
        *(_turned(left + size * (i + 0.5) + 4, top - 8, name) for i, name in enumerate(answered)),
        rectangle((left, top, size * len(answered), size * len(expected)), "track"),
    ]
    for row, name in enumerate(expected):
        total = sum(cells[name].values())
        for said, count in cells[name].items():
            column = answered.index(said)
            box = (left + column * size + 0.5, top + row * size + 0.5, size - 1, size - 1)
            kind = "right" if said == name else "wrong"
            strength = 0.15 + 0.85 * count / total
            hint = f"{name} answered as {said}: {count} of {total}"
            parts.append(rectangle(box, f"cell {kind}", hint, fill_opacity=strength))
            if size >= 22:
                shade = "count strong" if strength > 0.55 else "count"
                parts.append(text(box[0] + size / 2, box[1] + size / 2 + 4, str(count), shade, "middle"))
    width, height = left + size * len(answered) + 10, top + size * len(expected) + 10
    return picture(width, height, parts, "confusion: expected labels down, answered labels across")


def _turned(x: float, y: float, content: str) -> str:
    return tag("g", text(0, 0, content, "small"), transform=f"translate({x:.1f} {y:.1f}) rotate(-90)")


def loss_plot(losses: Losses) -> str:
    """Training loss, smoothed, and validation loss by step; empty where there is nothing to draw."""
    curves = [curve for curve in (losses.training, losses.validation) if curve]
    points = [point for curve in curves for point in curve if math.isfinite(point[1])]
    if len(points) < 2:
        return ""
    steps = max(step for step, _ in points) or 1
    top = max(loss for _, loss in points) * 1.05 or 1.0
    height, left, span = 240.0, 50.0, WIDTH - 70

    def place(step: int, loss: float) -> tuple[float, float]:
        return left + span * step / steps, height - 30 - (height - 40) * loss / top

    parts = []
    for tick in range(5):
        y = place(0, top * tick / 4)[1]
        parts += [
            line(left, y, left + span, y, "grid"),
            text(left - 8, y + 4, f"{top * tick / 4:.2g}", "tick", "end"),
        ]
    for curve, kind in ((losses.training, "training"), (losses.validation, "validation")):
        path = " ".join(f"{x:.1f},{y:.1f}" for x, y in (place(*p) for p in curve if math.isfinite(p[1])))
        if path:
            parts.append(tag("polyline", points=path, class_=f"curve {kind}"))
    for step, loss in losses.validation:
        x, y = place(step, loss)
        parts.append(tag("circle", title(f"step {step}: {loss:.4f}"), cx=x, cy=y, r=3.5, class_="dot tuned"))
    parts.append(text(left + span, height - 8, f"step {steps}", "tick", "end"))
    return picture(WIDTH, height, parts, "training and validation loss by step")

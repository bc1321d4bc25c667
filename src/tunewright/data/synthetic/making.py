"""The line: read what it begins with, ask, sift, rate, add to the file."""

from __future__ import annotations

import dataclasses
import datetime as dt
import tempfile
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import orjson

from tunewright.core import digest
from tunewright.core.errors import DataError, TunewrightError
from tunewright.core.types import Checkpoint, Completion, Event, Example, Request
from tunewright.data.quiet import quietly
from tunewright.data.read import Reading
from tunewright.data.spec import DataSpec
from tunewright.data.synthetic import asking, filters, prompt
from tunewright.data.synthetic.asking import Asked
from tunewright.data.synthetic.checks import check
from tunewright.data.synthetic.draft import Draft, Ground, Seed
from tunewright.data.synthetic.file import Shape, Sheet, row_of, said
from tunewright.data.synthetic.kinds import MAKERS
from tunewright.data.synthetic.spec import Refusal, Synthesis, SynthesisSpec
from tunewright.data.transform import Log, opened, transform
from tunewright.runtime import examples as on_disk
from tunewright.runtime.context import Context
from tunewright.runtime.engine import essence
from tunewright.runtime.examples import SYNTHETIC
from tunewright.runtime.measure.answer import Respondent
from tunewright.runtime.plugins import Named

_SAMPLES = 3
"""Refusals of each filter that are shown."""


@dataclass
class _Work:
    """One order on its way."""

    context: Context
    order: SynthesisSpec
    data: DataSpec
    ground: Ground
    checkpoint: Checkpoint | None
    refused: list[Refusal] = field(default_factory=list)
    completions: list[Completion] = field(default_factory=list)
    """Everything that the teacher answered."""
    failure: BaseException | None = None
    """What ended the asking early; what was made until then is kept."""

    def respondent(self, engine: Named) -> Respondent:
        """The teacher or the judge."""
        return Respondent(self.context, engine, self.checkpoint)


def synthesise(
    context: Context, order: SynthesisSpec, data: DataSpec, ground: Ground, checkpoint: Checkpoint | None
) -> Synthesis:
    """Make examples and add those that pass every filter to the file of the order.

    The same order asks nothing twice and adds nothing twice. If the teacher or the judge gives up, or
    somebody stops it, what was made is in the file before the error is raised.
    """
    problems = tuple(check(order, data, ground, context.project, context.settings))
    fatal = tuple(problem for problem in problems if problem.fatal)
    if fatal:
        raise DataError(problems=fatal)
    for problem in problems:
        context.tell("warning", f"{problem.where}: {problem.what}", fix=problem.fix)
    work = _Work(_costed(context, order), order, data, ground, checkpoint)
    sheet = Sheet(context.project / order.output, context.workspace)
    with sheet.held():
        return _made(work, sheet)


def _made(work: _Work, sheet: Sheet) -> Synthesis:
    context, order, data, ground = work.context, work.order, work.data, work.ground
    there = sheet.rows()
    seeds = _seeds(work)
    _try_out(work, seeds[0], sheet)
    drafts = _mistyped(work, seeds) if order.kind == "noise" else _answered(work, seeds)
    asked = len(drafts) if order.kind == "noise" else len(work.completions)
    new = _unknown(drafts, sheet.offered())
    passed, refused = filters.sift(new, ground, filters.of(order.kind, list(said(there, data))))
    work.refused += refused
    if order.judge is not None and order.kind != "noise":
        passed = _rated(work, order.judge, passed)
    rows = _rows(work, passed)
    _prove(work, rows)
    sheet.add(rows)
    made = _told(work, sheet.path, asked=asked, made=len(rows), there=len(drafts) - len(new))
    if work.failure is not None:
        context.tell("note", f"{made.made} new examples are in {order.output}; the same order goes on")
        raise work.failure
    return made


def _costed(context: Context, order: SynthesisSpec) -> Context:
    """A context whose progress tells the cost, where prices were given."""
    if order.prices is None:
        return context
    prices, emit = order.prices, context.emit

    def told(event: Event) -> None:
        tokens = event.data.get("tokens")
        more = {"cost": _cost(prices, tokens)} if tokens else {}
        emit(event.model_copy(update={"data": {**event.data, **more}}))

    return dataclasses.replace(context, emit=told)


def _cost(prices: tuple[float, float], tokens: Sequence[int]) -> float:
    return sum(price * count for price, count in zip(prices, tokens, strict=True)) / 1e6


def _seeds(work: _Work) -> list[Seed]:
    maker = MAKERS[work.order.kind]
    material = _material(work) if maker.needs_source else []
    found = list(maker.seeds(work.ground, material))
    if not found:
        raise DataError(
            "there is nothing to begin with",
            where=str(work.order.source or "the training split"),
            fix="give a source with texts of a dozen words or more, or training examples with answers",
        )
    return found


def _material(work: _Work) -> list[Example]:
    """Examples of the order's source, the transforms of the spec (`mask` among them) applied."""
    assert work.order.source is not None
    sources = (work.order.source,)
    spec = DataSpec(sources=sources, transforms=work.data.transforms)
    reading = Reading(work.context.project, spec, labelled=False)
    first = Reading(work.context.project, spec, labelled=False)
    ready = opened(spec.transforms, lambda: first.batches(sources))
    log = Log(tuple(one.name for one in spec.transforms))
    batches = transform(reading.batches(sources), ready, log)
    found = [example for batch in batches for example in on_disk.of_batch(batch)]
    reading.stop_if_bad()
    return found


def _mistyped(work: _Work, seeds: Sequence[Seed]) -> list[Draft]:
    now = dt.datetime.now(dt.UTC).isoformat(timespec="seconds")
    return list(asking.mistyped(seeds, work.order, now))


def _answered(work: _Work, seeds: Sequence[Seed]) -> list[Draft]:
    """Drafts of everything that the teacher answered."""
    assert work.order.teacher is not None
    template = prompt.load(work.order.kind, work.order.prompt)
    asked = asking.requests(seeds, work.ground, work.order, template)
    kept = _ask(work, work.order.teacher, [one.request for one in asked], "asking the teacher")
    drafts = []
    for one, found in zip(asked, kept, strict=True):
        if found is None:
            continue
        work.completions.append(found.completion)
        draft = MAKERS[work.order.kind].read(found.completion.text, one.seed)
        if draft is None:
            work.refused.append(_unreadable(one, found.completion.text))
        else:
            drafts.append(asking.answered(one, found, draft))
    return drafts


def _ask(work: _Work, engine: Named, requests: Sequence[Request], message: str) -> list[Any]:
    """What is answered when everything was asked, or when the asking ended early."""
    with work.respondent(engine) as respondent:
        try:
            if work.failure is None:
                respondent.ask(requests, message)
        except (TunewrightError, KeyboardInterrupt) as error:
            work.failure = error
        return list(respondent.kept(requests))


def _unreadable(asked: Asked, text: str) -> Refusal:
    reason = "it is not in the form that was asked for"
    return Refusal(filter="unreadable", reason=reason, source=asked.seed.source, answer=text)


def _unknown(drafts: Iterable[Draft], offered: set[str]) -> list[Draft]:
    """Drafts that were never put into the file."""
    return [draft for draft in drafts if draft.id not in offered]


def _rated(work: _Work, judge: Named, drafts: Sequence[Draft]) -> list[Draft]:
    """Drafts that the judge finds good enough; of a negative, bad enough. Those not rated yet wait."""
    kept = _ask(work, judge, asking.ratings(drafts, work.ground), "asking the judge")
    passed = []
    for draft, found in zip(drafts, kept, strict=True):
        if found is None:
            continue
        grade = asking.grade(found.completion.text)
        good = grade is not None and (grade >= work.order.judge_at_least) == (draft.rejected is None)
        if good:
            passed.append(dataclasses.replace(draft, scores={**draft.scores, "judge": float(grade or 0)}))
        else:
            reason = "the judge gave no rating" if grade is None else f"the judge rates it {grade} of 5"
            work.refused.append(filters.refusal("judge", reason, draft))
    return passed


def _rows(work: _Work, drafts: Sequence[Draft]) -> list[dict[str, Any]]:
    order, ground = work.order, work.ground
    made = {"kind": order.kind, "teacher": _name(work), "seed": order.seed, **_manner(work)}
    talks = any(len(example.prompt) > 1 for example in ground.train)
    shape: Shape = "label" if ground.labelled else "talk" if talks else ""
    if order.undesirable:
        shape = "undesirable"
    return [row_of(draft, work.data, shape=shape, made=made) for draft in drafts]


def _manner(work: _Work) -> dict[str, Any]:
    """How the teacher was asked; its key stands nowhere."""
    order = work.order
    if order.teacher is None or order.kind == "noise":
        return {}
    named = order.teacher.options.get("model")
    local = work.checkpoint.base if work.checkpoint and not named else None
    return {
        "engine": essence(order.teacher).model_dump(mode="json"),
        "model": local.name if local else named,
        "revision": local.revision if local else None,
        "template_sha256": digest.of_text(prompt.load(order.kind, order.prompt)),
        "temperature": order.temperature,
        "judge": essence(order.judge).model_dump(mode="json") if order.judge else None,
    }


def _name(work: _Work) -> str:
    """What the teacher is called in tags: its model, else its engine."""
    teacher = work.order.teacher
    if teacher is None or work.order.kind == "noise":
        return work.order.kind
    return str(teacher.options.get("model") or work.order.model or teacher.name)


def _try_out(work: _Work, seed: Seed, sheet: Sheet) -> None:
    """Write and read one example before anybody is asked; raises `DataError` if it would not go."""
    answer = work.ground.labels[0] if work.ground.labels else "an answer"
    worse = "another answer" if work.order.kind == "negatives" else None
    rows = _rows(work, [Draft(seed=seed, question="a question", answer=answer, rejected=worse)])
    sheet.check(rows[0])
    _prove(work, rows)


def _prove(work: _Work, rows: Sequence[dict[str, Any]]) -> None:
    """Read the rows as the data stage will: raises `DataError` unless each comes back, with its tag."""
    if not rows:
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "rows.jsonl"
        path.write_bytes(b"".join(orjson.dumps(row) + b"\n" for row in rows))
        spec = work.data.model_copy(update={"sources": (str(path),)})
        reading = Reading(work.context.project, spec, work.ground.labelled)
        found = reading.examples(spec.sources)
    problems = quietly((*reading.fatal, *reading.problems), work.data)
    if problems or len(found) != len(rows) or any(SYNTHETIC not in one.tags for one in found):
        raise DataError(
            "the spec would not read these examples as they are meant"
            + "".join(f"; {problem.what}" for problem in problems[:1]),
            where="data.columns",
            fix="leave `data.format` and `data.columns` to detection, or say them for this task's own shape",
        )


def _told(work: _Work, path: Path, *, asked: int, made: int, there: int) -> Synthesis:
    counts = Counter(one.filter for one in work.refused)
    samples = [
        one for name in counts for one in [found for found in work.refused if found.filter == name][:_SAMPLES]
    ]
    read = sum(one.prompt_tokens for one in work.completions)
    written = sum(one.tokens for one in work.completions)
    prices = work.order.prices
    return Synthesis(
        kind=work.order.kind,
        file=path,
        asked=asked,
        made=made,
        there=there,
        refused=dict(counts.most_common()),
        samples=tuple(samples),
        prompt_tokens=read,
        answer_tokens=written,
        cost=_cost(prices, (read, written)) if prices else None,
        notes=() if work.ground.evaluated else ("there is no data set: nothing was compared with a test",),
    )

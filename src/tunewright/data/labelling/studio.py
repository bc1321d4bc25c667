"""Label Studio's JSON: tasks with predictions and annotations, as choices or written text, in and out."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, get_args
from xml.sax.saxutils import quoteattr

import orjson

from tunewright.core import digest
from tunewright.core.errors import DataError
from tunewright.core.types import Problem
from tunewright.data.labelling.guide import LABEL
from tunewright.data.read import unreadable
from tunewright.runtime.queue import Answer, Item, Kind, Suggestion

_ITEM = ("text", "source", "group", "messages")
"""Keys of an item's payload that stand in the task's data."""
_KINDS = {True: "choices", False: "textarea"}
_MOST = 20
"""Bad tasks that are told."""


def interface(question: str, labels: Sequence[str]) -> str:
    """The labelling interface for Label Studio's settings."""
    choices = "".join(f"\n    <Choice value={quoteattr(label)}/>" for label in labels)
    asked = (
        f'  <Choices name="answer" toName="text" choice="single">{choices}\n  </Choices>'
        if question == LABEL
        else '  <TextArea name="answer" toName="text" rows="6" maxSubmissions="1"/>'
    )
    return f'<View>\n  <Text name="text" value="$text"/>\n{asked}\n</View>\n'


def tasks(items: Sequence[Item], question: str) -> list[dict[str, Any]]:
    """Every item as a task: its suggestion is a prediction, each answer an annotation.

    A decision is marked `ground_truth`; who was unsure or skipped has cancelled. `annotator`, `kind`,
    `note`, `suggested` and `seconds` of an annotation are ours; Label Studio leaves them aside.
    """
    return [
        {
            "id": number,
            "data": {"item": item.id, "wanted": item.wanted, **{k: v for k, v in item.payload.items() if v}},
            "predictions": [_prediction(item.suggestion, question)] if item.suggestion else [],
            "annotations": [_annotation(answer, question) for answer in item.answers],
        }
        for number, item in enumerate(items, start=1)
    ]


def _result(value: str | None, question: str) -> list[dict[str, Any]]:
    if value is None:
        return []
    kind = _KINDS[question == LABEL]
    inside = {"choices": [value]} if kind == "choices" else {"text": [value]}
    return [{"from_name": "answer", "to_name": "text", "type": kind, "value": inside}]


def _prediction(suggestion: Suggestion, question: str) -> dict[str, Any]:
    score = {} if suggestion.confidence is None else {"score": suggestion.confidence}
    return {"model_version": suggestion.by, **score, "result": _result(suggestion.value, question)}


def _annotation(answer: Answer, question: str) -> dict[str, Any]:
    when = dt.datetime.fromtimestamp(answer.time, dt.UTC).isoformat()
    return {
        "result": _result(answer.value, question),
        "was_cancelled": answer.kind in ("unsure", "skipped"),
        "ground_truth": answer.kind == "decided",
        "created_at": when,
        "annotator": answer.annotator,
        "kind": answer.kind,
        "note": answer.note,
        "suggested": answer.suggested,
        "seconds": answer.time,
    }


def read_tasks(path: Path) -> list[Item]:
    """Items of a file of tasks, ours or of Label Studio; raises `DataError` with every bad task."""
    try:
        found = orjson.loads(path.read_bytes())
    except OSError as error:
        raise unreadable(error) from None
    except orjson.JSONDecodeError as error:
        raise DataError(f"this is no file of tasks: {error}", where=path.name, fix=_FIX) from None
    if not isinstance(found, list):
        raise DataError("this is no list of tasks", where=path.name, fix=_FIX)
    items, problems = list[Item](), list[Problem]()
    for number, task in enumerate(found, start=1):
        try:
            items.append(_item(task))
        except (ValueError, TypeError, KeyError, AttributeError, LookupError) as error:
            what = str(error) if isinstance(error, ValueError) else "this is no task with a text"
            problems.append(Problem(where=f"{path.name} task {number}", what=what[:200], fix=_FIX))
    if problems:
        raise DataError(problems=problems[:_MOST])
    return items


_FIX = "export from Label Studio as JSON, with choices or one text area on one text"


def _item(task: dict[str, Any]) -> Item:
    data = task["data"]
    text = data.get("text") or next(
        value for value in [*data.values(), None] if value is None or isinstance(value, str)
    )
    if not isinstance(text, str) or not text:
        raise TypeError
    payload = {**{key: data[key] for key in _ITEM if data.get(key)}, "text": text}
    predictions = task.get("predictions") or []
    answers = tuple(_answers(task.get("annotations") or []))
    people = {answer.annotator for answer in answers if answer.kind == "given"}
    return Item(
        id=str(data.get("item") or digest.of_value([{"role": "user", "content": text}])[:16]),
        payload=payload,
        wanted=int(data.get("wanted") or max(1, len(people))),
        suggestion=_suggestion(predictions[-1]) if predictions else None,
        answers=answers,
    )


def _suggestion(prediction: dict[str, Any]) -> Suggestion | None:
    value, score = _value(prediction["result"]), prediction.get("score")
    confidence = float(score) if isinstance(score, int | float) else None
    if value is None:
        return None
    return Suggestion(value=value, confidence=confidence, by=str(prediction.get("model_version") or ""))


def _value(result: list[dict[str, Any]]) -> str | None:
    """The one choice or text of a result; raises `ValueError` where there are several."""
    said = [
        one
        for part in result
        if part.get("type") in _KINDS.values()
        for one in part["value"].get("choices") or part["value"].get("text") or ()
    ]
    if len(said) > 1:
        raise ValueError("this task has more than one choice or text in one annotation")
    return str(said[0]) if said else None


def _answers(annotations: list[dict[str, Any]]) -> Iterator[Answer]:
    for one in annotations:
        value = _value(one["result"])
        kind = one.get("kind") if one.get("kind") in get_args(Kind) else _kind(one, value)
        yield Answer(
            annotator=_annotator(one),
            kind=kind,
            value=value if kind in ("given", "decided") else None,
            note=str(one.get("note") or ""),
            suggested=one.get("suggested"),
            time=float(one["seconds"]) if "seconds" in one else _time(one.get("created_at")),
        )


def _kind(annotation: dict[str, Any], value: str | None) -> Kind:
    if annotation.get("was_cancelled") or value is None:
        return "skipped"
    return "decided" if annotation.get("ground_truth") else "given"


def _annotator(annotation: dict[str, Any]) -> str:
    by = annotation.get("annotator") or annotation.get("completed_by")
    if isinstance(by, dict):
        by = by.get("email") or by.get("id")
    return str(by or "label-studio")


def _time(text: str | None) -> float:
    return dt.datetime.fromisoformat(text).timestamp() if text else 0.0

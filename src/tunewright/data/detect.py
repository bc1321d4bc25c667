"""Which shape the examples of a source have, from its columns and values."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

import orjson

from tunewright.core.errors import DataError
from tunewright.core.types import Problem
from tunewright.data.roles import ALIASES, BESIDE, HARMLESS, NARROW, OPTIONAL, OURS, ROLES
from tunewright.data.sources.threads.table import looks_like_messages
from tunewright.data.spec import Columns, Shape
from tunewright.data.turns import FALSE, TRUE, looks_marked, looks_spoken

Values = Mapping[str, Sequence[str | None]]
"""The first values of each column."""

_LONGEST_LABEL = 80
_FEW = 20
_MOST = 0.8
"""Share of the texts that must have a markup."""
SURE = 0.8
"""A detection less confident than this is told, with the mapping that would confirm it."""


@dataclass(frozen=True)
class Detected:
    """A shape with the column of each role, and how sure that is."""

    shape: Shape
    columns: Columns
    confidence: float

    def __str__(self) -> str:
        named = self.columns.named()
        return f"{self.shape} ({', '.join(f'{role} = {column}' for role, column in named.items())})"


def detect(
    values: Values, *, where: str, columns: Columns, shape: Shape | None, labels_wanted: bool
) -> Detected:
    """The shape of a source; raises `DataError` with the mapping to write if it is not clear.

    `labels_wanted` says that the task is a classification, which decides between equals.
    """
    if missing := [name for name in columns.named().values() if name not in values]:
        raise DataError(problems=[_missing(name, values, where) for name in missing])
    if values.keys() >= OURS:
        values = {name: column for name, column in values.items() if _holds(column)}
    found = sorted(_candidates(values, columns, shape), key=lambda one: -one.confidence)
    found = [one for one in found if one.shape in NARROW and one.confidence >= SURE] or found
    best = [one for one in found if one.confidence == found[0].confidence]
    if labels_wanted and len(best) > 1:
        best = [one for one in best if one.shape == "label"] or best
    if len(best) != 1:
        raise _unclear(best, values, where, shape, columns)
    kept = best[0].columns.named()
    if idle := [role for role, name in columns.named().items() if role not in kept and name in values]:
        raise DataError(problems=[_useless(role, best[0].shape, where) for role in idle])
    return best[0]


def _candidates(values: Values, columns: Columns, shape: Shape | None) -> Iterator[Detected]:
    given = columns.named()
    for candidate, roles in ROLES.items():
        if shape not in (None, candidate):
            continue
        taken = {role: given.get(role) or _named(role, values) for role in roles}
        if candidate == "label" and not all(taken.values()):
            taken = _by_values(values, taken)
        if all(taken.values()) and _fits(candidate, taken, values, said=shape is not None):
            sure = 1.0 if any(role in given for role in roles) else _confidence(candidate, taken)
            yield Detected(candidate, _filled(candidate, taken, columns, values), sure)


def _holds(column: Sequence[str | None]) -> bool:
    return any(value not in (None, "", "[]") for value in column)


def _filled(shape: Shape, taken: dict[str, str | None], columns: Columns, values: Values) -> Columns:
    given = columns.named()
    kept: dict[str, str] = {role: given[role] for role in BESIDE if role in given}
    if "tags" not in kept and _are_lists(values.get("tags", ())):
        kept["tags"] = "tags"
    outcome = _named("outcome", values)
    if outcome and any(values[outcome]) and outcome not in taken.values():
        kept.setdefault("outcome", outcome)
    for role in OPTIONAL.get(shape, ()):
        name = given.get(role) or _named(role, values)
        if name and name not in taken.values():
            kept.setdefault(role, name)
    if kept.get("prompt") and "prompt" not in given and "instruction" in kept:
        kept.pop("prompt" if "instruction" in given else "instruction")
    if shape == "preference" and "input" in kept and not {"prompt", "instruction"} & kept.keys():
        kept["prompt"] = kept.pop("input")  # as OpenAI's preference files call it
    form = {"time_form": columns.time_form}
    return Columns.model_validate({**form, **taken, **{role: name for role, name in kept.items() if name}})


def _named(role: str, values: Values) -> str | None:
    """The column whose name says that it holds the role."""
    known = {name.casefold(): name for name in reversed(tuple(values))}
    return next((known[alias] for alias in ALIASES[role] if alias in known), None)


def _by_values(values: Values, taken: dict[str, str | None]) -> dict[str, str | None]:
    """In a table of two columns, the one with few different short values is the label."""
    names = [name for name in values if any(values[name])]
    if len(names) != 2:
        return taken
    labels = [name for name in names if _repeats(values[name])]
    if len(labels) != 1:
        return taken
    return {"text": next(name for name in names if name != labels[0]), "label": labels[0]}


def _repeats(column: Sequence[str | None]) -> bool:
    present = [value for value in column if value]
    return len(present) >= _FEW and len(set(present)) <= len(present) / 3 and _short(column)


def _short(column: Sequence[str | None]) -> bool:
    return all(len(value) <= _LONGEST_LABEL for value in column if value)


def _fits(shape: Shape, taken: dict[str, str | None], values: Values, *, said: bool) -> bool:
    """True if the values suit the shape; one that the spec names needs its columns and nothing else."""
    if len(set(taken.values())) < len(taken):
        return False
    fits = None if said else _FITS.get(shape)
    return fits is None or fits(taken, values)


def _label_fits(taken: Taken, values: Values) -> bool:
    return _short(values[taken["label"] or ""])


def _messages_fit(taken: Taken, values: Values) -> bool:
    column = values[taken["messages"] or ""]
    return any(map(_is_list, column)) and not _sharegpt_fits(taken, values)


def _sharegpt_fits(taken: Taken, values: Values) -> bool:
    first = next((value for value in values[taken["messages"] or ""] if _is_list(value)), None)
    turns = orjson.loads(first) if first else []
    return bool(turns) and isinstance(turns[0], dict) and "from" in turns[0]


def _desirable_fits(taken: Taken, values: Values) -> bool:
    words = {value.casefold() for value in values[taken["desirable"] or ""] if value}
    return bool(words) and words <= {*TRUE, *FALSE}


def _marked_fits(taken: Taken, values: Values) -> bool:
    return _mostly(looks_marked, values[taken["text"] or ""])


def _transcript_fits(taken: Taken, values: Values) -> bool:
    return _mostly(looks_spoken, values[taken["text"] or ""])


def _text_fits(taken: Taken, values: Values) -> bool:
    others = [name for name in values if name != taken["text"] and name.casefold() not in HARMLESS]
    return not others and not _marked_fits(taken, values) and not _transcript_fits(taken, values)


def _mostly(looks: Callable[[str], bool], column: Sequence[str | None]) -> bool:
    present = [value for value in column if value and value.strip()]
    return bool(present) and sum(map(looks, present)) >= _MOST * len(present)


Taken = dict[str, str | None]

_FITS: dict[Shape, Callable[[Taken, Values], bool]] = {
    "label": _label_fits,
    "messages": _messages_fit,
    "sharegpt": _sharegpt_fits,
    "desirable": _desirable_fits,
    "marked": _marked_fits,
    "transcript": _transcript_fits,
    "text": _text_fits,
}


def _are_lists(column: Sequence[str | None]) -> bool:
    present = [value for value in column if value]
    return bool(present) and all(map(_is_list, present))


def _is_list(value: str | None) -> bool:
    try:
        return value is not None and isinstance(orjson.loads(value), list)
    except orjson.JSONDecodeError:
        return False


def _confidence(shape: Shape, taken: dict[str, str | None]) -> float:
    """1 for the customary names, 0.9 for names that say it too, 0.6 from the values alone.

    Raw text has at most 0.9: a text may always hold more than was seen.
    """
    exact = all(role == (name or "").casefold() for role, name in taken.items())
    known = all((name or "").casefold() in ALIASES[role] for role, name in taken.items())
    sure = 1.0 if exact else 0.9 if known else 0.6
    return min(sure, 0.9) if shape in ("text", "transcript", "marked") else sure


def mapping(found: Detected) -> str:
    """The lines of the spec that say what was detected."""
    columns = ", ".join(f"{role}: {column}" for role, column in found.columns.named().items())
    return f"`data.format: {found.shape}` and `data.columns: {{{columns}}}`"


def _missing(name: str, values: Values, where: str) -> Problem:
    fix = f"name one of {_quoted(values)} in `data.columns`"
    return Problem(where=where, what=f"there is no column `{name}`", fix=fix)


def _useless(role: str, shape: Shape, where: str) -> Problem:
    what = f"`data.columns` names the `{role}`, and an example of the shape `{shape}` has no place for it"
    return Problem(where=where, what=what, fix="take it out there, or say the shape by `data.format`")


def _unclear(
    best: list[Detected], values: Values, where: str, shape: Shape | None, given: Columns
) -> DataError:
    if best:
        fix = f"write `data.format: {best[0].shape}` (or {', '.join(one.shape for one in best[1:])})"
        return DataError(f"this source can be read as {' or '.join(map(str, best))}", where=where, fix=fix)
    wanted = f"a source of the shape `{shape}`" if shape else "any known shape"
    needs = "; ".join(f"{name}: {' and '.join(has)}" for name, has in ROLES.items() if shape in (None, name))
    fix = f"say which column holds what, such as `data.columns: {{text: …, label: …}}` ({needs})"
    if looks_like_messages(values):
        fix = f"if each row is a message of a conversation, read it by `threads: {{path: {where}}}`"
    elif "text" in given.named():
        fix = "name the column of the label, too, or write `data.format: text` to learn the text as it is"
    return DataError(f"the columns {_quoted(values)} do not look like {wanted}", where=where, fix=fix)


def _quoted(names: Iterable[str]) -> str:
    return ", ".join(f"`{name}`" for name in names)

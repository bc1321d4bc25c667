"""From batches of text columns to batches of examples, with every row that cannot be one told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from tunewright.core.types import Problem
from tunewright.data.detect import Detected
from tunewright.data.ids import Seen, digests, names, seed
from tunewright.data.ports import GROUP, PLACE, Tell
from tunewright.data.roles import BESIDE
from tunewright.data.rows import READ, Empty, tags_of
from tunewright.data.spec import Columns
from tunewright.data.times import times
from tunewright.data.turns import Refused, Turn
from tunewright.runtime.examples import OUTCOME, schema
from tunewright.runtime.lazy import require


@dataclass
class _Part:
    """What the rows of a batch say, one entry a row that can be an example."""

    messages: Any
    said: Any
    """Everything that the turns say, one behind the other: what the id is the digest of."""
    seeds: Sequence[int]
    """Seeds of those digests."""
    answers: Any
    kept: Any
    """Row numbers in the batch; None for all of them."""
    others: dict[str, Any] = field(default_factory=dict)
    """More columns of the schema."""


@dataclass
class Builder:
    """Makes examples of one source."""

    detected: Detected
    labelled: bool
    """True gives every example its answer as label, whatever the shape; False gives none a label."""
    name: str = ""
    """What the source is called."""
    ids: Seen = field(default_factory=Seen)
    """Ids that were given out, over all sources: they stay different."""
    own: Seen = field(default_factory=Seen)
    """Ids that stand in this source."""
    times: dict[str, int] = field(default_factory=dict)
    """Times that an id was met that was met before."""

    def build(self, batch: Any, tell: Tell) -> Any:  # noqa: ANN401 - Arrow batches
        """A batch of examples (schema of `runtime.examples`); rows that cannot be one are told.

        `batch` has text columns and `PLACE`. Texts lose the white space around them; an id is the
        example's own if there is one, else XXH3-64 of its roles and contents.
        """
        pa, compute = require("pyarrow", extra="all"), require("pyarrow.compute", extra="all")
        columns = self.detected.columns
        places = batch.column(PLACE)
        if self.name:
            places = compute.binary_join_element_wise(pa.scalar(self.name), places, " ")
        part = self._pairs(batch, places, tell) if self._plain() else self._rows(batch, places, tell)
        places = _taken(places, part.kept)
        given = _taken(cells(batch, columns.id), part.kept)
        group = columns.group or (GROUP if GROUP in batch.schema.names else None)
        content = digests(part.said, part.seeds)
        identity, right = self._named(content, given, places, tell)
        time = self._times(_taken(cells(batch, columns.time), part.kept), places, tell)
        found = {
            "id": identity,
            "messages": part.messages,
            "label": part.answers if self.labelled else None,
            "group": _taken(cells(batch, group), part.kept),
            "time": time,
            "tags": _tags(
                _taken(cells(batch, columns.tags), part.kept),
                _taken(cells(batch, columns.outcome), part.kept),
            ),
            "source": places,
            **part.others,
        }
        made = _filled(found, len(part.said))
        made = made if right is None else made.filter(right)
        return made if time is None else made.filter(made.column("time").is_valid())

    def _times(self, texts: Any, places: Any, tell: Tell) -> Any:  # noqa: ANN401 - Arrow
        """The times of a column of texts; None without one, null where a text cannot be read."""
        if texts is None:
            return None
        found = times(texts.to_pylist(), self.detected.columns.time_form, places.to_pylist(), tell)
        return require("pyarrow", extra="all").array(found, schema().field("time").type)

    def _plain(self) -> bool:
        """True if every example is one question and one answer, each in a column."""
        return (
            self.detected.shape in ("label", "completion", "instruction") and not self.detected.columns.system
        )

    def _pairs(self, batch: Any, places: Any, tell: Tell) -> _Part:  # noqa: ANN401 - Arrow
        """Questions and answers, a column at a time."""
        compute = require("pyarrow.compute", extra="all")
        columns = self.detected.columns
        ask, answer = _asked(columns), _answered(columns)
        question, said = cells(batch, ask), cells(batch, answer)
        sound = compute.and_(compute.is_valid(question), compute.is_valid(said))
        kept = None if compute.all(sound).as_py() else compute.indices_nonzero(sound)
        for row in [] if kept is None else compute.indices_nonzero(compute.invert(sound)).to_pylist():
            tell(_empty(ask if not question[row].is_valid else answer, places[row].as_py()))
        question, said = _taken(question, kept), _taken(said, kept)
        if columns.input and self.detected.shape == "instruction":
            applied = _taken(cells(batch, columns.input), kept)
            both = compute.binary_join_element_wise(question, applied, "\n\n")
            question = compute.if_else(compute.is_valid(applied), both, question)
        together = compute.binary_join_element_wise(question, said, "")
        sizes = compute.binary_length(question).to_pylist()
        return _Part(_interleaved(question, said, together), together, sizes, said, kept)

    def _rows(self, batch: Any, places: Any, tell: Tell) -> _Part:  # noqa: ANN401 - Arrow
        """Conversations, row by row."""
        pa = require("pyarrow", extra="all")
        read = READ[self.detected.shape]
        columns = {role: cells(batch, name).to_pylist() for role, name in _used(self.detected.columns)}
        kept, found, others = list[int](), list[list[Turn]](), list[dict[str, Any]]()
        for row in range(batch.num_rows):
            try:
                said, more = read({role: values[row] for role, values in columns.items()})
            except Refused as error:
                tell(Problem(where=places[row].as_py(), what=str(error), fix=error.fix))
            except Empty as error:
                tell(_empty(getattr(self.detected.columns, error.role), places[row].as_py()))
            else:
                kept.append(row)
                found.append(said)
                others.append(more)
        words = ["".join(content for _, content in said) for said in found]
        keys = dict.fromkeys(key for more in others for key in more)
        texts = [more.get("text") or "" for more in others]
        return _Part(
            messages=_listed(found),
            said=pa.array([a or b for a, b in zip(words, texts, strict=True)], pa.string()),
            seeds=[seed(said) for said in found],
            answers=pa.array([said[-1][1] if said else None for said in found], pa.string()),
            kept=pa.array(kept, pa.uint64()),
            others={
                key: pa.array([more.get(key) for more in others], schema().field(key).type) for key in keys
            },
        )

    def _named(self, content: Any, given: Any, places: Any, tell: Tell) -> tuple[Any, Any]:  # noqa: ANN401
        """An id for each example, and which are right (None: all): an own one must stand once."""
        compute = require("pyarrow.compute", extra="all")
        if given is None:
            return self._different(names(content), content), None
        own = given.is_valid().to_numpy(zero_copy_only=False)
        right = ~own
        right[own] = ~self.own.add(digests(given.filter(given.is_valid())))
        for row in (~right).nonzero()[0].tolist():
            what = "this id stands twice"  # not the id itself: it may be somebody's
            tell(Problem(where=places[row].as_py(), what=what, fix="give every example an id of its own"))
        given = compute.if_else(self._known(given), self._qualified(given), given)
        identity = compute.coalesce(given, names(content))
        chosen = digests(identity)
        chosen[~own] = content[~own]
        return self._different(identity, chosen, right), _mask(right)

    def _known(self, given: Any) -> Any:  # noqa: ANN401 - Arrow
        return _mask(self.ids.has(digests(given)))

    def _qualified(self, given: Any) -> Any:  # noqa: ANN401 - Arrow
        pa, compute = require("pyarrow", extra="all"), require("pyarrow.compute", extra="all")
        return compute.binary_join_element_wise(pa.scalar(self.name), given, ":")

    def _different(self, identity: Any, numbers: Any, right: Any = None) -> Any:  # noqa: ANN401
        """The ids, with `-2`, `-3` … behind those that were met before."""
        pa, np = require("pyarrow", extra="all"), require("numpy", extra="all")
        met = np.zeros(len(numbers), bool)
        chosen = np.ones(len(numbers), bool) if right is None else right
        met[chosen] = self.ids.add(numbers[chosen])
        if not met.any():
            return identity
        texts = identity.to_pylist()
        for row in met.nonzero()[0].tolist():
            self.times[texts[row]] = times = self.times.get(texts[row], 1) + 1
            texts[row] = f"{texts[row]}-{times}"
        return pa.array(texts, pa.string())


def _asked(columns: Columns) -> str:
    return columns.text or columns.prompt or columns.instruction or ""


def _answered(columns: Columns) -> str:
    return columns.label or columns.completion or columns.output or ""


def _used(columns: Columns) -> list[tuple[str, str]]:
    return [(role, name) for role, name in columns.named().items() if role not in BESIDE]


def _empty(column: str | None, where: str) -> Problem:
    return Problem(where=where, what=f"`{column}` is empty", fix="fill it in, or take the example out")


def cells(batch: Any, column: str | None) -> Any:  # noqa: ANN401 - Arrow
    """A column without white space around its texts, empty ones null; None without a column."""
    if column is None:
        return None
    pa, compute = require("pyarrow", extra="all"), require("pyarrow.compute", extra="all")
    if column not in batch.schema.names:
        return pa.nulls(batch.num_rows, pa.string())
    texts = compute.utf8_trim_whitespace(batch.column(column))
    empty = compute.equal(compute.binary_length(texts), 0)
    if not compute.any(empty).as_py():
        return texts
    return compute.if_else(empty, pa.scalar(None, pa.string()), texts)


def _tags(tags: Any, outcomes: Any) -> Any:  # noqa: ANN401 - Arrow
    """Lists of tags: of a JSON list its texts, of anything else the text itself; one for a known outcome."""
    if tags is None and outcomes is None:
        return None
    pa = require("pyarrow", extra="all")
    given = tags.to_pylist() if tags is not None else [None] * len(outcomes)
    ended = outcomes.to_pylist() if outcomes is not None else [None] * len(given)
    told = [
        tags_of(text) + ([f"{OUTCOME}{one.casefold()}"] if one else [])
        for text, one in zip(given, ended, strict=True)
    ]
    return pa.array(told, pa.list_(pa.string()))


def _mask(flags: Any) -> Any:  # noqa: ANN401 - numpy to Arrow
    return require("pyarrow", extra="all").array(flags)


def _taken(column: Any, kept: Any) -> Any:  # noqa: ANN401 - Arrow
    """Those rows of a column; all of them, or no column, as they are."""
    return column if column is None or kept is None else column.take(kept)


def _interleaved(question: Any, said: Any, together: Any) -> Any:  # noqa: ANN401 - Arrow
    """Two columns of texts as a column of conversations of two turns.

    `together` holds both texts of each row one behind the other: its bytes are those of the contents.
    """
    pa, np = require("pyarrow", extra="all"), require("numpy", extra="all")
    compute = require("pyarrow.compute", extra="all")
    count = len(question)
    sizes = np.empty(2 * count, np.int32)
    sizes[::2], sizes[1::2] = compute.binary_length(question), compute.binary_length(said)
    ends = np.zeros(2 * count + 1, np.int32)
    np.cumsum(sizes, out=ends[1:])
    contents = pa.StringArray.from_buffers(2 * count, pa.py_buffer(ends), together.buffers()[2])
    letters = pa.py_buffer(b"userassistant" * count)
    places = np.empty(2 * count + 1, np.int32)
    places[::2] = np.arange(count + 1) * len("userassistant")
    places[1::2] = places[:-1:2] + len("user")
    roles = pa.StringArray.from_buffers(2 * count, pa.py_buffer(places), letters)
    offsets = pa.array(np.arange(0, 2 * count + 1, 2, dtype=np.int32))
    return _conversations(offsets, roles, contents)


def _listed(found: Sequence[Sequence[Turn]]) -> Any:  # noqa: ANN401 - Arrow
    """Conversations of any length as an Arrow column."""
    pa = require("pyarrow", extra="all")
    offsets = [0]
    for said in found:
        offsets.append(offsets[-1] + len(said))
    roles = pa.array([role for said in found for role, _ in said], pa.string())
    contents = pa.array([content for said in found for _, content in said], pa.string())
    return _conversations(pa.array(offsets, pa.int32()), roles, contents)


def _conversations(offsets: Any, roles: Any, contents: Any) -> Any:  # noqa: ANN401 - Arrow
    pa = require("pyarrow", extra="all")
    fields = list(schema().field("messages").type.value_type)
    return pa.ListArray.from_arrays(offsets, pa.StructArray.from_arrays([roles, contents], fields=fields))


def _filled(found: dict[str, Any], count: int) -> Any:  # noqa: ANN401 - Arrow
    """A batch of the schema of examples; columns that are not given are as in an `Example`."""
    pa = require("pyarrow", extra="all")
    np = require("numpy", extra="all")
    nothing = pa.array(np.zeros(count + 1, np.int32))
    none = pa.ListArray.from_arrays(nothing, pa.array([], pa.string()))
    usual = {"references": none, "tags": none, "weight": pa.array(np.ones(count))}
    wanted = schema()
    arrays = [
        found.get(one.name) if found.get(one.name) is not None else usual.get(one.name) for one in wanted
    ]
    return pa.RecordBatch.from_arrays(
        [
            pa.nulls(count, one.type) if array is None else array
            for array, one in zip(arrays, wanted, strict=True)
        ],
        schema=wanted,
    )

"""One person labelling: the next item, what is said of it, and back again."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from types import TracebackType
from typing import Literal, Self

from tunewright.core.errors import DataError
from tunewright.data.labelling.guide import LABEL, Guide
from tunewright.data.labelling.judge import likely
from tunewright.data.labelling.rank import Ranking
from tunewright.data.labelling.results import disputed, given
from tunewright.runtime.measure.labels import label_of
from tunewright.runtime.plugins import unknown
from tunewright.runtime.queue import Answer, Item, Kind, Queue, Suggestion

Order = Literal["queue", "active", "uncertainty", "disagreement", "diversity", "random"]


@dataclass(frozen=True)
class Asked:
    """An item in front of a person."""

    item: Item
    suggestion: Suggestion | None
    """None where there is none, or where it is hidden."""

    @property
    def text(self) -> str:
        """What is asked about."""
        messages = self.item.payload.get("messages")
        if not messages:
            return str(self.item.payload["text"])
        return "\n".join(f"{turn['role']}: {turn['content']}" for turn in messages)


@dataclass
class Session:
    """The items for one person, one at a time. What `give` and its like returned from is on the disk.

    Use it as a context manager: leaving lets the item in hand go to others.
    """

    queue: Queue
    annotator: str
    guide: Guide
    question: str
    clock: Callable[[], float]
    shown: bool = True
    """Whether suggestions are shown. They bias who sees them; what was seen is kept with the answer."""
    ranking: Ranking | None = None
    """Learns as labels come in, and puts what is worth labelling first."""
    holder: str = field(default_factory=lambda: uuid.uuid4().hex)
    asked: Asked | None = field(default=None, init=False)

    def __post_init__(self) -> None:
        """Refuse a name that is none."""
        if not self.annotator.strip():
            raise DataError(
                "an annotator needs a name", where="annotator", fix="give one, such as `--as ana`"
            )

    def next(self) -> Asked | None:
        """The item in hand, else the next one; None when there is nothing left for this person."""
        if self.asked is None:
            if self.ranking is not None:
                self.ranking.refresh(self.queue)
            item = self._take()
            self.asked = self._shown(item) if item else None
        return self.asked

    def give(self, value: str) -> None:
        """Answer the item in hand; raises `DataError` if the label is none of the guide's."""
        if self.question == LABEL and self.guide.labels:
            known = label_of(value, self.guide.labels)
            if known is None:
                raise DataError(
                    problems=[unknown(value, self.guide.labels, where=self._item.id, noun="label")]
                )
            value = known
        if not value.strip():
            raise DataError("an answer is not empty", where=self._item.id, fix="write one, or skip the item")
        self._keep(self._kind, value=value)

    def accept(self) -> bool:
        """Answer with the suggestion that is shown; False if there is none."""
        if self.asked is None or self.asked.suggestion is None:
            return False
        self.give(self.asked.suggestion.value)
        return True

    def unsure(self, note: str = "") -> None:
        """Pass the item on to somebody else, with a note."""
        self._keep("unsure", note=note)

    def skip(self) -> None:
        """Pass the item on without a word."""
        self._keep("skipped")

    def undo(self) -> Asked | None:
        """Take the last answer back and show its item again; None if there is nothing to take back."""
        item = self.queue.undo(self.annotator, self.holder, now=self.clock(), decided=self._kind == "decided")
        if item is None:
            return None
        self.asked = self._shown(item)
        return self.asked

    def close(self) -> None:
        """Let the item in hand go, and close the queue."""
        self._let_go()
        self.queue.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _shown(self, item: Item) -> Asked:
        return Asked(item, item.suggestion if self.shown else None)

    def _let_go(self) -> None:
        self.queue.release(self.holder)
        self.asked = None

    @property
    def _item(self) -> Item:
        if self.asked is None:
            raise DataError("there is no item in hand", where=self.annotator, fix="take one with `next()`")
        return self.asked.item

    @property
    def _kind(self) -> Kind:
        return "given"

    def _take(self) -> Item | None:
        return self.queue.take(self.annotator, self.holder, now=self.clock())

    def _keep(self, kind: Kind, *, value: str | None = None, note: str = "") -> None:
        seen = self.asked.suggestion.value if self.asked and self.asked.suggestion else None
        answer = Answer(
            annotator=self.annotator, kind=kind, value=value, note=note, suggested=seen, time=self.clock()
        )
        self.queue.give(self._item.id, answer, self.holder)
        self.asked = None


@dataclass
class Adjudication(Session):
    """The items that annotators answered in different ways, for one person to decide.

    The suggestion is the likely one of their answers; there is none where answers are written.
    """

    passed: set[str] = field(default_factory=set, init=False)
    """Items that were left undecided in this session."""
    _known: dict[str, Suggestion] = field(default_factory=dict, init=False)

    def said(self) -> Mapping[str, str]:
        """Who said what of the item in hand."""
        return {answer.annotator: answer.value or "" for answer in given(self._item)}

    def left(self) -> Sequence[Item]:
        """What is still to be decided here."""
        return [item for item in disputed(self.queue.items()) if item.id not in self.passed]

    def skip(self) -> None:
        """Leave the item undecided."""
        self.passed.add(self._item.id)
        self._let_go()

    def unsure(self, note: str = "") -> None:  # noqa: ARG002 - as in `Session`
        """Leave the item undecided."""
        self.skip()

    @property
    def _kind(self) -> Kind:
        return "decided"

    def _take(self) -> Item | None:
        for item in self.left():
            held = self.queue.hold(item.id, self.annotator, self.holder, now=self.clock())
            if held is not None:
                return held.model_copy(update={"suggestion": self._likely(item)})
        return None

    def _likely(self, item: Item) -> Suggestion | None:
        if self.question == LABEL and item.id not in self._known:
            self._known = likely(self.queue.items(), self.guide.labels)
        return self._known.get(item.id)

"""From rows of text columns to examples, with every row that cannot be one told."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

import orjson

from tunewright.core import digest
from tunewright.core.errors import DataError
from tunewright.core.types import Example, Message, Problem
from tunewright.data.detect import Detected

Row = Mapping[str, str | None]

_ROLES = ("system", "user", "assistant", "tool")
_ID = 16


@dataclass(frozen=True)
class Builder:
    """Makes examples of one source."""

    detected: Detected
    labelled: bool
    """True gives every example its answer as label, whatever the shape; False gives none a label."""
    name: str = ""
    """What the source is called."""
    ids: dict[str, int] = field(default_factory=dict)
    """Times that an id was given out, over all sources: their ids stay different."""
    own: set[str] = field(default_factory=set)
    """Ids that stand in this source."""

    def build(self, row: Row, source: str) -> Example:
        """The example; raises `DataError` if the row cannot be one."""
        columns = self.detected.columns
        messages = getattr(self, f"_{self.detected.shape}")(row, source)
        return Example(
            id=self._id(_cell(row, columns.id), messages, source),
            messages=messages,
            label=messages[-1].content if self.labelled else None,
            group=_cell(row, columns.group),
            source=source,
        )

    def _label(self, row: Row, source: str) -> tuple[Message, ...]:
        columns = self.detected.columns
        return _turns(_needed(row, columns.text, source), _needed(row, columns.label, source))

    def _completion(self, row: Row, source: str) -> tuple[Message, ...]:
        columns = self.detected.columns
        return _turns(_needed(row, columns.prompt, source), _needed(row, columns.completion, source))

    def _instruction(self, row: Row, source: str) -> tuple[Message, ...]:
        columns = self.detected.columns
        asked = _needed(row, columns.instruction, source)
        applied = _cell(row, columns.input)
        question = f"{asked}\n\n{applied}" if applied else asked
        return _turns(question, _needed(row, columns.output, source))

    def _messages(self, row: Row, source: str) -> tuple[Message, ...]:
        text = _needed(row, self.detected.columns.messages, source)
        try:
            turns = orjson.loads(text)
        except orjson.JSONDecodeError:
            turns = None
        if not isinstance(turns, list):
            raise _refused(
                "the conversation is not a JSON list", source, 'write [{"role": …, "content": …}, …]'
            )
        messages = tuple(_message(turn, source) for turn in turns)
        _check_order(messages, source)
        return messages

    def _id(self, given: str | None, messages: tuple[Message, ...], source: str) -> str:
        name = self._qualified(given, source) if given else content_digest(messages)[:_ID]
        self.ids[name] = times = self.ids.get(name, 0) + 1
        return name if times == 1 else f"{name}-{times}"

    def _qualified(self, given: str, source: str) -> str:
        """The id, with the name of its source where another source has it too."""
        if given in self.own:
            raise _refused(f"the id `{given}` stands twice", source, "give every example an id of its own")
        self.own.add(given)
        return f"{self.name}:{given}" if given in self.ids else given


def content_digest(messages: tuple[Message, ...]) -> str:
    """Digest of what an example says, wherever it stands."""
    return digest.of_value([[message.role, message.content] for message in messages])


def _turns(question: str, answer: str) -> tuple[Message, ...]:
    return Message(role="user", content=question), Message(role="assistant", content=answer)


def _cell(row: Row, column: str | None) -> str | None:
    value = row.get(column) if column else None
    return (value.strip() or None) if value else None


def _needed(row: Row, column: str | None, source: str) -> str:
    value = _cell(row, column)
    if value is None:
        raise _refused(f"`{column}` is empty", source, "fill it in, or take the example out")
    return value


def _message(turn: object, source: str) -> Message:
    if not isinstance(turn, dict) or not {"role", "content"} <= turn.keys():
        raise _refused("a turn has no `role` or no `content`", source, 'write {"role": …, "content": …}')
    role, content = turn["role"], turn["content"]
    if role not in _ROLES:
        raise _refused(f"unknown role `{role}`", source, f"roles are {', '.join(_ROLES)}")
    if not isinstance(content, str) or not content.strip():
        raise _refused(f"the `{role}` turn has no text", source, "give every turn a text")
    return Message(role=role, content=content.strip())


def _check_order(messages: tuple[Message, ...], source: str) -> None:
    roles = [message.role for message in messages]
    if not roles or roles[-1] != "assistant":
        what = "the last turn is not from the assistant, so there is nothing to learn"
        raise _refused(what, source, "end every example with an `assistant` turn")
    if "user" not in roles or roles.index("user") > roles.index("assistant"):
        raise _refused("the assistant speaks before anybody asked", source, "begin with a `user` turn")
    if "system" in roles[1:]:
        raise _refused("a `system` turn stands after others", source, "put it first")


def _refused(what: str, source: str, fix: str) -> DataError:
    return DataError(what, where=source, fix=fix)


def examples(builder: Builder, rows: Iterator[tuple[str, Row]], bad: list[Problem]) -> Iterator[Example]:
    """Examples of the rows; those that cannot be one go to `bad`."""
    for source, row in rows:
        try:
            yield builder.build(row, source)
        except DataError as error:
            bad.extend(error.problems)

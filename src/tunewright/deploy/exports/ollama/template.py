"""A chat template in the language of Ollama: found out by rendering, and held against the frozen one."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from tunewright.core.errors import TunewrightError
from tunewright.core.types import Message, Role
from tunewright.runtime.chat import Chat

_MARK = "\u2402{}\u2403"
_SHAPES: tuple[tuple[Role, ...], ...] = (
    ("user",),
    ("system", "user"),
    ("user", "assistant", "user"),
    ("system", "user", "assistant", "user"),
    ("system", "user", "assistant", "user", "assistant", "user"),
)
"""Conversations that both templates must write alike."""
_GO = (
    "{{{{ if not .System }}}}{lead}{{{{ end }}}}{{{{ range .Messages }}}}"
    '{{{{ if eq .Role "system" }}}}{system[0]}{{{{ .Content }}}}{system[1]}'
    '{{{{ else if eq .Role "user" }}}}{user[0]}{{{{ .Content }}}}{user[1]}'
    '{{{{ else if eq .Role "assistant" }}}}{assistant[0]}{{{{ .Content }}}}{assistant[1]}'
    "{{{{ end }}}}{{{{ end }}}}{opening}"
)
_READ = re.compile(
    re.escape(_GO.replace("{{", "{").replace("}}", "}"))
    .replace(re.escape("{lead}"), "(?P<lead>.*?)")
    .replace(re.escape("{opening}"), "(?P<opening>.*)")
    .replace(re.escape("{system[0]}"), "(?P<s0>.*?)").replace(re.escape("{system[1]}"), "(?P<s1>.*?)")
    .replace(re.escape("{user[0]}"), "(?P<u0>.*?)").replace(re.escape("{user[1]}"), "(?P<u1>.*?)")
    .replace(re.escape("{assistant[0]}"), "(?P<a0>.*?)").replace(re.escape("{assistant[1]}"), "(?P<a1>.*?)"),
    re.S,
)  # fmt: skip


@dataclass(frozen=True)
class Turns:
    """What stands before and after the words of every role."""

    lead: str
    """Before everything, where there is no system turn."""
    system: tuple[str, str]
    user: tuple[str, str]
    assistant: tuple[str, str]
    opening: str
    """What opens the answer."""

    def go(self) -> str:
        """The template in Go's language, as Ollama reads it."""
        return _GO.format(
            lead=self.lead, system=self.system, user=self.user, assistant=self.assistant, opening=self.opening
        )

    def text(self, messages: Sequence[Message]) -> str:
        """The conversation as Ollama would write it."""
        around = {"system": self.system, "user": self.user, "assistant": self.assistant}
        written = [around[one.role][0] + one.content + around[one.role][1] for one in messages]
        lead = "" if any(one.role == "system" for one in messages) else self.lead
        return lead + "".join(written) + self.opening


def found_out(chat: Chat) -> Turns | None:
    """The template as what stands around each turn; None where it does more than that."""
    for cut in (_at_the_stop, _where_they_part):
        try:
            turns = cut(chat)
            same = all(turns.text(one) == chat.text(one, answer_next=True) for one in conversations())
        except (TunewrightError, ValueError):
            continue
        pieces = (turns.lead, *turns.system, *turns.user, *turns.assistant, turns.opening)
        if same and not any("{{" in piece or '"""' in piece for piece in pieces):
            return turns
    return None


def read(go: str) -> Turns | None:
    """The turns of a template that was written here; None of any other."""
    found = _READ.fullmatch(go)
    if found is None:
        return None
    return Turns(
        found["lead"],
        (found["s0"], found["s1"]),
        (found["u0"], found["u1"]),
        (found["a0"], found["a1"]),
        found["opening"],
    )


def conversations() -> Iterator[list[Message]]:
    """The conversations that are compared."""
    for shape in _SHAPES:
        yield [
            Message(role=role, content=_MARK.format(f"{role} {place}")) for place, role in enumerate(shape)
        ]


def _at_the_stop(chat: Chat) -> Turns:
    """Turns that end with the stop token and the blanks behind it, as a person would cut them."""
    alone = _between(chat, ("user",))
    before, *long = _between(chat, ("system", "user", "assistant", "user"))
    stop = chat.special.get("eos_token", "")
    ends = [re.match(rf".*?{re.escape(stop)}\s*", one, re.S) for one in long]
    if not stop or not all(ends):
        raise ValueError("a turn does not end with the stop token")
    closes = [end[0] for end in ends if end is not None]
    opens = [one.removeprefix(close) for one, close in zip(long, closes, strict=True)]
    system_close, user_close, assistant_close, _ = closes
    user_open, assistant_open, _, opening = opens
    return Turns(
        lead=alone[0].removesuffix(user_open),
        system=(before, system_close),
        user=(user_open, user_close),
        assistant=(assistant_open, assistant_close),
        opening=opening,
    )


def _where_they_part(chat: Chat) -> Turns:
    """Turns cut where what stands between two roles is another thing than between two others."""
    alone = _between(chat, ("user",))
    long = _between(chat, ("system", "user", "assistant", "user"))
    before_system, system_user, user_assistant, assistant_user, user_end = long
    user_open = _common_end(_common_end(system_user, assistant_user), alone[0])
    system_close = system_user.removesuffix(user_open)
    assistant_close = assistant_user.removesuffix(user_open)
    user_close = _common_start(_common_start(user_assistant, user_end), assistant_close)
    return Turns(
        lead=alone[0].removesuffix(user_open),
        system=(before_system, system_close),
        user=(user_open, user_close),
        assistant=(user_assistant.removeprefix(user_close), assistant_close),
        opening=user_end.removeprefix(user_close),
    )


def _between(chat: Chat, shape: Sequence[Role]) -> list[str]:
    """What the template writes around the words of a conversation."""
    marks = [_MARK.format(place) for place in range(len(shape))]
    messages = [Message(role=role, content=mark) for role, mark in zip(shape, marks, strict=True)]
    rest, pieces = chat.text(messages, answer_next=True), list[str]()
    for mark in marks:
        if rest.count(mark) != 1:
            raise ValueError("a turn is left out or written twice")
        piece, rest = rest.split(mark)
        pieces.append(piece)
    return [*pieces, rest]


def _common_start(a: str, b: str) -> str:
    length = next((n for n, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    return a[:length]


def _common_end(a: str, b: str) -> str:
    return _common_start(a[::-1], b[::-1])[::-1]

"""One example at a time in the terminal: shown, answered by a key or a line, and back again."""

from __future__ import annotations

import contextlib
import os
import sys
import termios
from collections.abc import Callable, Iterator

import click
import typer

from tunewright.cli import tables
from tunewright.core.errors import TunewrightError
from tunewright.data.labelling import Adjudication, Asked, Session, Typed, interpret, keys
from tunewright.data.labelling.guide import LABEL

END = "\x04"
"""Ctrl-D, or nothing more to read."""
_HELP = "Enter accepts the suggestion · u undo · s skip · ! unsure · ? guide · q quit"
_WRITTEN = (
    "a line is the answer, \\ at its end goes on · Enter accepts the suggestion · "
    ":e editor · :u undo · :s skip · :! unsure · :? guide · :q quit"
)


@contextlib.contextmanager
def _single_keys(*, on: bool = True) -> Iterator[None]:
    """Hand over each key as it is pressed, or whole lines again; what was typed ahead is kept."""
    handle = sys.stdin.fileno()
    before = termios.tcgetattr(handle)
    changed = termios.tcgetattr(handle)
    flags = termios.ICANON | termios.ECHO
    changed[3] = changed[3] & ~flags if on else changed[3] | flags
    termios.tcsetattr(handle, termios.TCSADRAIN, changed)
    try:
        yield
    finally:
        termios.tcsetattr(handle, termios.TCSADRAIN, before)


class Terminal:
    """Asks a person until nothing is left, the input ends or the person quits."""

    def __init__(self, session: Session) -> None:
        self.session = session
        self.labels = session.guide.labels if session.question == LABEL else ()
        self.keys = keys(self.labels)
        self.out = tables.console()
        self.single = bool(self.keys) and sys.stdin.isatty()
        """One key is an answer, without Enter."""
        self.going = True
        self.done = 0

    def run(self, finished: str) -> None:
        """Ask; `finished` is said when nothing is left."""
        by_label = self.session.question == LABEL
        typer.echo(_HELP if by_label else _WRITTEN, err=True)
        if by_label and not self.labels:
            typer.echo("the guide has no labels, so anything is one; `tunewright label guide`", err=True)
        try:
            with _single_keys() if self.single else contextlib.nullcontext():
                self._ask()
            if self.going:
                typer.echo(finished, err=True)
        except (KeyboardInterrupt, EOFError):
            typer.echo(err=True)
        typer.echo(f"{self.done} answered", err=True)

    def _ask(self) -> None:
        while self.going and (asked := self.session.next()) is not None:
            self._show(asked)
            self._answer()

    def _show(self, asked: Asked) -> None:
        self.out.print(f"\n{asked.text}", style="bold", markup=False)
        if isinstance(self.session, Adjudication):
            for name, value in self.session.said().items():
                self.out.print(f"  {name}: {value}", markup=False)
        if self.keys:
            listing = "  ".join(f"{key} {label}" for key, label in self.keys.items())
            self.out.print(f"  {listing}", style="dim", markup=False)
        if asked.suggestion is not None:
            sure = asked.suggestion.confidence
            how = "" if sure is None else f" ({sure:.0%})"
            self.out.print(f"  suggestion: {asked.suggestion.value}{how}", style="green", markup=False)

    def _answer(self) -> None:
        """Read until the item is dealt with."""
        again = True
        while again and self.going:
            typed = self._read()
            if typed is None:
                self.going = False
                return
            said = interpret(typed, self.session.question, self.labels)
            try:
                again = self._actions[said.meaning](self, said)
            except TunewrightError as error:
                typer.echo(error.problems[0].what, err=True)

    def _read(self) -> str | None:
        """A line without its end, or a key; None at the end of the input."""
        typer.echo("> ", nl=False, err=True)
        if self.single:
            key = os.read(sys.stdin.fileno(), 4).decode(errors="ignore")
            typer.echo(key.strip(), err=True)
            return None if key in (END, "") else key
        lines = [sys.stdin.readline()]
        while self.session.question != LABEL and lines[-1].endswith("\\\n"):
            lines[-1] = lines[-1].removesuffix("\\\n") + "\n"
            lines.append(sys.stdin.readline())
        return "".join(lines) or None

    def _give(self, said: Typed) -> bool:
        self.session.give(said.value)
        self.done += 1
        return False

    def _accept(self, _: Typed) -> bool:
        accepted = self.session.accept()
        if not accepted:
            typer.echo("there is no suggestion to accept", err=True)
        self.done += accepted
        return not accepted

    def _unsure(self, said: Typed) -> bool:
        note = said.note
        if self.single:
            with _single_keys(on=False):
                note = typer.prompt("why", default="", show_default=False, err=True)
        self.session.unsure(note)
        return False

    def _skip(self, _: Typed) -> bool:
        self.session.skip()
        return False

    def _undo(self, _: Typed) -> bool:
        if self.session.undo() is None:
            typer.echo("there is nothing to undo", err=True)
            return True
        return False

    def _guide(self, _: Typed) -> bool:
        from rich.markdown import Markdown

        self.out.print(Markdown(self.session.guide.text or "there is no guide yet"))
        return True

    def _edit(self, _: Typed) -> bool:
        shown = self.session.asked.suggestion if self.session.asked else None
        text = click.edit(shown.value if shown else "")
        if text is None or not text.strip():
            return True
        return self._give(Typed("give", text.strip()))

    def _quit(self, _: Typed) -> bool:
        self.going = False
        return False

    def _unclear(self, said: Typed) -> bool:
        typer.echo(said.note, err=True)
        return True

    _actions: dict[str, Callable[[Terminal, Typed], bool]] = {  # noqa: RUF012 - a table, never changed
        "give": _give,
        "accept": _accept,
        "unsure": _unsure,
        "skip": _skip,
        "undo": _undo,
        "guide": _guide,
        "edit": _edit,
        "quit": _quit,
        "unclear": _unclear,
    }

"""What `serve`, `chat` and `answer` do."""

from __future__ import annotations

import signal
from collections.abc import Callable
from pathlib import Path

import typer

from tunewright.cli.progress import Progress
from tunewright.deploy.respond import Specialist
from tunewright.loop.project import Project
from tunewright.loop.serving import Served

HERE = ("127.0.0.1", "localhost", "::1")
"""Addresses that only this machine reaches."""


def serve(folder: Path, host: str, port: int) -> int:
    """Serve until the process is ended."""
    return until_ended(lambda: _served(folder, host, port))


def _served(folder: Path, host: str, port: int) -> Served:
    """Start it; say so where everybody in reach of the address could ask."""
    served = Project.open(folder).serve(host=host, port=port)
    if served.open and host not in HERE:
        what = f"warning: whoever reaches {host} may ask, for no key is needed"
        typer.echo(f"{what}; `tunewright keys create NAME` makes the first", err=True)
    return served


def until_ended(start: Callable[[], Served]) -> int:
    """Start a server and wait for its end or for ours, which is its end too; returns the exit code."""
    for number in (signal.SIGTERM, signal.SIGHUP):
        if signal.getsignal(number) == signal.SIG_DFL:  # `nohup` ignores one of them
            signal.signal(number, signal.default_int_handler)
    try:
        with start() as server:
            _warn(server)
            typer.echo(f"serving {server.name} on {server.url} (end it with Ctrl-C)", err=True)
            return server.wait()
    except KeyboardInterrupt:
        return 0


def chat(folder: Path) -> None:
    """Ask what is typed, until the input ends."""
    session = Project.open(folder).chat()
    _warn(session.specialist)
    typer.echo(f"talking to {session.specialist.name}; end with Ctrl-D", err=True)
    while True:
        try:
            question = typer.prompt("you", prompt_suffix="> ", err=True)
        except typer.Abort:
            typer.echo(err=True)
            return
        session.ask(question, lambda piece: typer.echo(piece, nl=False))
        typer.echo()


def answer(folder: Path, file: Path, output: Path | None, column: str | None) -> None:
    """Answer a file and say where the answers are."""
    with Progress() as progress:
        written = Project.open(folder).answer(file, output, column=column, listen=progress.show)
    typer.echo(written)


def _warn(served: Served | Specialist) -> None:
    """Say so if the report does not allow what answers."""
    if not served.allowed:
        typer.echo("warning: the report does not allow this release", err=True)
        for reason in served.reasons:
            typer.echo(f"  {reason}", err=True)

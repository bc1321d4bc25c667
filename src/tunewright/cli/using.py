"""What `serve`, `chat` and `answer` do."""

from __future__ import annotations

from pathlib import Path

import typer

from tunewright.cli.progress import Progress
from tunewright.loop.project import Project


def serve(folder: Path, host: str, port: int) -> int:
    """Serve until the process is ended."""
    with Project.open(folder).serve(host=host, port=port) as server:
        typer.echo(f"serving {server.name} on {server.url} (end it with Ctrl-C)", err=True)
        try:
            return server.wait()
        except KeyboardInterrupt:
            return 0


def chat(folder: Path) -> None:
    """Ask what is typed, until the input ends."""
    session = Project.open(folder).chat()
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

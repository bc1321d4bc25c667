"""The commands `label guide | add | suggest | start | status | agreement | adjudicate | export | import`."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

app = typer.Typer(
    help="Label examples by people: guide, queue, agreement, export.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

ProjectFolder = Annotated[Path, typer.Option("--project", "-p", help="Folder of the project.")]
Name = Annotated[str, typer.Option("--as", help="Your name; every annotator has one.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print the type itself as JSON.")]
HERE = Path()


@app.command()
def guide(
    label: Annotated[
        Optional[list[str]],  # noqa: UP045 - typer reads this annotation at run time
        typer.Option("--label", help="A label of the task. Repeatable."),
    ] = None,
    project: ProjectFolder = HERE,
) -> None:
    """Write `labelling.md`, or add the labels it lacks; it is shown while labelling."""
    from tunewright.cli import labelling

    labelling.guide(project, tuple(label or ()))


@app.command()
def add(
    source: Annotated[
        str | None,
        typer.Argument(help="As for `look`; without, the examples of the project that have no answer."),
    ] = None,
    column: Annotated[
        Optional[list[str]],  # noqa: UP045 - typer reads this annotation at run time
        typer.Option(help="What a column holds: role=column, such as text=question. Repeatable."),
    ] = None,
    overlap: Annotated[float, typer.Option(help="Share of the examples that several people label.")] = 0.0,
    annotators: Annotated[int, typer.Option(help="How many people label those.")] = 2,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
) -> None:
    """Put examples into the queue; the answers they bring become suggestions."""
    from tunewright.cli import labelling

    labelling.add(project, source, tuple(column or ()), overlap, annotators, as_json=as_json)


@app.command()
def suggest(
    by: Annotated[
        str, typer.Option(help="`classical` learns from the labels so far; else an engine, as in the spec.")
    ] = "classical",
    project: ProjectFolder = HERE,
) -> None:
    """Let a machine answer first, with its confidence; only a person's answer counts."""
    from tunewright.cli import labelling

    labelling.suggest(project, by)


@app.command()
def start(
    name: Name,
    order: Annotated[
        str,
        typer.Option(help="queue, active, uncertainty, disagreement, diversity or random: what comes first."),
    ] = "queue",
    refit: Annotated[int, typer.Option(help="Labels after which the order is learned anew.")] = 25,
    hide: Annotated[bool, typer.Option("--hide", help="Do not show suggestions; they bias.")] = False,
    project: ProjectFolder = HERE,
) -> None:
    """Label one example after the other from the keyboard; `q` ends it, the next time goes on."""
    from tunewright.cli import labelling

    labelling.start(project, name, order, refit, shown=not hide)


@app.command()
def status(project: ProjectFolder = HERE, as_json: AsJson = False) -> None:
    """Say how far the labelling is, and what each person did."""
    from tunewright.cli import labelling

    labelling.status(project, as_json=as_json)


@app.command()
def agreement(
    scale: Annotated[
        str, typer.Option(help="nominal; ordinal for labels in the order of the guide; interval for numbers.")
    ] = "nominal",
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
) -> None:
    """Say how far the annotators agree beyond chance, and what each of them confuses."""
    from tunewright.cli import labelling

    labelling.agreement(project, scale, as_json=as_json)


@app.command()
def adjudicate(name: Name, project: ProjectFolder = HERE) -> None:
    """Decide the examples that annotators labelled in different ways, one after the other."""
    from tunewright.cli import labelling

    labelling.adjudicate(project, name)


@app.command()
def export(
    file: Annotated[
        Path, typer.Argument(help="File to write: .jsonl, .csv, or .json with .xml for Label Studio.")
    ],
    majority: Annotated[
        bool, typer.Option("--majority", help="Where annotators differ, take what most said.")
    ] = False,
    project: ProjectFolder = HERE,
) -> None:
    """Write what people said to a file that `data.sources` reads as it is."""
    from tunewright.cli import labelling

    labelling.export(project, file, majority=majority)


@app.command("import")
def import_(
    file: Annotated[Path, typer.Argument(help="JSON of Label Studio: tasks with annotations.")],
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
) -> None:
    """Add the tasks of a Label Studio file, with their predictions and annotations."""
    from tunewright.cli import labelling

    labelling.import_(project, file, as_json=as_json)

"""The commands. Handlers import what they need when they are called, so that `--help` is quick."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Optional

import typer

from tunewright.cli import datasets as data_commands
from tunewright.cli import keys as key_commands
from tunewright.cli import label as label_commands
from tunewright.cli import models as model_commands
from tunewright.cli import planning, releases

app = typer.Typer(
    name="tunewright",
    help="Turn a general language model into a specialist for one task, and keep it one.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)
app.add_typer(data_commands.app, name="data")
app.add_typer(key_commands.app, name="keys")
app.add_typer(label_commands.app, name="label")
app.add_typer(model_commands.app, name="models")
app.command()(planning.plan)
app.command()(planning.advise)
app.command()(releases.releases)
app.command()(releases.promote)
app.command()(releases.rollback)

ProjectFolder = Annotated[Path, typer.Option("--project", "-p", help="Folder of the project.")]
Overrides = Annotated[
    Optional[list[str]],  # noqa: UP045 - typer reads this annotation at run time
    typer.Option("--set", help="Override the spec: path=value, such as train.epochs=1. Repeatable."),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print the type itself as JSON.")]
HERE = Path()


@app.callback()
def _tunewright(
    version: Annotated[bool, typer.Option("--version", help="Print the version and exit.")] = False,
) -> None:
    if version:
        from tunewright import __version__

        typer.echo(__version__)
        raise typer.Exit


@app.command()
def new(
    folder: Annotated[Path, typer.Argument(help="Folder to make.")],
    starter: Annotated[
        str | None, typer.Option(help="Begin with a worked case, such as ticket-routing.")
    ] = None,
) -> None:
    """Make a project: from a starter, or by asking a few questions."""
    from tunewright.cli import making

    making.new(folder, starter)


@app.command()
def check(project: ProjectFolder = HERE, settings: Overrides = None, as_json: AsJson = False) -> None:
    """Say everything that is wrong with the spec before anything is spent."""
    from tunewright.cli import making

    raise typer.Exit(making.check(project, tuple(settings or ()), as_json=as_json))


@app.command()
def run(
    project: ProjectFolder = HERE,
    only: Annotated[str | None, typer.Option(help="Stop after this step, such as data.")] = None,
    again: Annotated[bool, typer.Option("--again", help="Make everything anew.")] = False,
    detach: Annotated[bool, typer.Option("--detach", help="Start it and return at once.")] = False,
    settings: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Walk the line from the spec to the verdict; what exists already is not made again."""
    from tunewright.cli import running

    raise typer.Exit(
        running.run(project, only, tuple(settings or ()), again=again, detach=detach, as_json=as_json)
    )


@app.command()
def stop(project: ProjectFolder = HERE) -> None:
    """Ask the newest run to stop; what is finished is kept."""
    from tunewright.cli import running

    running.stop(project)


@app.command()
def resume(project: ProjectFolder = HERE, as_json: AsJson = False) -> None:
    """Go on with the newest run, or follow it if it is still running."""
    from tunewright.cli import running

    raise typer.Exit(running.resume(project, as_json=as_json))


@app.command()
def show(
    what: Annotated[
        str,
        typer.Argument(
            help="report, baselines, task, dataset, checkpoint, release, proposal, preview, diagnosis, "
            "changes, duplicates or runs."
        ),
    ] = "report",
    number: Annotated[int, typer.Option(help="Which example `preview` shows, from 0.")] = 0,
    split: Annotated[str, typer.Option(help="Of which split: train, validation or test.")] = "train",
    page: Annotated[int, typer.Option(help="Which page of `duplicates`, from 1.")] = 1,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
) -> None:
    """Show what was made: the report and its verdict, the data, a token preview, the runs."""
    from tunewright.cli import browsing, looking
    from tunewright.loop.project import Project

    if what == "duplicates":
        raise typer.Exit(browsing.duplicates(Project.open(project), page, as_json=as_json))
    raise typer.Exit(looking.show(project, what, number, split=split, as_json=as_json))


@app.command()
def curve(
    more: Annotated[int, typer.Option(min=1, help="So many examples beyond those there are.")] = 500,
    train: Annotated[bool, typer.Option("--train", help="By three training runs, for any task.")] = False,
    project: ProjectFolder = HERE,
    settings: Overrides = None,
    as_json: AsJson = False,
) -> None:
    """Say what more examples would be worth, with an interval: measured on those there are."""
    from tunewright.cli import curves

    curves.curve(project, more, tuple(settings or ()), train=train, as_json=as_json)


@app.command()
def sweep(project: ProjectFolder = HERE, settings: Overrides = None, as_json: AsJson = False) -> None:
    """Try the settings of section `sweep`, rank them with intervals; a killed sweep goes on where it was."""
    from tunewright.cli import sweeping

    raise typer.Exit(sweeping.sweep(project, tuple(settings or ()), as_json=as_json))


@app.command()
def compare(
    first: Annotated[str | None, typer.Argument(help="Id of a report; the one before by default.")] = None,
    second: Annotated[str | None, typer.Argument(help="Id of a report; the newest by default.")] = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
) -> None:
    """Compare two reports of the project, metric by metric."""
    from tunewright.cli import looking

    looking.compare(project, first, second, as_json=as_json)


@app.command()
def lineage(
    artifact: Annotated[str | None, typer.Argument(help="Id of an artifact; the newest by default.")] = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
) -> None:
    """Show what an artifact was made from, and what was made from it."""
    from tunewright.cli import browsing
    from tunewright.loop.project import Project

    browsing.lineage(Project.open(project), artifact, as_json=as_json)


@app.command()
def look(
    source: Annotated[
        str,
        typer.Argument(
            help="File, folder, hub:ORG/NAME, or a source with its options: 'threads: {path: FILE}'."
        ),
    ],
    column: Annotated[
        Optional[list[str]],  # noqa: UP045 - typer reads this annotation at run time
        typer.Option(help="What a column holds: role=column, such as label=intent. Repeatable."),
    ] = None,
    shape: Annotated[str | None, typer.Option("--format", help="Shape of the examples.")] = None,
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="Also write the examples to this Parquet file.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Show what a source would be read as, how sure that is, and its first examples."""
    from tunewright.cli import sources

    raise typer.Exit(sources.look(source, tuple(column or ()), shape, output, as_json=as_json))


@app.command()
def erase(
    values: Annotated[
        list[str], typer.Argument(help="What tells the person: an address, a number, a group; - reads lines.")
    ],
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
) -> None:
    """Take one person out of every data set, and list the checkpoints and releases that saw the data."""
    from tunewright.cli import erasing

    erasing.erase(project, values, as_json=as_json)


@app.command()
def machine(as_json: AsJson = False) -> None:
    """Say what this computer has and what will be used."""
    from tunewright.cli import around

    around.machine(as_json=as_json)


@app.command()
def serve(
    project: ProjectFolder = HERE,
    host: Annotated[str, typer.Option(help="Address to listen on.")] = "127.0.0.1",
    port: Annotated[int, typer.Option(help="Port to listen on; 0 takes a free one.")] = 8000,
) -> None:
    """Serve the newest release behind an OpenAI-compatible address."""
    from tunewright.cli import using

    raise typer.Exit(using.serve(project, host, port))


@app.command()
def chat(project: ProjectFolder = HERE) -> None:
    """Talk to the newest release in the terminal."""
    from tunewright.cli import using

    using.chat(project)


@app.command()
def answer(
    file: Annotated[Path, typer.Argument(help="CSV or JSONL file with a column of questions.")],
    output: Annotated[
        Path | None, typer.Option("--output", "-o", help="File to write; FILE with .answers by default.")
    ] = None,
    column: Annotated[str | None, typer.Option(help="Column that holds the question.")] = None,
    project: ProjectFolder = HERE,
) -> None:
    """Answer every question of a file; a killed run goes on where it stopped."""
    from tunewright.cli import using

    using.answer(project, file, output, column)


@app.command()
def synthesise(  # noqa: PLR0913 - each is an option of the command
    kind: Annotated[str, typer.Argument(help="pairs, paraphrase, answers, negatives or noise.")],
    teacher: Annotated[
        str | None, typer.Option(help="Engine: transformers, or '{openai: {url: …, model: …}}'.")
    ] = None,
    model: Annotated[str | None, typer.Option(help="Model of a local engine.")] = None,
    source: Annotated[
        str | None, typer.Option(help="Texts for pairs, questions for answers; relative to the project.")
    ] = None,
    number: Annotated[str | None, typer.Option(help="Most answers that are asked for.")] = None,
    prompt: Annotated[Path | None, typer.Option(help="A template of your own.")] = None,
    judge: Annotated[str | None, typer.Option(help="Engine that rates what is left from 1 to 5.")] = None,
    output: Annotated[
        str | None, typer.Option("--output", "-o", help="File to add to; data/synthetic.jsonl by default.")
    ] = None,
    option: Annotated[
        Optional[list[str]],  # noqa: UP045 - typer reads this annotation at run time
        typer.Option(
            "--option",
            help="More: each, seed, temperature, max_tokens, judge_at_least, "
            "undesirable, prices, as name=value. Repeatable.",
        ),
    ] = None,
    project: ProjectFolder = HERE,
    as_json: AsJson = False,
) -> None:
    """Make examples with a teacher, or by rule, and sift them into a file to look at."""
    from tunewright.cli import synthesising

    named = {"teacher": teacher, "model": model, "source": source, "number": number, "judge": judge}
    told = {"prompt": str(prompt.resolve()) if prompt else None, "output": output}
    raise typer.Exit(
        synthesising.synthesise(project, kind, {**named, **told}, tuple(option or ()), as_json=as_json)
    )

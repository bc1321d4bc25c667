"""Everything on the command line is one Python call of the same name."""

from __future__ import annotations

import typer

import tunewright
from tunewright.cli.app import app
from tunewright.loop.datasets import Datasets
from tunewright.loop.labelling import Labelling


def test_every_command_is_a_call_of_the_same_name() -> None:
    commands = typer.main.get_command(app).commands  # type: ignore[attr-defined]
    missing = [
        name for name in commands if not (hasattr(tunewright.Project, name) or hasattr(tunewright, name))
    ]
    assert not missing


def test_every_models_command_is_a_call_too() -> None:
    commands = typer.main.get_command(app).commands["models"].commands  # type: ignore[attr-defined]
    calls = {"list": "catalogue", "show": "show", "fetch": "fetch"}
    assert set(commands) == set(calls)
    assert all(callable(getattr(tunewright.models, call)) for call in calls.values())


def test_every_data_command_is_a_call_of_the_same_name() -> None:
    commands = typer.main.get_command(app).commands["data"].commands  # type: ignore[attr-defined]
    assert set(commands) | {"run"} == {name for name in vars(Datasets) if not name.startswith("_")} - {
        "project"
    }


def test_every_label_command_is_a_method_of_the_projects_label() -> None:
    commands = typer.main.get_command(app).commands["label"].commands  # type: ignore[attr-defined]
    calls = {"import": "import_"}
    missing = [name for name in commands if not callable(getattr(Labelling, calls.get(name, name), None))]
    assert not missing


def test_the_public_names_are_there() -> None:
    assert all(hasattr(tunewright, name) for name in tunewright.__all__)

"""The rules of the house, executed: laziness, the shape of a stage, names, sizes, plug-ins."""

from __future__ import annotations

import ast
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from importlib.metadata import EntryPoint, entry_points, packages_distributions
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
SOURCE = ROOT / "src" / "tunewright"
STAGES = ("define", "data", "train", "evaluate", "deploy", "iterate")
HEAVY = ("torch", "transformers", "polars", "numpy", "scipy", "mlflow", "ray", "fastapi")
JUNK = {"utils", "helpers", "common", "misc", "manager", "extras", "constants"}
LIMIT = 300
LARGER: dict[str, str] = {
    "core/types.py": "the nouns of the house read best as one page; it has no behaviour",
}
"""Modules over 300 lines, each with its reason. This list only ever shrinks."""

ROOMS = {
    "context",
    "workspace",
    "store",
    "events",
    "plugins",
    "lazy",
    "settings",
    "chat",
    "models",
    "hardware",
    "prices",
    "redact",
    "near",
    "embed",
    "retrieval",
    "queue",
    "measure",
    "engine",
    "engines",
}
"""Rooms of `runtime/` that the design names; any other needs two users."""


def modules(folder: Path = SOURCE) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*.py")))


def name_of(path: Path) -> str:
    parts = path.relative_to(SOURCE.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def loaded_after(statement: str) -> set[str]:
    """Names of all modules that a fresh interpreter has loaded after the statement."""
    code = f"{statement}\nimport sys\nprint('\\n'.join(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    return set(done.stdout.split())


def light_names() -> list[str]:
    """Modules that nothing heavy may hide behind: packages, specs, checks, runs, core, runtime."""
    public = ["tunewright", "tunewright.cli", "tunewright.loop.project", "tunewright.loop.line"]
    stages = [f"tunewright.{stage}" for stage in STAGES]
    runtime = [name_of(path) for path in (SOURCE / "runtime").glob("*.py")]
    plug_ins = sorted({point.value.split(":")[0] for point in tunewright_entry_points()})
    core = ["tunewright.core.types", "tunewright.core.errors", "tunewright.core.digest"]
    return [*public, *stages, *core, *runtime, *plug_ins]


def tunewright_entry_points() -> list[EntryPoint]:
    found = entry_points()
    return [
        point
        for group in found.groups
        if group.startswith("tunewright.")
        for point in found.select(group=group)
    ]


def test_light_modules_load_nothing_heavy() -> None:
    code = "\n".join(
        f"import {name}\nbad = [m for m in {HEAVY!r} if m in sys.modules]\nassert not bad, ({name!r}, bad)"
        for name in light_names()
    )
    done = subprocess.run([sys.executable, "-c", f"import sys\n{code}"], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_importing_the_package_loads_no_spec_and_no_face() -> None:
    loaded = loaded_after("import tunewright")
    assert not {"pydantic", "typer", "rich", "yaml"} & loaded


def test_the_test_of_laziness_would_see_a_heavy_import() -> None:
    assert "numpy" in loaded_after("import tunewright, numpy")


@pytest.mark.parametrize("stage", STAGES)
def test_every_stage_has_the_same_shape(stage: str) -> None:
    folder = SOURCE / stage
    for part in ("__init__.py", "spec.py", "checks.py", "run.py"):
        assert (folder / part).exists(), f"{stage} has no {part}"
    tree = ast.parse((folder / "__init__.py").read_text())
    exported = next(
        {ast.literal_eval(item) for item in node.value.elts}  # type: ignore[attr-defined]
        for node in tree.body
        if isinstance(node, ast.Assign) and getattr(node.targets[0], "id", "") == "__all__"
    )
    assert {"run", "check", "fingerprint", f"{stage.capitalize()}Spec"} <= exported


@pytest.mark.parametrize("stage", STAGES)
def test_a_section_of_the_spec_has_at_most_a_dozen_described_fields(stage: str) -> None:
    module = __import__(f"tunewright.{stage}", fromlist=["spec"])
    fields = getattr(module, f"{stage.capitalize()}Spec").model_fields
    assert len(fields.keys() - {"then"}) <= 12, "a further section of the same kind is no key (decision 0005)"
    assert not [name for name, field in fields.items() if not field.description]


def test_every_built_in_plug_in_is_an_entry_point_that_loads() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    points = {(point.group, point.name): point for point in tunewright_entry_points()}
    for group, plug_ins in listed.items():
        for name, value in plug_ins.items():
            assert points[(group, name)].value == value, "reinstall: the entry points have changed"
            assert points[(group, name)].load()


def test_every_plug_in_folder_is_listed() -> None:
    listed = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["entry-points"]
    homes = {value.split(":")[0] for plug_ins in listed.values() for value in plug_ins.values()}
    rooms = [
        SOURCE / "data" / "sources",
        SOURCE / "data" / "transforms",
        *(SOURCE / "train" / room for room in ("methods", "tuners", "backends", "trackers")),
        SOURCE / "deploy" / "exports",
        SOURCE / "runtime" / "engines",
        SOURCE / "runtime" / "measure" / "scorers",
    ]
    for room in rooms:
        for package in room.glob("*/__init__.py"):
            assert name_of(package) in homes, f"{name_of(package)} is in a plug-in folder but not listed"


def test_no_module_is_over_the_limit_without_its_reason() -> None:
    sizes = {path.relative_to(SOURCE).as_posix(): len(path.read_text().splitlines()) for path in modules()}
    over = {name for name, lines in sizes.items() if lines > LIMIT}
    assert over <= set(LARGER), f"over {LIMIT} lines: {over - set(LARGER)}"
    assert set(LARGER) <= over, f"no longer needed in the list: {set(LARGER) - over}"


def test_no_junk_drawer() -> None:
    assert not [path for path in modules() if {path.stem, path.parent.name} & JUNK]


def test_every_module_says_what_it_is() -> None:
    for path in modules():
        first = path.read_text().lstrip().splitlines()[0]
        assert first.startswith('"""') and len(first) > 12, f"{path} does not say what it is"


def test_what_is_imported_is_a_dependency_of_ours() -> None:
    """What comes with somebody else's package goes with it, too: `click` left typer one day."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    listed = [
        *project["dependencies"],
        *(one for extra in project["optional-dependencies"].values() for one in extra),
    ]
    declared = {_plain(re.split(r"[\s\[<>=!~;]", one)[0]) for one in listed}
    known = packages_distributions()
    missing = {
        (name, path.relative_to(SOURCE).as_posix())
        for path in modules()
        for name in imported(path)
        if not declared & set(map(_plain, known.get(name, [name])))
    }
    assert not missing


def imported(path: Path) -> set[str]:
    """Packages of others that a module imports, by statement or by `require`."""
    names: list[str] = []
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            names += [one.name for one in node.names]
        elif isinstance(node, ast.ImportFrom):
            names.append(node.module or "")
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "require":
            names += [one.value for one in node.args if isinstance(one, ast.Constant)]
    return {name.split(".")[0] for name in names} - sys.stdlib_module_names - {"tunewright"}


def _plain(name: str) -> str:
    return name.casefold().replace("_", "-")


def test_a_room_of_the_runtime_that_the_design_does_not_name_has_two_users() -> None:
    texts = {path: path.read_text() for path in modules()}
    for path in (SOURCE / "runtime").iterdir():
        room = path.stem
        if room.startswith("_") or room in ROOMS or not (path.suffix == ".py" or path.is_dir()):
            continue
        users = {
            other.relative_to(SOURCE).parts[0]
            for other, text in texts.items()
            if f"runtime.{room}" in text or f"runtime import {room}" in text
        } - {"runtime"}
        assert len(users) >= 2, f"runtime/{room} has only the users {users or 'nobody'}"


def test_no_file_names_a_path_of_somebodys_machine() -> None:
    for path in modules(ROOT / "src"):
        assert "/home/" not in path.read_text() and "/Users/" not in path.read_text()

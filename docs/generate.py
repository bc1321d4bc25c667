"""Writes `docs/reference`: the command line, the spec and the plug-ins, as the code says them.

`python docs/generate.py` writes; with `--check` it fails where a page is out of date.
"""

from __future__ import annotations

import ast
import inspect
import sys
import textwrap
from collections.abc import Iterator
from dataclasses import MISSING, fields
from itertools import pairwise
from pathlib import Path
from typing import Any, get_args

import typer
from pydantic import BaseModel

from tunewright.cli.app import app
from tunewright.loop.spec import Spec
from tunewright.runtime import plugins
from tunewright.runtime.plugins import Named
from tunewright.train import RULES as LINT
from tunewright.train.diagnose import RULES as DIAGNOSIS

REFERENCE = Path(__file__).parent / "reference"
GROUPS = {
    "sources": "`data.sources`: where examples are read from",
    "transforms": "`data.transforms`: what is done with each example",
    "methods": "`train.method`: what is learned from an example",
    "tuners": "`train.tuner`: which weights move",
    "backends": "`train.backend`: where it is computed",
    "trackers": "`train.tracker`: where else the curve is sent",
    "scorers": "`define.targets`, `sweep.objective`: measures of answers",
    "exports": "`deploy.exports`: forms of a release",
    "engines": "`deploy.engine`, `evaluate.engine`: what computes answers",
}
"""Kinds of plug-ins, with the key of the spec that names one of them."""


def main() -> None:
    """Write or check every generated page."""
    pages = {"cli.md": "\n".join(cli()) + "\n", "spec.md": "\n".join(spec()) + "\n"}
    pages["findings.md"] = "\n".join(findings()) + "\n"
    pages["plugins.md"] = "\n".join(options()) + "\n"
    stale = [name for name, text in pages.items() if _read(REFERENCE / name) != text]
    if "--check" in sys.argv:
        if stale:
            sys.exit(f"out of date: {', '.join(stale)}; run `python docs/generate.py`")
        return
    for name in stale:
        (REFERENCE / name).write_text(pages[name], encoding="utf-8")


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8") if path.exists() else ""


def cli() -> Iterator[str]:
    """Every command with its options."""
    yield "# Commands"
    yield ""
    yield "Exit codes: 0 ship or waived, 1 iterate, 2 any error, 3 needs more test examples, 130 stopped."
    yield "Data goes to standard output, everything else to standard error; `--json` prints the type itself."
    yield from _command("tunewright", typer.main.get_command(app))


def _command(path: str, command: object) -> Iterator[str]:
    children = getattr(command, "commands", None)
    for name, child in (children or {}).items():
        yield from _command(f"{path} {name}", child)
    if children is not None and not getattr(command, "invoke_without_command", False):
        return
    yield ""
    yield f"## `{path}`"
    yield ""
    yield str(getattr(command, "help", "") or "")
    yield ""
    for parameter in getattr(command, "params", ()):
        names = ", ".join(parameter.opts)
        if parameter.param_type_name == "argument":
            names = parameter.name.upper()
        yield f"- `{names}`: {getattr(parameter, 'help', '') or 'show this page'}"


def findings() -> Iterator[str]:
    """Every finding of the linter and of the diagnosis, with its effect and its proof."""
    yield "# Findings of training"
    for title, rules in (("Before a run: `tunewright check`", LINT), ("While and after it runs", DIAGNOSIS)):
        yield from (
            "",
            f"## {title}",
            "",
            "| finding | severity | expected effect | seen in |",
            "|---|---|---|---|",
        )
        yield from (f"| {one.kind} | {one.severity} | {one.effect} | {one.proof} |" for one in rules)


def options() -> Iterator[str]:
    """Every plug-in with its options."""
    yield "# Plug-ins and their options"
    yield ""
    yield "Written as `NAME`, or with options as `{NAME: {OPTION: VALUE}}`. Your own package adds more by the"
    yield "entry point `tunewright.GROUP`."
    for group, title in GROUPS.items():
        yield from ("", f"## {group}", "", f"{title}.")
        for name in plugins.names(group):
            yield from _plugin(name, plugins.load(group, name))


def _plugin(name: str, kind: type[Any]) -> Iterator[str]:
    yield from ("", f"### `{name}`", "", (inspect.getdoc(kind) or "").splitlines()[0])
    told = _told(kind)
    known = [one for one in fields(kind) if one.init] if hasattr(kind, "__dataclass_fields__") else []
    if known:
        yield from ("", "| option | default | what it is |", "|---|---|---|")
    for one in known:
        value = one.default if one.default_factory is MISSING else one.default_factory()
        default = "required" if value is MISSING else _default(value)
        yield f"| `{one.name}` | {default} | {' '.join(told.get(one.name, '').split())} |"


def _told(kind: type[Any]) -> dict[str, str]:
    """What stands below each field of a class and of those that it is made from."""
    found = dict[str, str]()
    for one in reversed(kind.__mro__[:-1]):
        (body,) = ast.parse(textwrap.dedent(inspect.getsource(one))).body
        lines = getattr(body, "body", [])
        for field, below in pairwise(lines):
            if isinstance(field, ast.AnnAssign) and isinstance(below, ast.Expr):
                found[ast.unparse(field.target)] = str(ast.literal_eval(below.value))
    return found


def spec() -> Iterator[str]:
    """Every section and key of the spec, with its default."""
    yield "# The spec: `tunewright.yaml`"
    yield ""
    yield "Every key is checked; an unknown one is an error with the nearest known key."
    yield ""
    yield from _keys(Spec)
    for name, field in Spec.model_fields.items():
        section = field.annotation
        if isinstance(section, type) and issubclass(section, BaseModel):
            yield ""
            yield f"## `{name}`"
            yield ""
            yield (section.__doc__ or "").splitlines()[0]
            yield ""
            yield from _keys(section)
            yield from _inside(name, section)


def _inside(path: str, section: type[BaseModel]) -> Iterator[str]:
    """Keys of the sections inside a section."""
    for name, field in section.model_fields.items():
        for inner in (field.annotation, *get_args(field.annotation)):
            if not isinstance(inner, type) or not issubclass(inner, BaseModel) or inner in (Named, section):
                continue
            yield ""
            yield f"### `{path}.{name}`"
            yield ""
            yield (inner.__doc__ or "").splitlines()[0]
            yield ""
            yield from _keys(inner)


def _keys(section: type[BaseModel]) -> Iterator[str]:
    yield "| key | default | what it is |"
    yield "|---|---|---|"
    for name, field in section.model_fields.items():
        yield f"| `{name}` | {_default(field.get_default(call_default_factory=True))} | {field.description} |"


def _default(value: object) -> str:
    if isinstance(value, BaseModel):
        dumped = value.model_dump(mode="json")
        return f"`{dumped}`" if isinstance(dumped, str) else "see below"
    if repr(value) == "PydanticUndefined":
        return "required"
    return "–" if value is None or value == () else f"`{value}`"


if __name__ == "__main__":
    main()

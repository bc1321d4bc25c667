"""Templates of what a teacher is asked: text files with `{names}` in the places that are filled."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from importlib.resources import files
from pathlib import Path

from tunewright.core.types import Problem
from tunewright.runtime import plugins

NAMES = ("answer", "labels", "passage", "question", "task")
NEEDED = {
    "pairs": ("passage",),
    "paraphrase": ("question",),
    "answers": ("question",),
    "negatives": ("question",),
    "judge": ("question", "answer"),
}
"""Names that a template cannot do without."""

_NAME = re.compile(r"\{([a-z_]+)\}")
_EMPTY_LINES = re.compile(r"\n{3,}")


def built_in(kind: str) -> str:
    """The template that comes with the product."""
    return files(__package__).joinpath("prompts", f"{kind}.md").read_text(encoding="utf-8")


def load(kind: str, own: Path | None) -> str:
    """The user's template, else the built-in one."""
    return own.read_text(encoding="utf-8") if own is not None else built_in(kind)


def check(kind: str, own: Path | None) -> Iterator[Problem]:
    """What is wrong with a template of the user's own."""
    if own is None:
        return
    try:
        found = set(_NAME.findall(load(kind, own)))
    except (OSError, UnicodeDecodeError):
        yield Problem(where=str(own), what="this template cannot be read", fix="give a UTF-8 text file")
        return
    for name in sorted(found - set(NAMES)):
        yield plugins.unknown(name, NAMES, where=str(own), noun="place in a template")
    for name in NEEDED[kind]:
        if name not in found:
            fix = f"write `{{{name}}}` where it belongs; `{kind}.md` of the package shows how"
            yield Problem(where=str(own), what=f"the template has no place for the {name}", fix=fix)


def filled(template: str, values: Mapping[str, str]) -> str:
    """The template with its places filled, each once: what is put in is not looked at again."""
    text = _NAME.sub(lambda found: values.get(found[1], found[0]), template)
    return _EMPTY_LINES.sub("\n\n", text).strip()

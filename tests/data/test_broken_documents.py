"""Broken documents, mails and exports give examples or errors with their place."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from benchmarks.mutations_documents import DOCUMENTS, mutant, source

from tunewright.data import look


@pytest.mark.parametrize("number", range(3, 700, 11))
def test_a_broken_file_gives_examples_or_errors_with_their_place(tmp_path: Path, number: int) -> None:
    suffix, content = mutant(number)
    name = f"mutant{suffix}"
    (tmp_path / name).write_bytes(content)
    found = look(source(name), folder=tmp_path)
    assert found.problems or found.examples
    for problem in found.problems:
        assert re.match(rf"{re.escape(name)}( |$)", problem.where) and problem.what and problem.fix


@pytest.mark.parametrize("suffix", [one for one in DOCUMENTS if one != ".eml"])
def test_every_kind_is_read_where_it_is_sound(tmp_path: Path, suffix: str) -> None:
    (tmp_path / f"a{suffix}").write_bytes(DOCUMENTS[suffix](8))
    found = look(source(f"a{suffix}"), folder=tmp_path)
    assert found.examples and not [one for one in found.problems if one.fatal]

"""`keys` from the command line, and a server that asks for them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from typer.testing import CliRunner

from tunewright.cli.app import app
from tunewright.core.errors import DeployError

SPEC = """
name: desk
model: tiny
define: {objective: Name the intent., task: classification}
data: {sources: [data.csv]}
"""


def tunewright(project: Path, *said: str) -> tuple[str, str]:
    result = CliRunner().invoke(app, ["keys", *said, "--project", str(project)], catch_exceptions=False)
    assert result.exit_code == 0, result.output
    return result.stdout, result.stderr


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "tunewright.yaml").write_text(SPEC)
    return tmp_path


def test_a_key_is_printed_once_and_listed_without_itself(project: Path) -> None:
    secret, told = tunewright(project, "create", "desk-app", "--requests-per-minute", "60")
    assert secret.startswith("tw-")
    assert "only its hash stays here" in told
    listed, _ = tunewright(project, "list")
    assert listed.startswith("desk-app  answer, models  60 requests/minute  made ")
    assert secret.strip() not in listed
    assert tunewright(project, "revoke", "desk-app") == ("", "")
    assert json.loads(tunewright(project, "list", "--json")[0]) == []


def test_scopes_and_quota_are_taken_from_the_command_line(project: Path) -> None:
    said = ("create", "watch", "--scope", "metrics", "--tokens-per-day", "9", "--json")
    made = json.loads(tunewright(project, *said)[0])
    assert made["key"]["scopes"] == ["metrics"]
    assert made["key"]["tokens_per_day"] == 9
    with pytest.raises(DeployError, match="unknown scopes: everything"):
        tunewright(project, "create", "b", "--scope", "everything")

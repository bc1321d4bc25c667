"""One person is erased from every data set, who saw the data is listed, and the value stands nowhere."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from tunewright.core.errors import SpecError
from tunewright.core.types import Dataset, Example, Message
from tunewright.data import DataSpec
from tunewright.loop import erase as erasing
from tunewright.loop.erase import Erasure, erase, every, finish
from tunewright.runtime import examples
from tunewright.runtime.workspace import Workspace, save

VALUE = "Anna.Berg@example.org"


def example(number: int, text: str, group: str | None = None) -> Example:
    turns = (Message(role="user", content=text), Message(role="assistant", content="card"))
    return Example(
        id=f"e{number}", messages=turns, label="card", group=group, source=f"desk.csv line {number + 2}"
    )


@pytest.fixture
def workspace(tmp_path: Path) -> Workspace:
    made = Workspace(tmp_path / ".tunewright")
    folder = made.folder("dataset-1")
    folder.mkdir(parents=True)
    texts = [f"question number {n} about something" for n in range(12)]
    texts[3] = f"please write to {VALUE.lower()} about it"
    everyone = [example(n, text, "customer-77" if n in (5, 6) else None) for n, text in enumerate(texts)]
    for split, part in (("train", everyone[:8]), ("validation", everyone[8:10]), ("test", everyone[10:])):
        examples.write(part, folder / f"{split}.parquet")
    counts = {"train": 8, "validation": 2, "test": 2}
    save(Dataset(id="dataset-1", path=folder, digest="old", counts=counts), folder)
    for name, parents in (
        ("checkpoint-1", ["dataset-1"]),
        ("release-1", ["checkpoint-1"]),
        ("checkpoint-2", ["x"]),
    ):
        made.folder(name).mkdir()
        (made.folder(name) / "artifact.json").write_text(json.dumps({"id": name, "parents": parents}))
    (made.folder("checkpoint-1") / "notes.md").write_text(f"seen: {VALUE}\n")
    answers = made.cache / "answers" / "one.jsonl"
    answers.parent.mkdir(parents=True)
    answers.write_text(json.dumps({"asked": texts[3]}) + "\n" + json.dumps({"asked": texts[4]}) + "\n")
    return made


def stored(workspace: Workspace) -> list[Example]:
    made = workspace.find("dataset-1", Dataset)
    assert made is not None
    return [one for split in ("train", "validation", "test") for one in examples.read(made, split)]  # type: ignore[arg-type]


SPEC = DataSpec(sources=())


def bytes_of(workspace: Workspace) -> str:
    return "".join(
        path.read_bytes().decode("latin-1").lower() for path in workspace.root.rglob("*") if path.is_file()
    )


def test_the_examples_go_the_traces_go_and_who_saw_them_is_listed(
    tmp_path: Path, workspace: Workspace
) -> None:
    done = erase(tmp_path, workspace, SPEC, [VALUE])
    assert done.removed == {"dataset-1": ("e3",)} and done.done
    assert done.seen_by == ("checkpoint-1", "release-1") == done.retrain
    assert {one.id for one in stored(workspace)} == {f"e{n}" for n in range(12)} - {"e3"}
    made = workspace.find("dataset-1", Dataset)
    assert made is not None and made.counts["train"] == 7 and made.digest != "old"
    assert VALUE.lower() not in bytes_of(workspace)
    assert len((workspace.cache / "answers" / "one.jsonl").read_text().splitlines()) == 1


def test_a_group_is_a_person_too(tmp_path: Path, workspace: Workspace) -> None:
    assert erase(tmp_path, workspace, SPEC, ["customer-77"]).removed == {"dataset-1": ("e5", "e6")}


def test_a_masked_example_is_found_by_its_place_in_the_source(tmp_path: Path, workspace: Workspace) -> None:
    lines = ["text,label"] + [f"question {n},card" for n in range(12)]
    lines[5] = "my mail is hidden.person@example.org,card"  # line 6: example e4
    source = tmp_path / "desk.csv"
    source.write_text("\n".join(lines) + "\n")
    spec = DataSpec(sources=("desk.csv",))
    (places,) = erasing.places_of(tmp_path, spec, lambda text: "hidden.person" in text)
    (workspace.folder("dataset-1") / "card.md").write_text(f"| desk.csv | label | `{places[0][:16]}` |\n")
    done = erase(tmp_path, workspace, spec, ["hidden.person@example.org"])
    assert done.removed == {"dataset-1": ("e4",)} and done.sources == ("desk.csv line 6",)


def test_an_interrupted_erasure_is_finished_by_the_next_one(
    tmp_path: Path, workspace: Workspace, monkeypatch: pytest.MonkeyPatch
) -> None:
    def killed(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(erasing, "_without", killed)
        with pytest.raises(KeyboardInterrupt):
            erase(tmp_path, workspace, SPEC, [VALUE])
    assert len(stored(workspace)) == 12 and not every(workspace)[0].done
    final = workspace.folder("dataset-1")
    final.rename(final.with_name(".dataset-1.old"))  # killed between two renames
    finished = finish(workspace)
    assert (
        isinstance(finished, Erasure) and finished.done and finished.retrain == ("checkpoint-1", "release-1")
    )
    assert len(stored(workspace)) == 11
    shutil.rmtree(workspace.root / "erasures")
    assert finish(workspace) is None


def test_a_value_that_could_be_anybodys_is_refused(tmp_path: Path, workspace: Workspace) -> None:
    for values in ([], ["ab"]):
        with pytest.raises(SpecError):
            erase(tmp_path, workspace, SPEC, values)
    assert len(stored(workspace)) == 12


def test_nothing_found_changes_nothing(tmp_path: Path, workspace: Workspace) -> None:
    before = {path: path.read_bytes() for path in workspace.artifacts.rglob("*") if path.is_file()}
    assert erase(tmp_path, workspace, SPEC, ["nobody@example.org"]).removed == {}
    assert {path: path.read_bytes() for path in workspace.artifacts.rglob("*") if path.is_file()} == before

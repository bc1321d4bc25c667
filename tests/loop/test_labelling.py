"""Labelling in a project, from the guide to a data set."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.loop.conftest import questions
from tests.runtime.engines.openai.conftest import running
from tunewright import Project, data
from tunewright.core.errors import DataError, SpecError
from tunewright.data.labelling import Session
from tunewright.runtime.plugins import Named
from tunewright.testing.checkpoint import tiny_model

SPEC = """\
name: desks
model: tiny
define:
  objective: Route a question to the right desk.
  task: {task}
data:
  sources: [data.csv]
"""
TRUTH = dict(questions(each=20))
LABELS = ("card", "loan", "login")


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """Sixty questions of which six are labelled, and a guide."""
    return make(tmp_path, "classification")


def make(folder: Path, task: str) -> Project:
    (folder / "tunewright.yaml").write_text(SPEC.format(task=task))
    rows = [
        f"{text},{label if number % 10 == 0 else ''}\n" for number, (text, label) in enumerate(TRUTH.items())
    ]
    (folder / "data.csv").write_text("text,label\n" + "".join(rows))
    found = Project.open(folder)
    if task == "classification":
        found.label.guide(LABELS)
    return found


def label(session: Session, most: int = 1000) -> int:
    with session:
        for done in range(most):
            asked = session.next()
            if asked is None:
                return done
            session.give(TRUTH[asked.text])
    return most


def test_what_has_no_label_is_labelled_and_exported_as_a_source(project: Project) -> None:
    assert project.label.add().new == 54
    assert project.label.add("data.csv").new == 6
    assert label(project.label.start("ana", order="active", refit=10), 30) == 30
    assert label(project.label.start("ben")) == 30
    assert project.label.status().answers_missing == 0
    done = project.label.export(project.folder / "labelled.jsonl")
    assert (done.examples, done.left_out) == (60, {})
    found = data.look("labelled.jsonl", folder=project.folder)
    assert (found.shape, found.examples, found.problems) == ("label", 60, ())
    assert all(one.answer == TRUTH[one.prompt[0].content] for one in found.first)


def test_an_engine_suggests_one_of_the_labels_and_a_person_accepts_or_not(project: Project) -> None:
    tiny_model(project.folder / "tiny")
    project.label.add()
    named = Named(name="echo", options={"answers": dict.fromkeys(TRUTH, "login")})
    assert project.label.suggest(named) == 54
    with project.label.start("ana") as session:
        asked = session.next()
        assert asked is not None and asked.suggestion is not None
        assert (asked.suggestion.value, asked.suggestion.by) == ("login", "echo: tiny")
        assert 0 < (asked.suggestion.confidence or 0) <= 1
        assert session.accept()
        session.next()
        session.give("card")
    told = project.label.status().annotators["ana"]
    assert (told.suggested, told.accepted) == (2, 1)
    with project.label.start("ben", shown=False) as session:
        asked = session.next()
        assert asked is not None and asked.suggestion is None and not session.accept()


def test_an_endpoint_is_told_the_labels_and_needs_no_model_here(project: Project) -> None:
    project.label.add()
    with running() as endpoint:
        endpoint.answer = lambda _: "loan"
        named = Named(name="openai", options={"url": endpoint.url, "model": "parrot"})
        assert project.label.suggest(named) == 54
    told = endpoint.asked[0]["messages"][0]["content"]
    assert "Route a question" in told and "- loan" in told
    assert {one.suggestion and one.suggestion.by for one in project.label.items()} == {"openai: parrot"}
    assert {one.suggestion and one.suggestion.value for one in project.label.items()} == {"loan"}


def test_the_cheap_model_suggests_and_learns_on(project: Project) -> None:
    project.label.add("data.csv")
    with pytest.raises(DataError, match="nothing to learn"):
        project.label.suggest()
    label(project.label.start("ana"), 20)
    assert project.label.suggest() == 40
    before = {one.id: one.suggestion for one in project.label.items()}
    label(project.label.start("ana", order="uncertainty", refit=5), 12)
    after = [one for one in project.label.items() if not one.answers]
    assert any(one.suggestion != before[one.id] for one in after)
    right = [one.suggestion.value == TRUTH[one.payload["text"]] for one in after if one.suggestion]
    assert sum(right) > 0.7 * len(right)


def test_a_dispute_is_decided_by_a_person_and_can_be_undone(project: Project) -> None:
    project.label.add("data.csv", overlap=1.0)
    label(project.label.start("ana"))
    with project.label.start("ben") as session:
        while (asked := session.next()) is not None:
            truth = TRUTH[asked.text]
            session.give("card" if truth == "loan" and asked.text < "about my loan" else truth)
    disputes = project.label.status().states["disputed"]
    with project.label.adjudicate("cleo") as deciding:
        asked = deciding.next()
        assert asked is not None and asked.suggestion is not None
        assert set(deciding.said()) == {"ana", "ben"}
        assert asked.suggestion.value == TRUTH[asked.text]
        deciding.give("loan")
        assert project.label.status().states["disputed"] == disputes - 1
        undone = deciding.undo()
        assert undone is not None and undone.item.id == asked.item.id
        deciding.skip()
        nxt = deciding.next()
        assert nxt is None or nxt.item.id != asked.item.id
    assert project.label.status().states["disputed"] == disputes
    concord = project.label.agreement()
    assert concord.pairs[0].kappa.n == 60
    assert concord.people == {}


def test_two_who_decide_do_not_get_the_same_dispute(project: Project) -> None:
    project.label.add("data.csv", overlap=1.0)
    label(project.label.start("ana"))
    with project.label.start("ben") as session:
        for _ in range(2):
            session.next()
            session.give("login" if session.asked and TRUTH[session.asked.text] != "login" else "card")
    with project.label.adjudicate("cleo") as one, project.label.adjudicate("dan") as other:
        first, second = one.next(), other.next()
        assert first is not None and second is not None and first.item.id != second.item.id
        assert project.label.adjudicate("eve").next() is None


def test_written_answers_are_written_corrected_and_exported(tmp_path: Path) -> None:
    project = make(tmp_path, "summarisation")
    (tmp_path / "long.jsonl").write_text(
        '{"prompt": "a long text", "completion": "short"}\n{"prompt": "another text", "completion": ""}\n'
    )
    assert project.label.guide().labels == ("What a good answer has", "What it must not have", "Edge cases")
    project.label.add("long.jsonl")
    with project.label.start("ana", order="active") as session:
        for _ in range(2):
            asked = session.next()
            assert asked is not None
            session.give("shorter" if asked.suggestion else "new")
            with pytest.raises(DataError, match="no item in hand"):
                session.give("again")
    done = project.label.export(tmp_path / "out.jsonl")
    assert done.examples == 2
    assert '"prompt":"a long text","completion":"shorter"' in done.path.read_text()


def test_a_wrong_label_order_or_name_is_told_with_what_is_right(project: Project) -> None:
    project.label.add()
    with project.label.start("ana") as session:
        session.next()
        with pytest.raises(DataError) as caught:
            session.give("laon")
        assert caught.value.problems[0].fix == "did you mean `loan`?"
    with pytest.raises(SpecError, match="unknown order"):
        project.label.start("ana", order="activ")  # type: ignore[arg-type]
    with pytest.raises(DataError, match="name"):
        project.label.start(" ")
    with pytest.raises(SpecError, match="unknown engine"):
        project.label.suggest("eco")


def test_label_studio_takes_a_queue_from_one_project_to_another(project: Project, tmp_path: Path) -> None:
    project.label.add()
    label(project.label.start("ana"), 5)
    project.label.export(tmp_path / "tasks.json")
    (tmp_path / "other").mkdir()
    other = make(tmp_path / "other", "classification")
    assert other.label.import_(tmp_path / "tasks.json").new == 54
    assert other.label.items() == project.label.items()
    assert other.label.import_(tmp_path / "tasks.json").new == 0


def test_an_erased_person_is_gone_from_the_labelling(project: Project) -> None:
    (project.folder / "more.csv").write_text("text\nI am Erika Mustermann and lost my card\nsomebody else\n")
    project.label.add("more.csv", columns={"text": "text"})
    with project.label.start("ana") as session:
        session.next()
        session.unsure("is this Erika Mustermann")
    done = project.erase("Erika Mustermann")
    assert (done.labels, len(project.label.items())) == (1, 1)
    assert not any(
        b"Mustermann" in path.read_bytes() for path in (project.folder / ".tunewright").rglob("labels*")
    )

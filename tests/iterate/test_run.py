"""From failures to a proposal."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from tunewright.core.errors import WorkspaceError
from tunewright.core.types import (
    CandidateResult,
    ClassMetrics,
    Dataset,
    Example,
    Message,
    Proposal,
    Report,
    Verdict,
)
from tunewright.iterate import IterateSpec, check, run
from tunewright.iterate.failures import grouped
from tunewright.runtime import examples
from tunewright.runtime.context import Context
from tunewright.runtime.measure import Answer, write_answers
from tunewright.runtime.settings import Settings
from tunewright.runtime.workspace import Workspace

LABELS = ("exchange rate", "lost card", "top up")


def answer(number: int, expected: str, answered: str, text: str = "how do I do this") -> Answer:
    return Answer(
        example=f"t{number}",
        text=f"{text} {number}",
        expected=expected,
        answered=answered,
        value=float(expected == answered),
        correct=expected == answered,
    )


def trained(number: int, label: str, text: str) -> Example:
    turns = (Message(role="user", content=text), Message(role="assistant", content=label))
    return Example(id=f"e{number}", messages=turns, label=label)


ANSWERS = [
    *(answer(i, "lost card", "top up") for i in range(3)),
    *(answer(i, "top up", "lost card") for i in range(3, 5)),
    answer(5, "exchange rate", "top up", "what is the exchange rate for dollars today"),
    *(answer(i, "exchange rate", "exchange rate") for i in range(6, 20)),
]
TRAIN = [
    *(trained(i, "lost card", f"where is my card, it is lost since monday {i}") for i in range(10)),
    *(trained(i, "top up", f"please add money to my account from my bank {i}") for i in range(10, 30)),
    trained(30, "top up", "what is the exchange rate for dollars today 5"),
    *(trained(i, "exchange rate", f"euro pounds conversion price {i}") for i in range(31, 51)),
]


@pytest.fixture
def propose(tmp_path: Path) -> Callable[..., Proposal]:
    def propose(
        answers: list[Answer] = ANSWERS,
        losses: tuple[float, ...] = (),
        spec: IterateSpec | None = None,
        **report: object,
    ) -> Proposal:
        place = tmp_path / "report"
        place.mkdir()
        write_answers(place, "tuned", answers)
        lines = [{"step": step, "validation_loss": loss} for step, loss in enumerate(losses, 1)]
        (place / "losses.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        data = tmp_path / "dataset"
        data.mkdir()
        examples.write(TRAIN, data / "train.parquet")
        dataset = Dataset(id="dataset-1", path=data, digest="d", counts={"train": len(TRAIN)}, labels=LABELS)
        return run(context(tmp_path), spec or IterateSpec(), report_at(place, **report), dataset)

    return propose


def report_at(place: Path, **fields: object) -> Report:
    per_class = tuple(
        ClassMetrics(label=label, precision=f1, recall=f1, f1=f1, support=6)
        for label, f1 in (("exchange rate", 0.97), ("lost card", 0.4), ("top up", 0.5))
    )
    values = {
        "id": "report-1",
        "path": place,
        "digest": "r",
        "objective": "Send every question to the right desk.",
        "test_examples": 20,
        "results": (CandidateResult(name="tuned", kind="tuned", per_class=per_class),),
        "verdict": Verdict(word="iterate", candidate="tuned"),
        "labels": LABELS,
    }
    return Report.model_validate(values | fields)


def context(tmp_path: Path) -> Context:
    folder = tmp_path / "partial"
    folder.mkdir()
    return Context(
        project=tmp_path,
        workspace=Workspace(tmp_path / ".tunewright"),
        settings=Settings(cache=tmp_path, threads=1, offline=True),
        step="iterate",
        artifact_id="proposal-1",
        folder=folder,
    )


def reasons(proposal: Proposal, word: str) -> list[str]:
    return [change.why for change in proposal.changes if word in change.why]


def test_failures_are_grouped_by_confusion_largest_first(propose: Callable[..., Proposal]) -> None:
    proposal = propose()
    assert proposal.failures == 6
    assert [(group.name, group.count) for group in proposal.groups] == [
        ("lost card → top up", 3),
        ("top up → lost card", 2),
        ("exchange rate → top up", 1),
    ]
    assert sum(group.share for group in proposal.groups) == pytest.approx(1.0)


def test_a_training_question_that_says_otherwise_is_named(propose: Callable[..., Proposal]) -> None:
    (why,) = reasons(propose(), "may be wrong")
    assert "`e30`" in why and "`exchange rate`" in why


def test_the_weakest_class_asks_for_examples_first_and_a_strong_one_for_none(
    propose: Callable[..., Proposal],
) -> None:
    asked = reasons(propose(), "more training examples")
    assert "`lost card`: it has 10, the median class has 20" in asked[0]
    assert "about 10 more" in asked[0]
    assert len(asked) == 2


def test_labels_taken_for_each_other_in_both_directions_are_named_once(
    propose: Callable[..., Proposal],
) -> None:
    (why,) = reasons(propose(), "tells")
    assert "`lost card` from `top up`" in why and "5 times" in why


@pytest.mark.parametrize(
    ("losses", "longer"),
    [
        ((), False),
        ((1.0,), False),
        ((1.0, 0.8, 0.5), True),
        ((1.0, 0.5, 0.6), False),
        ((1.0, 0.5, 0.499), False),
    ],
)
def test_training_longer_is_proposed_only_while_the_validation_loss_falls(
    propose: Callable[..., Proposal], losses: tuple[float, ...], longer: bool
) -> None:
    assert any(change.path == "train.epochs" for change in propose(losses=losses).changes) is longer


def test_an_undecided_verdict_asks_for_test_examples(propose: Callable[..., Proposal]) -> None:
    verdict = Verdict(word="needs more examples", candidate="tuned", needed=900)
    assert "about 900" in propose(verdict=verdict).changes[0].why


def test_no_failure_gives_no_group(propose: Callable[..., Proposal]) -> None:
    proposal = propose([answer(i, "top up", "top up") for i in range(20)])
    assert proposal.failures == 0 and proposal.groups == ()


def test_the_proposal_is_readable_and_nothing_in_it_is_markup(propose: Callable[..., Proposal]) -> None:
    proposal = propose([answer(1, "top up", "lost card", "<img src=x> | *bold*\n# head")])
    page = (proposal.path / "proposal.md").read_text()
    assert "\\<img src=x\\>" in page and "\n# head" not in page


def test_only_so_many_groups_are_listed_but_all_failures_are_counted(
    propose: Callable[..., Proposal],
) -> None:
    proposal = propose(spec=IterateSpec(groups=1, examples=2))
    assert len(proposal.groups) == 1 and len(proposal.groups[0].examples) == 2
    assert "6 of 20 test questions" in (proposal.path / "proposal.md").read_text()


def test_answers_that_are_gone_are_an_error_with_a_remedy(propose: Callable[..., Proposal]) -> None:
    with pytest.raises(WorkspaceError) as raised:
        propose(verdict=Verdict(word="iterate", candidate="few-shot"), results=(FEW,))
    assert raised.value.problems[0].fix


FEW = CandidateResult(name="few-shot", kind="few-shot")


def test_free_answers_are_one_group_the_worst_first() -> None:
    said = [
        Answer(example=str(i), text="q", expected="x", answered="y", value=i / 10, correct=False)
        for i in (5, 1, 3)
    ]
    (group,) = grouped(said, (), most=2)
    assert [failure.example for failure in group.examples] == ["1", "3"] and group.count == 3


def test_a_similarity_that_takes_in_everything_is_warned_of() -> None:
    assert [problem.fatal for problem in check(IterateSpec(similarity=0.3))] == [False]
    assert list(check(IterateSpec())) == []

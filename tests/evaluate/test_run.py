"""The whole stage on the echo engine."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest

from tunewright.core.errors import SpecError, Stopped
from tunewright.core.types import Checkpoint, Event, Report, Target
from tunewright.evaluate import EvaluateSpec, render_table, run
from tunewright.runtime.measure import read_answers
from tunewright.runtime.workspace import load

Make = Callable[..., Any]
SPEC = EvaluateSpec.model_validate({"engine": "echo", "shots": [3, 6], "latency_examples": 4})


@pytest.fixture
def walk(make_context: Make, make_dataset: Make, make_task: Make, make_checkpoint: Make) -> Make:
    def walk(
        name: str = "report-1",
        *,
        spec: EvaluateSpec = SPEC,
        targets: tuple[Target, ...] = (),
        tuned: Checkpoint | None = None,
        **context: object,
    ) -> Report:
        task, dataset, base = make_task(*targets), make_dataset(), make_checkpoint("base")
        report: Report = run(make_context(name, **context), spec, task, dataset, base, tuned)
        return report

    return walk


def test_baselines_stand_without_a_tuned_checkpoint(walk: Make) -> None:
    report = walk()
    assert [result.name for result in report.results] == ["classical", "zero-shot", "few-shot"]
    assert not report.complete
    assert report.verdict.word == "iterate"
    assert "no tuned candidate" in report.verdict.reasons[0]
    assert all(result.metric("accuracy").value > 0.9 for result in report.results)


def test_every_result_says_how_its_prompt_was_chosen(walk: Make) -> None:
    zero_shot, few_shot = walk().results[1:]
    assert zero_shot.selection.startswith("prompt 1 of 3: accuracy")
    assert "12 validation examples" in zero_shot.selection
    assert "{labels}" in (zero_shot.instruction or "")
    assert "3 shots" in few_shot.selection and few_shot.shots == 3


def test_a_second_evaluation_asks_only_the_tuned_model(
    walk: Make, make_checkpoint: Make, make_context: Make
) -> None:
    baselines = walk()
    cache = make_context().cache("answers", "x").parent
    before = {path: path.read_bytes() for path in cache.iterdir()}
    tuned = make_checkpoint("tuned", instruction="Route the question.", tuner="lora")
    report = walk("report-2", tuned=tuned)
    assert all(path.read_bytes() == content for path, content in before.items())
    assert len(list(cache.iterdir())) == len(before) + 1
    assert report.complete and report.results[1:3] == baselines.results[1:]
    assert [(c.a, c.b) for c in report.comparisons[:3]] == [
        ("tuned", "few-shot"),
        ("tuned", "zero-shot"),
        ("tuned", "classical"),
    ]


def test_a_tuned_model_that_is_no_better_than_a_prompt_is_not_shipped(
    walk: Make, make_checkpoint: Make
) -> None:
    target = Target(metric="accuracy", at_least=0.5)
    verdict = walk(targets=(target,), tuned=make_checkpoint("tuned")).verdict
    assert verdict.word == "iterate"
    assert any("a prompt does as well" in reason for reason in verdict.reasons)


def test_a_stopped_evaluation_goes_on_where_it_stopped(walk: Make, make_context: Make) -> None:
    checks = iter([False] * 20 + [True] * 1000)
    with pytest.raises(Stopped):
        walk(should_stop=lambda: next(checks))
    (journal,) = make_context().cache("answers", "x").parent.glob("*.jsonl")
    kept = journal.read_bytes()
    assert kept.count(b"\n") > 5
    walk()
    assert journal.read_bytes().startswith(kept)


def test_the_report_lies_in_four_forms(walk: Make, make_context: Make) -> None:
    report = walk()
    page = (report.path / "report.html").read_text()
    assert "<svg" in page and "http://" not in page and "https://" not in page
    assert "few-shot" in (report.path / "report.md").read_text()
    answers = read_answers(report, "zero-shot")
    assert len(answers) == report.test_examples
    sealed = make_context().workspace.publish(report, report.path)
    assert load(sealed.path, Report) == sealed


def test_what_people_and_models_wrote_is_escaped_in_the_page(
    make_context: Make, make_dataset: Make, make_task: Make, make_checkpoint: Make
) -> None:
    task = make_task(objective="<script>alert(1)</script> & more of it")
    report = run(make_context(), SPEC, task, make_dataset(), make_checkpoint("base"))
    page = (report.path / "report.html").read_text()
    assert "<script" not in page and "&lt;script&gt;" in page
    assert "<script" not in (report.path / "report.md").read_text().replace("\\<script", "")


def test_near_duplicates_give_every_metric_a_second_figure(
    make_context: Make, make_dataset: Make, make_task: Make, make_checkpoint: Make
) -> None:
    test = [
        e.model_copy(update={"tags": ("near-duplicate",)}) if place % 4 == 0 else e
        for place, e in enumerate(examples_of_test(make_dataset))
    ]
    report = run(make_context(), SPEC, make_task(), make_dataset(test=test), make_checkpoint("base"))
    metric = report.results[0].metric("accuracy_without_near_duplicates")
    assert metric is not None and metric.n == len(test) - (len(test) + 3) // 4
    assert any("near-duplicates" in note for note in report.notes)


def examples_of_test(make_dataset: Make) -> list[Any]:
    from tunewright.runtime.examples import read

    return read(make_dataset(), "test")


def test_losses_of_the_run_are_drawn_and_kept(walk: Make, make_checkpoint: Make) -> None:
    tuned = make_checkpoint("tuned")
    lines = [{"step": s, "loss": 3.0 / s, "validation_loss": 3.1 / s if s % 2 else None} for s in range(1, 9)]
    (tuned.path / "losses.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    report = walk(tuned=tuned)
    assert (report.path / "losses.jsonl").exists()
    assert "training and validation loss" in (report.path / "report.html").read_text()


def test_a_metric_the_task_does_not_have_is_refused_before_anything_is_asked(walk: Make) -> None:
    with pytest.raises(SpecError) as raised:
        walk(targets=(Target(metric="acuracy", at_least=0.9),))
    (problem,) = raised.value.problems
    assert "acuracy" in problem.what and "accuracy" in problem.fix


def test_too_few_test_examples_for_a_target_are_a_warning(walk: Make) -> None:
    events: list[Event] = []
    report = walk(targets=(Target(metric="accuracy", at_least=0.95),), events=events)
    warned = [event.message for event in events if event.kind == "warning"]
    assert any("cannot show accuracy" in message for message in warned)
    assert any("cannot show accuracy" in note for note in report.notes)


def test_latency_can_be_a_target(walk: Make, make_checkpoint: Make) -> None:
    report = walk(targets=(Target(metric="latency_p95", at_most=60.0),), tuned=make_checkpoint("tuned"))
    assert report.targets[0].met is True


def test_free_answers_are_measured_too(
    make_context: Make, make_dataset: Make, make_task: Make, make_checkpoint: Make
) -> None:
    task = make_task(type="generation", metrics=("token_f1", "exact"))
    report = run(
        make_context(), SPEC, task, make_dataset(), make_checkpoint("base"), make_checkpoint("tuned")
    )
    assert [result.name for result in report.results] == ["zero-shot", "few-shot", "tuned"]
    assert report.labels == () and report.confusion == {}
    assert report.comparisons[0].test == "paired permutation"


def test_the_table_has_a_row_a_candidate_and_a_cell_a_column(walk: Make) -> None:
    report = walk()
    heads, rows = render_table(report)
    assert [row.candidate for row in rows] == ["classical", "zero-shot", "few-shot"]
    assert all(len(row.cells) == len(heads) for row in rows)
    assert sum(row.chosen for row in rows) == 1

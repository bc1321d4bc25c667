"""Adapters that cannot be merged: trained, opened in a fresh process, packed beside their base."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from tunewright import deploy, train
from tunewright.core.errors import DeployError
from tunewright.core.types import (
    CandidateResult,
    Checkpoint,
    Dataset,
    Event,
    Release,
    Report,
    Task,
    Verdict,
)
from tunewright.deploy import DeploySpec
from tunewright.loop.project import Project
from tunewright.runtime import examples, plugins
from tunewright.runtime.engine import complete_all
from tunewright.runtime.engines.transformers import Transformers
from tunewright.runtime.plugins import Named
from tunewright.runtime.settings import Settings
from tunewright.testing.questions import ask

from .conftest import SPEC, make_context, make_dataset, make_examples

RATES = {"bottleneck": 5e-3, "prompt": 5e-2, "prefix": 2e-2}
OPTIONS: dict[str, dict[str, object]] = {"bottleneck": {"size": 8}, "prompt": {}, "prefix": {}}
SAY = """
import sys
from pathlib import Path
from tunewright.core.types import Checkpoint
from tunewright.runtime.engine import complete_all
from tunewright.runtime.engines.transformers import Transformers
from tunewright.runtime.settings import Settings
from tunewright.testing.questions import ask
checkpoint = Checkpoint.model_validate_json(sys.argv[1])
settings = Settings(cache=Path("unused"), threads=1, offline=True)
engine = Transformers(dtype="float32").open(checkpoint, settings)
print([answer.text for answer in complete_all(engine, [ask(text) for text in ("lost my card", "hi")])])
"""


@pytest.fixture(scope="module", params=RATES)
def made(
    request: pytest.FixtureRequest,
    base: Checkpoint,
    dataset: Dataset,
    tmp_path_factory: pytest.TempPathFactory,
) -> tuple[Checkpoint, list[Event]]:
    folder, events = tmp_path_factory.mktemp(request.param), list[Event]()
    task = Task(
        id="t", path=folder, digest="0", objective="Desk.", type="classification", instruction="Name it."
    )
    tuner = Named(name=request.param, options=OPTIONS[request.param])
    spec = SPEC.model_copy(update={"tuner": tuner, "learning_rate": RATES[request.param], "epochs": 8})
    return train.run(make_context(folder, events), spec, base, dataset, task), events


Made = tuple[Checkpoint, list[Event]]


def said(checkpoint: Checkpoint) -> list[str]:
    engine = Transformers(dtype="float32").open(checkpoint, settings())
    answers = complete_all(engine, [ask(text) for text in ("lost my card", "hi")])
    engine.close()
    return [answer.text for answer in answers]


def settings() -> Settings:
    return Settings(cache=Path("unused"), threads=1, offline=True)


def test_it_learns_and_says_how_much_is_trained(made: Made) -> None:
    checkpoint, events = made
    looks = [event.data["validation_loss"] for event in events if "validation_loss" in event.data]
    assert min(looks) < 0.95 * looks[0]
    assert any("weights are trained" in event.message for event in events)
    assert checkpoint.trained_parameters > 0


def test_a_fresh_process_answers_with_it_as_this_one_does(made: Made, base: Checkpoint) -> None:
    checkpoint, _ = made
    command = [sys.executable, "-c", SAY, checkpoint.model_dump_json()]
    fresh = subprocess.run(command, capture_output=True, text=True, check=True)
    assert fresh.stdout.strip() == str(said(checkpoint)) != str(said(base))


def test_it_cannot_be_merged_and_the_reason_is_told_before_anything_is_trained(
    made: Made, tmp_path: Path
) -> None:
    checkpoint, _ = made
    reason = plugins.make("tuners", checkpoint.tuner or "").apart
    with pytest.raises(DeployError, match="cannot be merged") as caught:
        plugins.make("exports", "merged").pack(checkpoint, tmp_path, settings())
    assert reason in str(caught.value) and "adapter" in caught.value.problems[0].fix
    define = "define: {objective: Desk., task: classification}\ndata: {sources: [a.csv]}\n"
    for export, told in (
        ("deploy: {export: merged}\n", True),
        ("", False),
        ("deploy: {export: adapter}\n", False),
    ):
        text = f"{define}train: {{tuner: {checkpoint.tuner}}}\n{export}"
        (tmp_path / "tunewright.yaml").write_text(text)
        found = [one for one in Project.open(tmp_path).check() if one.where == "deploy.export"]
        assert [reason in one.what and one.fatal for one in found] == [True] * told


def test_packed_as_an_adapter_it_is_released_and_answers_the_same(made: Made, tmp_path: Path) -> None:
    checkpoint, _ = made
    dataset = make_dataset(tmp_path / "data", make_examples(4), make_examples(4, 50))
    examples.write(make_examples(4, 70), dataset.path / "test.parquet")
    how = DeploySpec(parity_prompts=4, parity_tokens=6)  # no form: the one that fits
    release = deploy.run(make_context(tmp_path, step="deploy"), how, checkpoint, report(checkpoint), dataset)
    assert (release.form, release.tuner, release.allowed) == ("adapter", checkpoint.tuner, True)
    assert [(one.a, one.b, one.equal) for one in release.parity[:1]] == [("trained model", "adapter", 4)]
    opened = deploy.as_checkpoint(Release.model_validate_json(release.model_dump_json()))
    assert said(opened) == said(checkpoint)


def report(checkpoint: Checkpoint) -> Report:
    result = CandidateResult(name="tuned", kind="tuned", checkpoint=checkpoint.id)
    verdict = Verdict(word="ship", candidate="tuned", reasons=("because",))
    return Report(
        id="r",
        path=Path(),
        digest="0",
        objective="Desk.",
        test_examples=4,
        results=(result,),
        verdict=verdict,
    )


def test_a_whole_model_is_no_adapter_and_that_is_told_before_anything_is_trained(tmp_path: Path) -> None:
    define = "define: {objective: Desk., task: classification}\ndata: {sources: [a.csv]}\n"
    text = define + "train: {tuner: full}\ndeploy: {export: adapter}\n"
    (tmp_path / "tunewright.yaml").write_text(text)
    (found,) = [one for one in Project.open(tmp_path).check() if one.where == "deploy.export"]
    assert "whole model" in found.what


def test_layers_that_the_model_does_not_have_are_told_before_anything_is_begun(
    base: Checkpoint, tmp_path: Path
) -> None:
    define = "define: {objective: Desk., task: classification}\ndata: {sources: [a.csv]}\n"
    text = f"model: {base.path}\n{define}train: {{tuner: {{lora: {{targets: [query]}}}}}}\n"
    (tmp_path / "tunewright.yaml").write_text(text)
    (found,) = [one for one in Project.open(tmp_path).check() if one.where == "train.tuner.lora"]
    assert found.fatal and "`query`" in found.what and "q_proj" in found.fix

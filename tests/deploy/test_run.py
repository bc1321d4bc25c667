"""From a checkpoint to a release."""

from __future__ import annotations

import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from peft import PeftModel
from safetensors.torch import load_file, save_file
from transformers import AutoModelForCausalLM

from tests.deploy.conftest import LABELS, SPEC, Setting, edited, read_json, report, write_adapter
from tunewright.core.errors import DeployError, ModelError, Stopped
from tunewright.core.types import Release
from tunewright.deploy import as_checkpoint, registry, run
from tunewright.runtime import models
from tunewright.runtime.chat import Chat
from tunewright.runtime.context import Context


def test_a_release_gives_the_tokens_of_the_adapter_and_says_so(setting: Setting) -> None:
    release = run(setting.context, SPEC, setting.checkpoint, report(), setting.dataset)
    same, effect = release.parity
    assert (same.a, same.b, same.prompts, same.equal) == ("trained model", "merged", 4, 4)
    assert same.checker.startswith("transformers ")
    assert same.first_difference == ""
    assert (effect.a, effect.b, effect.prompts) == ("base", "trained model", 4)
    assert effect.equal < 4, "the adapter changes answers"
    evidence = read_json(release.path / "parity.json")
    assert evidence["same"] == same.model_dump()
    assert float(str(evidence["largest_effect"])) > 0.01
    assert release.allowed
    assert release.reasons == ()
    assert (release.checkpoint, release.report, release.form) == ("checkpoint-1", "report-1", "merged")


def test_the_merged_weights_are_those_of_transformers_and_peft(setting: Setting) -> None:
    """The oracle: the same logits as base plus adapter, loaded by the libraries themselves."""
    release = run(setting.context, SPEC, setting.checkpoint, report(), setting.dataset)
    base = models.weights(setting.checkpoint.base, setting.context.settings)
    adapter = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(base), setting.checkpoint.path)
    merged = AutoModelForCausalLM.from_pretrained(release.path / "merged")
    ids = torch.tensor([[5, 9, 40, 77]])
    with torch.inference_mode():
        torch.testing.assert_close(merged(ids).logits, adapter(ids).logits, rtol=1e-4, atol=1e-4)


def test_a_release_opens_as_a_checkpoint_without_an_adapter(setting: Setting) -> None:
    release = run(setting.context, SPEC, setting.checkpoint, report(), setting.dataset)
    opened = as_checkpoint(release)
    assert opened.tuner is None
    assert opened.path == release.path / "merged"
    assert (opened.instruction, opened.labels) == ("Name the desk.", LABELS)
    assert Chat.load(opened.path).template_sha256 == opened.template_sha256
    assert opened.template_sha256 == setting.checkpoint.template_sha256


def test_what_the_report_does_not_allow_is_packed_as_a_candidate_with_the_reason(setting: Setting) -> None:
    release = run(setting.context, SPEC, setting.checkpoint, report("iterate"), setting.dataset)
    assert not release.allowed
    assert release.reasons == ("the verdict is `iterate`; because",)
    assert [event.kind for event in setting.events if event.kind == "warning"] == ["warning"]


@pytest.mark.parametrize(
    ("found", "reason"),
    [
        (report(about="classical"), "the verdict is about `classical`, not `tuned`"),
        (report(checkpoint="another"), "the report says nothing about this checkpoint"),
        (report().model_copy(update={"complete": False}), "the report is not complete"),
    ],
)
def test_a_verdict_about_something_else_allows_nothing(setting: Setting, found: object, reason: str) -> None:
    release = run(setting.context, SPEC, setting.checkpoint, found, setting.dataset)  # type: ignore[arg-type]
    assert release.reasons == (reason,)


def test_an_adapter_without_effect_is_refused_and_nothing_is_left(setting: Setting, tmp_path: Path) -> None:
    base = models.weights(setting.checkpoint.base, setting.context.settings)
    idle = setting.checkpoint.model_copy(update={"path": write_adapter(base, tmp_path / "idle", scale=0.0)})
    with pytest.raises(DeployError, match="no effect"):
        run(setting.context, SPEC, idle, report(), setting.dataset)
    assert_nothing_is_left(setting.context)


def test_a_changed_template_is_refused_and_nothing_is_left(setting: Setting, tmp_path: Path) -> None:
    def change(folder: Path) -> None:
        path = folder / "chat_template.jinja"
        path.write_text(path.read_text() + "!")

    changed = edited(setting.checkpoint, tmp_path / "changed", change)
    with pytest.raises(DeployError, match="template"):
        run(setting.context, SPEC, changed, report(), setting.dataset)
    assert_nothing_is_left(setting.context)


def test_weights_that_are_no_numbers_are_refused(setting: Setting, tmp_path: Path) -> None:
    def poison(folder: Path) -> None:
        path = folder / "adapter_model.safetensors"
        weights = load_file(path)
        save_file({name: weight * float("nan") for name, weight in weights.items()}, path)

    poisoned = edited(setting.checkpoint, tmp_path / "poisoned", poison)
    with pytest.raises(ModelError, match="NaN"):
        run(setting.context, SPEC, poisoned, report(), setting.dataset)
    assert_nothing_is_left(setting.context)


def test_a_pickled_adapter_is_refused(setting: Setting, tmp_path: Path) -> None:
    def pickle(folder: Path) -> None:
        shutil.move(folder / "adapter_model.safetensors", folder / "adapter_model.bin")

    pickled = edited(setting.checkpoint, tmp_path / "pickled", pickle)
    with pytest.raises(DeployError, match=r"adapter_model\.safetensors"):
        run(setting.context, SPEC, pickled, report(), setting.dataset)


def test_a_base_model_has_nothing_to_merge(setting: Setting, tmp_path: Path) -> None:
    base = models.resolve(setting.checkpoint.base.name, setting.context.settings)
    with pytest.raises(DeployError, match="nothing to merge"):
        run(setting.context, SPEC, base, report(), setting.dataset)


def test_a_full_disk_is_seen_before_anything_is_written(setting: Setting) -> None:
    huge = setting.checkpoint.base.model_copy(update={"parameters": 10**15})
    with pytest.raises(DeployError, match="are free"):
        run(
            setting.context,
            SPEC,
            setting.checkpoint.model_copy(update={"base": huge}),
            report(),
            setting.dataset,
        )
    assert_nothing_is_left(setting.context)


def test_a_stopped_release_leaves_nothing(setting: Setting) -> None:
    context = replace(setting.context, should_stop=lambda: True)
    with pytest.raises(Stopped):
        run(context, SPEC, setting.checkpoint, report(), setting.dataset)
    assert_nothing_is_left(context)


def test_what_a_killed_run_left_behind_is_not_packed(setting: Setting) -> None:
    (setting.context.folder / "merged").mkdir()
    (setting.context.folder / "merged" / "half.safetensors").write_text("half")
    release = run(setting.context, SPEC, setting.checkpoint, report(), setting.dataset)
    assert not (release.path / "merged" / "half.safetensors").exists()


def test_a_release_that_passed_the_gate_is_promoted_and_the_one_before_retired(setting: Setting) -> None:
    workspace = setting.context.workspace
    for name in ("release-1", "release-2"):
        context = replace(setting.context, artifact_id=name, folder=setting.context.folder.with_name(name))
        made = run(context, SPEC, setting.checkpoint, report(), setting.dataset)
        registry.register(workspace, workspace.publish(made, made.path))
        states = [entry.state for entry in registry.promote(workspace, name).entries]
    assert states == ["retired", "champion"]


@pytest.mark.parametrize("lost", ["evidence", "equal tokens", "a bit", "the report"])
def test_a_release_without_a_passed_gate_cannot_be_promoted(setting: Setting, lost: str) -> None:
    verdict = report("iterate" if lost == "the report" else "ship")
    made = run(setting.context, SPEC, setting.checkpoint, verdict, setting.dataset)
    workspace = setting.context.workspace
    release = workspace.publish(made, made.path)
    registry.register(workspace, release)
    path = release.path / "parity.json"
    if lost == "evidence":
        path.unlink()
    if lost == "equal tokens":
        path.write_text(path.read_text().replace('"equal": 4', '"equal": 3', 1))
    if lost == "a bit":
        weights = release.path / "merged" / "model.safetensors"
        data = bytearray(weights.read_bytes())
        data[-9] ^= 1
        weights.write_bytes(bytes(data))
    why = {"evidence": "no passed parity gate", "equal tokens": "with other tokens", "a bit": "not as it was"}
    with pytest.raises(DeployError, match=why.get(lost, "the report does not allow it")):
        registry.promote(workspace, release.id)
    assert [entry.state for entry in registry.read(workspace).entries] == ["candidate"]


def test_an_unknown_release_cannot_be_promoted(setting: Setting) -> None:
    with pytest.raises(DeployError, match="unknown release `release-9`"):
        registry.promote(setting.context.workspace, "release-9")


def assert_nothing_is_left(context: Context) -> None:
    assert not list(context.folder.iterdir())
    assert registry.read(context.workspace).entries == ()
    assert context.workspace.find("release-1", Release) is None

"""GGUF: llama.cpp answers with the trained model's tokens; what cannot be carried is said."""

from __future__ import annotations

from pathlib import Path

import pytest
from tests.deploy.conftest import SPEC, Setting, report, write_adapter

from tunewright.core.errors import DeployError
from tunewright.deploy import DeploySpec, as_checkpoint, run
from tunewright.deploy.respond import open_specialist
from tunewright.runtime import models, plugins
from tunewright.runtime.chat import Chat
from tunewright.runtime.models import gguf
from tunewright.runtime.plugins import Named
from tunewright.testing.checkpoint import tiny_model


def as_gguf(kind: str, **more: object) -> DeploySpec:
    return SPEC.model_copy(update={"export": Named(name="gguf", options={"type": kind}), **more})


@pytest.mark.parametrize("kind", ["f32", "f16"])
def test_a_gguf_release_gives_the_tokens_of_the_trained_model_by_llamacpp_and_over_http(
    setting: Setting, kind: str
) -> None:
    spec = as_gguf(kind, parity_served=True)
    release = run(setting.context, spec, setting.checkpoint, report(), setting.dataset)
    same, effect, served = release.parity
    assert (same.prompts, same.equal + same.ties, same.b) == (4, 4, "gguf")
    assert same.checker.startswith("xllamacpp ")
    assert (served.prompts, served.equal + served.ties) == (4, 4)
    assert served.checker.endswith("behind `tunewright.server`, over HTTP")
    assert effect.equal < 4
    assert (release.form, release.engine, release.tuner) == ("gguf", "llamacpp", None)
    left = sorted(path.name for path in release.path.iterdir())
    assert left == ["files.json", "gguf", "parity.json"]


def test_a_model_that_was_tuned_whole_becomes_one_file(setting: Setting, tmp_path: Path) -> None:
    whole = tiny_model(tmp_path / "whole", seed=1)
    tuned = setting.checkpoint.model_copy(update={"path": whole, "tuner": "full"})
    release = run(setting.context, as_gguf("f32"), tuned, report(), setting.dataset)
    assert release.parity[0].equal == 4
    assert release.parity[1].equal < 4, "another model than the base"


def test_dora_goes_into_a_gguf_by_its_merge(setting: Setting, tmp_path: Path) -> None:
    base = models.weights(setting.checkpoint.base, setting.context.settings)
    adapter = write_adapter(base, tmp_path / "dora", scale=0.3, use_dora=True)
    tuned = setting.checkpoint.model_copy(update={"path": adapter, "tuner": "dora"})
    release = run(setting.context, as_gguf("f32"), tuned, report(), setting.dataset)
    assert release.parity[0].equal + release.parity[0].ties == 4


def test_a_gguf_release_is_served_by_llamacpp(setting: Setting) -> None:
    release = run(setting.context, as_gguf("f16"), setting.checkpoint, report(), setting.dataset)
    specialist = open_specialist(release, setting.context.settings, engine=Named(name=release.engine))
    request = specialist.request(setting.dataset and ())
    assert request.choices
    specialist.engine.close()


def test_the_file_carries_tokenizer_template_and_stop_token(setting: Setting) -> None:
    release = run(setting.context, as_gguf("f16"), setting.checkpoint, report(), setting.dataset)
    folder = as_checkpoint(release).path
    header, chat = gguf.read(folder / "model.gguf"), Chat.load(folder)
    facts = header.facts
    assert facts["tokenizer.chat_template"] == chat.template
    assert facts["tokenizer.ggml.eos_token_id"] == chat.stop_ids[0]
    assert facts["tokenizer.ggml.add_bos_token"] is False
    assert len(facts["tokenizer.ggml.tokens"]) == chat.tokenizer.get_vocab_size()
    assert not list(gguf.check(folder / "model.gguf"))


@pytest.mark.parametrize("kind", ["q8_0", "q4_k_m"])
def test_a_rounded_release_is_measured_in_the_metric_of_the_task(setting: Setting, kind: str) -> None:
    spec = as_gguf(kind, quantised_tolerance=1.0)
    release = run(setting.context, spec, setting.checkpoint, report(), setting.dataset)
    same = release.parity[0]
    assert not same.exact
    assert same.prompts == 6, "every test example there is"
    assert same.drop is not None
    assert same.drop.low <= same.drop.value <= same.drop.high
    assert same.agreement is not None


def test_weights_too_large_for_f16_are_refused_with_the_type_that_holds_them(
    setting: Setting, tmp_path: Path
) -> None:
    from safetensors.torch import load_file, save_file
    from tests.deploy.conftest import edited

    def grow(folder: Path) -> None:
        path = folder / "adapter_model.safetensors"
        weights = load_file(path)
        save_file({name: weight * 1e4 for name, weight in weights.items()}, path)

    grown = edited(setting.checkpoint, tmp_path / "grown", grow)
    with pytest.raises(DeployError, match="f16 ends at 65504") as caught:
        run(setting.context, as_gguf("f16"), grown, report(), setting.dataset)
    assert "type: f32" in caught.value.problems[0].fix
    assert not list(setting.context.folder.iterdir()), "no half-written state"


def test_an_unknown_type_is_named_with_the_nearest() -> None:
    problems = list(
        plugins.check("exports", Named(name="gguf", options={"type": "q8"}), where="deploy.export")
    )
    assert problems[0].fix == "did you mean `q8_0`?"


def test_a_flipped_bit_in_a_release_is_refused_by_the_name_of_the_file(setting: Setting) -> None:
    release = run(setting.context, as_gguf("f16"), setting.checkpoint, report(), setting.dataset)
    path = release.path / "gguf" / "model.gguf"
    data = bytearray(path.read_bytes())
    data[-100] ^= 4
    path.write_bytes(bytes(data))
    with pytest.raises(DeployError, match="not as it was made") as caught:
        open_specialist(release, setting.context.settings, engine=Named(name=release.engine))
    assert caught.value.problems[0].where.endswith("gguf/model.gguf")


def test_a_file_lost_from_a_release_is_told_by_its_name(setting: Setting) -> None:
    release = run(setting.context, as_gguf("f16"), setting.checkpoint, report(), setting.dataset)
    (release.path / "gguf" / "model.gguf").unlink()
    with pytest.raises(DeployError, match="is gone"):
        open_specialist(release, setting.context.settings, engine=Named(name=release.engine))

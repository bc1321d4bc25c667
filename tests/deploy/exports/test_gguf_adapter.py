"""LoRA as GGUF: llama.cpp puts it on its base and says the trained model's tokens."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from tests.deploy.conftest import SPEC, Setting, edited, report

from tunewright.core.errors import DeployError
from tunewright.deploy import run
from tunewright.deploy.exports.gguf_adapter import GgufAdapter
from tunewright.deploy.ports import Made
from tunewright.runtime import models
from tunewright.runtime.plugins import Named

SPEC_F32 = SPEC.model_copy(update={"export": Named(name="gguf_adapter", options={"type": "f32"})})


def test_a_lora_as_gguf_gives_the_tokens_of_the_trained_model(setting: Setting) -> None:
    release = run(setting.context, SPEC_F32, setting.checkpoint, report(), setting.dataset)
    assert (release.parity[0].prompts, release.parity[0].equal) == (4, 4)
    assert (release.engine, release.tuner) == ("llamacpp", "lora")
    left = {path.name for path in (release.path / "gguf_adapter").iterdir()}
    assert {"adapter.gguf", "base.gguf", "chat_template.jinja"} <= left
    assert not {name for name in left if name.startswith(".")}


@pytest.mark.parametrize(
    "told",
    [{"use_rslora": True}, {"alpha_pattern": {"q_proj": 3, "down_proj": 16}}, {"lora_alpha": 5}],
    ids=["rslora", "an alpha of its own", "another alpha"],
)
def test_every_way_of_scaling_is_carried(setting: Setting, tmp_path: Path, told: dict[str, Any]) -> None:
    def change(folder: Path) -> None:
        path = folder / "adapter_config.json"
        path.write_text(json.dumps({**json.loads(path.read_text()), **told}))

    changed = edited(setting.checkpoint, tmp_path / "changed", change)
    release = run(setting.context, SPEC_F32, changed, report(), setting.dataset)
    assert release.parity[0].equal == 4


@pytest.mark.parametrize(
    ("made", "why", "way"),
    [
        (Made(kind="dora"), "no lengths beside them", "gguf"),
        (Made(kind="ia3"), "scales no activations", "gguf"),
        (Made(kind="prefix_tuning"), "no learned keys and values", "adapter"),
        (Made(kind="bottleneck"), "no layers of an adapter's own", "adapter"),
        (Made(kind="lora", saved=("lm_head",)), "keeps whole modules", "gguf"),
        (Made(whole=True), "no adapter to pack", "gguf"),
    ],
)
def test_what_it_cannot_carry_is_refused_with_the_nearest_way(made: Made, why: str, way: str) -> None:
    (problem,) = GgufAdapter().refuses(made)
    assert why in problem.what
    assert f"`deploy.export: {way}`" in problem.fix


def test_a_change_of_an_output_that_is_the_embedding_is_refused(setting: Setting, tmp_path: Path) -> None:
    from safetensors.torch import load_file, save_file

    def onto_output(folder: Path) -> None:
        path = folder / "adapter_model.safetensors"
        name = "base_model.model.model.layers.0.self_attn.q_proj"
        found = {one.replace(name, "base_model.model.lm_head"): w for one, w in load_file(path).items()}
        save_file(found, path)

    changed = edited(setting.checkpoint, tmp_path / "changed", onto_output)
    with pytest.raises(DeployError, match=r"no place for the adapter's weight `base_model\.model\.lm_head"):
        run(setting.context, SPEC_F32, changed, report(), setting.dataset)


def test_a_damaged_adapter_leaves_no_half_written_files(setting: Setting, tmp_path: Path) -> None:
    def cut(folder: Path) -> None:
        path = folder / "adapter_model.safetensors"
        path.write_bytes(path.read_bytes()[:-100])

    damaged = edited(setting.checkpoint, tmp_path / "damaged", cut)
    with pytest.raises(DeployError, match="cut short or damaged"):
        run(setting.context, SPEC_F32, damaged, report(), setting.dataset)
    assert not list(setting.context.folder.iterdir())


def test_a_base_of_another_model_is_refused(setting: Setting, tmp_path: Path) -> None:
    base = models.weights(setting.checkpoint.base, setting.context.settings)
    other = shutil.copytree(base, tmp_path / "other")
    config = json.loads((other / "config.json").read_text())
    (other / "config.json").write_text(json.dumps({**config, "model_type": "gpt_neox"}))
    (problem,) = GgufAdapter().refuses(
        Made(kind="lora", config=json.loads((other / "config.json").read_text()), base=other)
    )
    assert "models of type `gpt_neox`" in problem.what

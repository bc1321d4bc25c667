"""A base model whose files are missing, damaged or dangerous: each is named, with what to do about it."""

from __future__ import annotations

import json
import pickle
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from safetensors.torch import load_file, save_file

from tunewright.core.errors import ModelError
from tunewright.core.types import Checkpoint
from tunewright.runtime import models
from tunewright.runtime.models.opening import open_model
from tunewright.runtime.settings import Settings
from tunewright.testing.checkpoint import tiny_model

WEIGHTS, CONFIG, INDEX = "model.safetensors", "config.json", "model.safetensors.index.json"
Damage = Callable[[Path], object]


@pytest.fixture
def own(tmp_path: Path) -> Path:
    return tiny_model(tmp_path / "own")


def resolve(folder: Path, tmp_path: Path) -> Checkpoint:
    return models.resolve(str(folder), Settings(cache=tmp_path / "cache", threads=1, offline=True))


def change(name: str, **values: object) -> Damage:
    def damage(folder: Path) -> None:
        found = json.loads((folder / name).read_bytes())
        (folder / name).write_text(json.dumps({**found, **values}))

    return damage


def write(name: str, content: bytes) -> Damage:
    return lambda folder: (folder / name).write_bytes(content)


def header(text: bytes) -> bytes:
    return len(text).to_bytes(8, "little") + text


def sharded(folder: Path) -> None:
    """The same weights in two shards, as transformers writes them."""
    weights = load_file(folder / WEIGHTS)
    (folder / WEIGHTS).unlink()
    names = sorted(weights)
    where = {}
    for number, part in enumerate((names[:5], names[5:]), start=1):
        shard = f"model-0000{number}-of-00002.safetensors"
        save_file({name: weights[name] for name in part}, folder / shard, metadata={"format": "pt"})
        where |= dict.fromkeys(part, shard)
    (folder / INDEX).write_text(json.dumps({"metadata": {}, "weight_map": where}))


def then(*damages: Damage) -> Damage:
    return lambda folder: [damage(folder) for damage in damages]


def remove(name: str) -> Damage:
    return lambda folder: (folder / name).unlink()


SECOND = "model-00002-of-00002.safetensors"


@pytest.mark.parametrize(
    ("damage", "where", "what"),
    [
        (write(WEIGHTS, b""), WEIGHTS, "damaged"),
        (write(WEIGHTS, pickle.dumps({"a": 1})), WEIGHTS, "damaged"),
        (write(WEIGHTS, header(b"[1]")), WEIGHTS, "damaged"),
        (write(WEIGHTS, header(b'{"a": {"shape": [2]}}')), WEIGHTS, "damaged"),
        (write(WEIGHTS, header(b'{"a": 3}')), WEIGHTS, "damaged"),
        (write(WEIGHTS, header(b"[" * 100_000)), WEIGHTS, "damaged"),
        (write(WEIGHTS, header(b'{"a": {"shape": [0], "data_offsets": [0, 0]}}')), WEIGHTS, "damaged"),
        (write(WEIGHTS, header(b"{}")), WEIGHTS, "no weights"),
        (write(WEIGHTS, header(b"\xff\xfe")), WEIGHTS, "damaged"),
        (lambda folder: (folder / WEIGHTS).rename(folder / "w.safetensors"), "own", f"no `{WEIGHTS}`"),
        (then(sharded, remove(SECOND)), SECOND, "shard is missing, which holds 15 of 20"),
        (then(sharded, remove(INDEX)), INDEX, "for 2 shards"),
        (then(sharded, write(INDEX, b"{")), INDEX, "index"),
        (then(sharded, write(INDEX, b'{"weight_map": []}')), INDEX, "index"),
        (
            then(sharded, lambda folder: save_file({"x": torch.zeros(1)}, folder / SECOND)),
            SECOND,
            "15 weights that",
        ),
        (write("tokenizer.json", b"{"), "tokenizer.json", "no tokenizer"),
        (write("tokenizer.json", b'{"a": 1}'), "tokenizer.json", "no tokenizer"),
        (write("chat_template.jinja", b"\xff\xff"), "own", "no chat template"),
        (write(CONFIG, b"[]"), CONFIG, "not valid JSON"),
        (write(CONFIG, b"{}"), f"{CONFIG}: model_type", "names no architecture"),
        (write(CONFIG, b"[" * 100_000), CONFIG, "not valid JSON"),
        (change(CONFIG, max_position_embeddings="long"), f"{CONFIG}: max_position_embeddings", "no size"),
        (change(CONFIG, num_attention_heads=0), f"{CONFIG}: num_attention_heads", "no size"),
        (change(CONFIG, hidden_size=40), CONFIG, "; this says [259, 40]"),
        (change(CONFIG, num_hidden_layers=5), CONFIG, "5 layers; 3 have no weights, first layer 2"),
        (change(CONFIG, auto_map={"AutoModel": "x.Y"}), f"{CONFIG}: auto_map", "code of its own"),
        (change("tokenizer_config.json", auto_map={}), "tokenizer_config.json: auto_map", "code of its own"),
    ],
)
def test_what_is_wrong_is_told_by_file_with_a_remedy(
    own: Path, tmp_path: Path, damage: Damage, where: str, what: str
) -> None:
    damage(own)
    with pytest.raises(ModelError) as raised:
        resolve(own, tmp_path)
    found = raised.value.problems
    assert any(one.where.endswith(where) and what in f"{one.where} {one.what}" for one in found), found
    assert all(one.fix for one in found)


def test_a_model_in_shards_is_opened(own: Path, tmp_path: Path) -> None:
    before = resolve(own, tmp_path).base.parameters
    sharded(own)
    assert resolve(own, tmp_path).base.parameters == before
    assert open_model(own, torch.float32).num_parameters() == before


class Bomb:
    """Runs when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[Any, tuple[str]]:
        return eval, (f"open({str(self.path)!r}, 'w')",)


@pytest.mark.parametrize("name", ["pytorch_model.bin", "model.pt", "consolidated.00.pth"])
def test_a_pickle_is_refused_and_never_opened(own: Path, tmp_path: Path, name: str) -> None:
    (own / WEIGHTS).unlink()
    (own / name).write_bytes(pickle.dumps(Bomb(tmp_path / "ran")))
    with pytest.raises(ModelError) as raised:
        resolve(own, tmp_path)
    (problem,) = raised.value.problems
    assert problem.where.endswith(name) and "pickled" in problem.what and "save_pretrained" in problem.fix
    with pytest.raises(ModelError, match="cannot be loaded"):
        open_model(own, torch.float32)
    with pytest.raises(ModelError, match="pickled"):
        resolve(own / name, tmp_path)
    assert not (tmp_path / "ran").exists()


def test_a_file_in_place_of_a_folder_is_told(own: Path, tmp_path: Path) -> None:
    with pytest.raises(ModelError, match="a model is a folder"):
        resolve(own / WEIGHTS, tmp_path)


@pytest.mark.parametrize("name", ["~nobody-of-this-name/model", "a" * 5000, "../nothing"])
def test_what_cannot_be_a_path_is_an_unknown_model(name: str, tmp_path: Path) -> None:
    settings = Settings(cache=tmp_path / "cache", threads=1, offline=True)
    assert models.of_project(name, tmp_path) == name
    assert models.known(name, settings) is None
    (problem,) = models.check(name)
    assert problem.where == "model" and "hub:" not in problem.fix
    with pytest.raises(ModelError):
        models.resolve(name, settings)


def test_missing_weights_are_not_made_up_and_those_of_another_shape_are_named(own: Path) -> None:
    weights = load_file(own / WEIGHTS)
    name = "model.layers.1.mlp.up_proj.weight"
    save_file({**weights, name: weights[name][:-2].clone()}, own / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=f"{name}.*not"):
        open_model(own, torch.float32)
    del weights[name]
    save_file(weights, own / WEIGHTS, metadata={"format": "pt"})
    with pytest.raises(ModelError, match=f"1 weights of the model are missing, first `{name}`"):
        open_model(own, torch.float32)


SPEC = """
model: {model}
define: {{objective: Route a question to the right desk., task: classification}}
data: {{sources: [a.csv]}}
train: {{epochs: 1, tracker: null}}
evaluate: {{candidates: [tuned], latency_examples: 0}}
"""


@pytest.mark.parametrize(
    ("damage", "name"), [(remove(CONFIG), CONFIG), (write(WEIGHTS, b"garbage"), WEIGHTS)]
)
def test_from_the_command_line_it_is_one_error_and_nothing_is_begun(
    own: Path, tmp_path: Path, damage: Damage, name: str
) -> None:
    damage(own)
    rows = [f"lost card {number},loss\nchange {number},exchange" for number in range(20)]
    (tmp_path / "a.csv").write_text("\n".join(["text,label", *rows]))
    (tmp_path / "tunewright.yaml").write_text(SPEC.format(model=own))
    command = [sys.executable, "-m", "tunewright", "run"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    said = done.stdout + done.stderr
    assert done.returncode == 2 and "Traceback" not in said
    assert name in said.replace("\n", "").replace(" ", "")
    assert not (tmp_path / ".tunewright").exists()

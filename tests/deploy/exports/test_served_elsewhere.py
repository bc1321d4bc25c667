"""Forms for other servers, each opened again by the nearest thing that runs here."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from tests.deploy.conftest import SPEC, Setting, edited, report

from tunewright.core.errors import DeployError
from tunewright.core.types import Message
from tunewright.deploy import DeploySpec, run
from tunewright.deploy.exports import ollama
from tunewright.deploy.exports.ollama import Ollama
from tunewright.deploy.exports.ollama.template import found_out, read
from tunewright.deploy.ports import Made
from tunewright.runtime import children, models
from tunewright.runtime.chat import Chat
from tunewright.runtime.plugins import Named

LLAMA3 = (
    "{{ '<|im_start|>' }}{% for m in messages %}"
    "{{ '<|h|>' + m['role'] + '<|/h|>\\n\\n' + m['content'] + '<|im_end|>' }}"
    "{% endfor %}{% if add_generation_prompt %}{{ '<|h|>assistant<|/h|>\\n\\n' }}{% endif %}"
)
MISTRAL = (
    "{{ '<|im_start|>' }}{% for m in messages %}"
    "{% if m['role'] == 'assistant' %}{{ ' ' + m['content'] + '<|im_end|>' }}"
    "{% else %}{{ '[INST] ' + m['content'] + ' [/INST]' }}{% endif %}{% endfor %}"
)
WITHOUT_TORCH = """
import runpy, sys
sys.modules.update(torch=None, transformers=None, peft=None, accelerate=None)
runpy.run_module("tunewright.server", run_name="__main__", alter_sys=True)
"""
"""The server as it is in a container, where none of these is installed."""
SHOUTS = "{% for m in messages %}{{ m['content'] | upper }}{% endfor %}"


def packed_as(name: str, **options: object) -> DeploySpec:
    return SPEC.model_copy(update={"export": Named(name=name, options=options)})


def with_template(folder: Path, template: str) -> Chat:
    (folder / "chat_template.jinja").write_text(template)
    return Chat.load(folder)


@pytest.mark.parametrize(
    "template", [None, LLAMA3, MISTRAL], ids=["chatml with a default", "llama 3", "mistral"]
)
def test_ollamas_template_writes_what_the_frozen_one_writes(
    setting: Setting, tmp_path: Path, template: str | None
) -> None:
    home = edited(setting.checkpoint, tmp_path / "home", lambda folder: None).path
    chat = Chat.load(home) if template is None else with_template(home, template)
    turns = found_out(chat)
    assert turns is not None
    assert read(turns.go()) == turns
    conversation = [Message(role="user", content="  What now?\n"), Message(role="assistant", content="This.")]
    conversation.append(Message(role="user", content="And {{ then }}?"))
    assert turns.text(conversation) == chat.text(conversation, answer_next=True)


def test_turns_are_cut_behind_their_stop_token(setting: Setting) -> None:
    turns = found_out(Chat.load(setting.checkpoint.path))
    assert turns is not None
    assert turns.user == ("<|im_start|>user\n", "<|im_end|>\n")
    assert turns.opening == "<|im_start|>assistant\n"
    assert turns.lead == "<|im_start|>system\nYou are tiny.<|im_end|>\n"


def test_a_template_that_changes_the_words_is_refused_before_the_training(
    setting: Setting, tmp_path: Path
) -> None:
    home = edited(setting.checkpoint, tmp_path / "home", lambda folder: None).path
    assert found_out(with_template(home, SHOUTS)) is None
    base = models.weights(setting.checkpoint.base, setting.context.settings)
    config = json.loads((base / "config.json").read_text())
    (problem,) = Ollama().refuses(Made(kind="lora", config=config, base=home))
    assert "Ollama's language does not say" in problem.what
    assert "`deploy.export: gguf`" in problem.fix


def test_an_ollama_release_carries_template_system_message_and_stop(setting: Setting) -> None:
    spec = packed_as("ollama", type="f32")
    release = run(setting.context, spec, setting.checkpoint, report(), setting.dataset)
    assert release.parity[0].equal == 4
    said = ollama.read(release.path / "ollama" / "Modelfile")
    assert said.system == "Name the desk."
    assert said.stops == ("<|im_end|>",)
    text = (release.path / "ollama" / "Modelfile").read_text()
    assert text.startswith("FROM ./model.gguf\n")
    assert "PARAMETER num_ctx 512" in text


def test_a_vllm_folder_is_opened_by_transformers_and_has_its_command(setting: Setting) -> None:
    release = run(setting.context, packed_as("vllm"), setting.checkpoint, report(), setting.dataset)
    folder = release.path / "vllm"
    assert release.parity[0].equal == 4
    assert release.parity[0].checker.startswith("transformers ")
    script = (folder / "serve.sh").read_text()
    assert 'exec vllm serve "$here"' in script
    assert "--max-model-len 512" in script
    assert json.loads((folder / "generation_config.json").read_text())["eos_token_id"] == [2]
    assert subprocess.run(["sh", "-n", str(folder / "serve.sh")], check=False).returncode == 0


def test_a_vllm_folder_in_16_bits_is_measured(setting: Setting) -> None:
    spec = packed_as("vllm", dtype="bfloat16").model_copy(update={"quantised_tolerance": 1.0})
    release = run(setting.context, spec, setting.checkpoint, report(), setting.dataset)
    assert release.parity[0].drop is not None
    config = json.loads((release.path / "vllm" / "config.json").read_text())
    assert config["dtype"] == "bfloat16"


def test_a_container_folder_answers_by_the_command_of_its_file(setting: Setting, tmp_path: Path) -> None:
    spec = packed_as("container", type="f32")
    release = run(setting.context, spec, setting.checkpoint, report(), setting.dataset)
    moved = (release.path / "container").rename(tmp_path / "model")
    text = (moved / "Containerfile").read_text()
    entry = json.loads(
        next(line for line in text.splitlines() if line.startswith("ENTRYPOINT")).split(" ", 1)[1]
    )
    assert entry[:3] == ["python", "-m", "tunewright.server"]
    here = [word.replace("/model/", f"{moved}/").replace("0.0.0.0", "127.0.0.1") for word in entry[3:]]
    process, said = children.start([sys.executable, "-c", WITHOUT_TORCH, *here, "--port", "0"], where="test")
    try:
        assert said["name"] == "specialist"
        assert ask(said["url"]) in setting.checkpoint.labels
    finally:
        children.end(process)


def ask(url: str) -> str:
    import openai

    client = openai.OpenAI(base_url=url, api_key="unused")
    answer = client.chat.completions.create(model="specialist", messages=[{"role": "user", "content": "?"}])
    return str(answer.choices[0].message.content)


@pytest.mark.parametrize("name", ["gguf", "ollama", "vllm", "container"])
def test_an_adapter_that_cannot_be_merged_is_refused_with_the_nearest_way(
    setting: Setting, name: str
) -> None:
    from tunewright.runtime import plugins

    export = plugins.make("exports", name)
    (problem,) = export.refuses(Made(kind="prefix", apart="it is learned tokens"))
    assert "`prefix` cannot be merged: it is learned tokens" in problem.what
    assert "`adapter`" in problem.fix


def test_a_description_that_is_none_is_refused_by_name(tmp_path: Path) -> None:
    from tunewright.deploy import serving

    (tmp_path / "serving.json").write_text("{}")
    with pytest.raises(DeployError, match="no description of a packed form"):
        serving.read(tmp_path / "serving.json")

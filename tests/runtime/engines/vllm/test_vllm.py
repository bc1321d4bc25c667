"""The vllm engine against a stand-in with vLLM's documented command line and HTTP; vLLM was not run."""

from __future__ import annotations

import asyncio
import json
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from tests.deploy.conftest import tuned as tuned

from tunewright.core.errors import EngineError
from tunewright.core.types import Checkpoint
from tunewright.runtime.engine import complete
from tunewright.runtime.engines.vllm import Vllm
from tunewright.runtime.engines.vllm.process import well
from tunewright.runtime.settings import Settings
from tunewright.testing.checkpoint import tiny_checkpoint
from tunewright.testing.conformance import LABELS
from tunewright.testing.questions import ask

SETTINGS = Settings(cache=Path("unused"), threads=1, offline=True)
STANDIN = (sys.executable, str(Path(__file__).with_name("standin.py")), "serve")


def engine_of(log: Path, *more: str, **how: Any) -> Vllm:  # noqa: ANN401
    return Vllm(command=STANDIN, options=("--standin-log", str(log), *more), **how)


def heard(log: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in log.read_text().splitlines()]


@contextmanager
def opened(plugin: Vllm, checkpoint: Checkpoint) -> Iterator[Any]:
    engine: Any = plugin.open(checkpoint, SETTINGS)
    try:
        yield engine
    finally:
        engine.close()


@pytest.fixture
def whole(tmp_path: Path) -> Checkpoint:
    return tiny_checkpoint(tmp_path / "tiny")


@pytest.fixture
def log(tmp_path: Path) -> Path:
    return tmp_path / "log.jsonl"


def test_a_merged_model_is_served_with_its_frozen_template(whole: Checkpoint, log: Path) -> None:
    with opened(engine_of(log, context=256, dtype="float32"), whole) as engine:
        answer = asyncio.run(complete(engine, ask("how do i top up")))
        label = asyncio.run(complete(engine, ask("how do i top up", choices=LABELS)))
    assert (answer.text, label.text) == ("how do i top up", "top up")
    assert answer.prompt_tokens and answer.tokens == 5
    argv = heard(log)[0]["argv"]
    assert argv[:2] == ["serve", str(whole.path)]
    told = dict(zip(argv[2::2], argv[3::2], strict=True))
    assert told["--chat-template"] == str(whole.path / "chat_template.jinja")
    assert (told["--max-model-len"], told["--dtype"], told["--host"]) == ("256", "float32", "127.0.0.1")
    assert heard(log)[2]["body"]["structured_outputs"] == {"choice": list(LABELS)}


def test_an_adapter_is_put_on_its_base(tuned: Checkpoint, log: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    base = tuned.path.parent / "base"
    monkeypatch.setattr("tunewright.runtime.models.lookup.resolve", lambda _name, _how: tiny_checkpoint(base))
    with opened(engine_of(log), tuned) as engine:
        assert asyncio.run(complete(engine, ask("hello"))).text == "hello"
    argv = heard(log)[0]["argv"]
    assert argv[1] == str(base)
    assert argv[argv.index("--lora-modules") + 1] == f"specialist={tuned.path}"
    assert argv[argv.index("--max-lora-rank") + 1] == "8", "the smallest that vLLM takes"
    assert heard(log)[1]["body"]["model"] == "specialist"


def test_a_killed_child_is_replaced_at_the_next_question(whole: Checkpoint, log: Path) -> None:
    with opened(engine_of(log), whole) as engine:
        first = engine.pid
        os.kill(first, signal.SIGKILL)
        os.waitpid(first, 0)
        assert asyncio.run(complete(engine, ask("still there"))).text == "still there"
        assert engine.pid != first
    with pytest.raises(EngineError, match="was closed"):
        asyncio.run(complete(engine, ask("hello")))


def test_an_adapter_is_handed_to_a_vllm_that_runs_and_taken_back(
    tuned: Checkpoint, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_VLLM_KEY", "secret")
    with running(tuned, log, "--enable-lora") as url:
        with opened(Vllm(url=url, key="OUR_VLLM_KEY"), tuned) as engine:
            assert asyncio.run(complete(engine, ask("hello"))).text == "hello"
        calls = [(one["path"], one["body"]) for one in heard(log)[1:]]
    named = {"lora_name": tuned.id}
    assert calls[0] == ("/v1/load_lora_adapter", {**named, "lora_path": str(tuned.path)})
    assert calls[1][1]["model"] == tuned.id
    assert calls[-1] == ("/v1/unload_lora_adapter", named)


def test_what_vllm_says_no_to_is_told_with_the_way_out(
    tuned: Checkpoint, whole: Checkpoint, log: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OUR_VLLM_KEY", "secret")
    with running(tuned, log) as url, pytest.raises(EngineError, match="refuses the adapter") as caught:
        Vllm(url=url, key="OUR_VLLM_KEY").open(tuned, SETTINGS)
    assert "--enable-lora" in caught.value.problems[0].fix
    with pytest.raises(EngineError, match="TUNEWRIGHT_OFFLINE forbids this address"):
        Vllm(url="http://192.0.2.1/v1").open(whole, SETTINGS)
    with pytest.raises(EngineError, match="no vLLM says that it is well"):
        Vllm(url=f"http://127.0.0.1:{free()}/v1").open(whole, SETTINGS)
    with pytest.raises(EngineError, match="ended before it could answer"):
        engine_of(log, "--standin-breaks").open(whole, SETTINGS)
    with pytest.raises(EngineError, match="not ready after"):
        engine_of(log, "--standin-loads", "30", patience=0.5).open(whole, SETTINGS)
    with pytest.raises(EngineError, match="no program `vllm`"):
        Vllm().open(whole, SETTINGS)


@contextmanager
def running(checkpoint: Checkpoint, log: Path, *more: str) -> Iterator[str]:
    """A stand-in that somebody else has started."""
    port = free()
    command = [*STANDIN, "base", "--host", "127.0.0.1", "--port", str(port), "--served-model-name", "base"]
    command += ["--dtype", "auto", "--chat-template", str(checkpoint.path / "chat_template.jinja")]
    command += ["--standin-log", str(log), *more]
    with subprocess.Popen(command, env={**os.environ, "VLLM_API_KEY": "secret"}) as process:
        while not well(f"http://127.0.0.1:{port}"):
            assert process.poll() is None
        try:
            yield f"http://127.0.0.1:{port}/v1"
        finally:
            process.kill()


def free() -> int:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        return int(taken.getsockname()[1])

"""A server in a child process: heard over noise, ended with whoever started it, told once."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest

from tunewright.core.errors import ServeError, TunewrightError
from tunewright.core.types import ModelRef, Release
from tunewright.loop import serving
from tunewright.loop.serving import launch
from tunewright.loop.spec import Spec

READY = {"url": "http://127.0.0.1:1/v1", "name": "desk", "allowed": False, "reasons": ["too few"]}
SERVER = f"""
import signal, sys, time
heard = []
signal.signal(signal.SIGINT, lambda *_: heard.append(1))
print("a library says hello")
print('{{"level": "info"}}')
print({json.dumps(READY)!r}, flush=True)
print("x" * 1_000_000, flush=True)
while not heard:
    time.sleep(0.01)
time.sleep(0.3)
sys.exit(len(heard))
"""
PARENT = """
import signal, sys
from tunewright.cli.using import until_ended
from tunewright.loop.serving import launch
# Whoever runs the tests may ignore signals (`nohup`, a job in the background): begin as a terminal does.
signal.signal(signal.SIGINT, signal.default_int_handler)
signal.signal(signal.SIGHUP, signal.SIG_DFL)
def start():
    served = launch([sys.executable, "-c", sys.argv[1]], where="here")
    print(served.process.pid, flush=True)
    return served
sys.exit(until_ended(start))
"""


def gone(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def child(program: str) -> list[str]:
    return [sys.executable, "-c", program]


def test_the_servers_answer_is_heard_over_what_libraries_print() -> None:
    with launch(child(SERVER), where="here") as served:
        assert (served.name, served.url) == ("desk", READY["url"])
        assert (served.allowed, served.reasons) == (False, ("too few",))
        assert os.getsid(served.process.pid) != os.getsid(0)
    assert served.process.returncode == 1  # one signal, in spite of all it printed
    served.close()


def test_what_the_server_could_not_do_is_raised() -> None:
    said = {"problems": [{"what": "the port is in use", "fix": "take another"}]}
    with pytest.raises(TunewrightError, match="port is in use"):
        launch(child(f"print({json.dumps(said)!r})"), where="here")
    with pytest.raises(ServeError, match="ended before it answered") as caught:
        launch(child("print('{}'); print('[1')"), where="here:1")
    assert caught.value.problems[0].where == "here:1"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_whatever_ends_the_command_ends_its_server(number: signal.Signals) -> None:
    command = [*child(PARENT), SERVER]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as parent:
        watchdog = threading.Timer(60, parent.kill)
        watchdog.start()
        assert parent.stdout is not None and parent.stderr is not None
        pid = int(parent.stdout.readline())
        assert "does not allow" in parent.stderr.readline()
        assert "too few" in parent.stderr.readline()
        assert parent.stderr.readline().startswith("serving desk on")
        time.sleep(0.1)
        parent.send_signal(number)
        assert parent.wait() == 0
        watchdog.cancel()
    assert gone(pid)


def test_a_form_is_answered_by_what_it_is_made_for(monkeypatch: pytest.MonkeyPatch) -> None:
    plain = Spec.parse(
        {"define": {"objective": "x", "task": "classification"}, "data": {"sources": ["x.csv"]}}
    )

    def engine(form: str, made_for: str, spec: Spec = plain) -> str:
        base = ModelRef(name="tiny", revision="1", sha256="0")
        release = Release(
            id="r", path=Path(), digest="", checkpoint="c", report="r", form=form, engine=made_for, base=base
        )
        return serving.engine_of(spec, release).name

    monkeypatch.setattr(shutil, "which", lambda _program: None)
    assert [engine("merged", "transformers"), engine("gguf", "llamacpp")] == ["transformers", "llamacpp"]
    assert engine("vllm", "transformers") == "transformers"
    monkeypatch.setattr(shutil, "which", lambda program: f"/bin/{program}")
    assert engine("vllm", "transformers") == "vllm"
    named = plain.with_overrides("deploy.engine=transformers")
    assert engine("vllm", "transformers", named) == "transformers"

"""Starting, stopping, and clients that go away."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable

import httpx
import openai
import pytest

from tests.server.conftest import connected, echoing, served
from tunewright.core.errors import ServeError
from tunewright.deploy.admission import Admission
from tunewright.server import listen

QUESTION = [{"role": "user", "content": "word " * 400}]


def eventually(holds: Callable[[], bool], seconds: float = 10) -> bool:
    end = time.monotonic() + seconds
    while not holds() and time.monotonic() < end:
        time.sleep(0.01)
    return holds()


def test_a_port_in_use_is_named_with_the_way_out() -> None:
    with listen(port=0) as taken:
        port = taken.getsockname()[1]
        with pytest.raises(ServeError) as caught:
            listen(port=port)
    problem = caught.value.problems[0]
    assert (problem.what, problem.where) == ("the port is in use", f"127.0.0.1:{port}")
    assert "--port" in problem.fix


@pytest.mark.parametrize(("host", "port"), [("127.0.0.1", 70000), ("no.such.host.invalid", 0)])
def test_an_address_that_cannot_be_is_an_error_of_ours(host: str, port: int) -> None:
    with pytest.raises(ServeError):
        listen(host, port)


def test_a_client_that_leaves_a_stream_ends_the_engines_work() -> None:
    answering, watched = echoing(delay=0.02)
    with served(answering) as url, connected(url) as client:
        stream = client.chat.completions.create(model="desk", messages=QUESTION, stream=True)
        next(iter(stream))
        stream.close()
        assert eventually(lambda: watched.ended == ["closed"])


def test_a_client_that_stops_waiting_ends_the_engines_work() -> None:
    answering, watched = echoing(delay=0.02)
    with served(answering) as url:
        body = {"model": "desk", "messages": QUESTION, "max_tokens": 400, "n": 2}
        with pytest.raises(httpx.ReadTimeout):
            httpx.post(f"{url}/chat/completions", json=body, timeout=0.3)
        assert eventually(lambda: watched.ended == ["closed"] * 2)


def test_the_engine_is_closed_when_the_server_ends() -> None:
    answering, watched = echoing()
    with served(answering):
        assert not watched.closed
    assert watched.closed


def test_two_clients_are_answered_at_the_same_time() -> None:
    answering, watched = echoing(delay=0.02)
    with served(answering) as url, connected(url) as client:
        slow = client.chat.completions.create(model="desk", messages=QUESTION, stream=True)
        quick = client.chat.completions.create(model="desk", messages=[{"role": "user", "content": "hi"}])
        assert quick.choices[0].message.content == "hi"
        assert watched.ended == ["finished"]
        slow.close()


SERVE = """
from pathlib import Path
from tunewright.core.types import Checkpoint, ModelRef
from tunewright.deploy.respond import specialist
from tunewright.server import listen, serve
from tunewright.testing.echo import Echo, EchoEngine
base = ModelRef(name="tiny", revision="1", sha256="0")
answering = specialist(EchoEngine(Echo()), Checkpoint(id="checkpoint-1", path=Path(), digest="0", base=base))
serve(answering, listen(port=0), ready=lambda url: print(url, flush=True))
print("ended", flush=True)
"""


SLOW = SERVE.replace("Echo()", "Echo(delay=0.1)")
WORDS = "one two three four five six seven eight nine ten"


def test_a_server_that_ends_finishes_what_is_under_way_and_begins_nothing() -> None:
    with subprocess.Popen([sys.executable, "-c", SLOW], stdout=subprocess.PIPE, text=True) as process:
        watchdog = threading.Timer(60, process.kill)
        watchdog.start()
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert httpx.get(url.removesuffix("/v1") + "/ready").json()["status"] == "ready"
        with connected(url) as client:
            ask = client.chat.completions.create
            stream = ask(model="checkpoint-1", messages=[{"role": "user", "content": WORDS}], stream=True)
            pieces = [next(iter(stream))]
            process.send_signal(signal.SIGTERM)
            pieces += list(stream)
            with pytest.raises(openai.APIConnectionError):
                ask(model="checkpoint-1", messages=[{"role": "user", "content": "more"}])
        assert "".join(piece.choices[0].delta.content or "" for piece in pieces) == WORDS
        assert process.wait() == 0
        watchdog.cancel()


def test_while_it_ends_it_says_so_to_those_that_are_still_connected() -> None:
    answering, _ = echoing()
    door = Admission()
    with served(answering, door) as url, connected(url) as client:
        root = url.removesuffix("/v1")
        assert httpx.get(f"{root}/ready").status_code == 200
        door.closing = True
        assert httpx.get(f"{root}/ready").status_code == 503
        assert httpx.get(f"{root}/health").status_code == 200
        with pytest.raises(openai.InternalServerError, match="the server ends") as caught:
            client.chat.completions.create(model="desk", messages=[{"role": "user", "content": "hello"}])
        assert caught.value.status_code == 503 and caught.value.response.headers["retry-after"] == "1"


def test_an_interrupted_server_finishes_and_leaves_quietly() -> None:
    with subprocess.Popen([sys.executable, "-c", SERVE], stdout=subprocess.PIPE, text=True) as process:
        watchdog = threading.Timer(30, process.kill)
        watchdog.start()
        assert process.stdout is not None
        url = process.stdout.readline().strip()
        assert httpx.get(f"{url}/models").status_code == 200
        process.send_signal(signal.SIGINT)
        assert process.stdout.readline() == "ended\n"
        assert process.wait() == 0
        watchdog.cancel()

"""A small server on this machine that speaks OpenAI's chat completions, and fails as it is told to."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest

KEY = "sk-right-key"


@dataclass
class Endpoint:
    """Answers with the last question, as often with a failure before as `failures` has them."""

    url: str = ""
    asked: list[dict[str, Any]] = field(default_factory=list)
    failures: list[tuple[int, dict[str, str], bytes] | None] = field(default_factory=list)
    answer: Callable[[dict[str, Any]], str] = lambda body: str(body["messages"][-1]["content"])
    key: str | None = None
    raw: bytes | None = None
    """Sent as it is in the place of an answer."""
    slow: float = 0.0
    cut: bool = False
    """Break streams off before their end."""
    most: int = 0
    """Most questions that were open at the same time."""
    open: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    endpoint: Endpoint

    def log_message(self, *args: object) -> None:
        """Print nothing."""

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.endpoint.lock:
            self.endpoint.asked.append(body)
            self.endpoint.open += 1
            self.endpoint.most = max(self.endpoint.most, self.endpoint.open)
            failure = self.endpoint.failures.pop(0) if self.endpoint.failures else None
        time.sleep(self.endpoint.slow)
        try:
            self.answered(body, failure)
        except (BrokenPipeError, ConnectionResetError):
            self.close_connection = True
        finally:
            with self.endpoint.lock:
                self.endpoint.open -= 1

    def answered(self, body: dict[str, Any], failure: tuple[int, dict[str, str], bytes] | None) -> None:
        if failure is not None:
            return self.send(failure[0], failure[2], failure[1])
        if self.path != "/v1/chat/completions":
            return self.send(404, b"<html>not here</html>")
        if self.endpoint.key and self.headers["Authorization"] != f"Bearer {self.endpoint.key}":
            told = {
                "error": {"message": f"Incorrect API key: {self.headers['Authorization']}", "code": "invalid"}
            }
            return self.send(401, json.dumps(told).encode())
        if body["model"] != "parrot":
            told = {"error": {"message": "The model does not exist", "code": "model_not_found"}}
            return self.send(404, json.dumps(told).encode())
        if self.endpoint.raw is not None:
            return self.send(200, self.endpoint.raw)
        return self.say(body)

    def say(self, body: dict[str, Any]) -> None:
        words = re.findall(r"\s*\S+", self.endpoint.answer(body))
        for stop in body.get("stop", ()):
            said = "".join(words)
            words = re.findall(r"\s*\S+", said[: said.index(stop)]) if stop in said else words
        kept = words[: body.get("max_tokens", 1000)]
        reason = "length" if len(kept) < len(words) else "stop"
        prompt = sum(len(turn["content"].split()) for turn in body["messages"])
        usage = {"prompt_tokens": prompt, "completion_tokens": len(kept)}
        if not body.get("stream"):
            message = {"role": "assistant", "content": "".join(kept)}
            told = {"choices": [{"index": 0, "message": message, "finish_reason": reason}], "usage": usage}
            return self.send(200, json.dumps(told).encode())
        events: list[dict[str, Any]] = [{"choices": [{"delta": {"content": word}}]} for word in kept]
        events += [{"choices": [{"delta": {}, "finish_reason": reason}]}, {"choices": [], "usage": usage}]
        shown = events[:1] if self.endpoint.cut else events
        lines = [f"data: {json.dumps(event)}\n\n" for event in shown]
        return self.send(200, "".join([": hello\n\n", *lines, "data: [DONE]\n\n"]).encode())

    def send(self, status: int, content: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


@contextmanager
def running() -> Iterator[Endpoint]:
    endpoint = Endpoint()
    handler = type("Bound", (Handler,), {"endpoint": endpoint})
    server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    endpoint.url = f"http://127.0.0.1:{server.server_address[1]}/v1"
    try:
        yield endpoint
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def endpoint() -> Iterator[Endpoint]:
    with running() as found:
        yield found

"""Speaks the part of vLLM's command line and HTTP that the engine uses; answers with the last question.

`python standin.py serve MODEL --host … --port …`; what it was started with and asked is written
to the file that `--standin-log` names.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any


def options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("serve")
    parser.add_argument("model")
    parser.add_argument("--host", required=True)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--served-model-name", required=True)
    parser.add_argument("--dtype", choices=["auto", "float32", "bfloat16", "float16"], required=True)
    parser.add_argument("--chat-template", type=Path, required=True)
    parser.add_argument("--generation-config", choices=["vllm", "auto"])
    parser.add_argument("--max-model-len", type=int)
    parser.add_argument("--enable-lora", action="store_true")
    parser.add_argument("--max-lora-rank", type=int, choices=[8, 16, 32, 64, 128, 256, 320, 512])
    parser.add_argument("--lora-modules", nargs="+", default=[])
    parser.add_argument("--standin-log", type=Path, required=True)
    parser.add_argument("--standin-loads", type=float, default=0.3)
    parser.add_argument("--standin-breaks", action="store_true")
    return parser.parse_args()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    asked: argparse.Namespace
    ready: float
    models: set[str]

    def log_message(self, *args: object) -> None:
        """Print nothing."""

    def log(self, what: dict[str, Any]) -> None:
        with self.asked.standin_log.open("a") as file:
            file.write(json.dumps(what) + "\n")

    def do_GET(self) -> None:
        loaded = time.monotonic() >= self.ready
        self.send(200 if self.path == "/health" and loaded else 503, b"")

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.log({"path": self.path, "body": body})
        if self.headers["Authorization"] != f"Bearer {os.environ['VLLM_API_KEY']}":
            return self.send(401, b'{"error": "Unauthorized"}')
        if self.path == "/v1/load_lora_adapter":
            return self.load(body)
        if self.path == "/v1/unload_lora_adapter":
            self.models.discard(body["lora_name"])
            return self.send(200, b"Success")
        if self.path != "/v1/chat/completions" or body["model"] not in self.models:
            return self.send(
                404, b'{"error": {"message": "The model does not exist", "code": "model_not_found"}}'
            )
        return self.answer(body)

    def load(self, body: dict[str, Any]) -> None:
        if not self.asked.enable_lora or not Path(body["lora_path"], "adapter_config.json").exists():
            return self.send(400, b'{"error": {"message": "LoRA is not enabled"}}')
        self.models.add(body["lora_name"])
        return self.send(200, b"Success: LoRA adapter added")

    def answer(self, body: dict[str, Any]) -> None:
        question = body["messages"][-1]["content"]
        listed = body.get("structured_outputs", {}).get("choice")
        said = (
            next((one for one in listed if set(one.split()) & set(question.split())), listed[0])
            if listed
            else question
        )
        words = [f"{word} " for word in said.split()][: body["max_tokens"]]
        usage = {"prompt_tokens": len(question.split()), "completion_tokens": len(words)}
        text = "".join(words).rstrip()
        events: list[dict[str, Any]] = [{"choices": [{"delta": {"content": text}}]}]
        events += [{"choices": [{"delta": {}, "finish_reason": "stop"}]}, {"choices": [], "usage": usage}]
        self.send(
            200, "".join(f"data: {json.dumps(one)}\n\n" for one in events).encode() + b"data: [DONE]\n\n"
        )

    def send(self, status: int, content: bytes) -> None:
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)


if __name__ == "__main__":
    found = options()
    if found.standin_breaks:
        sys.exit("no GPU")
    names = {found.served_model_name, *(one.partition("=")[0] for one in found.lora_modules)}
    bound = {"asked": found, "ready": time.monotonic() + found.standin_loads, "models": names}
    with found.standin_log.open("a") as file:
        file.write(json.dumps({"argv": sys.argv[1:]}) + "\n")
    ThreadingHTTPServer((found.host, found.port), type("Bound", (Handler,), bound)).serve_forever()

"""The hub: asked by the real library, on a little hub that stands in for the big one."""

import hashlib
import json
import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from tunewright.core.types import Checkpoint
from tunewright.testing.checkpoint import tiny_model

COMMIT = "c0ffee" + "0" * 34
REPOSITORY = "someone/tiny"


class Hub(ThreadingHTTPServer):
    """Serves one repository of small files as a hub does."""

    def __init__(self, folder: Path) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.folder = folder
        self.asked: list[str] = []


class _Handler(BaseHTTPRequestHandler):
    server: Hub

    def do_HEAD(self) -> None:
        self.answer()

    def do_GET(self) -> None:
        self.answer()

    def answer(self) -> None:
        path = self.path.split("?")[0]
        self.server.asked.append(path)
        name = path.removeprefix(f"/{REPOSITORY}/resolve/{COMMIT}/")
        if path.startswith(f"/api/models/{REPOSITORY}/tree/"):
            self.give(json.dumps(self.tree()).encode(), "application/json")
        elif path.startswith(f"/api/models/{REPOSITORY}/"):
            names = [{"rfilename": file["path"]} for file in self.tree()]
            about = {"id": REPOSITORY, "sha": COMMIT, "siblings": names}
            self.give(json.dumps(about).encode(), "application/json")
        elif name != path and (self.server.folder / name).is_file():
            self.give((self.server.folder / name).read_bytes(), "application/octet-stream")
        else:
            self.send_response(404)
            self.send_header("X-Error-Code", "RepoNotFound")
            self.send_header("Content-Length", "0")
            self.end_headers()

    def tree(self) -> list[dict[str, object]]:
        root = self.server.folder
        files = [path for path in root.rglob("*") if path.is_file()]
        return [
            {
                "type": "file",
                "path": str(path.relative_to(root)),
                "size": path.stat().st_size,
                "oid": "0" * 40,
            }
            for path in files
        ]

    def give(self, body: bytes, kind: str) -> None:
        self.send_response(200)
        self.send_header("Content-Type", kind)
        self.send_header("Content-Length", str(len(body)))
        self.send_header("ETag", f'"{hashlib.sha1(body, usedforsecurity=False).hexdigest()}"')
        self.send_header("X-Repo-Commit", COMMIT)
        self.end_headers()
        if self.command == "GET":
            self.wfile.write(body)

    def log_message(self, *args: object) -> None:
        """Say nothing."""


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[Hub]:
    folder = tiny_model(tmp_path / "repository")
    (folder / "pytorch_model.bin").write_bytes(b"pickle")
    (folder / "modeling_tiny.py").write_text("raise SystemExit\n")
    (folder / "onnx").mkdir()
    (folder / "onnx" / "config.json").write_text("{}")
    server = Hub(folder)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield server
    server.shutdown()
    server.server_close()
    thread.join()


def resolve(name: str, hub: Hub, cache: Path, *, offline: bool = False) -> tuple[int, str]:
    """Resolve in a fresh process, as the library reads the hub's address when it is imported."""
    code = (
        "import sys; from tunewright.core.errors import ModelError;"
        "from tunewright.runtime import models, settings\n"
        "try: print(models.resolve(sys.argv[1], settings.read()).model_dump_json())\n"
        "except ModelError as error: sys.exit(str(error))"
    )
    address = f"http://127.0.0.1:{hub.server_address[1]}"
    known = {"HF_ENDPOINT": address, "TUNEWRIGHT_CACHE": str(cache), "TUNEWRIGHT_OFFLINE": str(int(offline))}
    quiet = {
        "HF_HUB_DISABLE_TELEMETRY": "1",
        "HF_HUB_DISABLE_XET": "1",
        "HF_HOME": str(cache / "home"),
        "NO_PROXY": "*",
    }
    environment = {**os.environ, **known, **quiet}
    done = subprocess.run(
        [sys.executable, "-c", code, name], env=environment, capture_output=True, text=True, check=False
    )
    return done.returncode, done.stdout or done.stderr


def test_a_model_is_fetched_without_code_or_pickles_and_then_found_offline(hub: Hub, tmp_path: Path) -> None:
    code, text = resolve(f"hub:{REPOSITORY}", hub, tmp_path / "cache")
    assert code == 0, text
    found = Checkpoint.model_validate_json(text)
    assert (found.base.name, found.base.revision) == (f"hub:{REPOSITORY}", COMMIT)
    assert found.base.parameters == 80_256
    names = {path.name for path in found.path.iterdir()}
    assert {"model.safetensors", "chat_template.jinja", "tokenizer.json"} <= names
    assert not names & {"pytorch_model.bin", "modeling_tiny.py", "onnx"}
    asked = len(hub.asked)
    code, again = resolve(f"hub:{REPOSITORY}@{COMMIT}", hub, tmp_path / "cache", offline=True)
    assert (code, again, len(hub.asked)) == (0, text, asked)


def test_a_model_that_is_not_there_is_told(hub: Hub, tmp_path: Path) -> None:
    code, text = resolve("hub:someone/else", hub, tmp_path / "cache")
    assert code == 1
    assert "the hub did not give `someone/else`" in text


def test_a_model_that_brings_code_is_refused(hub: Hub, tmp_path: Path) -> None:
    config = json.loads((hub.folder / "config.json").read_bytes())
    (hub.folder / "config.json").write_text(
        json.dumps({**config, "auto_map": {"AutoModel": "modeling_tiny.M"}})
    )
    code, text = resolve(f"hub:{REPOSITORY}", hub, tmp_path / "cache")
    assert code == 1
    assert "code of its own" in text

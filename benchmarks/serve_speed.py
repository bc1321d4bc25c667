"""Tokens a second of our server, of llama.cpp's own, and of `generate` behind FastAPI, under the same load.

The embedded model as Q8_0, streamed, greedy, two threads for every contender, one load after the other;
`generate` has the number format in which it is faster here and answers one request at a time.
"""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.record import record
from tunewright.deploy import serving
from tunewright.deploy.exports.gguf import carry
from tunewright.deploy.serving import Serving
from tunewright.runtime import children, models, settings
from tunewright.runtime.plugins import Named

MODEL = "smollm2-135m-instruct"
STREAMS = (1, 8, 32)
REQUESTS = {1: 4, 8: 16, 32: 32}
TOKENS = 64
CONTEXT = 1024
ROUNDS = 9
SELDOM = 4
"""Rounds from one load on `generate` to the next: it takes longest, and is furthest behind."""
_LIBRARIES = ("tunewright", "torch", "transformers", "xllamacpp", "fastapi", "uvicorn", "httpx")


@dataclass(frozen=True)
class Contender:
    """Where it answers."""

    url: str
    key: str = ""
    requests: float = 1.0
    """Share of the requests that are enough for it."""

    def measured(self, streams: int) -> dict[str, float]:
        """One load on it."""
        requests = max(streams, round(self.requests * REQUESTS[streams]))
        command = [sys.executable, "-m", "benchmarks.load", self.url, MODEL]
        command += map(str, (streams, requests, TOKENS))
        env = {**os.environ, "LOAD_KEY": self.key}
        done = subprocess.run(command, env=env, stdout=subprocess.PIPE, text=True, check=True)
        return dict(json.loads(done.stdout))


@contextmanager
def started(command: list[str], **how: float) -> Iterator[Contender]:
    """A server by its command."""
    process, said = children.start(command, where=command[2], held=True)
    try:
        url = str(said["url"]).removesuffix("/v1") + "/v1"
        yield Contender(url, str(said.get("key", "")), **how)
    finally:
        children.end(process)


def ours(folder: Path, streams: int) -> list[str]:
    """Our server on the packed form."""
    options = {"slots": streams, "context": CONTEXT, "threads": 2}
    base = models.resolve(MODEL, settings.read()).model_copy(update={"path": folder})
    told = Serving(name=MODEL, checkpoint=base, engine=Named(name="llamacpp", options=options))
    file = folder.parent / f"serving-{streams}.json"
    serving.write(told, file)
    return [
        sys.executable,
        "-m",
        "tunewright.server",
        "--packed",
        str(file),
        "--port",
        "0",
        "--until-input-ends",
    ]


def bare(folder: Path, streams: int) -> list[str]:
    """llama.cpp's own server on the same file, with the same settings."""
    child = [
        sys.executable,
        "-m",
        "tunewright.runtime.engines.llamacpp.child",
        "--model",
        str(folder / "model.gguf"),
    ]
    return [*child, "--slots", str(streams), "--context", str(CONTEXT), "--threads", "2"]


def plain() -> list[str]:
    """`generate` behind FastAPI."""
    return [
        sys.executable,
        "-m",
        "benchmarks.peers.serve_generate",
        str(models.resolve(MODEL, settings.read()).path),
    ]


def main() -> None:
    """Measure every contender in turns, and record the ratios."""
    quick = "--quick" in sys.argv
    rounds = 1 if quick else ROUNDS
    figures: dict[str, float | int | None] = {}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place) / "packed"
        folder.mkdir()
        carry(models.resolve(MODEL, settings.read()).path, folder, "q8_0")
        for streams in STREAMS:
            figures |= compared(folder, streams, rounds)
    record("serve_speed", figures, quick=quick, libraries=_LIBRARIES)


def compared(folder: Path, streams: int, rounds: int) -> dict[str, float | int | None]:
    """Medians of the figures of each, and of the ratios of each round."""
    found: dict[str, list[dict[str, float]]] = {"ours": [], "bare": [], "generate": []}
    with (
        started(ours(folder, streams)) as mine,
        started(bare(folder, streams)) as engine,
        started(plain(), requests=0.25) as other,
    ):
        contenders = {"ours": mine, "bare": engine, "generate": other}
        for number in range(rounds):
            order = [name for name in contenders if name != "generate" or number % SELDOM == 0]
            order = order if number % 2 == 0 else order[::-1]
            for name in order:
                found[name].append(contenders[name].measured(streams))
                print(streams, name, found[name][-1], flush=True)
    figures: dict[str, float | int | None] = {}
    for name, rows in found.items():
        figures[f"{name}_tokens_per_second_{streams}"] = _median(rows, "tokens_per_second")
        figures[f"{name}_first_seconds_{streams}"] = _median(rows, "first")
    for name, against, every in (("bare_engine", "bare", 1), ("transformers", "generate", SELDOM)):
        pairs = zip(found["ours"][::every], found[against], strict=True)
        ratios = sorted(a["tokens_per_second"] / b["tokens_per_second"] for a, b in pairs)
        figures[f"ratio_to_{name}_{streams}"] = statistics.median(ratios)
        figures[f"ratio_to_{name}_{streams}_lowest"], figures[f"ratio_to_{name}_{streams}_highest"] = (
            ratios[0],
            ratios[-1],
        )
    return figures


def _median(rows: list[dict[str, float]], name: str) -> float:
    return statistics.median(row[name] for row in rows)


if __name__ == "__main__":
    main()

"""A load: so many streams at a time ask a chat endpoint, and the tokens of the answers are counted.

`python -m benchmarks.load URL MODEL STREAMS REQUESTS TOKENS` prints a line of JSON; `LOAD_KEY` has a key.
"""

from __future__ import annotations

import asyncio
import csv
import json
import os
import re
import sys
import time
from collections.abc import Iterator

import httpx

from benchmarks.record import need_dataset

_USAGE = re.compile(rb'"usage":\s*\{[^}]*?"completion_tokens":\s*(\d+)')
_END = 2000
"""Bytes at the end of a stream, in which the usage stands."""


def questions() -> Iterator[str]:
    """What bank customers ask, again from the beginning after the last."""
    with (need_dataset("banking77") / "test.csv").open(encoding="utf-8", newline="") as file:
        texts = [row["text"] for row in csv.DictReader(file)]
    while True:
        yield from texts


async def asked(client: httpx.AsyncClient, model: str, question: str, tokens: int) -> tuple[float, int]:
    """Seconds to the first byte, and the tokens of the answer; whole where an endpoint cannot stream."""
    body = {
        "model": model,
        "messages": [{"role": "user", "content": f"Answer at length: {question}"}],
        "max_tokens": tokens,
        "temperature": 0,
        "stream": True,
        "stream_options": {"include_usage": True},
    }
    begun, first, end = time.perf_counter(), 0.0, b""
    async with client.stream("POST", "/chat/completions", json=body) as response:
        response.raise_for_status()
        async for piece in response.aiter_raw():
            first = first or time.perf_counter() - begun
            end = (end + piece)[-_END:]
    told = _USAGE.findall(end)
    if not told:
        raise RuntimeError(f"the stream has no usage: {end!r}")
    return first, int(told[-1])


async def load(url: str, model: str, streams: int, requests: int, tokens: int) -> dict[str, float]:
    """Tokens a second over all streams, and the median of the seconds to the first byte."""
    left, found = iter(range(requests)), list[tuple[float, int]]()
    texts = questions()
    headers = {"Authorization": f"Bearer {os.environ.get('LOAD_KEY') or 'none'}"}
    limits = httpx.Limits(max_connections=streams, max_keepalive_connections=0)  # llama.cpp drops them

    async def stream(client: httpx.AsyncClient) -> None:
        for _ in left:
            found.append(await asked(client, model, next(texts), tokens))

    async with httpx.AsyncClient(base_url=url, headers=headers, limits=limits, timeout=600) as client:
        await asked(client, model, "Is anybody there?", 2)
        begun = time.perf_counter()
        await asyncio.gather(*(stream(client) for _ in range(streams)))
        seconds = time.perf_counter() - begun
    firsts = sorted(first for first, _ in found)
    counted = sum(count for _, count in found)
    return {"tokens": counted, "tokens_per_second": counted / seconds, "first": firsts[len(firsts) // 2]}


if __name__ == "__main__":
    said = asyncio.run(load(sys.argv[1], sys.argv[2], *map(int, sys.argv[3:6])))
    sys.stdout.write(json.dumps(said) + "\n")

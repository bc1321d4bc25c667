"""The engine itself: vLLM is started or found, and asked as any endpoint, lists in its own words."""

from __future__ import annotations

import asyncio
import random
import secrets
import socket
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from contextlib import aclosing
from typing import Any, cast

import httpx

from tunewright.core.errors import EngineError
from tunewright.core.types import Checkpoint, Delta, Request
from tunewright.runtime import models
from tunewright.runtime.chat import TEMPLATE
from tunewright.runtime.engines.frozen import frozen_chat
from tunewright.runtime.engines.openai import OpenAI
from tunewright.runtime.engines.openai.engine import OpenAIEngine
from tunewright.runtime.engines.vllm import Vllm
from tunewright.runtime.engines.vllm.process import Child, well
from tunewright.runtime.models.files import read_object
from tunewright.runtime.settings import Settings

NAME = "specialist"
"""What the model is asked for by."""
ADAPTER = "adapter_config.json"
RANKS = (8, 16, 32, 64, 128, 256, 320, 512)
"""Values that vLLM takes for `--max-lora-rank`."""


def open_engine(options: Vllm, checkpoint: Checkpoint, settings: Settings, key: str | None) -> VllmEngine:
    """Start vLLM and wait until it is well, or hand the adapter to the one that runs."""
    frozen_chat(checkpoint)
    if options.url is None:
        key = secrets.token_urlsafe(32)  # pages in a browser of this machine reach its ports, too
        with socket.create_server(("127.0.0.1", 0)) as taken:
            port = taken.getsockname()[1]
        command = started(options, checkpoint, settings, port)
        child = Child(command, f"http://127.0.0.1:{port}", options.patience, {"VLLM_API_KEY": key})
        child.ready()
        return VllmEngine(options, f"http://127.0.0.1:{port}/v1", key, NAME, settings, child=child)
    root = options.url.rstrip("/").removesuffix("/v1")
    engine = VllmEngine(options, f"{root}/v1", key, NAME, settings)  # refuses what may not be reached
    if not well(root):
        fix = "start it, or check `url` of the engine"
        raise EngineError("no vLLM says that it is well there", where=f"{root}/health", fix=fix)
    if not models.whole(checkpoint):
        engine.load(checkpoint)
    return engine


def started(options: Vllm, checkpoint: Checkpoint, settings: Settings, port: int) -> list[str]:
    """The command line that serves a checkpoint on a port of this machine."""
    whole = models.whole(checkpoint)
    weights = models.weights_of(checkpoint, settings)
    found = [*options.command, str(weights), "--host", "127.0.0.1", "--port", str(port)]
    found += ["--served-model-name", NAME if whole else "base", "--dtype", options.dtype]
    found += ["--chat-template", str(checkpoint.path / TEMPLATE), "--generation-config", "vllm"]
    if options.context is not None:
        found += ["--max-model-len", str(options.context)]
    if not whole:
        rank = int(read_object(checkpoint.path / ADAPTER).get("r", RANKS[0]))
        largest = next((one for one in RANKS if one >= rank), rank)
        found += ["--enable-lora", "--max-lora-rank", str(largest)]
        found += ["--lora-modules", f"{NAME}={checkpoint.path}"]
    return [*found, *options.options]


class VllmEngine:
    """Questions to one vLLM; a child that was killed is replaced at the next question."""

    def __init__(
        self,
        options: Vllm,
        url: str,
        key: str | None,
        model: str,
        settings: Settings,
        *,
        child: Child | None = None,
    ) -> None:
        self._url, self._key, self._child, self._loaded = url, key, child, ""
        self._options, self._settings = options, settings
        self._endpoint = self._asking(model)

    @property
    def pid(self) -> int | None:
        """Of the child that answers now."""
        return self._child.pid if self._child is not None else None

    def load(self, checkpoint: Checkpoint) -> None:
        """Hand an adapter to the vLLM that runs, which reads it from the same path; raises `EngineError`."""
        self._loaded = checkpoint.id
        self._tell("load_lora_adapter", {"lora_name": checkpoint.id, "lora_path": str(checkpoint.path)})
        self._endpoint = self._asking(checkpoint.id)

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Deltas of one answer; raises `EngineError` and `TooLong`."""
        if self._child is not None and not self._child.runs:
            await asyncio.to_thread(self._child.ready)
        asked = cast("AsyncGenerator[Delta, None]", self._endpoint.stream(request))
        async with aclosing(asked) as deltas:
            async for delta in deltas:
                yield delta

    async def read(self, prompts: Sequence[Sequence[int]], likeliest: int = 0) -> list[Delta]:
        """Refused, as by any endpoint."""
        return await self._endpoint.read(prompts, likeliest)

    def close(self) -> None:
        """End the child, or take the adapter back."""
        if self._child is not None:
            self._child.close()
        elif self._loaded:
            self._tell("unload_lora_adapter", {"lora_name": self._loaded})
            self._loaded = ""

    def _asking(self, model: str) -> OpenAIEngine:
        how = OpenAI(
            url=self._url,
            model=model,
            timeout=self._options.timeout,
            parallel=self._options.parallel,
            stream=True,
            choices="structured_outputs",
        )
        chance = random.Random()  # spreads repeated questions; no answer depends on it
        return OpenAIEngine(how, self._key, offline=self._settings.offline, chance=chance)

    def _tell(self, what: str, body: dict[str, Any]) -> None:
        headers = {"Authorization": f"Bearer {self._key}"} if self._key else {}
        try:
            told = httpx.post(
                f"{self._url}/{what}", json=body, headers=headers, timeout=self._options.timeout
            )
        except httpx.HTTPError as error:
            raise EngineError(f"vLLM cannot be reached: {error}", where=self._url, fix="start it") from error
        if told.status_code >= 300:
            fix = "start vLLM with `--enable-lora` and VLLM_ALLOW_RUNTIME_LORA_UPDATING=True, or merge it"
            raise EngineError(f"vLLM refuses the adapter: {told.text[:300]}", where=self._url, fix=fix)

"""The engine port: whatever answers requests, one shape for local models and endpoints."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Callable, Coroutine, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Protocol, TypeVar

from tunewright.core.errors import EngineError
from tunewright.core.types import Checkpoint, Completion, Delta, FinishReason, Request
from tunewright.runtime import plugins
from tunewright.runtime.plugins import Named
from tunewright.runtime.settings import Settings

T = TypeVar("T")


class Engine(Protocol):
    """Something that answers. Requests that wait at the same time may share a batch."""

    def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Deltas of one answer; the last has a `finish_reason`. Closing it cancels."""
        ...

    async def read(self, prompts: Sequence[Sequence[int]], likeliest: int = 0) -> list[Delta]:
        """What the model says of prompts of token ids: `token_ids` and `logprobs` of all after the first.

        Beside each stand as many of the `likeliest` in its place as are asked for.
        """
        ...

    def close(self) -> None:
        """Give back memory and processes."""
        ...


class EnginePlugin(Protocol):
    """A plug-in of the group `engines`: its fields are its options."""

    def open(self, checkpoint: Checkpoint | None, settings: Settings) -> Engine:
        """Load the checkpoint, template and adapter included; raises `EngineError`.

        An endpoint has its model with it and needs no checkpoint; an engine that does raises for None.
        """
        ...


MANNER = {"manner": True}
"""Metadata of an option that says how an engine is asked, and changes no answer, such as a time-out."""


def essence(engine: Named) -> Named:
    """The engine with those of its options that answers depend on: answers are kept by it."""
    fields = plugins.metadata("engines", engine.name)
    kept = {name: value for name, value in engine.options.items() if not fields.get(name, {}).get("manner")}
    return Named(name=engine.name, options=kept)


def needed(checkpoint: Checkpoint | None, name: str) -> Checkpoint:
    """The checkpoint, for an engine that loads one; raises `EngineError` where there is none."""
    if checkpoint is None:
        raise EngineError(
            f"the engine `{name}` answers with a local model, and none was given",
            where=f"engine {name}",
            fix="name a model such as `smollm2-135m-instruct`, or take the engine `openai` for an endpoint",
        )
    return checkpoint


async def complete(
    engine: Engine, request: Request, heard: Callable[[Delta], None] = lambda _: None
) -> Completion:
    """Fold the deltas of one answer; each is `heard` as it comes."""
    started = time.perf_counter()
    text, tokens, logprobs = "", list[int](), list[float]()
    finish: FinishReason = "stop"
    prompt_tokens = answer_tokens = 0
    async for delta in engine.stream(request):
        heard(delta)
        text += delta.text
        tokens += delta.token_ids
        logprobs += delta.logprobs
        finish = delta.finish_reason or finish
        prompt_tokens = delta.prompt_tokens or prompt_tokens
        answer_tokens = delta.answer_tokens or answer_tokens
    return Completion(
        text=text,
        token_ids=tuple(tokens),
        logprobs=tuple(logprobs),
        finish_reason=finish,
        prompt_tokens=prompt_tokens,
        answer_tokens=answer_tokens,
        seconds=time.perf_counter() - started,
    )


def complete_all(
    engine: Engine,
    requests: Sequence[Request],
    *,
    done: Callable[[int, Completion], None] | None = None,
) -> list[Completion]:
    """Ask everything at once, so that the engine can batch; `done` is told of each as it ends."""

    async def one(index: int, request: Request) -> Completion:
        completion = await complete(engine, request)
        if done is not None:
            done(index, completion)
        return completion

    async def everything() -> list[Completion]:
        return await asyncio.gather(*(one(i, request) for i, request in enumerate(requests)))

    return wait(everything())


def wait(work: Coroutine[Any, Any, T]) -> T:
    """What the work returns; where an event loop runs already, as in a notebook, it is done in a thread."""
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return asyncio.run(work)
    with ThreadPoolExecutor(max_workers=1) as aside:
        return aside.submit(asyncio.run, work).result()

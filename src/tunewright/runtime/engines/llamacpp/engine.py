"""The engine itself: prompts as token ids to llama.cpp, its tokens as deltas back."""

from __future__ import annotations

import asyncio
import math
import random
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import aclosing
from typing import Any
from weakref import WeakKeyDictionary

import aiohttp

from tunewright.core.errors import EngineError, TooLong
from tunewright.core.types import Checkpoint, Delta, Request
from tunewright.runtime.chat import Chat
from tunewright.runtime.engines import choices, schemas
from tunewright.runtime.engines.frozen import asked, ends, frozen_chat
from tunewright.runtime.engines.llamacpp import LlamaCpp, files
from tunewright.runtime.engines.llamacpp.process import Child, Gone, cut, pieces, whole
from tunewright.runtime.engines.llamacpp.words import Likeliest, Words, likeliest, logprob_of
from tunewright.runtime.models import gguf
from tunewright.runtime.settings import Settings

CONTEXT = 4096
"""Most tokens of a conversation for which room is made unasked."""
TOLD = ["content", "tokens", "stop", "stop_type", "tokens_predicted", "completion_probabilities"]
"""What is read of a last piece; unasked it repeats the question with all its settings."""
_GREEDY = {"temperature": 1.0, "top_k": 1, "samplers": ["top_k"]}
"""The likeliest token, without a look at the rest of the vocabulary."""
FORCE = 200.0
"""Added to the logits of the tokens that a list allows: more than any logit is worth."""


def open_engine(options: LlamaCpp, checkpoint: Checkpoint, settings: Settings) -> LlamaCppEngine:
    """Start the child and wait until it answers."""
    chat = frozen_chat(checkpoint)
    found = files(checkpoint.path)
    own = gguf.read(found[0]).size("context_length", CONTEXT)
    context = min(options.context or CONTEXT, own)
    asked = ["--model", str(found[0]), *(["--adapter", str(found[1])] if len(found) > 1 else [])]
    asked += ["--slots", str(options.slots), "--context", str(context), "--cache", options.cache]
    asked += ["--threads", str(options.threads or settings.threads)]
    child = Child(asked, found[-1], options.timeout)
    child.ready()
    return LlamaCppEngine(options, chat, child, context=context, ends=ends(checkpoint.path, chat))


class LlamaCppEngine:
    """Answers by one child process; a child that was killed is replaced at the next question."""

    def __init__(
        self, options: LlamaCpp, chat: Chat, child: Child, *, context: int, ends: Sequence[int]
    ) -> None:
        self._options, self._chat, self._child = options, chat, child
        self._context, self._ends = context, frozenset(ends)
        self._tries: dict[tuple[str, ...], choices.Node] = {}
        self._doors: WeakKeyDictionary[asyncio.AbstractEventLoop, asyncio.Semaphore] = WeakKeyDictionary()

    @property
    def pid(self) -> int | None:
        """Of the child that answers now."""
        return self._child.pid

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Deltas of one answer; `token_ids` end with the stop token if the model said it.

        A child that is gone before anything was said is replaced, and asked once more.
        """
        prompt = await asked(self._chat, request)
        answered = self._chosen if request.choices else self._free
        async with self._door():
            for attempt in range(2):
                begun = False
                try:
                    async with aclosing(answered(prompt, request)) as deltas:
                        async for delta in deltas:
                            begun = True
                            yield delta.model_copy(update={"prompt_tokens": len(prompt)})
                except Gone as error:
                    if begun or attempt or self._child.closed:
                        raise _lost(error) from None
                else:
                    return

    async def read(self, prompts: Sequence[Sequence[int]], likeliest: int = 0) -> list[Delta]:
        """Log-probability of every token after the first, for each prompt of token ids.

        llama.cpp tells nothing of a prompt's own tokens, so it is asked to say one after the other.
        """
        for prompt in prompts:
            self._room(prompt, 0, "prompt")
        async with self._door():
            return [await self._forced(prompt, likeliest) for prompt in prompts]

    async def tokens(self, text: str) -> list[int]:
        """What llama.cpp's own tokenizer makes of a text that the template wrote."""
        async with self._child.client() as client:
            return await cut(client, text)

    def close(self) -> None:
        """End the child."""
        self._child.close()

    def _door(self) -> asyncio.Semaphore:
        loop = asyncio.get_running_loop()
        return self._doors.setdefault(loop, asyncio.Semaphore(max(1, self._options.slots)))

    def _room(self, prompt: Sequence[int], room: int, where: str) -> None:
        if not prompt:
            raise EngineError("there is nothing to answer", where=where, fix="send at least one message")
        if len(prompt) + room > self._context:
            raise TooLong(
                f"the conversation has {len(prompt)} tokens and the answer needs {room} or more, "
                f"but the engine's context is {self._context}",
                where=where,
                fix="shorten the messages, or raise `context` of the engine, up to the model's own",
            )

    async def _free(self, prompt: Sequence[int], request: Request) -> AsyncGenerator[Delta, None]:
        """An answer in the model's own words."""
        self._room(prompt, 1, request.asked_by)
        limit = min(request.max_tokens, self._context - len(prompt))
        body = _body(prompt, request, limit)
        if request.json_schema is not None:
            body["grammar"] = await asyncio.to_thread(schemas.for_llamacpp, request.json_schema)
        words, heard = Words(self._chat, self._ends, request), ""
        async with self._child.client() as client:
            if not self._options.stream:
                delta = words.all(await whole(client, body))
                _check_json(request, delta, delta.text)
                yield delta
                return
            async with aclosing(pieces(client, body)) as said:
                async for piece in said:
                    delta = words.take(piece)
                    heard += delta.text if request.json_schema is not None else ""
                    _check_json(request, delta, heard)
                    yield delta
                    if delta.finish_reason is not None:
                        return
        raise Gone("the answer broke off before its end")

    async def _chosen(self, prompt: Sequence[int], request: Request) -> AsyncGenerator[Delta, None]:
        """An answer out of a closed list: asked only where the list leaves a choice."""
        root = self._trie(request.choices)
        self._room(prompt, choices.depth(root), request.asked_by)
        opened, read = choices.forced(root), list(prompt)
        async with self._child.client() as client:
            while opened.choice is None:
                if opened.forced:
                    yield Delta(token_ids=opened.forced)
                read += opened.forced
                token, logprob, near = await self._decided(client, read, request, opened.node)
                yield Delta(token_ids=(token,), logprobs=(logprob,), likeliest=near)
                read.append(token)
                opened = choices.forced(opened.node.children[token])
        yield Delta(text=opened.choice, token_ids=opened.forced, finish_reason="stop")

    async def _decided(
        self,
        client: aiohttp.ClientSession,
        read: Sequence[int],
        request: Request,
        node: choices.Node,
    ) -> tuple[int, float, Likeliest]:
        body = _body(read, request, 1)
        body["logit_bias"] = [[token, FORCE] for token in node.children]
        said = await whole(client, body)
        if (found := _first(said)) is not None:
            return *found, likeliest(said, [found[0]], request.likeliest)
        table = await self._table(client, read)
        token = _drawn({token: table[token] for token in node.children}, request)
        return token, table[token], _nearest(table, request.likeliest)

    async def _forced(self, prompt: Sequence[int], number: int) -> Delta:
        found, near = list[float](), list[tuple[tuple[int, float], ...]]()
        asked = Request(likeliest=number)
        async with self._child.client() as client:
            for place in range(1, len(prompt)):
                token = prompt[place]
                body = _body(prompt[:place], asked, 1)
                body["logit_bias"] = [[token, FORCE]]
                said = await whole(client, body)
                if (told := _first(said)) is not None:
                    found.append(told[1])
                    near += likeliest(said, [token], number)
                else:
                    table = await self._table(client, prompt[:place])
                    found.append(table[token])
                    near += _nearest(table, number)
        return Delta(token_ids=tuple(prompt[1:]), logprobs=tuple(found), likeliest=tuple(near))

    async def _table(self, client: aiohttp.ClientSession, read: Sequence[int]) -> dict[int, float]:
        """Log-probability of every token that may come next.

        llama.cpp tells none of a token that is a part of a character, so it is made to say the end.
        """
        body = _body(read, Request(), 1)
        body |= {"logit_bias": [[min(self._ends), FORCE]], "n_probs": self._chat.tokenizer.get_vocab_size()}
        said = (await whole(client, body))["completion_probabilities"][0]["top_logprobs"]
        return {int(one["id"]): logprob_of(one) for one in said}

    def _trie(self, listed: tuple[str, ...]) -> choices.Node:
        if listed not in self._tries:
            self._tries[listed] = choices.trie(listed, self._chat.answer_ids)
        return self._tries[listed]


def _body(prompt: Sequence[int], request: Request, limit: int) -> dict[str, Any]:
    """A question to llama.cpp, every sampler off that was not asked for: some are on by themselves."""
    return {
        "prompt": list(prompt),
        "n_predict": limit,
        **(_GREEDY if request.temperature <= 0 else _drawing(request)),
        "seed": -1 if request.seed is None else request.seed % (1 << 32),
        "n_probs": max(int(request.logprobs), request.likeliest),
        "return_tokens": True,
        "response_fields": TOLD,
        "cache_prompt": True,
    }


def _drawing(request: Request) -> dict[str, Any]:
    return {
        "temperature": request.temperature,
        "top_p": request.top_p,
        "top_k": 0,
        "min_p": 0.0,
        "samplers": ["temperature", "top_p"],
    }


def _first(said: dict[str, Any]) -> tuple[int, float] | None:
    """The one token that was asked for, with its log-probability before it was forced; None if untold."""
    told = said.get("completion_probabilities")
    return (int(told[0]["id"]), logprob_of(told[0])) if told else None


def _check_json(request: Request, delta: Delta, heard: str) -> None:
    if request.json_schema is not None and delta.finish_reason == "stop" and not request.stop:
        schemas.whole(heard)


def _nearest(table: Mapping[int, float], number: int) -> Likeliest:
    """So many of the likeliest tokens of a table."""
    ranked = sorted(table.items(), key=lambda pair: -pair[1])[:number]
    return (tuple(ranked),) if ranked else ()


def _drawn(table: Mapping[int, float], request: Request) -> int:
    """The likeliest token, or one by chance."""
    if request.temperature <= 0:
        return max(table, key=table.__getitem__)
    best = max(table.values())
    weights = [math.exp((logprob - best) / request.temperature) for logprob in table.values()]
    return random.Random(request.seed).choices(list(table), weights)[0]


def _lost(error: Gone) -> EngineError:
    return EngineError(
        f"the line to llama.cpp broke in the middle of an answer: {error}",
        where="engine llamacpp",
        fix="ask again; the process is replaced. If it dies again, it may have run out of memory",
    )

"""The engine itself: accepts requests, batches those that wait together, streams their answers."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from weakref import WeakKeyDictionary

from tunewright.core.errors import EngineError, TooLong
from tunewright.core.types import Checkpoint, Delta, Request
from tunewright.runtime.engines import choices
from tunewright.runtime.engines.frozen import asked
from tunewright.runtime.engines.text import Writer
from tunewright.runtime.engines.transformers import Transformers, groups, likelihood, prefixes
from tunewright.runtime.engines.transformers.answers import Chosen, Free
from tunewright.runtime.engines.transformers.batch import Batch, Row
from tunewright.runtime.engines.transformers.guided import Guide, Guides
from tunewright.runtime.engines.transformers.loading import Loaded, load
from tunewright.runtime.engines.transformers.queue import Queue
from tunewright.runtime.settings import Settings

TOKENS = 4096
"""Own tokens of a batch, padding included, in the pass that reads the prompts."""
PAIRS = 4_000_000
"""Own tokens of a batch times what each attends to."""
KEPT_BYTES = 256_000_000
"""Room for the keys and values of common beginnings."""
BATCH_BYTES = 1_500_000_000
"""Room for the keys and values of one batch's own tokens."""
READ = 16
"""Prompts that are read before others have a turn."""
GUESS = 32
"""Columns for the answer that a batch's memory begins with; it grows when they are used up."""


def open_engine(options: Transformers, checkpoint: Checkpoint, settings: Settings) -> TransformersEngine:
    """Load the checkpoint and stand ready."""
    return TransformersEngine(load(options, checkpoint, settings), rows=options.batch)


class TransformersEngine:
    """Answers with one model in one worker thread; the event loop stays free."""

    def __init__(self, loaded: Loaded, *, rows: int) -> None:
        self._network, self._chat, self._stop_ids = loaded.network, loaded.chat, loaded.stop_ids
        self._rows = rows
        self._prefixes = prefixes.Prefixes(loaded.network, KEPT_BYTES)
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix="engine")
        self._queues: WeakKeyDictionary[asyncio.AbstractEventLoop, Queue] = WeakKeyDictionary()
        self._tries: dict[tuple[str, ...], choices.Node] = {}
        self._guides = Guides(loaded.chat, loaded.stop_ids)

    async def stream(self, request: Request) -> AsyncIterator[Delta]:
        """Deltas of one answer; `token_ids` end with the stop token if the model said it.

        With `choices` the text comes in one piece and `max_tokens` does not count; tokens that the
        list leaves no choice about have no logprob. Raises `TooLong` or `EngineError`.
        """
        prompt = await asked(self._chat, request)
        guide = None
        if request.json_schema is not None:
            guide = await asyncio.to_thread(self._guides.guide, request.json_schema)
        row, first = self._row(request, prompt, guide)
        length = len(prompt)
        for delta in first:
            yield delta.model_copy(update={"prompt_tokens": length})
        if not row.live:
            return
        waiting = self._queue().add(row)
        try:
            while True:
                told = await waiting.deltas.get()
                if isinstance(told, EngineError):
                    raise told
                yield told.model_copy(update={"prompt_tokens": length})
                if told.finish_reason is not None:
                    return
        finally:
            row.cancelled = True

    async def read(self, prompts: Sequence[Sequence[int]], likeliest: int = 0) -> list[Delta]:
        """Log-probability of every token after the first, for each prompt of token ids."""
        for prompt in prompts:
            self._check(prompt, 0, "prompt")
        found = list[Delta]()
        for start in range(0, len(prompts), READ):  # whoever waits for an answer has a turn in between
            work = partial(likelihood.read, self._network, prompts[start : start + READ], likeliest)
            found += await asyncio.get_running_loop().run_in_executor(self._executor, work)
        return found

    def close(self) -> None:
        """Give back the worker thread; the weights go with the engine."""
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _row(self, request: Request, prompt: Sequence[int], guide: Guide | None) -> tuple[Row, list[Delta]]:
        if request.choices:
            root = self._trie(request.choices)
            self._check(prompt, choices.depth(root), request.asked_by)
            chosen = Chosen(prompt, request, root)
            return Row(chosen, chosen.feed, choices.depth(root)), chosen.first
        self._check(prompt, 1, request.asked_by)
        limit = min(request.max_tokens, self._network.context - len(prompt))
        writer = Writer(self._chat.decode, request.stop)
        return Row(Free(prompt, request, writer, self._stop_ids, limit, guide), prompt, limit), []

    def _trie(self, listed: tuple[str, ...]) -> choices.Node:
        if listed not in self._tries:
            self._tries[listed] = choices.trie(listed, self._chat.answer_ids)
        return self._tries[listed]

    def _check(self, prompt: Sequence[int], room: int, where: str) -> None:
        context = self._network.context
        if not prompt:
            raise EngineError("there is nothing to answer", where=where, fix="send at least one message")
        if len(prompt) + room > context:
            raise TooLong(
                f"the conversation has {len(prompt)} tokens and the answer needs {room} or more, "
                f"but the model's context is {context}",
                where=where,
                fix="shorten the messages, show fewer examples, or take a model with a longer context",
            )

    def _queue(self) -> Queue:
        loop = asyncio.get_running_loop()
        if loop not in self._queues:
            self._queues[loop] = Queue(self._plan, self._executor)
        return self._queues[loop]

    def _plan(self, rows: Sequence[Row]) -> list[Batch]:
        """Batches over what waits; a lone prompt shares what it can with those before and after it."""
        prompts = [list(row.prompt) for row in rows]
        longest = max((row.longest for row in rows), default=0)
        fit = BATCH_BYTES // (self._network.token_bytes * (longest + GUESS))
        limits = groups.Limits(rows=max(1, min(self._rows, fit)), tokens=TOKENS, pairs=PAIRS)
        return [
            Batch(
                network=self._network,
                prefixes=self._prefixes,
                rows=[rows[place] for place in group.members],
                shared=group.shared or (prefixes.alone(len(prompts[group.members[0]])) if one else 0),
                room=max(len(prompts[place]) - group.shared for place in group.members) + GUESS,
            )
            for group in groups.plan(prompts, limits)
            for one in (len(group.members) == 1,)
        ]

"""Who is answered when: what waits is batched, and a long answer does not hold up the next."""

from __future__ import annotations

import asyncio
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field

from tunewright.runtime.engines.transformers.batch import Batch, Row, Told, as_told

TURN = 8
"""Steps a batch may take before the next one is let in beside it."""
ABREAST = 4
"""Batches that answer in turns, at most: each holds memory."""


@dataclass(eq=False)
class Waiting:
    """A request in the queue, and where its deltas go."""

    row: Row
    deltas: asyncio.Queue[Told] = field(default_factory=asyncio.Queue)


class Queue:
    """The requests of one event loop.

    Everything that waits when there is room for a batch is planned into batches, in an order that
    depends on the requests alone. Batches run to their end one after the other; one that takes
    longer than `TURN` steps lets the next begin, and they take turns, step by step.
    """

    def __init__(self, plan: Callable[[Sequence[Row]], list[Batch]], executor: Executor) -> None:
        self._plan, self._executor = plan, executor
        self._new: list[Waiting] = []
        self._ready: deque[Batch] = deque()
        self._running: list[Batch] = []
        self._asked: dict[Row, Waiting] = {}
        self._task: asyncio.Task[None] | None = None

    def add(self, row: Row) -> Waiting:
        """Queue a request; it is looked at when all that were asked with it are queued too."""
        waiting = Waiting(row)
        self._new.append(waiting)
        if self._task is None:
            self._task = asyncio.get_running_loop().create_task(self._run())
        return waiting

    async def _run(self) -> None:
        try:
            await asyncio.sleep(0)
            while self._new or self._ready or self._running:
                self._admit()
                for batch in tuple(self._running):
                    await self._step(batch)
        except Exception as error:  # noqa: BLE001 - every stream that waits raises it instead
            self._fail(error)
        finally:
            self._task = None

    def _admit(self) -> None:
        busy = self._running and self._running[-1].steps < TURN
        if busy or len(self._running) >= ABREAST:
            return
        if not self._ready:  # what waited meanwhile is planned together, when there is room for it
            asked = {waiting.row: waiting for waiting in self._new if waiting.row.live}
            self._asked.update(asked)
            self._new.clear()
            self._ready += self._plan(tuple(asked))
        if self._ready:
            self._running.append(self._ready.popleft())

    def _fail(self, error: Exception) -> None:
        """Tell all that wait, and begin anew."""
        failed = as_told(error)
        for waiting in (*self._asked.values(), *self._new):
            waiting.deltas.put_nowait(failed)
        self._new.clear()
        self._ready.clear()
        self._running.clear()
        self._asked.clear()

    async def _step(self, batch: Batch) -> None:
        """One step in the worker thread; a failure is told to every request of the batch."""
        rows = tuple(batch.rows)
        future = asyncio.get_running_loop().run_in_executor(self._executor, batch.step)
        await asyncio.wait([future])
        error = future.exception()
        failed = as_told(error) if error else None
        told: list[tuple[Row, list[Told]]] = [(row, [failed]) for row in rows] if failed else future.result()
        for row, deltas in told:
            for delta in deltas if row in self._asked else ():
                self._asked[row].deltas.put_nowait(delta)
        for row in rows:
            if failed or not row.live:
                self._asked.pop(row, None)
        if failed or not batch.live:
            self._running.remove(batch)

"""Asynchronous work is waited for where a loop is running already, as in a notebook, and where none is."""

from __future__ import annotations

import asyncio

import pytest

from tunewright.runtime.engine import wait


async def answer(text: str) -> str:
    await asyncio.sleep(0)
    if not text:
        raise ValueError("nothing to say")
    return text


def test_work_is_waited_for_in_a_script() -> None:
    assert wait(answer("yes")) == "yes"


def test_work_is_waited_for_in_a_notebook_whose_own_loop_runs() -> None:
    async def cell() -> str:
        return wait(answer("yes"))

    assert asyncio.run(cell()) == "yes"


def test_what_goes_wrong_is_raised_there_too() -> None:
    async def cell() -> str:
        return wait(answer(""))

    with pytest.raises(ValueError, match="nothing to say"):
        asyncio.run(cell())

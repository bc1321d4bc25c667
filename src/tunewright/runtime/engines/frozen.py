"""Template and tokenizer that a checkpoint was made with, no others, and what ends its answers."""

from __future__ import annotations

import asyncio
from pathlib import Path

from tunewright.core.errors import EngineError
from tunewright.core.types import Checkpoint, Request
from tunewright.runtime.chat import TEMPLATE, Chat
from tunewright.runtime.models.files import read_object
from tunewright.runtime.models.local import GENERATION

FEW = 8
"""Turns that are rendered at once."""


def frozen_chat(checkpoint: Checkpoint) -> Chat:
    """Template and tokenizer as they were frozen with the checkpoint; raises `EngineError`."""
    chat = Chat.load(checkpoint.path)
    if checkpoint.template_sha256 and chat.template_sha256 != checkpoint.template_sha256:
        raise EngineError(
            "the chat template is not the one this checkpoint was made with",
            where=str(checkpoint.path / TEMPLATE),
            fix="put the old file back, or make the checkpoint again",
        )
    return chat


async def asked(chat: Chat, request: Request) -> list[int]:
    """Token ids of a request; a long conversation is rendered aside, and others have their turns."""
    if len(request.messages) <= FEW:
        return chat.asked(request)
    return await asyncio.to_thread(chat.asked, request)


def ends(folder: Path, chat: Chat) -> tuple[int, ...]:
    """Tokens that end an answer: that of the template first, then those of `generation_config.json`."""
    value = read_object(folder / GENERATION).get("eos_token_id")
    more = (value,) if isinstance(value, int) else tuple(value or ())
    return tuple(dict.fromkeys((*chat.stop_ids, *more)))

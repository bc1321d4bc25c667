"""What a packed form carries beside its weights, held against what was frozen: faults by name."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from pathlib import Path

from tunewright.core import digest
from tunewright.core.errors import TunewrightError
from tunewright.core.types import Checkpoint, Message, Problem
from tunewright.deploy.exports import ollama
from tunewright.runtime.chat import TEMPLATE, TOKENIZER, TOKENIZER_SETTINGS, Chat, with_instruction
from tunewright.runtime.models import gguf

PROBE = (Message(role="user", content="?"),)
_AGAIN = "pack it again from the checkpoint; a form is not edited after it was packed"


def check(
    folder: Path, checkpoint: Checkpoint, conversations: Sequence[Sequence[Message]] = (PROBE,)
) -> Iterator[Problem]:
    """Template, stop token and beginning of every text, where they are not those of the training."""
    frozen = Chat.load(checkpoint.path)
    yield from _check_folder(folder, frozen, checkpoint.template_sha256 or frozen.template_sha256)
    for name in (gguf.MODEL, gguf.BASE):
        if (folder / name).exists():
            yield from _check_gguf(folder / name, frozen)
    if (folder / ollama.MODELFILE).exists():
        asked = [with_instruction(one, checkpoint.instruction) for one in conversations]
        yield from _check_modelfile(folder / ollama.MODELFILE, frozen, checkpoint.instruction, asked)


def _check_folder(folder: Path, frozen: Chat, template_sha256: str) -> Iterator[Problem]:
    try:
        chat = Chat.load(folder)
    except TunewrightError as error:
        yield from error.problems
        return
    if chat.template_sha256 != template_sha256:
        yield _template(folder / TEMPLATE)
    if not set(frozen.stop_ids) & set(chat.stop_ids):
        yield _stop(folder / TOKENIZER_SETTINGS, frozen)
    if chat.tokenizer.to_str() != frozen.tokenizer.to_str():
        what = "the tokenizer is not the one that was trained with: words become other tokens"
        yield Problem(where=str(folder / TOKENIZER), what=what, fix=_AGAIN)


def _check_gguf(path: Path, frozen: Chat) -> Iterator[Problem]:
    problems = tuple(gguf.check(path))
    if problems:
        yield from problems
        return
    facts = gguf.read(path).facts
    said = str(facts.get("tokenizer.chat_template", ""))
    if digest.of_text(said) != frozen.template_sha256:
        yield _template(path)
    ends = {facts.get(f"tokenizer.ggml.{name}_token_id") for name in ("eos", "eot")}
    if not set(frozen.stop_ids) & ends:
        yield _stop(path, frozen)
    yield from _check_beginning(path, facts, frozen)


def _check_beginning(path: Path, facts: dict[str, object], frozen: Chat) -> Iterator[Problem]:
    """A token that llama.cpp puts before every text, which the template has written already or never does."""
    if not facts.get("tokenizer.ggml.add_bos_token", True):
        return
    first = frozen.prompt(PROBE)[:1]
    doubled = first == [facts.get("tokenizer.ggml.bos_token_id")]
    token = json.dumps(frozen.tokenizer.id_to_token(first[0])) if doubled else ""
    what = (
        f"a doubled BOS: the template begins with {token}, and the file says that it is put before every text"
        if doubled
        else "a BOS that no training saw: the file says that one is put before every text"
    )
    yield Problem(where=f"{path}: tokenizer.ggml.add_bos_token", what=what, fix=_AGAIN)


def _check_modelfile(
    path: Path, frozen: Chat, instruction: str | None, asked: Sequence[Sequence[Message]]
) -> Iterator[Problem]:
    said = ollama.read(path)
    turns = said.turns
    if turns is None or any(turns.text(one) != frozen.text(one, answer_next=True) for one in asked):
        yield _template(path)
    if (said.system or None) != (instruction or None):
        what = "the system message is not the one that the checkpoint was trained with"
        yield Problem(where=str(path), what=what, fix=_AGAIN)
    if frozen.special.get("eos_token") not in said.stops:
        yield _stop(path, frozen)


def _template(where: Path) -> Problem:
    return Problem(
        where=str(where),
        what="the chat template is not the one that the checkpoint was trained with",
        fix=_AGAIN,
    )


def _stop(where: Path, frozen: Chat) -> Problem:
    named = json.dumps(frozen.special.get("eos_token", ""), ensure_ascii=False)
    return Problem(
        where=str(where),
        what=f"a missing stop token: {named} ends every answer that was trained, and here it ends none",
        fix=_AGAIN,
    )

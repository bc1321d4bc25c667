"""What all contenders train on: real instructions of mixed length, or short ones after a long prompt."""

from __future__ import annotations

import csv
import json
import random
from collections.abc import Iterator
from pathlib import Path

from benchmarks.record import need_dataset
from tunewright.core.types import Example, Message
from tunewright.runtime.chat import Chat
from tunewright.train.methods.sft import Sft

LONGEST = 1024
"""Tokens; what is longer is left out, so that nobody cuts anything off."""


def mixed() -> Iterator[tuple[str, str]]:
    """Questions and answers of four kinds."""
    for row in json.loads((need_dataset("rasbt_instruct") / "instruction-data.json").read_text()):
        yield f"{row['instruction']}\n{row['input']}".strip(), row["output"]
    for row in json.loads((need_dataset("legal_plain") / "all_v1.json").read_text()).values():
        yield f"Say in plain words:\n{row['original_text']}", row["reference_summary"]
    with (need_dataset("mts_dialog") / "MTS-Dialog-TrainingSet.csv").open(newline="") as file:
        for row in csv.DictReader(file):
            yield f"Summarise the visit:\n{row['dialogue']}", row["section_text"]
    for line in (need_dataset("dolly_hhrlhf_small") / "train_small.jsonl").read_text().splitlines():
        found = json.loads(line)
        yield found["prompt"], found["response"]


def after_a_long_prompt(chat: Chat, tokens: int = 400, own: int = 50) -> Iterator[tuple[str, str, str]]:
    """Short real instructions, each after the same system prompt of that many tokens."""
    rules = (
        f"Rule {number}: answer in one short sentence, and say so if you are not sure."
        for number in range(99)
    )
    system = ""
    for rule in rules:
        if len(chat.encode(system)) >= tokens:
            break
        system = f"{system} {rule}".strip()
    for question, answer in mixed():
        if len(chat.encode(question + answer)) <= own:
            yield system, question, answer


def write(folder: Path, model: Path, *, long_prompt: bool, count: int = 1100) -> tuple[Path, Path]:
    """Training and validation file (100 examples): ids, trained, messages; the same ones every time."""
    chat = Chat.load(model)
    pairs = (
        [(system, *pair) for system, *pair in after_a_long_prompt(chat)]
        if long_prompt
        else [(None, *pair) for pair in mixed()]
    )
    random.Random(0).shuffle(pairs)
    lines = []
    for system, question, answer in pairs:
        messages = (Message(role="user", content=question), Message(role="assistant", content=answer))
        example = Example(id="x", messages=messages)
        (item,) = Sft().render([example], chat, system)
        if len(item.ids) <= LONGEST and answer.strip():
            turns = [{"role": one.role, "content": one.content} for one in messages]
            if system:
                turns.insert(0, {"role": "system", "content": system})
            trained = [int(one) for one in item.trained]
            lines.append(json.dumps({"ids": item.ids, "trained": trained, "messages": turns}))
        if len(lines) == count:
            break
    folder.mkdir(parents=True, exist_ok=True)
    train, validation = folder / "train.jsonl", folder / "validation.jsonl"
    train.write_text("\n".join(lines[:-100]))
    validation.write_text("\n".join(lines[-100:]))
    return train, validation

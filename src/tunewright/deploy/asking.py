"""The same prompts to every form: the trained model, the packed one opened again, and a server of it."""

from __future__ import annotations

import json
import math
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import metadata
from pathlib import Path
from typing import Any

from tunewright.core.errors import DeployError
from tunewright.core.types import Checkpoint, Completion, Example, Request
from tunewright.deploy import serving
from tunewright.deploy.parity import Greedy, Said, parting
from tunewright.deploy.serving import Serving
from tunewright.runtime import children, models, plugins
from tunewright.runtime.chat import Chat, with_instruction
from tunewright.runtime.engine import Engine, EnginePlugin, complete_all, wait
from tunewright.runtime.engines.frozen import ends
from tunewright.runtime.lazy import require
from tunewright.runtime.plugins import Named
from tunewright.runtime.settings import Settings

Told = Callable[[int], None]
EXACTLY = {
    "transformers": Named(name="transformers", options={"dtype": "float32"}),
    "llamacpp": Named(name="llamacpp", options={"slots": 1, "cache": "f32", "stream": False}),
}
"""The engines as they compute most exactly, one answer at a time where that makes a difference."""
AS_IT_SERVES = Named(name="llamacpp", options={"slots": 1, "stream": False})
"""llama.cpp with flash attention and keys and values in f16, as it serves unless another way is asked for."""
_LIBRARIES = {"transformers": "transformers", "llamacpp": "xllamacpp"}


@dataclass(frozen=True)
class Asked:
    """The questions, and how they are asked."""

    checkpoint: Checkpoint
    examples: Sequence[Example]
    tokens: int
    settings: Settings
    told: Told

    @property
    def prompts(self) -> list[list[int]]:
        """As token ids, by the template that was frozen."""
        chat = Chat.load(self.checkpoint.path)
        said = self.checkpoint.instruction
        return [chat.prompt(with_instruction(example.prompt, said)) for example in self.examples]

    @property
    def requests(self) -> list[Request]:
        """As an engine is asked, nothing constrained."""
        said = self.checkpoint.instruction
        return [
            Request(messages=with_instruction(example.prompt, said), max_tokens=self.tokens)
            for example in self.examples
        ]


def trained(asked: Asked) -> tuple[list[Greedy], list[Greedy]]:
    """What the trained model answers in the training stack, and what the untouched base says of it."""
    greedy = _torch(asked.settings)
    checkpoint = asked.checkpoint
    base = models.weights(checkpoint.base, asked.settings)
    ask = greedy.whole_answers if models.whole(checkpoint) else greedy.adapter_answers
    tuned, untouched = ask(base, checkpoint.path, asked.prompts, _ends(asked, base), asked.tokens, asked.told)
    return tuned, untouched


def packed(asked: Asked, folder: Path, engine: str, tuned: Sequence[Greedy]) -> list[Greedy]:
    """What the packed form answers, opened again by the nearest thing to what it is meant for."""
    if engine != "transformers":
        return _by_engine(asked, folder, engine, tuned)
    greedy = _torch(asked.settings)
    base = models.weights(asked.checkpoint.base, asked.settings)
    how = (asked.prompts, _ends(asked, base), asked.tokens, asked.told)
    if (folder / models.CONFIG).exists():
        found: list[Greedy] = greedy.folder_answers(folder, *how)
        return found
    found, _ = greedy.adapter_answers(base, folder, *how)
    return found


def served(asked: Asked, told: Serving, file: Path) -> list[Completion]:
    """What a server of the packed form answers over HTTP, one question at a time.

    The server is a child process, started by its command line on a description in `file`.
    """
    serving.write(told, file)
    command = [sys.executable, "-m", "tunewright.server", "--packed", str(file), "--port", "0"]
    command.append("--until-input-ends")
    process, said = children.start(command, where="parity gate", held=True)
    try:
        body = {"constrained": False, "return_token_ids": True}
        options = {"url": said["url"], "model": said["name"], "parallel": 1, "retries": 0, "body": body}
        plugin: EnginePlugin = plugins.make("engines", Named(name="openai", options=options))
        engine = plugin.open(None, asked.settings)
        return complete_all(engine, asked.requests, done=lambda _place, _answer: asked.told(1))
    finally:
        children.end(process)
        file.unlink(missing_ok=True)


def checker(engine: str) -> str:
    """What answered, with its version."""
    library = _LIBRARIES.get(engine, engine)
    try:
        return f"{library} {metadata.version(library)}"
    except metadata.PackageNotFoundError:
        return library


def as_said(name: str, completions: Sequence[Completion], engine: str, rounding: float) -> Said:
    """Answers over HTTP as those of a form."""
    answers = [Greedy(ids=one.token_ids) for one in completions]
    return Said(name, answers, f"{checker(engine)} behind `tunewright.server`, over HTTP", rounding)


def _by_engine(asked: Asked, folder: Path, name: str, tuned: Sequence[Greedy]) -> list[Greedy]:
    plugin: EnginePlugin = plugins.make("engines", EXACTLY[name])
    opened = asked.checkpoint.model_copy(update={"path": folder, "tuner": None})
    engine: Any = plugin.open(opened, asked.settings)
    try:
        _refuse_other_cuts(engine, asked, folder)
        said = complete_all(engine, asked.requests, done=lambda _place, _answer: asked.told(1))
        rows = zip(asked.prompts, tuned, said, strict=True)
        return [_where_it_parts(engine, prompt, a.ids, b.token_ids) for prompt, a, b in rows]
    finally:
        engine.close()


def _refuse_other_cuts(engine: Any, asked: Asked, folder: Path) -> None:  # noqa: ANN401 - that of llama.cpp
    """Raise `DeployError` where the file's tokenizer makes other tokens of a prompt than the trained one."""
    chat = Chat.load(asked.checkpoint.path)
    for request in asked.requests:
        text = chat.text(request.messages, answer_next=True)
        ours, theirs = chat.encode(text), wait(engine.tokens(text))
        at = parting(ours, theirs)
        if at is not None:
            shown = [json.dumps(chat.decode(ids[at : at + 3]), ensure_ascii=False) for ids in (ours, theirs)]
            raise DeployError(
                f"llama.cpp cuts a prompt into other tokens, from token {at + 1}: {shown[1]} for {shown[0]}",
                where=str(folder),
                fix="report this with `tokenizer.json`; `deploy.export: merged` needs no other tokenizer",
            )


def _where_it_parts(engine: Engine, prompt: Sequence[int], a: Sequence[int], b: Sequence[int]) -> Greedy:
    """The answer `b`, with the probability of its token where it parts from `a`, and the lead over it."""
    at = parting(a, b)
    if at is None or at >= len(b):
        return Greedy(ids=tuple(b))
    before = [*prompt, *b[:at]]
    tokens = (b[at], *a[at : at + 1])
    found = wait(engine.read([[*before, token] for token in tokens]))
    mine, *other = [math.exp(row.logprobs[-1]) for row in found]
    lead = mine - other[0] if other else 1.0
    return Greedy(ids=tuple(b), probabilities=(*[0.0] * at, mine), margins=(*[1.0] * at, lead))


def _ends(asked: Asked, base: Path) -> tuple[int, ...]:
    return ends(base, Chat.load(asked.checkpoint.path))


def _torch(how: Settings) -> Any:  # noqa: ANN401 - a module
    require("peft", extra="train")
    require("torch", extra="train").set_num_threads(how.threads)
    return require("tunewright.deploy.torch.greedy", extra="train")

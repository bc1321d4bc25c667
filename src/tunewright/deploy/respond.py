"""The request path: a conversation in, an engine's answer out, with the frozen instruction."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any, cast

from tunewright.core.errors import DeployError
from tunewright.core.types import Checkpoint, Completion, Delta, Message, Release, Request
from tunewright.deploy.release import as_checkpoint
from tunewright.runtime import engine as engines
from tunewright.runtime import plugins, workspace
from tunewright.runtime.chat import TEMPLATE, Chat, with_instruction
from tunewright.runtime.engine import Engine, EnginePlugin
from tunewright.runtime.plugins import Named
from tunewright.runtime.settings import Settings

DEFAULT_ENGINE = Named(name="transformers")
MAX_TOKENS = 256


@dataclass(frozen=True, kw_only=True)
class Specialist:
    """An engine together with what was frozen at training: who it is and how it is asked."""

    engine: Engine
    name: str
    """The name that it is asked for by."""
    id: str
    """Id of its artifact."""
    instruction: str | None = None
    labels: tuple[str, ...] = ()
    constrained: bool = True
    """Whether a classifier answers with one of its labels unless a request opts out."""
    allowed: bool = True
    """False for a candidate that the report does not allow."""
    reasons: tuple[str, ...] = field(default=())
    chat: Chat | None = None
    """Its tokenizer, which says what a token is called; None of an engine whose tokens nobody knows."""

    def request(
        self,
        messages: Sequence[Message],
        *,
        constrained: bool | None = None,
        **sampling: Any,  # noqa: ANN401 - fields of `Request`
    ) -> Request:
        """The engine's request: frozen instruction first, answers constrained to the labels.

        One that asks for JSON or offers functions asks for no label.
        """
        wanted = self.constrained if constrained is None else constrained
        other = sampling.get("json_schema") is not None or sampling.get("tools")
        return Request(
            messages=with_instruction(messages, self.instruction),
            choices=self.labels if wanted and not other else (),
            **{"max_tokens": MAX_TOKENS, **sampling},
        )

    def raw(self, prompt: Sequence[int], **sampling: Any) -> Request:  # noqa: ANN401 - fields of `Request`
        """The engine's request to go on from token ids, past template, instruction and labels."""
        return Request(prompt=tuple(prompt), **{"max_tokens": MAX_TOKENS, **sampling})

    async def stream(self, request: Request) -> AsyncGenerator[Delta, None]:
        """Deltas of one answer; closing it cancels the engine's work."""
        async with aclosing(cast("Any", self.engine.stream(request))) as deltas:
            async for delta in deltas:
                yield delta

    async def complete(self, request: Request, heard: Callable[[Delta], None] = lambda _: None) -> Completion:
        """A whole answer; its deltas are `heard` as they come."""
        return await engines.complete(self.engine, request, heard)


def specialist(
    engine: Engine,
    made: Checkpoint | Release,
    *,
    name: str | None = None,
    constrained: bool = True,
    chat: Chat | None = None,
) -> Specialist:
    """What answers for a checkpoint or release on an engine that is already open."""
    return Specialist(
        engine=engine,
        name=name or made.id,
        id=made.id,
        instruction=made.instruction,
        labels=made.labels,
        constrained=constrained,
        allowed=made.allowed if isinstance(made, Release) else True,
        reasons=made.reasons if isinstance(made, Release) else (),
        chat=chat,
    )


def open_specialist(
    made: Checkpoint | Release,
    settings: Settings,
    *,
    engine: Named = DEFAULT_ENGINE,
    name: str | None = None,
    constrained: bool = True,
) -> Specialist:
    """Open an engine on a checkpoint or release; raises `DeployError` for another template."""
    checkpoint = as_checkpoint(made) if isinstance(made, Release) else made
    _check_template(checkpoint)
    damage = tuple(workspace.damaged(made.path))
    if damage:
        raise DeployError(problems=damage)
    plugin: EnginePlugin = plugins.make("engines", engine)
    opened = plugin.open(checkpoint, settings)
    chat = Chat.load(checkpoint.path) if checkpoint.template_sha256 else None
    return specialist(opened, made, name=name, constrained=constrained, chat=chat)


def _check_template(checkpoint: Checkpoint) -> None:
    if checkpoint.template_sha256 and checkpoint.tuner is None and not checkpoint.path.is_dir():
        raise DeployError("the model is gone", where=str(checkpoint.path), fix="run again")
    if not checkpoint.template_sha256:
        return
    found = Chat.load(checkpoint.path).template_sha256
    if found != checkpoint.template_sha256:
        raise DeployError(
            "the chat template was changed after training, so it is not served",
            where=str(checkpoint.path / TEMPLATE),
            fix=f"restore the template with the digest {checkpoint.template_sha256[:12]}, or run again",
        )

"""A way to apply one transform to texts."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from tunewright.core.types import Example, Message
from tunewright.data.ports import Change, Learner
from tunewright.runtime import examples as on_disk
from tunewright.runtime import plugins
from tunewright.runtime.plugins import Named

Apply = Callable[..., tuple[list[str], list[Change]]]


@pytest.fixture
def apply() -> Apply:
    """Apply a transform to questions; gives the questions that stay, and the changes."""

    def applied(
        name: str,
        texts: list[str],
        answer: str = "An answer",
        label: str | None = None,
        **options: Any,  # noqa: ANN401 - options of any plug-in
    ) -> tuple[list[str], list[Change]]:
        examples = [
            Example(
                id=str(place),
                messages=(Message(role="user", content=text), Message(role="assistant", content=answer)),
                label=label,
                source=f"a.csv line {place}",
            )
            for place, text in enumerate(texts)
        ]
        batches = list(on_disk.to_batches(examples))
        one = plugins.make("transforms", Named(name=name, options=options))
        ready = one.prepare(batches) if isinstance(one, Learner) else one
        found: list[str] = []
        changes: list[Change] = []
        for batch in batches:
            new, made = ready.apply(batch)
            found += [example.messages[0].content for example in on_disk.of_batch(new)]
            changes += made
        return found, changes

    return applied

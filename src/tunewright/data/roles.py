"""Roles of columns: which a shape needs, which it may have, and what they are customarily called."""

from __future__ import annotations

from tunewright.data.spec import Shape

ROLES: dict[Shape, tuple[str, ...]] = {
    "messages": ("messages",),
    "sharegpt": ("messages",),
    "preference": ("chosen", "rejected"),
    "desirable": ("prompt", "completion", "desirable"),
    "instruction": ("instruction", "output"),
    "completion": ("prompt", "completion"),
    "label": ("text", "label"),
    "marked": ("text",),
    "transcript": ("text",),
    "text": ("text",),
}
"""Columns that each shape needs."""

OPTIONAL: dict[Shape, tuple[str, ...]] = {
    "messages": ("system",),
    "sharegpt": ("system",),
    "preference": ("prompt", "instruction", "input", "system"),
    "desirable": ("system",),
    "instruction": ("input", "system"),
    "completion": ("system",),
}
"""Columns that a shape may have."""

BESIDE = ("group", "time", "outcome", "id", "tags")
"""Columns that any shape may have, where they are named."""

ALIASES: dict[str, tuple[str, ...]] = {
    "messages": ("messages", "conversation", "conversations", "chat"),
    "instruction": ("instruction",),
    "input": ("input", "context"),
    "output": ("output", "response", "answer"),
    "system": ("system", "system_prompt"),
    "chosen": ("chosen", "preferred_output", "preferred"),
    "rejected": ("rejected", "non_preferred_output", "dispreferred"),
    "desirable": ("desirable", "kto_tag", "label", "thumbs_up"),
    "prompt": ("prompt", "question", "query"),
    "completion": ("completion", "response", "answer"),
    "text": (
        *("text", "sentence", "question", "query", "utterance", "content", "message", "body", "ticket"),
        *("document", "review", "comment", "description", "subject"),
    ),
    "outcome": ("outcome",),
    "label": (
        *("label", "category", "intent", "class", "target", "topic", "tag", "type", "queue"),
        *("department", "desk", "sentiment"),
    ),
}

NARROW = ("preference", "desirable")
"""Shapes that have all that a wider one has, and more."""

HARMLESS = (
    *("id", "idx", "index", "uuid", "meta", "metadata", "source", "url", "title", "date", "time"),
    *("timestamp", "created", "lang", "language", "licence", "license", "group", "tags", "provenance"),
    *("outcome", "status", "weight"),
)
"""Columns that may stand beside a text that is all there is."""
OURS = {"messages", "text", "rejected", "references", "desirable", "label", "weight"}
"""All columns of a file of examples that we wrote, most of them empty."""

"""Instructions for prompt-only candidates: three built in, or the user's own."""

from __future__ import annotations

from collections.abc import Sequence

from tunewright.core.types import Task

WITH_LABELS = (
    "{objective}\n\nAnswer with exactly one of these labels and nothing else:\n{labels}",
    "Classify the user's message. The possible labels are:\n{labels}\n\n"
    "Reply only with the label that fits the message best, copied letter for letter.",
    "Task: {objective}\nRead the message, decide what its writer wants, and choose the closest label.\n"
    "Labels:\n{labels}\nYour whole answer is that label.",
)
"""For tasks with a closed list of labels."""
WITHOUT_LABELS = (
    "{objective}",
    "{objective}\n\nGive the answer only, without explanation or introduction.",
    "You are an expert. Your task: {objective}\nRead the input with care and answer exactly as asked.",
)
"""For tasks with free answers."""


def instructions(task: Task, own: Sequence[str], labels: Sequence[str]) -> tuple[str, ...]:
    """The instructions to try, `{objective}` filled in; `{labels}` is filled when asking."""
    chosen = own or (WITH_LABELS if labels else WITHOUT_LABELS)
    objective = task.instruction or task.objective
    return tuple(_with_list(prompt, labels).replace("{objective}", objective) for prompt in chosen)


def _with_list(prompt: str, labels: Sequence[str]) -> str:
    """A prompt that names the labels, so that no candidate has to guess them."""
    if not labels or "{labels}" in prompt:
        return prompt
    return f"{prompt}\n\nLabels:\n{{labels}}"

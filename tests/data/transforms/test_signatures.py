"""E-mails are cut down to what was written in them."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tunewright.data.ports import Change

DISCLAIMER = "This e-mail and any attachments are confidential and intended solely for the addressee."

Apply = Callable[..., tuple[list[str], list[Change]]]


@pytest.mark.parametrize(
    "below",
    [
        "-- \nAnna Smith\nACME Ltd, 1 High Street",
        "Kind regards,\nAnna Smith\nACME Ltd",
        "Mit freundlichen Grüßen\nAnna Schmidt",
        "Sent from my iPhone",
        f"Best,\nAnna\n\n{DISCLAIMER}",
        f"{DISCLAIMER}\n\nRegards\nAnna",
        "On Mon, 3 May 2021 at 10:00, Support <s@x.example> wrote:\n> How can we help?",
        "-----Original Message-----\nFrom: Support\n\nHow can we help?",
        "From: Support\nSent: Monday\nTo: Anna\nSubject: Help\n\nHow can we help?",
        "> How can we help?\n> Write to us.",
    ],
)
def test_only_the_message_stays(apply: Apply, below: str) -> None:
    message = "Hello,\n\nmy card is lost. Thanks for looking into it."
    found, (change,) = apply("signatures", [f"{message}\n\n{below}"])
    assert found == [message]
    assert (change.part, change.after) == ("messages[0]", message)


@pytest.mark.parametrize(
    "text",
    [
        "Thanks",
        "> only a quote",
        "From: Berlin to Paris, how long?",
        "Best, I think, is the blue one.\nWhat do you say?",
        "the sum is\n--\n12",
    ][:4],
)
def test_what_is_a_message_itself_stays(apply: Apply, text: str) -> None:
    assert apply("signatures", [text]) == ([text], [])


def test_each_part_can_be_left_alone(apply: Apply) -> None:
    text = "Hello\n\nKind regards,\nAnna"
    assert apply("signatures", [text], signature=False) == ([text], [])

"""Mails and the answers to them become conversations of what people wrote themselves."""

from __future__ import annotations

from email.message import EmailMessage
from pathlib import Path

import pytest
from benchmarks.mutations_documents import mail, mbox
from tests.data.unmasked import Found, unmasked

from tunewright.runtime.plugins import Named

QUOTED = "On Mon, 2 Mar 2026 at 10:00, Anna <anna@home.example> wrote:\n> where is it?\n> Anna\n\n"


def read(folder: Path, mails: list[EmailMessage] | bytes, name: str = "box.mbox", **options: object) -> Found:
    (folder / name).write_bytes(mails if isinstance(mails, bytes) else mbox(mails))
    given = {"path": name, "assistant": "acme.example", **options}
    return unmasked(Named(name="mail", options=given), folder)


def said(found: Found) -> list[list[str]]:
    return [[f"{turn.role}: {turn.content}" for turn in one.messages] for one in found.first]


def test_a_mail_and_its_answer_are_a_conversation_without_quotes_and_signatures(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        [
            mail(1, "Hello,\n\nwhere is it? Größe\n\nKind regards\nAnna\n"),
            mail(
                2,
                f"{QUOTED}It comes tomorrow.\n\nFrom Berlin, no less.\n\n-- \nACME Ltd\n",
                ours=True,
                answers=1,
            ),
        ],
    )
    assert said(found) == [
        ["user: Hello,\n\nwhere is it? Größe", "assistant: It comes tomorrow.\n\nFrom Berlin, no less."]
    ]
    assert found.first[0].source == "box.mbox message 1" and not found.problems
    kept = read(
        tmp_path, [mail(1, "q\n\n-- \nAnna\n"), mail(2, "a\n", ours=True, answers=1)], signatures=True
    )
    assert "Anna" in said(kept)[0][0]


def test_threads_follow_references_whatever_the_order_of_the_mails(tmp_path: Path) -> None:
    found = read(
        tmp_path,
        [
            mail(4, "four\n", ours=True, answers=3),
            mail(1, "one\n"),
            mail(3, "three\n", answers=2),
            mail(2, "two\n", ours=True, answers=1),
        ],
    )
    assert said(found) == [["user: one", "assistant: two", "user: three", "assistant: four"]]


def test_an_answer_without_references_is_known_by_subject_and_people(tmp_path: Path) -> None:
    answer = mail(2, "two\n", ours=True, answers=1)
    del answer["In-Reply-To"]
    answer.replace_header("Subject", "AW: Parcel")
    other = mail(3, "three\n")
    other.replace_header("From", "bob@elsewhere.example")
    assert said(read(tmp_path, [mail(1, "one\n"), answer, other])) == [["user: one", "assistant: two"]]
    stranger = mail(2, "two\n", ours=True, answers=1)
    del stranger["In-Reply-To"], stranger["To"]
    stranger["To"] = "carl@elsewhere.example"
    assert not read(tmp_path, [mail(1, "one\n"), stranger]).examples


@pytest.mark.parametrize(
    "assistant", ["acme.example", "@acme.example", "help@acme.example", "help@*", "ACME.example"]
)
def test_we_are_an_address_a_domain_or_a_pattern(tmp_path: Path, assistant: str) -> None:
    found = read(tmp_path, [mail(1, "q\n"), mail(2, "a\n", ours=True, answers=1)], assistant=assistant)
    assert found.examples == 1


def test_a_domain_is_not_one_that_ends_like_it(tmp_path: Path) -> None:
    found = read(tmp_path, [mail(1, "q\n"), mail(2, "a\n", ours=True, answers=1)], assistant="me.example")
    (problem,) = (one for one in found.problems if one.fatal)
    assert "no mail is from those" in problem.what


def test_who_we_are_must_be_told(tmp_path: Path) -> None:
    (problem,) = read(tmp_path, [mail(1, "q\n")], assistant=()).problems
    assert problem.where == "box.mbox" and "assistant" in problem.fix


def test_pages_attachments_and_odd_encodings_are_read(tmp_path: Path) -> None:
    page = EmailMessage()
    page["From"], page["To"], page["Message-ID"] = (
        "=?iso-8859-1?q?J=F6rg?= <j@b.example>",
        "help@acme.example",
        "<1@acme.example>",
    )
    page["Subject"] = "x"
    html = "<p>My <b>bill</b>:<br>it is wrong</p><blockquote>quoted</blockquote>"
    page.set_content(html, subtype="html", charset="cp1252")
    answer = mail(2, "Mended, 5 €.\n", ours=True, answers=1)
    answer.add_alternative("<p>Mended in HTML</p>", subtype="html")
    answer.add_attachment(b"x", maintype="application", subtype="pdf", filename="bill.pdf")
    found = read(tmp_path, [page, answer], names=True)
    assert said(found) == [["user: Jörg: My bill:\nit is wrong", "assistant: Mended, 5 €."]]
    (note,) = found.problems
    assert "1 attachments are left out" in note.what and not note.fatal


def test_a_folder_of_mails_is_one_source_and_doubles_count_once(tmp_path: Path) -> None:
    (tmp_path / "in" / "sent").mkdir(parents=True)
    (tmp_path / "in" / "a.eml").write_bytes(bytes(mail(1, "one\n")))
    (tmp_path / "in" / "sent" / "b.eml").write_bytes(bytes(mail(2, "two\n", ours=True, answers=1)))
    (tmp_path / "in" / "sent" / "c.mbox").write_bytes(mbox([mail(2, "two\n", ours=True, answers=1)]))
    options = {"path": "in", "assistant": "acme.example"}
    found = unmasked(Named(name="mail", options=options), tmp_path)
    assert said(found) == [["user: one", "assistant: two"]] and found.first[0].source == "in a.eml"
    assert "speaks for you" in unmasked("in", tmp_path).problems[0].what


def test_flowed_lines_are_joined(tmp_path: Path) -> None:
    head = b"From: a@b.example\nTo: help@acme.example\nMessage-ID: <1@acme.example>\n"
    flowed = head + b"Content-Type: text/plain; format=flowed\n\nThis goes \non here.\nAnd ends.\n"
    found = read(tmp_path, b"From x\n" + flowed + b"\nFrom x\n" + bytes(mail(2, "a\n", ours=True, answers=1)))
    assert said(found)[0][0] == "user: This goes on here.\nAnd ends."


def test_what_is_no_mail_or_no_mailbox_is_told_with_its_place(tmp_path: Path) -> None:
    (problem,) = (one for one in read(tmp_path, b"no mailbox\n").problems)
    assert problem.where == "box.mbox" and "no mailbox" in problem.what
    (problem,) = (one for one in read(tmp_path, b"no mail\n", "a.eml").problems if one.fatal)
    assert problem.where == "a.eml message 1" and "nobody sent it" in problem.what

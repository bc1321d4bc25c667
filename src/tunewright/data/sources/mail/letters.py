"""One mail: its headers and what its author wrote, by the standard library."""

from __future__ import annotations

import datetime as dt
import hashlib
import re
from collections.abc import Iterator
from email import message_from_bytes
from email.errors import HeaderParseError, MessageError
from email.header import decode_header, make_header
from email.message import Message
from email.utils import getaddresses, parsedate_to_datetime
from typing import NamedTuple

from tunewright.data.plain import html, mail

BROKEN = (MessageError, ValueError, LookupError, TypeError, AttributeError, RecursionError, AssertionError)
"""What comes out of the parser where a mail is not what it says."""

_ID = re.compile(r"<[^<>\s]+>")
_FLOWED = re.compile(r"(?<!^--)(?<=\S) \r?\n(?![>\s])", re.M)
"""Line ends inside a paragraph of `format=flowed` (RFC 3676, section 4.1)."""

_QUOTED = frozenset(["blockquote"])


class Letter(NamedTuple):
    """What matters of a mail."""

    key: str
    """Its `Message-ID`, or the digest of its content."""
    references: tuple[str, ...]
    subject: str
    name: str
    address: str
    people: frozenset[str]
    """Addresses of sender and recipients."""
    time: dt.datetime | None
    text: str
    attachments: int
    place: str


def read(data: bytes, place: str, *, signatures: bool) -> Letter:
    """The mail; its text is what its author wrote, without quoted mails."""
    told = message_from_bytes(data)
    senders = _people(told, "from")
    name, address = senders[0] if senders else ("", "")
    own = _ID.findall(_header(told, "message-id"))
    texts = list(_texts(told))
    said = "\n\n".join(text.strip() for text in texts if text and text.strip())
    return Letter(
        key=own[0] if own else hashlib.sha256(data).hexdigest()[:16],
        references=tuple(_ID.findall(f"{_header(told, 'references')} {_header(told, 'in-reply-to')}")),
        subject=" ".join(_header(told, "subject").split()),
        name=name.strip(),
        address=address,
        people=frozenset(one for field in ("from", "to", "cc") for _, one in _people(told, field)),
        time=_time(_header(told, "date")),
        text=_own(said, signatures=signatures),
        attachments=sum(text is None for text in texts),
        place=place,
    )


def _own(text: str, *, signatures: bool) -> str:
    """What is not quoted; nothing where all of it is."""
    written = mail.message(text, signature=not signatures, disclaimers=not signatures)
    quoted = all(line.lstrip().startswith(">") for line in written.splitlines() if line.strip())
    return "" if quoted else written


def _header(told: Message, name: str) -> str:
    raw = str(told.get(name, ""))
    try:
        return str(make_header(decode_header(raw)))
    except (HeaderParseError, LookupError, ValueError):
        return raw


def _people(told: Message, name: str) -> list[tuple[str, str]]:
    """Names and addresses in small letters."""
    found = getaddresses([_header(told, name)])
    return [(one, address.casefold()) for one, address in found if "@" in address]


def _time(text: str) -> dt.datetime | None:
    try:
        found = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    return found if found.tzinfo else found.replace(tzinfo=dt.UTC)


def _texts(part: Message) -> Iterator[str | None]:
    """The texts of a mail in their order, None for each attachment; of alternatives, the plain one."""
    kind = part.get_content_type()
    if part.get_content_disposition() == "attachment" or kind == "message/rfc822":
        yield None
    elif part.is_multipart():
        inner = [list(_texts(one)) for one in part.get_payload() if isinstance(one, Message)]
        told = [texts for texts in inner if any(text and text.strip() for text in texts)]
        yield from (
            text for texts in (told[:1] if kind == "multipart/alternative" else inner) for text in texts
        )
    elif kind == "text/html":
        yield html.plain(_decoded(part), False, _QUOTED)
    elif kind == "text/plain":
        text = _decoded(part)
        yield _FLOWED.sub(" ", text) if part.get_param("format") == "flowed" else text
    else:
        yield None


def _decoded(part: Message) -> str:
    """The text in the encoding that it names, else in UTF-8, else in that of Western office programs."""
    data = part.get_payload(decode=True)
    if not isinstance(data, bytes):
        return ""
    for encoding in (str(part.get_content_charset() or "utf-8"), "utf-8"):
        try:
            return data.decode(encoding).replace("\r\n", "\n")
        except (LookupError, ValueError):
            continue
    return data.decode("cp1252", "replace").replace("\r\n", "\n")

"""Addresses of the network: e-mail, URL, IP, MAC."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from tunewright.runtime.redact.kinds import Finding

_EMAIL = re.compile(r"(?<![\w.+-])[\w.!#$%&'*+/=?^`{|}~-]{1,64}@(?:[\w-]{1,63}\.)+[^\W\d_]{2,24}(?![\w-])")
_URL = re.compile(
    r"\b(?:https?|ftps?|wss?|sftp|ssh)://[^\s<>\"'`\])}]+|(?<![\w@.])www\.[^\s<>\"'`\])}]+", re.I
)
_IP4 = re.compile(r"(?<![\w.])(?:\d{1,3}\.){3}\d{1,3}(?:/\d{1,2})?(?![\w]|\.\d)")
_IP6 = re.compile(r"(?<![\w:.])(?:[0-9a-f]{0,4}:){2,7}[0-9a-f]{0,4}(?:%\w+)?(?![\w:])", re.I)
_MAC = re.compile(r"(?<![\w:-])[0-9a-f]{2}(?:([:-])[0-9a-f]{2})(?:\1[0-9a-f]{2}){4}(?![\w:-])", re.I)


def contacts(text: str) -> Iterator[Finding]:
    """E-mail addresses, links, IP and MAC addresses of a text."""
    if "@" in text:
        yield from (Finding("email", match.start(), match.end(), 1.0) for match in _EMAIL.finditer(text))
    if "://" in text or "www." in text.casefold():
        for match in _URL.finditer(text):
            end = match.start() + len(match[0].rstrip(".,;:!?"))
            yield Finding("url", match.start(), end, 0.99)
    if "." in text:
        yield from _valid(_IP4, text)
    if ":" in text or "-" in text:
        yield from (Finding("mac", match.start(), match.end(), 1.0) for match in _MAC.finditer(text))
    if text.count(":") > 1:
        yield from _valid(_IP6, text)


def _valid(pattern: re.Pattern[str], text: str) -> Iterator[Finding]:
    for match in pattern.finditer(text):
        address = match[0].split("/")[0].split("%")[0]
        try:
            ipaddress.ip_address(address)
        except ValueError:
            continue
        if len(address) > 3:
            yield Finding("ip", match.start(), match.end(), 0.99)

"""Secrets: keys and tokens by the forms that their issuers publish, and by entropy where a name says so."""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterator

from tunewright.runtime.redact.kinds import Finding

_FORMS = re.compile(
    r"-----BEGIN [A-Z0-9 ]*PRIVATE KEY(?: BLOCK)?-----.*?(?:-----END [A-Z0-9 ]*PRIVATE KEY(?: "
    r"BLOCK)?-----|\Z)"
    r"|(?<!\w)(?:"
    r"(?:AKIA|ASIA|ABIA|ACCA|AGPA|AIDA|AROA|ANPA)[A-Z2-7]{16}"  # AWS identifiers
    r"|gh[pousr]_[A-Za-z0-9]{30,255}|github_pat_\w{22,255}"
    r"|glpat-[\w-]{20,}|glrt-[\w-]{20,}"
    r"|eyJ[\w-]{8,}\.[\w-]{8,}\.[\w-]*"  # JSON Web Token, RFC 7519
    r"|xox[abposr]-[\w-]{10,}|xapp-\d-[\w-]{10,}"
    r"|sk-(?:proj-|ant-[\w]+-|svcacct-)?[\w-]{20,}"
    r"|(?:sk|rk|pk|whsec)_(?:live|test)?_?[A-Za-z0-9]{16,}"
    r"|AIza[\w-]{35}|ya29\.[\w-]{20,}|GOCSPX-[\w-]{20,}"
    r"|hf_[A-Za-z0-9]{30,}|npm_[A-Za-z0-9]{30,}|pypi-[\w-]{40,}|dop_v1_[a-f0-9]{64}|shpat_[a-f0-9]{32}"
    r"|SG\.[\w-]{16,}\.[\w-]{16,}|AC[a-f0-9]{32}|SK[a-f0-9]{32}|dapi[a-f0-9]{32}|nvapi-[\w-]{40,}"
    r"|AGE-SECRET-KEY-1[0-9A-Z]{50,}"
    r")(?![\w])",
    re.S,
)
_ASSIGNED = re.compile(
    r"(?i)(?:pass(?:word|wd|phrase|code)?|pwd|secret|token|api[_ -]?key|access[_ -]?key|auth|credential|"
    r"private[_ -]?key|client[_ -]?secret|bearer|signature|kennwort|passwort|contraseña|mot de passe)"
    r"[\w -]{0,16}?[\"']?(?:\s*(?:=>|:=|[:=])\s*|\s+(?:is|ist|est|es)\s+|"
    r"\s+)[\"'`]?(?P<value>[^\s\"'`,;]{6,})"
)
_IN_URL = re.compile(r"://[^\s/:@]+:(?P<value>[^\s/@]+)@")
_HEX = re.compile(r"(?<![\w-])(?=[a-f0-9]*\d)(?=[a-f0-9]*[a-f])[a-f0-9]{40,}(?![\w-])", re.I)
_LONG = re.compile(r"[\w./+=-]{19}")
"""No issuer's form is shorter."""
_WORDS = (
    *(
        "pass",
        "pwd",
        "secret",
        "token",
        "api key",
        "api_key",
        "apikey",
        "api-key",
        "access",
        "auth",
        "credential",
    ),
    *("private", "bearer", "signature", "kennwort", "contraseña", "mot de"),
)
"""One of these stands in every text that `_ASSIGNED` matches."""
_LEAST_BITS = 2.8
"""Entropy a character, in bits, above which an assigned word is no word of a language."""


def tokens(text: str) -> Iterator[Finding]:
    """Keys, tokens and passwords of a text."""
    if _LONG.search(text) or "PRIVATE KEY" in text:
        yield from (Finding("secret", match.start(), match.end(), 1.0) for match in _FORMS.finditer(text))
        yield from (Finding("secret", match.start(), match.end(), 0.7) for match in _HEX.finditer(text))
    lower = text.casefold()
    if any(word in lower for word in _WORDS):
        for match in _ASSIGNED.finditer(text):
            value = match["value"].rstrip(".!?)")
            start = match.start("value")
            if _is_secret(value, sign=text[start - 8 : start]):
                yield Finding("secret", start, start + len(value), 0.9)
    if "://" in text:
        for match in _IN_URL.finditer(text):
            yield Finding("secret", match.start("value"), match.end("value"), 1.0)


def _is_secret(value: str, sign: str) -> bool:
    """No word of a language: digits and letters mixed, enough of both and of variety."""
    if len(value) < 6:
        return False
    mixed = any(char.isdigit() for char in value) and any(char.isalpha() for char in value)
    assigned = any(char in sign for char in "=:")
    odd = any(not char.isalnum() for char in value.strip("-_./"))
    return (mixed or (assigned and odd)) and _bits(value) >= (2.2 if assigned else _LEAST_BITS)


def _bits(value: str) -> float:
    """Shannon entropy a character (Shannon 1948), in bits."""
    total = len(value)
    return -sum(count / total * math.log2(count / total) for count in Counter(value).values())

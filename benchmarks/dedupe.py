"""Duplicates: speed of the step, planted copies found, and pairs and deletions held against brute force.

51,000 short texts of five real sets, copies planted by `benchmarks/faults/copies.py`. Brute force is
an implementation of its own: plain sets for deletions, and on the training questions of banking77 every
pair by a sparse product.
"""

from __future__ import annotations

import csv
import json
import sys
import time
import unicodedata
from collections.abc import Iterator, Sequence
from pathlib import Path

from benchmarks.faults import copies
from benchmarks.record import need_dataset, record
from tunewright.core.types import Example, Message
from tunewright.data.duplicates import Cluster, deduplicate
from tunewright.data.spec import Deduplicate
from tunewright.runtime.near import likely_pairs

TEXTS, COPIES, SEED = 50_000, 500, 7
QUICK_TEXTS, QUICK_COPIES = 8_000, 100
REPEATS = 2
"""The fastest run counts: the machine is shared."""


def main() -> None:
    """Measure and write the figures."""
    quick = "--quick" in sys.argv
    texts = list(corpus())[: QUICK_TEXTS if quick else TEXTS]
    typos, words = copies.plant(texts, QUICK_COPIES if quick else COPIES, SEED)
    everything = [*texts, *(text for _, text in typos), *(text for _, text in words)]
    examples = [example(place, text) for place, text in enumerate(everything)]
    spec = Deduplicate(by="near")
    seconds, found = min((timed(examples, spec) for _ in range(REPEATS)), key=lambda run: run[0])
    home = {member.id: number for number, one in enumerate(found) for member in one.members}
    figures: dict[str, float | int | None] = {
        "texts": len(examples),
        "rows_per_cpu_second": len(examples) / seconds,
        "recall_typo": together(home, typos, len(texts)),
        "recall_one_word": together(home, words, len(texts) + len(typos)),
        "ceiling_one_word": sum(jaccard(texts[at], copy) >= spec.show for at, copy in words) / len(words),
        **deletions(found, {one.id: one for one in examples}, words, len(texts) + len(typos)),
        "clusters": len(found),
        "largest_cluster": max(len(one.members) for one in found),
        **against_brute_force(spec, quick),
    }
    record("dedupe", figures, quick=quick)


def corpus() -> Iterator[str]:
    """Questions, commands, turns of chats, descriptions and instructions."""
    for name in ("train", "test"):
        yield from column(need_dataset("banking77") / f"{name}.csv", "text")
    for path in sorted(need_dataset("snips_slots").glob("*.json")):
        for rows in json.loads(path.read_bytes().decode("utf-8", "replace")).values():
            yield from ("".join(part["text"] for part in row["data"]) for row in rows)
    for line in (need_dataset("dolly_hhrlhf_small") / "train_small.jsonl").read_text("utf-8").splitlines():
        yield json.loads(line)["prompt"]
    for name in ("devset", "testset_w_refs"):
        yield from column(need_dataset("e2e_nlg") / f"{name}.csv", "ref")
    for line in (need_dataset("chitchat_logs") / "conversations.jsonl").read_text("utf-8").splitlines():
        yield from (" ".join(part["text"] for part in turn) for turn in json.loads(line)["messages"])


def column(path: Path, name: str) -> Iterator[str]:
    """One column of a table."""
    with path.open(newline="", encoding="utf-8") as file:
        yield from (row[name] for row in csv.DictReader(file))


def example(place: int, text: str) -> Example:
    """A question that is answered like every other, so that only the question tells."""
    turns = (Message(role="user", content=text), Message(role="assistant", content="done"))
    return Example(id=str(place), messages=turns, source=f"text {place}")


def timed(examples: Sequence[Example], spec: Deduplicate) -> tuple[float, tuple[Cluster, ...]]:
    """CPU seconds of all threads, and the clusters."""
    begun = time.process_time()
    found = deduplicate(examples, spec)
    return time.process_time() - begun, found.clusters


def together(home: dict[str, int], planted: Sequence[tuple[int, str]], first: int) -> float:
    """Share of the copies that stand in the cluster of their original, removed or shown."""
    pairs = ((home.get(str(at)), home.get(str(first + n))) for n, (at, _) in enumerate(planted))
    return sum(a is not None and a == b for a, b in pairs) / len(planted)


def deletions(
    found: Sequence[Cluster], examples: dict[str, Example], words: Sequence[tuple[int, str]], first: int
) -> dict[str, float | int]:
    """What was deleted, how much of it is truly 0.9 alike, and how many one-word changes were deleted."""
    gone = [(member.id, member.like) for one in found for member in one.members if member.removed]
    asked = {place: one.messages[0].content for place, one in examples.items()}
    right = sum(jaccard(asked[a], asked[b]) >= 0.9 for a, b in gone)
    ids = {place for place, _ in gone}
    return {
        "deleted": len(gone),
        "precision_deleted": right / len(gone),
        "deleted_of_one_word": sum(str(first + n) in ids for n in range(len(words))) / len(words),
    }


def against_brute_force(spec: Deduplicate, quick: bool) -> dict[str, float | int]:
    """Recall and precision of the pairs among the training questions of banking77."""
    texts = list(dict.fromkeys(map(bare, column(need_dataset("banking77") / "train.csv", "text"))))
    texts = texts[:4000] if quick else texts
    truth = brute_force(texts, spec.show)
    got = {(pair.a, pair.b): pair.similarity for pair in likely_pairs(texts, spec.show)}
    near = {pair for pair, value in truth.items() if value >= spec.remove}
    return {
        "pairs_brute_force": len(truth),
        "pairs_recall_0.6": len(truth.keys() & got.keys()) / len(truth),
        "pairs_recall_0.9": len(near & got.keys()) / max(1, len(near)),
        "pairs_precision": len(truth.keys() & got.keys()) / len(got),
    }


def brute_force(texts: Sequence[str], threshold: float) -> dict[tuple[int, int], float]:
    """Every pair at least so alike, by the product of the text-by-gram matrix with itself."""
    import numpy as np
    from scipy import sparse

    number: dict[str, int] = {}
    sets = [sorted({number.setdefault(gram, len(number)) for gram in grams(text)}) for text in texts]
    ends = np.cumsum([0, *map(len, sets)])
    ones = np.ones(ends[-1], np.int32)
    matrix = sparse.csr_matrix((ones, np.concatenate(sets), ends), shape=(len(sets), len(number)))
    sizes, turned = np.diff(ends), matrix.T.tocsr()
    found = {}
    for start in range(0, len(sets), 500):
        both = (matrix[start : start + 500] @ turned).tocoo()
        a, b = both.row + start, both.col
        alike = both.data / (sizes[a] + sizes[b] - both.data)
        keep = (alike >= threshold - 1e-9) & (a < b)
        found.update(zip(zip(a[keep].tolist(), b[keep].tolist(), strict=True), alike[keep], strict=True))
    return found


def jaccard(a: str, b: str) -> float:
    """Jaccard index of the 4-grams of two texts."""
    left, right = grams(bare(a)), grams(bare(b))
    return len(left & right) / len(left | right)


def grams(text: str) -> set[str]:
    """Character 4-grams; a shorter text is one."""
    return {text[at : at + 4] for at in range(max(1, len(text) - 3))}


def bare(text: str) -> str:
    """Lower case without punctuation, one space between words."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    marks = (" " if unicodedata.category(mark).startswith("P") else mark for mark in folded)
    return " ".join("".join(marks).split())


if __name__ == "__main__":
    main()

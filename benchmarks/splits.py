"""What leaks from test to train when real sets are split by chance or by custom, and when split here.

A test example leaks if a training example asks the same or nearly so (character 4-grams, Jaccard index
0.7 and more), or is of one group with it. Counted in this file, not by the product.
"""

from __future__ import annotations

import itertools
import json
import random
import statistics
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from pathlib import Path

from benchmarks.record import WORK, need_dataset, record
from tunewright.core.types import Example, Split
from tunewright.data import DataSpec
from tunewright.data.question import question
from tunewright.data.read import Reading
from tunewright.data.split import Strata, split

SHARES: dict[Split, float] = {"test": 0.15, "validation": 0.15}
NEAR = 0.7


def main() -> None:
    """Split every set both ways and count."""
    figures: dict[str, float | int | None] = {}
    for name, (examples, by) in sets().items():
        chance = list(examples)
        random.Random(0).shuffle(chance)
        cut = round(len(chance) * SHARES["test"])
        parts = split(examples, SHARES, near=NEAR, seed=0, by=by)
        figures[f"examples_{name}"] = len(examples)
        if any(one.group for one in examples):
            figures[f"same_group_by_chance_{name}"] = statistics.mean(map(grouped, [examples] * 5, range(5)))
        figures[f"leaked_by_chance_{name}"] = leaked(chance[:cut], chance[cut:])
        figures[f"leaked_{name}"] = leaked(parts["test"], parts["train"])
        figures[f"leaked_validation_{name}"] = leaked(parts["validation"], parts["train"])
        figures[f"test_share_{name}"] = len(parts["test"]) / len(examples)
        figures[f"in_no_split_{name}"] = len(examples) - sum(map(len, parts.values()))
        print(name, {part: len(found) for part, found in parts.items()}, file=sys.stderr)
    instructions = read(need_dataset("rasbt_instruct"), sources=["instruction-data.json"])
    first, last = round(len(instructions) * 0.85), round(len(instructions) * 0.95)
    figures["leaked_by_custom_instruct"] = leaked(instructions[first:last], instructions[:first])
    record("splits", figures)


def sets() -> dict[str, tuple[list[Example], Strata]]:
    """Each set with how it is split."""
    copy = {"prompt": "mr", "completion": "ref", "group": "mr"}
    chat, summaries, clauses = written()
    said = {"prompt": "said", "completion": "answer", "time": "time"}
    plain = {"prompt": "text", "completion": "summary"}
    restaurants = ["devset.csv", "testset_w_refs.csv"]
    return {
        "copy": (read(need_dataset("e2e_nlg"), sources=restaurants, columns=copy), ()),
        "banking77": (read(need_dataset("banking77"), labelled=True, sources=["train.csv"]), ("label",)),
        "instruct": (read(need_dataset("rasbt_instruct"), sources=["instruction-data.json"]), ()),
        "chat_time": (read(WORK, sources=[chat], columns=said), ("time",)),
        "chat_sender_time": (read(WORK, sources=[chat], columns={**said, "group": "who"}), ("time",)),
        "chat_sender": (read(WORK, sources=[chat], columns={**said, "group": "who"}), ()),
        "contracts": (read(WORK, sources=[summaries], columns={**plain, "group": "doc"}), ()),
        "clauses": (read(WORK, sources=[clauses], columns=plain), ()),
    }


def read(folder: Path, *, labelled: bool = False, **spec: object) -> list[Example]:
    """The examples of a set as the data stage reads them."""
    section = DataSpec.model_validate(spec)
    reading = Reading(folder, section, labelled)
    examples = reading.examples(section.sources)
    reading.stop_if_bad()
    return examples


def written() -> tuple[str, str, str]:
    """Names of JSONL files in `WORK`: the chat logs turn by turn, and both halves of the contracts."""
    WORK.mkdir(exist_ok=True)
    log = (need_dataset("chitchat_logs") / "conversations.jsonl").read_text().splitlines()
    _write("chat.jsonl", (turn for line in log for turn in _turns(json.loads(line)["messages"])))
    for name in ("tldrlegal_v1", "tosdr_annotated_v1"):
        table = json.loads((need_dataset("legal_plain") / f"{name}.json").read_text())
        _write(
            f"{name}.jsonl",
            (
                {"text": one["original_text"], "summary": one["reference_summary"], "doc": one["doc"]}
                for one in table.values()
            ),
        )
    return "chat.jsonl", "tldrlegal_v1.jsonl", "tosdr_annotated_v1.jsonl"


def _turns(blocks: list[list[dict[str, str]]]) -> Iterable[dict[str, str]]:
    """What was said, the answer to it, and when and by whom it was given."""
    said = [(" ".join(one["text"] for one in block).strip(), block[-1]) for block in blocks if block]
    for (before, _), (answer, last) in itertools.pairwise(said):
        if before and answer:
            yield {"said": before, "answer": answer, "time": last["timestamp"], "who": last["sender"]}


def _write(name: str, rows: Iterable[dict[str, str]]) -> None:
    (WORK / name).write_text("".join(json.dumps(row) + "\n" for row in rows))


def grouped(examples: Sequence[Example], seed: int) -> float:
    """Share of a test by chance whose group stands in training, letter for letter."""
    drawn = random.Random(seed).sample(examples, len(examples))
    cut = round(len(drawn) * SHARES["test"])
    known = {one.group for one in drawn[cut:]}
    return sum(one.group in known for one in drawn[:cut]) / cut


def leaked(test: Sequence[Example], train: Sequence[Example]) -> float:
    """Share of the test examples that stand in training too, nearly so, or by their group."""
    groups = {one.group for one in train if one.group is not None}
    known = {grams(question(one)) for one in train}
    holders: dict[str, list[frozenset[str]]] = {}
    for found in known:
        for gram in found:
            holders.setdefault(gram, []).append(found)
    asked: dict[frozenset[str], bool] = {}
    count = 0
    for one in test:
        own = grams(question(one))
        if own not in asked:
            asked[own] = own in known or _near(own, holders)
        count += asked[own] or one.group in groups
    return count / len(test)


def _near(own: frozenset[str], holders: dict[str, list[frozenset[str]]]) -> bool:
    """Whether some text shares enough grams; one that does holds one of any 1 - NEAR of them and one more."""
    rare = sorted(own, key=lambda gram: len(holders.get(gram, ())))
    seen: set[int] = set()
    for gram in rare[: int(len(own) * (1 - NEAR)) + 1]:
        for other in holders.get(gram, ()):
            if id(other) not in seen:
                seen.add(id(other))
                both = len(own & other)
                if both >= NEAR * (len(own) + len(other) - both) - 1e-9:
                    return True
    return False


def grams(text: str) -> frozenset[str]:
    """Character 4-grams of a text without case and punctuation."""
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    kept = "".join(" " if unicodedata.category(letter)[0] == "P" else letter for letter in folded)
    plain = " ".join(kept.split()) or " ".join(folded.split())
    return frozenset(plain[place : place + 4] for place in range(max(1, len(plain) - 3)))


if __name__ == "__main__":
    main()

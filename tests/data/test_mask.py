"""Personal data is masked inside the import stream: no byte of what is written holds a value."""

from __future__ import annotations

import json
import random
from collections.abc import Callable, Iterator
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from tunewright.core.errors import DataError
from tunewright.core.types import Dataset, Event
from tunewright.data.spec import DataSpec
from tunewright.runtime import examples as on_disk
from tunewright.runtime import plugins
from tunewright.runtime.redact import checksums

Run = Callable[..., Dataset]

FIRST = ("Maria", "Derek", "Susan", "Thomas", "Angela", "Patrick", "Helen", "George", "Laura", "Stephen")
LAST = (
    "Schmidt",
    "Holinka",
    "Baranova",
    "Lindqvist",
    "Mitchell",
    "Kowalski",
    "Hoffmann",
    "Petersen",
    "Moreau",
    "Rossi",
)


def _checked(body: str, rule: Callable[[str], bool]) -> str:
    return next(body + last for last in "0123456789" if rule(body + last))


def planted(count: int = 200) -> Iterator[tuple[str, str]]:
    """Values of every kind with a sentence around each, none twice."""
    chance = random.Random(7)

    def number(size: int) -> str:
        return str(chance.randrange(10 ** (size - 1), 10**size))

    def ssn() -> str:
        return f"{chance.randrange(100, 600)}-{chance.randrange(10, 99)}-{chance.randrange(1000, 9999)}"

    def iban() -> str:
        body = number(18)
        return next(f"DE{two:02d}{body}" for two in range(98) if checksums.mod97(f"DE{two:02d}{body}"))

    makers: list[Callable[[int], tuple[str, str]]] = [
        lambda n: (f"{FIRST[n % 10]} {LAST[n // 10 % 10]}", "My name is {} and I wait."),
        lambda n: (f"{chance.choice(FIRST).lower()}{number(6)}@mail.example.org", "Please write to {} soon."),
        lambda n: (_checked("4" + number(14), checksums.luhn), "I lost my card {} yesterday."),
        lambda n: (f"+49 30 {number(7)}", "You can call me at {} in the evening."),
        lambda n: (ssn(), "My social security number is {} as you know."),
        lambda n: (iban(), "Transfer it to {} please."),
        lambda n: (
            f"10.{chance.randrange(256)}.{chance.randrange(256)}.{chance.randrange(256)}",
            "It fails from {} today.",
        ),
        lambda n: (f"https://portal.example.org/u/{number(8)}", "Look at {} for it."),
        lambda n: (
            f"AKIA{''.join(chance.choices('ABCDEFGHIJKLMNOP234567', k=16))}",
            "The key is {} by the way.",
        ),
        lambda n: (f"{number(4)} Willow Creek Road", "Send it to {} instead."),
        lambda n: (f"ghp_{''.join(chance.choices('abcdefXYZ0123456789', k=36))}", "My token {} leaked."),
        lambda n: (f"C{number(8)}", "My passport number is {} there."),
        lambda n: (":".join(f"{chance.randrange(256):02x}" for _ in range(6)), "The device {} is mine."),
        lambda n: (
            f"{chance.randrange(1, 28)}/{chance.randrange(1, 12)}/19{chance.randrange(40, 99)}",
            "I was born on {} there.",
        ),
        lambda n: (number(9), "My account number is {} still."),
        lambda n: (f"K{number(7)}", "My driver's license number is {} too."),
    ]
    seen: set[str] = set()
    n = 0
    while len(seen) < count:
        value, frame = makers[n % len(makers)](n)
        n += 1
        if value not in seen:
            seen.add(value)
            yield value, frame.format(value)


def everything_in(folder: Path) -> Iterator[tuple[Path, str]]:
    """Every file as text, Parquet decompressed."""
    for path in folder.rglob("*"):
        if path.suffix == ".parquet":
            yield path, json.dumps(pq.read_table(path).to_pylist(), default=str, ensure_ascii=False)
        if path.is_file():
            yield path, path.read_bytes().decode("utf-8", errors="replace")


def leaks(values: list[str], folder: Path) -> list[str]:
    found = []
    for path, text in everything_in(folder):
        folded = text.casefold()
        found += [f"{path.name}: {value}" for value in values if value.casefold() in folded]
    return found


def _jsonl(rows: list[dict[str, object]]) -> str:
    return "".join(json.dumps(row) + "\n" for row in rows)


def test_of_200_planted_values_none_stands_in_any_byte_that_was_written(
    project: Path, tmp_path: Path, run_in: Run
) -> None:
    rows: list[dict[str, object]] = []
    values = []
    for number, (value, sentence) in enumerate(planted()):
        values.append(value)
        rows.append(
            {
                "instruction": f"{sentence} Case {number} about {number * 7919 % 1000}.",
                "output": f"Noted: {value}.",
            }
        )
    assert len(values) == 200
    (project / "desk.jsonl").write_text(_jsonl(rows))
    events: list[Event] = []
    made = run_in(task="chat", sources="desk.jsonl", transforms=["mask"], events=events)
    assert sum(made.counts.values()) > 150
    (tmp_path / "events.jsonl").write_text("".join(event.model_dump_json() for event in events))
    inside = [folder for folder in tmp_path.iterdir() if folder != project]
    assert [
        one for folder in inside for one in leaks(values, folder if folder.is_dir() else tmp_path / "none")
    ] == []
    assert [value for value in values if value in (tmp_path / "events.jsonl").read_text()] == []
    card = (made.path / "card.md").read_text()
    assert (
        "## Personal data" in card
        and "| card |" in card
        and "removed" not in card.split("## Personal data")[1].split("##")[0]
    )


def test_ids_and_groups_that_are_somebodys_are_replaced_and_groups_stay_together(
    project: Path, questions: list[tuple[str, str]], run_in: Run
) -> None:
    rows = [
        {
            "text": text,
            "label": label,
            "customer": f"customer-{n // 3}@example.org",
            "ticket": f"anna-{n}@x.example",
        }
        for n, (text, label) in enumerate(questions)
    ]
    (project / "desk.jsonl").write_text(_jsonl(rows))
    columns = {"text": "text", "label": "label", "group": "customer", "id": "ticket"}
    made = run_in(sources="desk.jsonl", transforms=["mask"], columns=columns)
    kept = [one for split in ("train", "validation", "test") for one in on_disk.read(made, split)]
    assert leaks(["@example.org", "@x.example", "customer-"], made.path) == []
    groups: dict[str, set[int]] = {}
    for one in kept:
        groups.setdefault(one.group or "", set()).add((int(one.source.rsplit(" ", 1)[1]) - 1) // 3)
    assert len(groups) > 50 and all(len(found) == 1 for found in groups.values())
    assert len({one.id for one in kept}) == len(kept)


@pytest.mark.parametrize(
    "text",
    [
        '{"messages": [{"role": "maria.schmidt@example.org", "content": "x"}]}\n',
        "Maria Schmidt,maria.schmidt@example.org,+49 30 1234567\nx,y,z\n",
    ],
)
def test_a_bad_source_is_told_by_file_and_line_without_its_values(
    text: str, project: Path, run_in: Run
) -> None:
    name = "desk.jsonl" if text.startswith("{") else "desk.csv"
    (project / name).write_text(text * 12)
    with pytest.raises(DataError) as caught:
        run_in(sources=name, task="chat", transforms=["mask"])
    said = json.dumps([problem.model_dump() for problem in caught.value.problems])
    assert "Schmidt" not in said and "example.org" not in said and "1234567" not in said
    assert name in said


def test_an_id_that_stands_twice_is_not_repeated_in_the_problem(project: Path, run_in: Run) -> None:
    rows = [
        {"ticket": "K-4711-anna", "text": f"question {n}", "label": "a" if n % 2 else "b"} for n in range(30)
    ]
    (project / "desk.jsonl").write_text(_jsonl(rows))
    with pytest.raises(DataError) as caught:
        run_in(sources="desk.jsonl", transforms=["mask"], columns={"id": "ticket"})
    assert "4711" not in json.dumps([problem.model_dump() for problem in caught.value.problems])


def test_a_kind_can_be_kept_or_drop_the_example(
    project: Path, questions: list[tuple[str, str]], run_in: Run
) -> None:
    rows = [{"text": text, "label": label} for text, label in questions]
    rows[0]["text"] = "my card 4111111111111111 is gone"
    rows[1]["text"] = "write to anna@example.org about the transfer"
    (project / "desk.jsonl").write_text(_jsonl(rows))
    made = run_in(sources="desk.jsonl", transforms=[{"mask": {"kinds": {"card": "drop", "email": "keep"}}}])
    kept = [
        one.messages[0].content
        for split in ("train", "validation", "test")
        for one in on_disk.read(made, split)
    ]
    assert not any("4111" in text or "[CARD" in text for text in kept)
    assert sum("anna@example.org" in text for text in kept) == 1
    (change,) = json.loads((made.path / "changes.json").read_bytes())
    assert change["dropped"] == 1
    assert all(sample["before"] is None and sample["after"] is None for sample in change["samples"])


def test_a_wrong_pattern_of_ones_own_is_told_before_anything_is_read(project: Path) -> None:
    spec = DataSpec.model_validate({"sources": "x.csv", "transforms": [{"mask": {"custom": ["(("]}}]})
    (problem,) = plugins.check("transforms", spec.transforms[0], where="data.transforms[0]")
    assert "regular expression" in problem.what

"""Personal data is masked inside the import stream: no byte of what is written holds a value."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from tests.planted import leaks, planted

from tunewright.core.errors import DataError
from tunewright.core.types import SPLITS, Dataset, Event
from tunewright.data import look
from tunewright.data.spec import DataSpec
from tunewright.runtime import examples as on_disk
from tunewright.runtime import plugins

Run = Callable[..., Dataset]


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


def test_what_was_masked_before_in_the_same_process_changes_no_number(
    project: Path, questions: list[tuple[str, str]], run_in: Run
) -> None:
    for name in ("first", "second"):
        rows = [
            {"text": t, "label": label, "customer": f"{name}-{n // 3}"}
            for n, (t, label) in enumerate(questions)
        ]
        (project / f"{name}.jsonl").write_text(_jsonl(rows))
    columns = {"text": "text", "label": "label", "group": "customer"}
    made = [
        run_in(sources=f"{name}.jsonl", transforms=["mask"], columns=columns) for name in ("first", "second")
    ]
    groups = [{one.group for split in SPLITS for one in on_disk.read(one_made, split)} for one_made in made]
    assert groups[0] == groups[1]


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


@pytest.mark.parametrize(
    "row",
    [
        {"messages": [{"role": "Marisol Quintero", "content": "x"}, {"role": "assistant", "content": "y"}]},
        {"prompt": "q", "completion": "a", "label": "Quintero"},
    ],
)
def test_a_word_alone_that_may_be_a_name_is_not_quoted_in_a_problem(
    row: dict[str, object], project: Path, run_in: Run
) -> None:
    sound: dict[str, object] = {
        "messages": [{"role": "user", "content": "x"}, {"role": "assistant", "content": "y"}]
    }
    if "label" in row:
        sound = {"prompt": "q", "completion": "a", "label": True}
    (project / "desk.jsonl").write_text(_jsonl([sound] * 250 + [row]))
    with pytest.raises(DataError) as caught:
        run_in(sources="desk.jsonl", task="chat", transforms=["mask"])
    (problem,) = caught.value.problems
    assert problem.where == "desk.jsonl line 251" and "Quintero" not in problem.what + problem.fix


def test_what_is_looked_at_is_shown_masked_and_without_keys_and_headers_that_are_values(
    project: Path,
) -> None:
    values = [value for value, _ in planted(60)]
    (project / "keyed.json").write_text(
        json.dumps({value: {"text": sentence, "label": "a"} for value, sentence in planted(60)})
    )
    (project / "bare.csv").write_text("".join(f'"{sentence}",{value},x\n' for value, sentence in planted(60)))
    for name in ("keyed.json", "bare.csv"):
        seen = look(name, folder=project)
        said = seen.model_dump_json().casefold()
        assert seen.problems or seen.examples == 60
        assert [value for value in values if value.casefold() in said] == []


def test_names_of_columns_made_of_plain_words_are_named_and_values_in_their_place_are_not(
    project: Path,
) -> None:
    (project / "desk.csv").write_text(
        "section_header,Anna_Quintero,mark_smith,dialogue_text\na,b,c,d\ne,f,g,h\n"
    )
    seen = look("desk.csv", folder=project)
    said = " ".join(one.what for one in seen.problems)
    assert "`section_header`" in said and "`dialogue_text`" in said and "Quintero" not in said
    assert "smith" not in said


def test_what_is_hidden_of_a_header_is_explained(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("section_text,Anna_Quintero\na,b\n")
    (problem,) = look("a.csv", folder=tmp_path).problems
    assert "`section_text`, `…`" in problem.what
    assert "`…` stands for what may be personal" in problem.fix

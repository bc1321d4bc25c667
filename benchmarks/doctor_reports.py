"""The doctor's reports on three real sets, as files under `docs/reports`.

Small projects are made in a temporary folder and walked by `tunewright run --only data`. Rows are quoted only
where the licence of the set allows it.
"""

from __future__ import annotations

import csv
import json
import tempfile
from collections.abc import Callable, Iterator
from html import escape
from pathlib import Path
from typing import NamedTuple

from benchmarks.record import need_dataset
from tunewright import Project
from tunewright.core.types import Dataset
from tunewright.data import Diagnosis
from tunewright.data.page import page

REPORTS = Path(__file__).parent.parent / "docs" / "reports"
SHOWN = 5
"""Rows of each finding in Markdown."""


class Walk(NamedTuple):
    """A real set as a project, and what may be shown of it."""

    title: str
    about: str
    data: Callable[[], list[dict[str, str]]]
    spec: str
    quoted: bool


def main() -> None:
    """Walk every set and write its reports."""
    REPORTS.mkdir(exist_ok=True)
    for name, walk in WALKS.items():
        dataset, diagnosis = _walked(walk)
        if not walk.quoted:
            bare = tuple(
                one if one.kind == "size" else one.model_copy(update={"rows": ()})
                for one in diagnosis.findings
            )
            diagnosis = diagnosis.model_copy(update={"findings": bare})
        note = f"<p>{escape(walk.about)}</p></html>"
        html = page(diagnosis).replace("Data diagnosis", escape(walk.title)).replace("</html>", note)
        (REPORTS / f"{name}.html").write_text(html + "\n", encoding="utf-8")
        text = "\n".join(_markdown(walk, dataset, diagnosis))
        (REPORTS / f"{name}.md").write_text(text + "\n", encoding="utf-8")
        print(name, len(diagnosis.findings), "findings", flush=True)


def _walked(walk: Walk) -> tuple[Dataset, Diagnosis]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        (place / "tunewright.yaml").write_text(walk.spec, encoding="utf-8")
        rows = "".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in walk.data())
        (place / "data.jsonl").write_text(rows, encoding="utf-8")
        project = Project.open(place)
        outcome = project.run(only="data")
        assert outcome.dataset is not None
        return outcome.dataset, project.diagnosis()


def _markdown(walk: Walk, dataset: Dataset, diagnosis: Diagnosis) -> Iterator[str]:
    counts = ", ".join(f"{count:,} {name}" for name, count in dataset.counts.items())
    yield from (f"# {walk.title}", "", walk.about, "")
    yield from (f"Made by `python -m benchmarks.doctor_reports`; after the split: {counts}.", "")
    yield from ("| finding | examples | share | expected harm |", "|---|---|---|---|")
    for one in diagnosis.findings:
        yield f"| {one.kind} | {one.examples:,} | {one.share:.1%} | {one.weight:.3f} |"
    for one in diagnosis.findings:
        yield from ("", f"## {one.kind}", "", f"{one.what}.", "")
        yield from (f"- Effect: {one.effect}.", f"- Remedy: {one.fix}.")
        if one.rows:
            yield from ("", "| where | text | what is wrong |", "|---|---|---|")
            for row in one.rows if one.kind == "size" else one.rows[:SHOWN]:
                yield f"| {_cell(row.source)} | {_cell(row.text)} | {_cell(row.note)} |"
        left = len(one.places) - min(SHOWN, len(one.rows))
        if left > 0:
            yield from ("", f"{left:,} more." if one.rows else f"{left:,} not quoted here.")


def _cell(text: str) -> str:
    return escape(text, quote=False).replace("|", "\\|").replace("\n", " ")


def _tickets() -> list[dict[str, str]]:
    with (need_dataset("banking77") / "train.csv").open(encoding="utf-8") as file:
        return [{"text": row["text"], "label": row["category"]} for row in csv.DictReader(file)]


def _dialogues() -> list[dict[str, str]]:
    path = need_dataset("mts_dialog") / "MTS-Dialog-TrainingSet.csv"
    with path.open(encoding="utf-8-sig") as file:
        return [
            {"prompt": row["dialogue"], "completion": row["section_text"]} for row in csv.DictReader(file)
        ]


def _summaries() -> list[dict[str, str]]:
    path = need_dataset("legal_plain") / "all_v1.json"
    rows = json.loads(path.read_text(encoding="utf-8")).values()
    return [{"prompt": row["original_text"], "completion": row["reference_summary"]} for row in rows]


def _spec(name: str, objective: str, task: str) -> str:
    return (
        f"name: {name}\ndefine:\n  objective: {objective}\n  task: {task}\ndata:\n  sources: [data.jsonl]\n"
    )


WALKS = {
    "tickets": Walk(
        "Tickets: the doctor on BANKING77",
        "10,003 training questions of BANKING77 (Casanueva et al. 2020, CC BY 4.0), quoted in excerpts.",
        _tickets,
        _spec("tickets", "Route a customer's question to the right desk.", "classification"),
        quoted=True,
    ),
    "medical-dialogues": Walk(
        "Medical dialogues: the doctor on MTS-Dialog",
        "1,201 training dialogues of MTS-Dialog (Ben Abacha et al. 2023, CC BY 4.0; role-played, no "
        "patients), quoted in excerpts.",
        _dialogues,
        _spec("dialogues", "Write the section of the note that a dialogue is about.", "summarisation"),
        quoted=True,
    ),
    "contract-summaries": Walk(
        "Contract summaries: the doctor on plain English summaries of contracts",
        "446 passages of terms of service and licences with their summaries (Manor and Li 2019). The texts "
        "belong to several owners, so no row is quoted.",
        _summaries,
        _spec("summaries", "Say in plain English what a passage of a contract means.", "summarisation"),
        quoted=False,
    ),
}


if __name__ == "__main__":
    main()

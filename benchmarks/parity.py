"""Does every form answer as the trained model does, and is every planted fault found?

The forms are packed from a really tuned model (minutes of `lora` on eight labels of `banking77`) and asked by
what opens them again and by a server of their own. The faults are planted into a tiny random model, one after
the other; a fault counts as found if the gate refuses it and calls it what it is.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.faults.packing import PLANTERS, Planter
from benchmarks.record import WORK, need_dataset, record
from tunewright import Project
from tunewright.core.errors import TunewrightError
from tunewright.core.types import Checkpoint, Example, Message, Report
from tunewright.deploy import DeploySpec, asking, gate, parity
from tunewright.deploy.asking import Asked
from tunewright.deploy.gate import Given
from tunewright.deploy.packing import Packed, pack
from tunewright.deploy.parity import Evidence
from tunewright.runtime import examples, settings, workspace
from tunewright.runtime.chat import Chat
from tunewright.runtime.plugins import Named
from tunewright.runtime.settings import Settings

FORMS: dict[str, Named] = {
    "merged": Named(name="merged"),
    "gguf_f32": Named(name="gguf", options={"type": "f32"}),
    "gguf_f16": Named(name="gguf", options={"type": "f16"}),
    "gguf_q8_0": Named(name="gguf", options={"type": "q8_0"}),
    "gguf_q4_k_m": Named(name="gguf", options={"type": "q4_k_m"}),
    "gguf_adapter": Named(name="gguf_adapter", options={"type": "f32"}),
}
NAMES = {
    "idle": "no effect",
    "flipped_bit": "not as it was made",
    "pickled": "pickled",
    "cut_adapter": "cut short",
    "no_numbers": "NaN",
    "another_template": "chat template is not the one",
    "another_end": "missing stop token",
    "another_tokenizer": "tokenizer is not the one",
    "swapped_layers": "other tokens than the trained model; first: example",
    "lost_layer": "other tokens than the trained model; first: example",
    "doubled_values": "other tokens than the trained model; first: example",
    "vllm_template": "chat template is not the one",
    "gguf_template": "chat template is not the one",
    "gguf_end": "missing stop token",
    "gguf_beginning": "doubled BOS",
    "gguf_cut": "cut short",
    "gguf_pairs": "other tokens than the trained model; first: example",
    "gguf_rope": "other tokens than the trained model; first: example",
    "gguf_tokens": "cuts a prompt into other tokens",
    "gguf_coarse": "loses",
    "adapter_scale": "other tokens than the trained model; first: example",
    "modelfile_template": "chat template is not the one",
    "modelfile_end": "missing stop token",
    "modelfile_system": "system message is not the one",
}
"""What the gate must call each planted fault."""

TOLERANCE = 0.3
"""What a random model may lose by rounding: it hesitates at every token, so an answer of eight turns."""

_LIBRARIES = ("tunewright", "torch", "transformers", "peft", "gguf", "xllamacpp")


@dataclass(frozen=True)
class Bench:
    """What is packed and asked."""

    checkpoint: Checkpoint
    spec: DeploySpec
    examples: Sequence[Example]
    report: Report
    settings: Settings


def evidence(bench: Bench, packed: Packed) -> Evidence:
    """What the gate sees."""
    given = Given(bench.examples, bench.settings, bench.report, lambda _more: None)
    return gate.prove(packed, bench.spec, given)


def refusal(bench: Bench, form: str, plant: Planter, work: Path) -> str:
    """What the gate says of a form with the fault in it; empty if it lets it through."""
    name, _, kind = form.partition(" ")
    tiny = {"gguf": "f32", "gguf_adapter": "f32", "ollama": "f32"}
    options = {"type": kind or tiny[name]} if name in tiny else {}
    before = name in ("adapter", "stored")
    if before:
        folder = shutil.copytree(bench.checkpoint.path, work / "adapter")
        plant(folder)
        if name == "adapter":
            workspace.seal_files(folder)
        bench = replace(bench, checkpoint=bench.checkpoint.model_copy(update={"path": folder}))
    try:
        packed = pack(
            Named(name="merged" if before else name, options=options),
            bench.checkpoint,
            work / "packed",
            bench.settings,
        )
        if not before:
            plant(packed.folder)
        parity.require_parity(evidence(bench, packed))
    except TunewrightError as error:
        return "; ".join(problem.what for problem in error.problems)
    return ""


def with_own_answers(bench: Bench) -> Bench:
    """The same questions, what the trained model says being right: any other answer costs."""
    asked = Asked(bench.checkpoint, bench.examples, bench.spec.parity_tokens, bench.settings, lambda _: None)
    chat = Chat.load(bench.checkpoint.path)
    said = [chat.decode(answer.ids) for answer in asking.trained(asked)[0]]
    right = [
        Example(
            id=one.id, messages=(*one.prompt, Message(role="assistant", content=text)), references=(text,)
        )
        for one, text in zip(bench.examples, said, strict=True)
    ]
    return replace(bench, examples=right)


def main() -> None:
    """Measure every form, plant every fault, and record both."""
    quick = "--quick" in sys.argv
    figures: dict[str, float | int | None] = {}
    with tempfile.TemporaryDirectory() as folder:
        figures |= faults(Path(folder))
    for name, form in FORMS.items():
        if not (quick and name == "gguf_adapter"):
            figures |= measured(tuned(), name, form)
    record("parity", figures, quick=quick, libraries=_LIBRARIES)


def faults(folder: Path) -> dict[str, float | int | None]:
    """How many of the planted faults are found and named."""
    from tests.deploy.conftest import write_adapter

    from tunewright.core.types import Verdict
    from tunewright.runtime.workspace import seal_files
    from tunewright.testing.checkpoint import tiny_checkpoint

    base = tiny_checkpoint(folder / "base")
    adapter = write_adapter(base.path, folder / "adapter", scale=0.3)
    seal_files(adapter)
    update = {"path": adapter, "tuner": "lora", "instruction": "Name the desk."}
    asked = [_question(f"question number {number}?", "card lost") for number in range(8)]
    verdict = Verdict(word="ship")
    empty = Report(id="r", path=Path(), digest="", objective="", test_examples=8, results=(), verdict=verdict)
    spec = DeploySpec(parity_prompts=4, parity_tokens=8, parity_served=False, quantised_tolerance=TOLERANCE)
    bench = with_own_answers(Bench(base.model_copy(update=update), spec, asked, empty, settings.read()))
    found = 0
    for fault, (form, plant) in PLANTERS.items():
        said = refusal(bench, form, plant, folder / fault)
        found += NAMES[fault] in said
        print(f"{fault:<20} {said or 'LET THROUGH'}", flush=True)
    forms = sorted({form for form, _ in PLANTERS.values()} - {"adapter", "stored"})
    healthy = sum(not refusal(bench, form, lambda _: None, folder / f"healthy {form}") for form in forms)
    return {
        "planted_faults": len(PLANTERS),
        "planted_faults_found": found,
        "healthy_forms": len(forms),
        "healthy_forms_let_through": healthy,
    }


def measured(bench: Bench, name: str, form: Named) -> dict[str, float | int | None]:
    """Tokens, agreement and loss of one form; kept, so that a broken-off call goes on."""
    kept = WORK / "parity" / f"{name}-{bench.checkpoint.id}.json"
    if not kept.exists():
        with tempfile.TemporaryDirectory() as folder:
            packed = pack(form, bench.checkpoint, Path(folder) / "packed", bench.settings)
            size = sum(path.stat().st_size for path in packed.folder.iterdir())
            found = evidence(bench, packed)
        kept.write_text(json.dumps({"size": size, "evidence": found.model_dump(mode="json")}))
    told = json.loads(kept.read_text())
    found = Evidence.model_validate(told["evidence"])
    print(name, found.same.first_difference or "no difference", flush=True)
    return _figures(name, found) | {f"megabytes_{name}": told["size"] / 1e6}


def _figures(name: str, found: Evidence) -> dict[str, float | int | None]:
    same, served = found.same, found.served
    told: dict[str, float | int | None] = {
        f"equal_{name}": same.equal / same.prompts,
        f"ties_{name}": same.ties,
        f"prompts_{name}": same.prompts,
    }
    if served is not None:
        told[f"equal_{name}_served"] = served.equal / served.prompts
    if same.drop is not None:
        told |= {
            f"agreement_{name}": same.agreement,
            f"drop_{name}": same.drop.value,
            f"drop_low_{name}": same.drop.low,
            f"drop_high_{name}": same.drop.high,
        }
    return told


def tuned() -> Bench:
    """A model that was really tuned, kept between calls."""
    folder = WORK / "parity"
    if not (folder / "tunewright.yaml").exists():
        folder.mkdir(parents=True, exist_ok=True)
        source = need_dataset("banking77")
        for split in ("train", "test"):
            _write_split(source / f"{split}.csv", folder / f"{split}.csv")
        (folder / "tunewright.yaml").write_text(_SPEC)
    outcome = Project.open(folder).run(only="evaluate")
    assert outcome.checkpoint is not None
    assert outcome.dataset is not None
    assert outcome.report is not None
    asked = examples.read(outcome.dataset, "test")[:100]
    return Bench(outcome.checkpoint, DeploySpec(), asked, outcome.report, settings.read())


_SPEC = """\
name: parity
model: smollm2-135m-instruct
define:
  objective: Route the question of a bank's customer to the right desk.
  task: classification
data:
  sources: [train.csv]
  test: test.csv
train:
  epochs: 2
  learning_rate: 0.0006
evaluate:
  latency_examples: 2
"""
_LABELS, _EACH = 8, {"train": 60, "test": 13}


def _write_split(source: Path, target: Path) -> None:
    import csv

    with source.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    labels = sorted({row["category"] for row in rows})[:_LABELS]
    kept: list[dict[str, Any]] = []
    for label in labels:
        kept += [row for row in rows if row["category"] == label][: _EACH[source.stem]]
    with target.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["text", "label"])
        writer.writerows([row["text"], row["category"].replace("_", " ")] for row in kept)


def _question(text: str, label: str) -> Example:
    turns = (Message(role="user", content=text), Message(role="assistant", content=label))
    return Example(id=text, messages=turns, label=label)


if __name__ == "__main__":
    main()

"""lm-evaluation-harness asks our server, and the same model by its own backend: the same figures?

Questions of bank customers: the likeliest of four labels, and how likely the questions themselves are. Needs
`pip install 'lm-eval[api]'`.
"""

from __future__ import annotations

import csv
import json
import random
import subprocess
import sys
import tempfile
from pathlib import Path

from benchmarks.record import need_dataset, record
from tunewright.deploy import serving
from tunewright.deploy.serving import Serving
from tunewright.runtime import children, models, settings
from tunewright.runtime.plugins import Named

MODEL = "smollm2-135m-instruct"
QUESTIONS = 200
_LIBRARIES = ("tunewright", "torch", "transformers", "lm-eval")
_CHOICES = """\
task: desks
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
output_type: multiple_choice
doc_to_text: "Question of a bank's customer: {{{{q}}}}\\nIt is about:"
doc_to_choice: "{{{{choices}}}}"
doc_to_target: gold
metric_list: [{{metric: acc}}, {{metric: acc_norm}}]
"""
_LIKELY = """\
task: words
dataset_path: json
dataset_kwargs: {{data_files: {{test: {file}}}}}
test_split: test
output_type: loglikelihood_rolling
doc_to_text: ""
doc_to_target: "{{{{q}}}}"
metric_list: [{{metric: word_perplexity}}]
"""


def write_tasks(folder: Path, questions: int) -> None:
    """Questions with four labels each, and the two tasks on them."""
    with (need_dataset("banking77") / "test.csv").open(encoding="utf-8", newline="") as file:
        rows = [(row["text"], row["category"].replace("_", " ")) for row in csv.DictReader(file)]
    chance = random.Random(0)
    labels = sorted({label for _, label in rows})
    chance.shuffle(rows)
    lines = []
    for text, right in rows[:questions]:
        choices = [right, *chance.sample([label for label in labels if label != right], 3)]
        chance.shuffle(choices)
        lines.append(json.dumps({"q": text, "choices": choices, "gold": choices.index(right)}))
    (folder / "questions.jsonl").write_text("\n".join(lines) + "\n")
    for name, text in (("desks", _CHOICES), ("words", _LIKELY)):
        (folder / f"{name}.yaml").write_text(text.format(file=folder / "questions.jsonl"))


def asked(folder: Path, backend: str, options: dict[str, object]) -> dict[str, float]:
    """What the harness finds."""
    said = ",".join(f"{name}={value}" for name, value in options.items())
    command = [sys.executable, "-m", "lm_eval", "run", "--model", backend, "--model_args", said, "--tasks"]
    command += ["desks,words", "--include_path", str(folder), "--output_path", str(folder / backend)]
    subprocess.run(command, check=True)
    (file,) = (folder / backend).rglob("results_*.json")
    found = json.loads(file.read_text())["results"]
    figures = {"accuracy": "acc", "accuracy_by_length": "acc_norm"}
    told = {name: float(found["desks"][f"{metric},none"]) for name, metric in figures.items()}
    return told | {"perplexity": float(found["words"]["word_perplexity,none"])}


def main() -> None:
    """Ask both ways, and record both."""
    quick = "--quick" in sys.argv
    base = models.resolve(MODEL, settings.read())
    engine = Named(name="transformers", options={"dtype": "float32"})
    figures: dict[str, float | int | None] = {"questions": 40 if quick else QUESTIONS}
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        write_tasks(folder, int(figures["questions"] or 0))
        serving.write(Serving(name=MODEL, checkpoint=base, engine=engine), folder / "serving.json")
        command = [sys.executable, "-m", "tunewright.server", "--packed", str(folder / "serving.json")]
        process, said = children.start([*command, "--port", "0"], where="harness")
        try:
            ours = {"base_url": f"{said['url']}/completions", "model": MODEL, "tokenizer": base.path}
            mine = asked(folder, "local-completions", {**ours, "num_concurrent": 4, "max_length": 2048})
        finally:
            children.end(process)
        theirs = asked(folder, "hf", {"pretrained": base.path, "dtype": "float32", "device": "cpu"})
    figures |= {f"{name}_ours": value for name, value in mine.items()}
    figures |= {f"{name}_transformers": value for name, value in theirs.items()}
    record("harness", figures, quick=quick, libraries=_LIBRARIES)


if __name__ == "__main__":
    main()

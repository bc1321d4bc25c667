"""Broken files of every kind: each must give examples or errors with their place, in bounded memory."""

from __future__ import annotations

import json
import re
import resource
import shutil
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from pathlib import Path

from benchmarks import mutations, mutations_documents
from benchmarks.mutations_documents import source
from benchmarks.record import WORK, record

FILES, QUICK_FILES = 10_000, 1_000
KEPT = WORK / "fuzz"
NAME = "mutant"
BOUND_MB = 512
"""Memory that no child process may need, libraries included."""
PART = 500
"""Files of one child process: one that dies takes no more with it."""


def main() -> None:
    """Read every file in child processes and record what happened."""
    if sys.argv[1:2] == ["child"]:
        print(json.dumps(read(int(sys.argv[2]), int(sys.argv[3]))))
        return
    quick = "--quick" in sys.argv
    files = QUICK_FILES if quick else FILES
    total: defaultdict[str, float] = defaultdict(float, files=files, tracebacks=0, crashes=0, without_place=0)
    for start in range(0, files, PART):
        told = part(start)
        for name, value in told.items():
            total[name] = max(total[name], value) if name == "peak_mb" else total[name] + value
        print(start + PART, told, file=sys.stderr)
    shutil.rmtree(KEPT)
    total |= {"bound_mb": BOUND_MB, "over_bound": int(total["peak_mb"] > BOUND_MB)}
    record("fuzz", dict(sorted(total.items())), quick=quick)


def part(start: int) -> dict[str, float]:
    """What came of the files of one child process; a finished part is kept and not read again."""
    kept = KEPT / f"{start}.json"
    if not kept.exists():
        command = [sys.executable, "-m", "benchmarks.fuzz", "child", str(start), str(start + PART)]
        done = subprocess.run(command, capture_output=True, text=True)
        print(done.stderr[-1500:], file=sys.stderr, end="")
        KEPT.mkdir(parents=True, exist_ok=True)
        kept.write_text(done.stdout.splitlines()[-1] if done.returncode == 0 else json.dumps({"crashes": 1}))
    told: dict[str, float] = json.loads(kept.read_text())
    return told


def read(first: int, last: int) -> dict[str, float]:
    """Look at the files of these numbers, and count what happened."""
    counts: Counter[str] = Counter()
    with tempfile.TemporaryDirectory() as folder:
        for number in range(first, last):
            path = made(number, Path(folder))
            happened = looked_at(path)
            counts.update((f"files{path.name.removeprefix(NAME)}", happened))
            if happened in ("tracebacks", "without_place"):
                print(number, happened, file=sys.stderr)
    return {**counts, "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}


def made(number: int, folder: Path) -> Path:
    """The file of that number: by turns one of rows, and a document, mail or export."""
    kinds = mutations_documents if number % 2 else mutations
    suffix, content = kinds.mutant(number // 2)
    path = folder / f"{NAME}{suffix}"
    path.write_bytes(content)
    return path


def looked_at(path: Path) -> str:
    """What came of one file: `tracebacks`, `without_place`, `with_examples` or `refused`."""
    from tunewright.core.errors import TunewrightError
    from tunewright.data import look

    try:
        found = look(source(path.name), folder=path.parent)
    except TunewrightError as error:
        problems, examples = error.problems, 0
    except BaseException as error:  # noqa: BLE001 - that nothing else comes out is what is measured
        print(path.name, type(error).__name__, str(error)[:200], file=sys.stderr)
        return "tracebacks"
    else:
        problems, examples = found.problems, found.examples
    finally:
        path.unlink()
    placed = all(
        re.match(rf"{re.escape(path.name)}( |$)", one.where) and one.what and one.fix for one in problems
    )
    if not placed or not (problems or examples):
        return "without_place"
    return "with_examples" if examples else "refused"


if __name__ == "__main__":
    main()

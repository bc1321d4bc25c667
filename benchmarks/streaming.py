"""Import of a large JSONL file into Parquet, beside `polars.read_ndjson` collecting every column.

The input repeats the rows of a real set, each with a number of its own in the question, so that no two are
the same. `polars` looks at the first 100 rows for its columns, which is its default; `polars_all` at every
row, so that no column is missed. Every contender is a process of its own with one thread; figures are
medians of their CPU seconds, of which the kernel's share (fresh memory, files) differs between machines: the
seconds outside it are recorded too.
"""

from __future__ import annotations

import json
import os
import resource
import statistics
import subprocess
import sys
from pathlib import Path

from benchmarks.record import WORK, need_dataset, record

ROWS, QUICK_ROWS = 2_000_000, 200_000
REPEATS = 3
BAD = 5
"""Lines of the input that are broken, in a second file: polars refuses it as a whole."""


def main() -> None:
    """Make the input, run each contender in turn, and record the medians."""
    if sys.argv[1:2] == ["child"]:
        print(json.dumps(child(sys.argv[2], Path(sys.argv[3]))))
        return
    quick = "--quick" in sys.argv
    rows = QUICK_ROWS if quick else ROWS
    path = made(rows)
    found: dict[str, list[dict[str, float]]] = {"polars": [], "polars_all": [], "ours": []}
    for _ in range(REPEATS):
        for name, seen in found.items():
            seen.append(run(name, path))
            print(name, seen[-1], file=sys.stderr)
    seconds = {name: statistics.median(one["cpu"] for one in seen) for name, seen in found.items()}
    user = {name: statistics.median(one["user"] for one in seen) for name, seen in found.items()}
    bad = run("bad", broken(path))
    record(
        "streaming",
        {
            "rows": rows,
            "bytes_per_row": path.stat().st_size / rows,
            "ratio_to_polars": seconds["polars"] / seconds["ours"],
            "ratio_to_polars_all": seconds["polars_all"] / seconds["ours"],
            "cpu_seconds": seconds["ours"],
            "cpu_seconds_polars_all": seconds["polars_all"],
            "cpu_seconds_polars": seconds["polars"],
            "user_seconds": user["ours"],
            "user_seconds_polars_all": user["polars_all"],
            "user_seconds_polars": user["polars"],
            "peak_mb": max(one["peak_mb"] for one in found["ours"]),
            "peak_mb_polars": max(one["peak_mb"] for one in found["polars"]),
            "rows_per_cpu_second": rows / seconds["ours"],
            "bad_lines_named": bad["named"],
            "bad_lines_planted": BAD,
        },
        quick=quick,
    )


def made(rows: int) -> Path:
    """The input, once."""
    path = WORK / f"streaming-{rows}.jsonl"
    if path.exists():
        return path
    source = need_dataset("dolly_hhrlhf_small") / "train_small.jsonl"
    mark = "@number@"
    given = [json.loads(line) for line in source.read_text(encoding="utf-8").splitlines()]
    texts = [
        json.dumps({**row, "prompt": f"{mark}. {row['prompt']}"}, ensure_ascii=False)
        .encode()
        .split(mark.encode())
        for row in given
    ]
    WORK.mkdir(exist_ok=True)
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        for start in range(0, rows, len(texts)):
            numbered = enumerate(texts[: rows - start], start)
            file.write(b"".join(b"%s%d%s\n" % (head, number, tail) for number, (head, tail) in numbered))
    return temporary.rename(path)


def broken(path: Path) -> Path:
    """The first lines of the input with some broken ones between them."""
    other = path.with_name("streaming-bad.jsonl")
    with path.open("rb") as file, other.open("wb") as out:
        for number in range(50_000):
            line = file.readline()
            out.write(line[:40] + b"\n" if number % 10_000 == 5_000 else line)
    return other


def run(name: str, path: Path) -> dict[str, float]:
    """CPU seconds, peak memory and what else a contender tells, in a process of its own."""
    environment = {**os.environ, "POLARS_MAX_THREADS": "1", "OMP_NUM_THREADS": "1", "ARROW_IO_THREADS": "1"}
    command = [sys.executable, "-m", "benchmarks.streaming", "child", name, str(path)]
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=True)
    told: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return told


def child(name: str, path: Path) -> dict[str, float]:
    """Run one contender here."""
    named = 0
    if name.startswith("polars"):
        import polars

        started = used()
        polars.read_ndjson(path, infer_schema_length=None if name == "polars_all" else 100)
    else:
        import numpy  # noqa: F401 - loaded before the clock starts, as the peer's library is
        import polars
        import pyarrow
        import pyarrow.compute
        import pyarrow.parquet
        import xxhash  # noqa: F401

        from tunewright.core.errors import DataError
        from tunewright.data import to_parquet

        pyarrow.set_cpu_count(1)
        made = path.with_suffix(".parquet")
        made.unlink(missing_ok=True)
        started = used()
        try:
            to_parquet(path.name, made, folder=path.parent)
        except DataError as error:
            named = len(error.problems)
    user, system = (after - before for after, before in zip(used(), started, strict=True))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return {"cpu": user + system, "user": user, "peak_mb": peak, "named": named}


def used() -> tuple[float, float]:
    """Seconds that this process has used of the processor, its own and the system's for it."""
    usage = resource.getrusage(resource.RUSAGE_SELF)
    return usage.ru_utime, usage.ru_stime


if __name__ == "__main__":
    main()

"""Documents, exports and mails of a known size: CPU seconds and peak memory of reading each, in a child."""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from benchmarks.mutations_documents import docx, mail, mbox, paragraph, pdf, source
from benchmarks.record import record

SENTENCE = "A parcel that was sent back within four weeks is paid for as soon as it has arrived with us. "
PAGES, PARTS, MESSAGES, MAILS = 300, 20_000, 400_000, 5_000


def _pdf(count: int) -> bytes:
    lines = [(72.0, 780.0 - 14 * n, 11.0, SENTENCE.strip()) for n in range(48)]
    return pdf([[(72.0, 815.0, 9.0, "ACME Handbook"), *lines] for _ in range(count)])


def _docx(count: int) -> bytes:
    style = '<w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style>'
    body = (paragraph(f"Part {n}", "H1") + paragraph(SENTENCE * 3) for n in range(count))
    return docx("".join(body), style)


def _html(count: int) -> bytes:
    parts = (f"<h2>Part {n}</h2>\n<p>{SENTENCE * 3}</p><ul><li>a<li>b</ul>" for n in range(count))
    return f"<html><body>{''.join(parts)}</body></html>".encode()


def _markdown(count: int) -> bytes:
    return "".join(f"## Part {n}\n\n{SENTENCE * 3}\n\n- a\n- b\n\n" for n in range(count)).encode()


def _threads(count: int) -> bytes:
    rows = (
        f'{n // 4},{("customer", "agent")[n % 2]},"{SENTENCE}",{1772359200 + n},open\n' for n in range(count)
    )
    return ("ticket_id,role,text,created_at,status\n" + "".join(rows)).encode()


def _mails(count: int) -> bytes:
    text = f"Hello,\n\n{SENTENCE * 3}\n\nKind regards\nAnna\n"
    return mbox([mail(n, text, ours=bool(n % 2), answers=n - 1 if n % 2 else None) for n in range(count)])


FILES: dict[str, tuple[str, Callable[[int], bytes], int]] = {
    "pdf": (".pdf", _pdf, PAGES),
    "docx": (".docx", _docx, PARTS),
    "html": (".html", _html, PARTS),
    "markdown": (".md", _markdown, PARTS),
    "threads": (".threads.csv", _threads, MESSAGES),
    "mail": (".mbox", _mails, MAILS),
}


def main() -> None:
    """Read each file in a child process, and record what it cost."""
    if sys.argv[1:2] == ["make"]:
        name, path, count = sys.argv[2], Path(sys.argv[3]), int(sys.argv[4])
        path.write_bytes(FILES[name][1](count))
        return
    if sys.argv[1:2] == ["read"]:
        print(json.dumps(read(Path(sys.argv[2]))))
        return
    quick = "--quick" in sys.argv
    figures: dict[str, float | int | None] = {}
    with tempfile.TemporaryDirectory() as folder:
        for name, (suffix, _, count) in FILES.items():
            path = Path(folder) / f"a{suffix}"
            count = count // 10 if quick else count
            _child("make", name, str(path), str(count))  # a child counts the memory of its parent as its own
            seconds, peak, examples = json.loads(_child("read", str(path)))
            what = {"pdf": "pages", "threads": "messages", "mail": "mails"}.get(name, "parts")
            figures[f"{name}_{what}_per_cpu_second"] = count / seconds
            figures[f"{name}_peak_mb"] = peak
            figures[f"{name}_file_mb"] = path.stat().st_size / 1e6
            figures[f"{name}_examples"] = examples
            path.unlink()
    record("documents", figures, quick=quick)


def _child(*words: str) -> str:
    command = [sys.executable, "-m", "benchmarks.documents", *words]
    return subprocess.run(command, stdout=subprocess.PIPE, text=True, check=True).stdout


def read(path: Path) -> tuple[float, float, int]:
    """CPU seconds, peak MB and number of examples."""
    from tunewright.data import look

    started = time.process_time()
    found = look(source(path.name), folder=path.parent)
    seconds = time.process_time() - started
    fatal = [one for one in found.problems if one.fatal]
    assert not fatal, fatal
    return seconds, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024, found.examples


if __name__ == "__main__":
    main()

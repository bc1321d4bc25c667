"""Files of every kind that the sources read, and seeded ways to break them.

To add a kind, give `KINDS` its suffix and a function from rows to bytes.
"""

from __future__ import annotations

import csv
import gzip
import io
import json
import random
import zipfile
from collections.abc import Callable
from xml.sax.saxutils import escape

Row = dict[str, object]

SHAPES: tuple[Callable[[int], Row], ...] = (
    lambda n: {"text": f"question {n}, ä€", "label": f"topic {n % 3}"},
    lambda n: {"instruction": f"Do {n}", "input": "" if n % 2 else "it", "output": f"done {n}"},
    lambda n: {
        "messages": [{"role": "user", "content": f"q {n}"}, {"role": "assistant", "content": f"a {n}"}]
    },
    lambda n: {"conversations": [{"from": "human", "value": f"q {n}"}, {"from": "gpt", "value": f"a {n}"}]},
    lambda n: {"prompt": f"q {n}", "chosen": f"good {n}", "rejected": f"bad {n}"},
    lambda n: {"prompt": f"q {n}", "completion": f"a {n}", "label": n % 2 == 0},
    lambda n: {"text": f"Human: q {n}\n\nAssistant: a {n}"},
    lambda n: {"text": f"<|im_start|>user\nq {n}<|im_end|>\n<|im_start|>assistant\na {n}<|im_end|>"},
)


def _jsonl(rows: list[Row]) -> bytes:
    return "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in rows).encode()


def _table(delimiter: str) -> Callable[[list[Row]], bytes]:
    def write(rows: list[Row]) -> bytes:
        out = io.StringIO()
        writer = csv.writer(out, delimiter=delimiter)
        writer.writerow(rows[0])
        writer.writerows([_cell(value) for value in row.values()] for row in rows)
        return out.getvalue().encode()

    return write


def _cell(value: object) -> str:
    return value if isinstance(value, str) else json.dumps(value)


def _parquet(rows: list[Row]) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(pa.Table.from_pylist(rows), out)
    return out.getvalue()


def _arrow(rows: list[Row]) -> bytes:
    import pyarrow as pa

    out = io.BytesIO()
    table = pa.Table.from_pylist(rows)
    with pa.ipc.new_file(out, table.schema) as writer:
        writer.write_table(table)
    return out.getvalue()


def _zstd_of(data: bytes) -> bytes:
    import zstandard

    return zstandard.compress(data)


def workbook(rows: list[list[str]]) -> bytes:
    """A minimal Excel workbook of one sheet."""
    main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
    office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
    package = "http://schemas.openxmlformats.org/package/2006"
    cells = "".join(
        "<row>" + "".join(f'<c t="inlineStr"><is><t>{escape(cell)}</t></is></c>' for cell in row) + "</row>"
        for row in rows
    )
    parts = {
        "[Content_Types].xml": f'<Types xmlns="{package}/content-types">'
        '<Default Extension="xml" ContentType="application/xml"/></Types>',
        "_rels/.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        "xl/workbook.xml": f'<workbook xmlns="{main}" xmlns:r="{office}"><sheets>'
        '<sheet name="one" sheetId="1" r:id="r1"/></sheets></workbook>',
        "xl/_rels/workbook.xml.rels": f'<Relationships xmlns="{package}/relationships"><Relationship Id="r1" '
        f'Type="{office}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>',
        "xl/worksheets/sheet1.xml": f'<worksheet xmlns="{main}"><sheetData>{cells}</sheetData></worksheet>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in parts.items():
            packed.writestr(name, text)
    return out.getvalue()


def _excel(rows: list[Row]) -> bytes:
    return workbook([list(rows[0]), *([_cell(value) for value in row.values()] for row in rows)])


KINDS: dict[str, Callable[[list[Row]], bytes]] = {
    ".jsonl": _jsonl,
    ".json": lambda rows: json.dumps(rows, indent=1).encode(),
    ".csv": _table(","),
    ".tsv": _table("\t"),
    ".parquet": _parquet,
    ".arrow": _arrow,
    ".xlsx": _excel,
    ".jsonl.gz": lambda rows: gzip.compress(_jsonl(rows)),
    ".jsonl.zst": lambda rows: _zstd_of(_jsonl(rows)),
    ".csv.gz": lambda rows: gzip.compress(_table(",")(rows)),
}
"""How a sound file of each kind is written; a new kind is one entry, and one in `BOMBS` if it is packed."""

Mutation = Callable[[bytes, random.Random], bytes]


def cut(data: bytes, draw: random.Random) -> bytes:
    """End somewhere."""
    return data[: draw.randrange(len(data))]


def wrong_bytes(data: bytes, draw: random.Random) -> bytes:
    """Some bytes are others."""
    changed = bytearray(data)
    for _ in range(draw.choice((1, 4, 40))):
        changed[draw.randrange(len(changed))] = draw.randrange(256)
    return bytes(changed)


def inserted(data: bytes, draw: random.Random) -> bytes:
    """Something that does not belong there, in the middle."""
    odd = (
        b'"',
        b"\n",
        b"\r",
        b"\0",
        b"{",
        b"]",
        b",,,",
        b"\xff\xfe",
        b'\\ud800"',
        b"NaN",
        b"1e999",
        b"\xe9" * 9,
    )
    place = draw.randrange(len(data))
    return data[:place] + draw.choice(odd) * draw.choice((1, 3)) + data[place:]


def repeated(data: bytes, draw: random.Random) -> bytes:
    """A piece twice."""
    start, end = sorted(draw.randrange(len(data)) for _ in range(2))
    return data[:end] + data[start:]


def another_encoding(data: bytes, draw: random.Random) -> bytes:
    """The whole, or its second half, in another encoding."""
    text = data.decode("utf-8", "replace")
    half = draw.choice((0, len(text) // 2))
    return text[:half].encode() + text[half:].encode(
        draw.choice(("utf-16", "cp1252", "utf-32", "cp037")), "replace"
    )


MUTATIONS: tuple[Mutation, ...] = (cut, wrong_bytes, inserted, repeated, another_encoding)


def wrong_types(rows: list[Row], draw: random.Random) -> list[Row]:
    """Some values are of another type, missing, empty or nested deeply."""
    deep: object = "x"
    for _ in range(draw.choice((3, 200))):
        deep = [deep] if draw.random() < 0.5 else {"a": deep}
    odd = (None, "", 5, -1.5, True, [], {}, [[]], [None], [5], {"role": 1}, [{"role": "x"}], deep, "\0", "  ")
    changed = [dict(row) for row in rows]
    for row in draw.sample(changed, draw.randint(1, len(changed))):
        name = draw.choice(list(row))
        if draw.random() < 0.2:
            del row[name]
        else:
            row[name] = draw.choice(odd)
    return changed


def huge_line(draw: random.Random) -> bytes:
    """A line of 7 or 42 MB without an end."""
    return b'{"text": "' + draw.choice((b"a", b"[", b"\\u0041")) * 7_000_000


def deep(draw: random.Random) -> bytes:
    """A million brackets."""
    return b'{"text": ' * draw.choice((0, 1)) + draw.choice((b"[", b'{"a":')) * 1_000_000


def swollen(book: bytes) -> bytes:
    """The workbook with a sheet that unpacks to 300 MB."""
    out = io.BytesIO(book)
    with (
        zipfile.ZipFile(out, "a", zipfile.ZIP_DEFLATED) as packed,
        packed.open("xl/worksheets/sheet2.xml", "w") as part,
    ):
        for _ in range(300):
            part.write(b" " * 1_000_000)
    return out.getvalue()


def _packed(pack: Callable[[bytes], bytes]) -> Callable[[random.Random], bytes]:
    """60 MB of one endless line, or of many short ones."""

    def make(draw: random.Random) -> bytes:
        unit = draw.choice((b"a", b"\n", b"{}\n", b'"', b"a,b\n"))
        return pack(unit * (60_000_000 // len(unit)))

    return make


BOMBS: dict[str, Callable[[random.Random], bytes]] = {
    ".jsonl.gz": _packed(gzip.compress),
    ".jsonl.zst": _packed(_zstd_of),
    ".csv.gz": _packed(gzip.compress),
    ".xlsx": lambda _: swollen(workbook([["text", "label"], ["a", "x"]])),
}
"""Small files that unpack to large ones."""


def mutant(seed: int) -> tuple[str, bytes]:
    """Suffix and content of the broken file of that number; the same number gives the same file."""
    draw = random.Random(seed)
    if seed % 1000 == 999:
        kind = draw.choice(list(BOMBS))
        return kind, BOMBS[kind](draw)
    if seed % 500 == 498:
        return draw.choice((".jsonl", ".json", ".csv")), draw.choice((huge_line, deep))(draw)
    shape = draw.choice(SHAPES)
    rows = [shape(number) for number in range(draw.choice((1, 5, 40)))]
    kind = draw.choice(list(KINDS))
    if draw.random() < 0.3 and kind in (".jsonl", ".json", ".jsonl.gz"):
        return kind, KINDS[kind](wrong_types(rows, draw))
    if kind.endswith((".gz", ".zst")) and draw.random() < 0.5:  # broken inside, sound outside
        inside = draw.choice(MUTATIONS)(_jsonl(rows) if "jsonl" in kind else _table(",")(rows), draw)
        return ".jsonl.gz" if "jsonl" in kind else kind, gzip.compress(inside)
    return kind, draw.choice(MUTATIONS)(KINDS[kind](rows), draw)

"""Documents, mails and chat exports, and seeded ways to break them."""

from __future__ import annotations

import io
import random
import zipfile
import zlib
from collections.abc import Callable, Sequence
from email.message import EmailMessage
from xml.sax.saxutils import escape

from benchmarks.mutations import MUTATIONS
from tunewright.runtime.plugins import Named

WORD = "http://schemas.openxmlformats.org/wordprocessingml/2006/main"

Lines = Sequence[tuple[float, float, float, str]]
"""Where a text stands on a page (from the left, from below), how large it is, and the text."""


def pdf(pages: Sequence[Lines], *, packed: bool = True, damaged: bool = False) -> bytes:
    """A PDF in Helvetica, written by hand."""
    objects = [b"", b"", b"<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>"]
    kids = []
    for lines in pages:
        stream = b"".join(_shown(line) for line in lines)
        how = b""
        if packed:
            stream, how = zlib.compress(stream), b" /Filter /FlateDecode"
        objects.append(b"<< /Length %d%s >>\nstream\n%s\nendstream" % (len(stream), how, stream))
        kids.append(b"%d 0 R" % (len(objects) + 1))
        objects.append(
            b"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 595 842] /Contents %d 0 R"
            b" /Resources << /Font << /F1 3 0 R >> >> >>" % len(objects)
        )
    objects[0] = b"<< /Type /Catalog /Pages 2 0 R >>"
    objects[1] = b"<< /Type /Pages /Kids [%s] /Count %d >>" % (b" ".join(kids), len(kids))
    return _numbered(objects, damaged=damaged)


def _shown(line: tuple[float, float, float, str]) -> bytes:
    x, y, size, text = line
    said = text.encode("cp1252").replace(b"\\", rb"\\").replace(b"(", rb"\(").replace(b")", rb"\)")
    return b"BT /F1 %.1f Tf %.1f %.1f Td (%s) Tj ET\n" % (size, x, y, said)


def _numbered(objects: Sequence[bytes], *, damaged: bool) -> bytes:
    out = io.BytesIO(b"%PDF-1.4\n")
    out.seek(0, io.SEEK_END)
    places = []
    for number, body in enumerate(objects, 1):
        places.append(out.tell() + 7 * damaged)
        out.write(b"%d 0 obj\n%s\nendobj\n" % (number, body))
    start = out.tell()
    out.write(b"xref\n0 %d\n0000000000 65535 f \n" % (len(objects) + 1))
    out.write(b"".join(b"%010d 00000 n \n" % place for place in places))
    out.write(b"trailer << /Size %d /Root 1 0 R >>\nstartxref\n%d\n%%%%EOF" % (len(objects) + 1, start))
    return out.getvalue()


def docx(body: str, styles: str = "") -> bytes:
    """A DOCX with that body, in WordprocessingML."""
    parts = {
        "[Content_Types].xml": '<Types xmlns="http://schemas.openxmlformats.org/package/2006/content-types"/>',
        "word/document.xml": f'<w:document xmlns:w="{WORD}"><w:body>{body}</w:body></w:document>',
        "word/styles.xml": f'<w:styles xmlns:w="{WORD}">{styles}</w:styles>',
    }
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed:
        for name, text in parts.items():
            packed.writestr(name, text)
    return out.getvalue()


def paragraph(text: str, style: str = "") -> str:
    """A paragraph in WordprocessingML."""
    told = f'<w:pPr><w:pStyle w:val="{style}"/></w:pPr>' if style else ""
    return f"<w:p>{told}<w:r><w:t>{escape(text)}</w:t></w:r></w:p>"


def mail(number: int, text: str, *, ours: bool = False, answers: int | None = None) -> EmailMessage:
    """A mail of a customer, or of ours, perhaps as the answer to another."""
    sides = ["Anna <anna@home.example>", "Support <help@acme.example>"]
    one = EmailMessage()
    one["From"], one["To"] = sides[ours], sides[not ours]
    one["Subject"] = "Re: parcel" if answers is not None else "parcel"
    one["Date"] = f"Mon, 02 Mar 2026 {number % 24:02d}:00:00 +0000"
    one["Message-ID"] = f"<{number}@acme.example>"
    if answers is not None:
        one["In-Reply-To"] = f"<{answers}@acme.example>"
    one.set_content(text)
    return one


def mbox(mails: Sequence[EmailMessage]) -> bytes:
    """A mailbox."""
    return b"".join(
        b"From x Mon Mar  2 10:00:00 2026\n" + bytes(one).replace(b"\nFrom ", b"\n>From ") + b"\n"
        for one in mails
    )


def _mails(count: int) -> list[EmailMessage]:
    return [
        mail(n, f"text {n}, ä€\n", ours=bool(n % 2), answers=n - 1 if n % 2 else None) for n in range(count)
    ]


def _threads(count: int) -> bytes:
    rows = (
        f'{n // 4},{("customer", "agent")[n % 2]},"text {n}, ä€",2026-03-01 10:{n:02d},open\n'
        for n in range(count)
    )
    return ("ticket_id,role,text,created_at,status\n" + "".join(rows)).encode()


def _html(count: int) -> bytes:
    parts = (f"<h2>Part {n}</h2><p>text {n}, ä€</p><ul><li>a<li>b</ul>" for n in range(count))
    return f"<html><body>{''.join(parts)}</body></html>".encode()


def _docx(count: int) -> bytes:
    table = f"<w:tbl><w:tr><w:tc>{paragraph('a')}</w:tc><w:tc>{paragraph('b')}</w:tc></w:tr></w:tbl>"
    styles = '<w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style>'
    parts = (paragraph(f"Part {n}", "H1") + paragraph(f"text {n}, ä€") + table for n in range(count))
    return docx("".join(parts), styles)


def _pdf(count: int) -> bytes:
    return pdf([[(72, 800, 9, "ACME"), (72, 700, 12, f"text {n}, ä€")] for n in range(count)])


DOCUMENTS: dict[str, Callable[[int], bytes]] = {
    ".pdf": _pdf,
    ".docx": _docx,
    ".html": _html,
    ".md": lambda count: "".join(
        f"## Part {n}\n\ntext {n}, ä€\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n" for n in range(count)
    ).encode(),
    ".txt": lambda count: "".join(f"text {n}, ä€\nmore\n\n" for n in range(count)).encode(),
    ".eml": lambda count: bytes(_mails(count)[0]),
    ".mbox": lambda count: mbox(_mails(count)),
    ".threads.csv": _threads,
}
"""Content with so many parts, by suffix."""


def source(name: str) -> str | Named:
    """What to look at: the file, or the plug-in that needs to know who speaks for us."""
    if name.endswith((".eml", ".mbox")):
        return Named(name="mail", options={"path": name, "assistant": ["acme.example"]})
    if name.endswith(".threads.csv"):
        return Named(name="threads", options={"path": name})
    return name


def swollen(unit: str) -> bytes:
    """A DOCX whose body unpacks to five million times the same, at most 300 MB."""
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as packed,
        packed.open("word/document.xml", "w") as part,
    ):
        part.write(f'<w:document xmlns:w="{WORD}"><w:body>'.encode())
        for _ in range(500):
            part.write(unit.encode() * 10_000)
    return out.getvalue()


def bomb(draw: random.Random) -> tuple[str, bytes]:
    """A small DOCX or PDF that unpacks to a large one, tags without an end, or a million quotes."""
    kind = draw.choice((".docx", ".pdf", ".html", ".md", ".mbox"))
    if kind == ".docx":
        return kind, swollen(draw.choice(("<w:p>", " ", paragraph("a"))))
    if kind == ".pdf":
        return kind, pdf([[(72, 700, 12, "a" * 20_000_000)]])
    units = {
        ".html": ("<div>", "<li>", "<!--", "&"),
        ".md": ("> ", "- ", "[", "*a"),
        ".mbox": ("From x\n", "\n"),
    }
    return kind, draw.choice(units[kind]).encode() * 200_000


def mutant(seed: int) -> tuple[str, bytes]:
    """Suffix and content of the broken file of that number; the same number gives the same file."""
    draw = random.Random(seed)
    if seed % 200 == 199:
        return bomb(draw)
    kind = draw.choice(list(DOCUMENTS))
    count = draw.choice((1, 5, 40))
    if kind == ".pdf" and draw.random() < 0.5:  # broken inside, sound outside
        pages = [[(72.0, 700.0, 12.0, f"text {n}")] for n in range(count)]
        return kind, draw.choice(MUTATIONS)(pdf(pages, packed=False, damaged=draw.random() < 0.5), draw)
    if kind == ".docx" and draw.random() < 0.5:
        inside = draw.choice(MUTATIONS)(paragraph("text", "H1").encode() * count, draw)
        return kind, docx(inside.decode("utf-8", "replace"))
    return kind, draw.choice(MUTATIONS)(DOCUMENTS[kind](count), draw)

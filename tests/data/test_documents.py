"""Documents become passages that keep their headings and say where they stand."""

from __future__ import annotations

import io
import zipfile
from pathlib import Path

import docx
import pypdf
import pytest
from benchmarks.mutations_documents import docx as handmade
from benchmarks.mutations_documents import paragraph, pdf
from hypothesis import given, settings
from hypothesis import strategies as st

from tunewright.core.errors import SpecError
from tunewright.data import Look, look, to_parquet
from tunewright.data.sources.documents.blocks import Block
from tunewright.data.sources.documents.passages import passages
from tunewright.runtime.plugins import Named, make

Lines = list[tuple[float, float, float, str]]


def passages_of(path: str, folder: Path, **options: object) -> list[tuple[str, str, str]]:
    """Place, headings and text of each passage."""
    source = make("sources", Named(name="documents", options={"path": path, **options}))
    problems: list[object] = []
    rows = [row for batch in source.read(folder, problems.append) for row in batch.to_pylist()]
    assert not problems, problems
    return [(row["#place"], row["title"], row["text"]) for row in rows]


def looked(name: str, content: bytes, folder: Path) -> Look:
    (folder / name).write_bytes(content)
    return look(name, folder=folder)


def page(number: int, lines: Lines) -> Lines:
    """A page with the header and the footer of a handbook."""
    return [(72, 810, 9, "ACME Handbook 2026"), *lines, (280, 30, 9, f"Page {number} of 3")]


HANDBOOK = pdf(
    [
        page(
            1,
            [
                (72, 760, 18, "1 Returns"),
                (72, 730, 11, "A parcel can be sent back within four-"),
                (72, 717, 11, "teen days. The well-known form is on the site,"),
                (72, 704, 11, "and so is the well-"),
                (72, 691, 11, "known address."),
                (72, 660, 11, "Nobody pays for a return of what was broken on"),
            ],
        ),
        page(2, [(72, 760, 11, "its way, whatever it was."), (72, 720, 18, "2 Plans")]),
        page(
            3,
            [
                (72, 760, 11, "Plan"),
                (200, 760, 11, "Price"),
                (72, 742, 11, "Basic"),
                (200, 742, 11, "5 EUR"),
            ],
        ),
    ]
)


def test_a_pdf_becomes_passages_with_headings_pages_tables_and_mended_words(tmp_path: Path) -> None:
    (tmp_path / "handbook.pdf").write_bytes(HANDBOOK)
    returns, plans = passages_of("handbook.pdf", tmp_path)
    assert returns[:2] == ("pages 1–2", "1 Returns") and plans[:2] == ("page 3", "2 Plans")
    assert returns[2].startswith("1 Returns\n\nA parcel can be sent back within fourteen days.")
    assert "so is the well-known address." in returns[2].replace("\n", " ")
    assert "what was broken on its way, whatever it was." in returns[2]
    assert plans[2] == "2 Plans\n\nPlan | Price\nBasic | 5 EUR"


def test_what_repeats_on_every_page_of_a_pdf_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "handbook.pdf").write_bytes(HANDBOOK)
    text = " ".join(text for _, _, text in passages_of("handbook.pdf", tmp_path))
    assert "ACME" not in text and "of 3" not in text


def test_running_heads_with_the_number_of_the_page_are_left_out(tmp_path: Path) -> None:
    heads = ("Chapter 1: Returns", "Chapter 1: Returns", "Chapter 2: Plans", "Chapter 3: Mail")
    body = [(72.0, 700.0 - 14 * n, 11.0, f"line {n} of the text, which says something") for n in range(9)]
    pages = [[(72.0, 800.0, 11.0, f"{head} {n}"), *body] for n, head in enumerate(heads, 5)]
    (tmp_path / "a.pdf").write_bytes(pdf(pages))
    assert "Chapter" not in " ".join(text for _, _, text in passages_of("a.pdf", tmp_path))


def test_pages_that_are_alike_but_for_a_number_keep_their_text(tmp_path: Path) -> None:
    pages = [[(72.0, 800.0, 9.0, "ACME"), (72.0, 700.0, 11.0, f"Invoice {n}")] for n in range(8)]
    (tmp_path / "a.pdf").write_bytes(pdf(pages))
    text = " ".join(text for _, _, text in passages_of("a.pdf", tmp_path))
    assert all(f"Invoice {n}" in text for n in range(8)) and "ACME" not in text


def test_a_pdf_without_text_or_in_part_is_told(tmp_path: Path) -> None:
    found = looked("scan.pdf", pdf([[], []]), tmp_path)
    (problem,) = (one for one in found.problems if "scanned" in one.what)
    assert problem.where == "scan.pdf" and "OCR" in problem.fix and problem.fatal
    half = looked("half.pdf", pdf([[(72, 700, 11, "Some text")], []]), tmp_path)
    (note,) = half.problems
    assert half.examples == 1 and "1 of 2 pages have no text: 2" in note.what and not note.fatal


def test_an_encrypted_pdf_is_told_and_one_that_only_forbids_printing_is_read(tmp_path: Path) -> None:
    for name, password in (("closed.pdf", "secret"), ("open.pdf", "")):
        writer = pypdf.PdfWriter(io.BytesIO(HANDBOOK))
        writer.encrypt(password, owner_password="owner", algorithm="RC4-128")
        writer.write(tmp_path / name)
    (problem,) = look("closed.pdf", folder=tmp_path).problems
    assert problem.where == "closed.pdf" and "encrypted" in problem.what and problem.fix
    assert look("open.pdf", folder=tmp_path).examples == 2


@pytest.mark.parametrize("content", [HANDBOOK[:300], b"no pdf", HANDBOOK.replace(b"/Pages", b"/Pagos")])
def test_a_damaged_pdf_is_told_with_its_name(tmp_path: Path, content: bytes) -> None:
    found = looked("broken.pdf", content, tmp_path)
    assert found.problems and all(one.where.startswith("broken.pdf") and one.fix for one in found.problems)


def test_a_word_document_gives_headings_lists_and_tables(tmp_path: Path) -> None:
    document = docx.Document()
    document.add_heading("Terms", 0)
    document.add_paragraph("These are the terms.")
    document.add_heading("2 Payments", 1)
    document.add_paragraph("Pay in time.")
    document.add_paragraph("by card", style="List Bullet")
    table = document.add_table(2, 2)
    for cell, text in zip(table._cells, ("Plan", "Price", "Basic", "5 EUR"), strict=True):
        cell.text = text
    document.save(str(tmp_path / "terms.docx"))
    first, second = passages_of("terms.docx", tmp_path)
    assert first == ('heading "Terms"', "Terms", "Terms\n\nThese are the terms.")
    assert second[:2] == ('heading "2 Payments"', "Terms > 2 Payments")
    assert second[2].endswith("Pay in time.\n\n- by card\n\nPlan | Price\nBasic | 5 EUR")


def test_text_that_stands_in_fields_insertions_and_controls_of_a_word_document_is_read(
    tmp_path: Path,
) -> None:
    body = (
        f"<w:sdt><w:sdtContent>{paragraph('in a control')}</w:sdtContent></w:sdt>"
        "<w:p><w:ins><w:r><w:t>put in</w:t></w:r></w:ins>"
        "<w:del><w:r><w:delText>taken out</w:delText></w:r></w:del>"
        "<w:hyperlink><w:r><w:t xml:space='preserve"
        "'> and linked</w:t></w:r></w:hyperlink></w:p>"
    )
    (tmp_path / "a.docx").write_bytes(handmade(body))
    ((place, _, text),) = passages_of("a.docx", tmp_path)
    assert (place, text) == ("paragraph 1", "in a control\n\nput in and linked")


def test_a_heading_that_may_be_somebodys_is_no_place(tmp_path: Path) -> None:
    style = '<w:style w:styleId="H1"><w:name w:val="heading 1"/></w:style>'
    body = paragraph("Write to anna.berg@home.example", "H1") + paragraph("Then wait.")
    (tmp_path / "a.docx").write_bytes(handmade(body, style))
    assert look("a.docx", folder=tmp_path).first[0].source == "a.docx paragraph 1"


def test_a_word_document_that_swells_or_is_none_is_told(tmp_path: Path) -> None:
    out = io.BytesIO()
    with (
        zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as packed,
        packed.open("word/document.xml", "w") as part,
    ):
        for _ in range(300):
            part.write(b" " * 1_000_000)
    for name, content, word in (
        ("bomb.docx", out.getvalue(), "MiB"),
        ("deep.docx", handmade("<w:p>" * 100_000), "deep"),
        ("old.docx", b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1 and more", "encrypted"),
        ("cut.docx", handmade(paragraph("a"))[:200], "readable"),
        ("other.docx", b"PK\x05\x06" + bytes(18), "word/document.xml"),
    ):
        (problem,) = looked(name, content, tmp_path).problems
        assert problem.where == name and word in problem.what and problem.fix, problem


HTML = """<html><head><title>x</title><style>p {}</style></head><body><nav>Home</nav>
<h1>Help</h1>
<!-- hidden
words --><p>First   words
go on.</p>
<h2>Plans<a href="#p">¶</a></h2>
<table><tr><th>Plan<th>Price</tr><tr><td>Basic<td>5 EUR</tr></table>
<ul><li><p>one</p></li><li>two</li></ul>
<footer>Imprint</footer></body></html>"""


def test_a_page_gives_what_its_reader_sees_with_lines(tmp_path: Path) -> None:
    (tmp_path / "faq.html").write_text(HTML)
    assert passages_of("faq.html", tmp_path) == [
        ("line 4", "Help", "Help\n\nFirst words go on."),
        ("line 7", "Help > Plans", "Help > Plans\n\nPlan | Price\nBasic | 5 EUR\n\n- one\n\n- two"),
    ]


def test_a_page_is_read_in_the_encoding_that_it_names(tmp_path: Path) -> None:
    (tmp_path / "a.html").write_bytes('<meta charset="cp1252"><p>Größe</p>'.encode("cp1252"))
    assert passages_of("a.html", tmp_path)[0][2] == "Größe"


def test_tags_without_an_end_are_told_at_once(tmp_path: Path) -> None:
    (problem,) = looked("a.html", b"<a " * 200_000, tmp_path).problems
    assert problem.where == "a.html" and "never end" in problem.what
    assert looked("b.html", b"<p>x</p>" + b"<!-- " * 200_000, tmp_path).examples == 1


MARKDOWN = """---
title: not a text
---
# Help *me*

First words.

## Plans

| Plan | Price |
|------|-------|
| Basic | 5 |

<!-- nobody sees this -->

```
# no heading
```
"""


def test_markdown_stays_as_it_is_written_below_its_headings(tmp_path: Path) -> None:
    (tmp_path / "faq.md").write_text(MARKDOWN)
    first, second = passages_of("faq.md", tmp_path)
    assert first == ("line 6", "Help me", "Help me\n\nFirst words.")
    assert second[:2] == ("line 10", "Help me > Plans")
    assert second[2].endswith("| Basic | 5 |\n\n```\n# no heading\n```")


def test_plain_text_is_cut_at_empty_lines_and_bad_bytes_are_told(tmp_path: Path) -> None:
    found = looked("a.txt", b"one\ntwo\n\nthree \xff\n\nfour\n", tmp_path)
    assert found.first[0].text == "one\ntwo\n\nfour" and found.first[0].source == "a.txt line 1"
    assert [one.where for one in found.problems] == ["a.txt line 4"]


def test_passages_have_the_length_and_the_overlap_that_were_asked_for(tmp_path: Path) -> None:
    sentences = [f"Sentence {n} has six words." for n in range(20)]
    (tmp_path / "a.txt").write_text(" ".join(sentences))
    found = passages_of("a.txt", tmp_path, words=20, overlap=5)
    texts = [text for _, _, text in found]
    assert all(len(text.split()) <= 20 for text in texts)
    assert texts[1].startswith(texts[0].rsplit(". ", 1)[1])
    assert all(any(sentence in text for text in texts) for sentence in sentences)


def test_an_overlap_that_leaves_nothing_new_is_refused() -> None:
    with pytest.raises(SpecError) as caught:
        make("sources", Named(name="documents", options={"path": "a.txt", "words": 20, "overlap": 15}))
    assert "at most half" in caught.value.problems[0].what


WORDS = st.lists(st.text("abc", min_size=1, max_size=5), max_size=90).map(" ".join)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(st.integers(0, 3), WORDS), max_size=8), st.integers(10, 40))
def test_every_word_stands_in_one_passage_and_in_its_order(found: list[tuple[int, str]], words: int) -> None:
    blocks = [Block(f"line {n}", text, level) for n, (level, text) in enumerate(found) if text]
    cut = list(passages(blocks, words, 0))
    said = [
        word for _, title, text in cut for word in text.removeprefix(f"{title}\n\n" if title else "").split()
    ]
    assert said == [word for block in blocks if not block.level for word in block.text.split()]


def test_a_folder_of_documents_is_one_source_and_tables_go_first(tmp_path: Path) -> None:
    (tmp_path / "docs" / "more").mkdir(parents=True)
    (tmp_path / "docs" / "handbook.pdf").write_bytes(HANDBOOK)
    (tmp_path / "docs" / "more" / "faq.md").write_text(MARKDOWN)
    found = look("docs", folder=tmp_path)
    assert (found.shape, found.examples, found.problems) == ("text", 4, ())
    assert found.first[0].source == "docs handbook.pdf pages 1–2"
    assert (
        look(Named(name="folder", options={"path": "docs", "pattern": "*/*.md"}), folder=tmp_path).examples
        == 2
    )
    (tmp_path / "docs" / "train.csv").write_text("text,label\nwhere?,card\n")
    assert look("docs", folder=tmp_path).shape == "label"


def test_passages_reach_python_and_parquet_with_their_source(tmp_path: Path) -> None:
    import pyarrow.parquet as pq

    (tmp_path / "handbook.pdf").write_bytes(HANDBOOK)
    assert to_parquet("handbook.pdf", tmp_path / "out.parquet", folder=tmp_path) == 2
    rows = pq.read_table(tmp_path / "out.parquet").to_pylist()
    assert [row["source"] for row in rows] == ["handbook.pdf pages 1–2", "handbook.pdf page 3"]
    assert rows[1]["text"].startswith("2 Plans")

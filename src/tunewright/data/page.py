"""The doctor's report as one HTML file that needs nothing else."""

from __future__ import annotations

import re
from collections.abc import Iterator
from html import escape

from tunewright.data.diagnose import Diagnosis
from tunewright.data.doctor import Finding

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
h2 { margin: 2.2rem 0 .2rem; font-size: 1.1rem } .share { color: #777; font-weight: normal }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
td { text-align: left; padding: .3rem .6rem }
td { border-top: 1px solid #ddd; vertical-align: top; overflow-wrap: anywhere }
.where { width: 14rem; color: #666 } .note { width: 30% } ol { padding-left: 1.2rem }
.bar { background: #c0392b; height: 4px; border-radius: 2px } p { margin: .2rem 0 .6rem }
@media (prefers-color-scheme: dark) { body { background: #16181c; color: #ddd } td { border-color: #333 } }
"""

_CODE = re.compile("`([^`]+)`")
_INTRO = (
    "<p>What is wrong with the data, or may be, the worst first; a bar is the expected harm. A finding is a "
    "reason to look, not a verdict.</p>"
)


def page(diagnosis: Diagnosis) -> str:
    """HTML over all findings, the worst first, each with its rows."""
    body = "".join(
        part for number, finding in enumerate(diagnosis.findings) for part in _section(number, finding)
    )
    listing = "".join(_entry(number, finding) for number, finding in enumerate(diagnosis.findings))
    none = "<p>The doctor found nothing to tell. That is no proof that nothing is wrong.</p>"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Data diagnosis</title>'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<style>{_STYLE}</style><h1>Data diagnosis</h1>{_INTRO if body else none}"
        f"<ol>{listing}</ol>{body}</html>"
    )


def _entry(number: int, finding: Finding) -> str:
    return f'<li><a href="#f{number}">{escape(finding.kind)}</a>: {escape(finding.what)}</li>'


def _section(number: int, finding: Finding) -> Iterator[str]:
    share = f"{finding.examples:,} examples" + (f", {finding.share:.1%}" if finding.places else "")
    yield f'<h2 id="f{number}">{escape(finding.kind)} <span class="share">{share}</span></h2>'
    yield f'<div class="bar" style="width: {max(0.5, 100 * finding.weight):.1f}%"></div>'
    yield f"<p>{escape(finding.what)}. <b>Effect:</b> {escape(finding.effect)}."
    fix = _CODE.sub(r"<code>\1</code>", escape(finding.fix))
    yield f" <b>Remedy:</b> {fix}.</p><table>"
    for row in finding.rows:
        yield f'<tr><td class="where">{escape(row.source)}</td><td>{escape(row.text)}</td>'
        yield f'<td class="note">{escape(row.note)}</td></tr>'
    yield "</table>"
    if len(finding.places) > len(finding.rows):
        yield f"<p>… and {len(finding.places) - len(finding.rows):,} more in <code>diagnosis.json</code>.</p>"

"""The doctor's report as one HTML file that needs nothing else."""

from __future__ import annotations

from collections.abc import Iterator
from html import escape

from tunewright.data.diagnose import Diagnosis
from tunewright.data.doctor import Finding

_STYLE = """
body { font: 15px/1.5 system-ui, sans-serif; max-width: 70rem; margin: 2rem auto; padding: 0 1rem }
h2 { margin: 2.2rem 0 .2rem; font-size: 1.1rem } .share { color: #666; font-weight: normal }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
td { text-align: left; padding: .3rem .6rem }
td { border-top: 1px solid #ddd; vertical-align: top } .where { white-space: nowrap; color: #666 }
.bar { background: #c0392b; height: 4px; border-radius: 2px } p { margin: .2rem 0 .6rem }
@media (prefers-color-scheme: dark) { body { background: #16181c; color: #ddd } td { border-color: #333 } }
"""


def page(diagnosis: Diagnosis) -> str:
    """HTML over all findings, the worst first, each with its rows."""
    body = "".join(part for finding in diagnosis.findings for part in _section(finding))
    none = "<p>The doctor found nothing to tell. That is no proof that nothing is wrong.</p>"
    return (
        '<!doctype html><html lang="en"><meta charset="utf-8"><title>Data diagnosis</title>'
        f"<style>{_STYLE}</style><h1>Data diagnosis</h1>{body or none}</html>"
    )


def _section(finding: Finding) -> Iterator[str]:
    share = f"{finding.examples:,} examples, {finding.share:.1%}"
    yield f'<h2>{escape(finding.kind)} <span class="share">{share}</span></h2>'
    yield f'<div class="bar" style="width: {max(0.5, 100 * finding.weight):.1f}%"></div>'
    yield f"<p>{escape(finding.what)}. <b>Effect:</b> {escape(finding.effect)}."
    yield f" <b>Remedy:</b> {escape(finding.remedy)}.</p><table>"
    for row in finding.rows:
        yield f'<tr><td class="where">{escape(row.source)}</td><td>{escape(row.text)}</td>'
        yield f"<td>{escape(row.note)}</td></tr>"
    yield "</table>"
    if len(finding.places) > len(finding.rows):
        yield f"<p>… and {len(finding.places) - len(finding.rows):,} more in <code>diagnosis.json</code>.</p>"

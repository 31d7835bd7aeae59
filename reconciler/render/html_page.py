"""Reports as one self-contained HTML page: no script, nothing loaded from anywhere."""

import html
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Final

from reconciler.core.report import Report
from reconciler.render.ages import minute
from reconciler.render.findings import Finding, findings_of
from reconciler.render.merges import merge_words
from reconciler.render.summaries import counted, request_words, short_revision, summary_line
from reconciler.render.terminal import safe
from reconciler.render.text import comparison_words

_STYLE: Final = """\
:root { color-scheme: light dark; }
body { font: 15px/1.5 system-ui, sans-serif; max-width: 72rem; margin: 2rem auto; padding: 0 1rem; }
h1 { font-size: 1.4rem; } h2 { font-size: 1.15rem; margin-top: 2.5rem; }
details { border: 1px solid #8886; border-radius: .4rem; margin: .4rem 0; padding: .4rem .8rem; }
summary { cursor: pointer; overflow-wrap: anywhere; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; margin: .5rem 0; }
.badge { border-radius: .3rem; padding: .05rem .45rem; color: #fff; font-size: .85em; }
.high { background: #b3261e; } .medium { background: #8a5a00; } .low { background: #3d5a80; }
.place, footer { opacity: .75; }
"""

#: Nothing but the page's own style: a browser refuses the rest, whatever got into the page.
_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"
)


def reports_html(reports: Sequence[Report], now: datetime) -> str:
    """Writes reports as one page.

    Args:
        reports: What was found; secrets in it are masked already.
        now: The time of writing, with its zone; ages count from it.
    """
    body = [line for report in reports for line in _section(report, now)]
    lines = [
        "<!DOCTYPE html>",
        '<html lang="en">',
        "<head>",
        '<meta charset="utf-8">',
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">',
        '<meta name="viewport" content="width=device-width, initial-scale=1">',
        '<meta name="referrer" content="no-referrer">',
        "<title>Plumbline</title>",
        f"<style>\n{_STYLE}</style>",
        "</head>",
        "<body>",
        "<h1>Drift between Git and the cluster</h1>",
        *body,
        f"<footer>Written by plumbline, {minute(now)}.</footer>",
        "</body>",
        "</html>",
    ]
    return "\n".join(lines) + "\n"


def _section(report: Report, now: datetime) -> Iterator[str]:
    yield "<section>"
    yield f"<h2>{_escaped(report.target)} @ {_escaped(short_revision(report.revision))}</h2>"
    yield f"<p>{_escaped(''.join(span.text for span in summary_line(report)))}</p>"
    if report.merge is not None:
        yield f"<p>{_escaped(merge_words(report.merge))}</p>"
    for finding in findings_of(report, now):
        yield from _finding(finding)
    notes = [*report.notes, *(f"{u.key} {u.path}: {u.reason}" for u in report.unproven)]
    if notes:
        yield "<ul>"
        yield from (f"<li>{_escaped(note)}</li>" for note in notes)
        yield "</ul>"
    facts = [
        comparison_words(report.comparison),
        request_words(report.requests),
        f"checked {report.checked_at}",
    ]
    if report.summary.hidden:
        facts.append(f"{counted(report.summary.hidden, 'difference')} explained by rules")
    yield f'<p class="place">{_escaped(" · ".join(facts))}</p>'
    yield "</section>"


def _finding(finding: Finding) -> Iterator[str]:
    place = f' <span class="place">{_escaped(str(finding.place))}</span>' if finding.place else ""
    badge = f'<span class="badge {finding.severity}">{finding.severity}</span>'
    yield f"<details{' open' if finding.fails else ''}>"
    yield f"<summary>{badge} {_escaped(finding.title)}{place}</summary>"
    if finding.lines:
        yield f"<pre>{_escaped_lines(finding.lines)}</pre>"
    yield f"<p>{_escaped(finding.rule.help)}</p>"
    yield "</details>"


def _escaped(text: str) -> str:
    return html.escape(safe(text))


def _escaped_lines(lines: Sequence[str]) -> str:
    return "\n".join(_escaped(line) for line in lines)

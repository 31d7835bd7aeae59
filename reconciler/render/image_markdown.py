"""A report about images as Markdown for a pull request's comment; as harmless as a report's."""

from datetime import datetime

from reconciler.core.images.report import ImageEntry, ImageReport
from reconciler.render.ages import minute
from reconciler.render.images import (
    container_words,
    facts_of,
    newer_words,
    summary_words,
    vulnerability_words,
    worst_entries,
)
from reconciler.render.markdown import LEFT_OUT, LIMIT, code, fitting, size
from reconciler.render.summaries import counted, short_revision

#: How many vulnerabilities, and how many notes, are named.
_NAMED = 20


def images_markdown(report: ImageReport, now: datetime) -> str:
    """Writes a report about images as Markdown of at most 65,536 characters.

    Args:
        report: What to write.
        now: The time of writing, with its zone; ages count from it.
    """
    place = f"{code(report.target)} @ {code(short_revision(report.revision))}"
    head = [f"### {_mark(report)} {place}: {summary_words(report)}", ""]
    tail = _tail(report, now)
    room = LIMIT - size(head) - size(tail) - LEFT_OUT
    found = [entry for entry in worst_entries(report.entries) if entry.drifts]
    body, shown = fitting((_entry(entry, now) for entry in found), room)
    if shown < len(found):
        left = counted(len(found) - shown, "container")
        body += [f"**{left} more, left out: a comment can't be longer.**", ""]
    return "\n".join([*head, *body, *tail]) + "\n"


def _mark(report: ImageReport) -> str:
    if report.summary.stale:
        return "❌"
    return "❔" if report.summary.unreadable else "✅"


def _entry(entry: ImageEntry, now: datetime) -> list[str]:
    use = entry.use
    place = f" — {code(str(use.source))}" if use.source else ""
    lines = [
        f"- {code(f'{use.owner} {container_words(use)}')}{place}: {code(use.image)}",
        f"  - {code('; '.join(facts_of(entry, now)))}",
    ]
    for drift in entry.drifts:
        lines.append(f"  - **{drift.rule}** ({drift.severity}): {code(drift.text)}")
        named = drift.vulnerabilities[:_NAMED]
        lines += [f"    - {code(vulnerability_words(each))}" for each in named]
        if more := len(drift.vulnerabilities) - len(named):
            lines.append(f"    - {more:,} more")
    if entry.newer:
        lines.append(f"  - {code(newer_words(entry))}")
    return [*lines, ""]


def _tail(report: ImageReport, now: datetime) -> list[str]:
    said = [*report.unread, *report.notes]
    lines = [f"> {code(each)}" for each in said[:_NAMED]]
    if len(said) > _NAMED:
        lines.append(f"> … and {len(said) - _NAMED} more")
    fine = sum(not entry.drifts for entry in report.entries)
    facts = f"{counted(fine, 'container')} without findings · ages as of {minute(now)}"
    return [*lines, *([""] if lines else []), f"<sub>{facts}</sub>"]

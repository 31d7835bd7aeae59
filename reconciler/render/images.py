"""A report about images as text for people: by workload, the worst first, the summary last."""

from collections.abc import Sequence
from datetime import datetime

from reconciler.core.drift import Severity
from reconciler.core.images.facts import Signature
from reconciler.core.images.naming import short_digest
from reconciler.core.images.report import ImageDrift, ImageEntry, ImageReport, ImageRule
from reconciler.core.images.running import ContainerKind, Use
from reconciler.core.images.summing import is_stale
from reconciler.core.images.vulnerabilities import Vulnerability
from reconciler.render.ages import ago
from reconciler.render.summaries import INKS, counted, short_revision
from reconciler.render.terminal import Cell, Ink, Line, Span, Style, display_width, flow, painted

_INDENT = 4
_FINDING = _INDENT + 2
#: The workload's column is at most this wide, so that what follows isn't far from it.
_OWNER = 48
#: How many vulnerabilities of one container are named, unless all are asked for.
_NAMED = 5

_RANK = (*Severity, None)


def images_text(report: ImageReport, style: Style, now: datetime) -> str:
    """Writes a report about images.

    Args:
        report: What to write.
        style: How to write.
        now: The time of reading, with its zone.

    Returns:
        Lines, each with its newline; none is longer than the style's width.
    """
    lines: list[Line] = []
    widest = max((display_width(str(e.use.owner)) for e in report.entries), default=0)
    column = min(2 + widest + 2, style.columns // 2, _OWNER)
    for entry in worst_entries(report.entries):
        lines += [*_entry_lines(entry, style, now, column), ()]
    for reason in report.unread:
        lines += flow([Cell((Span("? ", Ink.YELLOW), Span(reason)))], style, hanging=_INDENT)
    for note in report.notes:
        lines += flow([Cell((Span(note, Ink.DIM),))], style, hanging=2)
    lines += flow([Cell(_summary_line(report))], style, hanging=2)
    return painted(lines, style)


def worst_entries(entries: Sequence[ImageEntry]) -> list[ImageEntry]:
    """Orders containers by the worst that was found; what is alike stays as it was."""
    return sorted(entries, key=lambda e: _RANK.index(e.drifts[0].severity if e.drifts else None))


def _entry_lines(entry: ImageEntry, style: Style, now: datetime, column: int) -> list[Line]:
    use = entry.use
    mark, ink = _mark(entry)
    cells = [
        Cell((Span(f"{mark} ", ink), Span(str(use.owner), Ink.BOLD))),
        Cell((Span(container_words(use)),), column),
    ]
    if use.source is not None:
        cells.append(Cell((Span(str(use.source), Ink.DIM),)))
    lines = flow(cells, style, hanging=_INDENT)
    lines += _indented(use.image or "(no image)", Ink.PLAIN, style)
    lines += _indented("; ".join(facts_of(entry, now)), Ink.DIM, style)
    for drift in entry.drifts:
        lines += _drift_lines(drift, style)
    if entry.newer and not _is_told(entry):
        lines += _indented(newer_words(entry), Ink.DIM, style)
    elif entry.unlisted and not _tells(entry, entry.unlisted):
        lines += _indented(f"newer tags are unknown: {entry.unlisted}", Ink.DIM, style)
    return lines


def _mark(entry: ImageEntry) -> tuple[str, Ink]:
    if is_stale(entry):
        return "✗", Ink.RED
    return ("?", Ink.YELLOW) if entry.drifts else ("✓", Ink.GREEN)


def _indented(text: str, ink: Ink, style: Style) -> list[Line]:
    return flow([Cell((Span(text, ink),))], style, indent=_INDENT, hanging=_INDENT)


def _is_told(entry: ImageEntry) -> bool:
    """Whether the only newer tag is what was found wrong already."""
    found = any(drift.rule is ImageRule.NEWER for drift in entry.drifts)
    return found and len(entry.newer) == 1


def _tells(entry: ImageEntry, reason: str) -> bool:
    return any(reason in drift.text for drift in entry.drifts)


def container_words(use: Use) -> str:
    """Names a container, and which kind it is where it isn't an ordinary one."""
    if use.kind is ContainerKind.CONTAINER:
        return use.container
    return f"{use.container} ({use.kind} container)"


def facts_of(entry: ImageEntry, now: datetime) -> list[str]:
    """Says what runs, since when, how old it is, whether it is signed, what it was built on."""
    facts = [_running_words(entry, now)]
    if entry.age is not None:
        facts.append(f"built {ago(entry.created, now)}")
    match entry.signature:
        case Signature.NONE:
            facts.append("no signature")
        case Signature():
            facts.append(f"signature by {entry.signature} present")
        case _:
            facts.append("signature unknown")
    if entry.base:
        facts.append(f"built on {entry.base}")
    return facts


def _running_words(entry: ImageEntry, now: datetime) -> str:
    if not entry.digests:
        waiting = sorted({each.waiting for each in entry.use.containers if each.waiting})
        reason = f" ({', '.join(waiting)})" if waiting else ""
        return f"runs in no pod{reason}"
    listed = ", ".join(
        f"{short_digest(digest)} in {counted(count, 'pod')}" for digest, count in entry.digests
    )
    since = f" since {ago(entry.since, now)}" if entry.since else ""
    return f"runs {listed}{since}"


def newer_words(entry: ImageEntry) -> str:
    """Says which newer tags there are."""
    return "newer: " + ", ".join(f"{each.tag} ({each.step})" for each in entry.newer)


def _drift_lines(drift: ImageDrift, style: Style) -> list[Line]:
    ink = Ink.YELLOW if drift.rule is ImageRule.UNREADABLE else INKS[drift.severity]
    text = f" · {drift.text}"
    head = Cell((Span(str(drift.rule), ink), Span(text)))
    lines = flow([head], style, indent=_INDENT, hanging=_FINDING)
    shown = drift.vulnerabilities if style.full else drift.vulnerabilities[:_NAMED]
    for each in shown:
        found = Cell((Span(vulnerability_words(each)),))
        lines += flow([found], style, indent=_FINDING, hanging=_FINDING + 2)
    more = len(drift.vulnerabilities) - len(shown)
    if more:
        left = Cell((Span(f"{more:,} more: --full names all", Ink.DIM),))
        lines += flow([left], style, indent=_FINDING, hanging=_FINDING + 2)
    return lines


def vulnerability_words(found: Vulnerability) -> str:
    """Writes a vulnerability on a line."""
    package = f" {found.package} {found.installed}".rstrip()
    fixed = f", fixed in {found.fixed}" if found.fixed else ", not fixed yet"
    return f"{found.id} {found.grade}{package}{fixed}"


def _summary_line(report: ImageReport) -> Line:
    place = Span(f"{report.target} @ {short_revision(report.revision)}", Ink.BOLD)
    mark, ink = "✓", Ink.GREEN
    if report.summary.stale:
        mark, ink = "✗", Ink.RED
    elif report.summary.unreadable:
        mark, ink = "?", Ink.YELLOW
    return (Span(f"{mark} ", ink), place, Span(f": {summary_words(report)}"))


def summary_words(report: ImageReport) -> str:
    """Says in words how it stands."""
    summary = report.summary
    words = [f"{counted(summary.images, 'image')} in {counted(summary.containers, 'container')}"]
    if summary.stale:
        words.append(f"{summary.stale:,} stale")
    if summary.unreadable:
        words.append(f"{summary.unreadable:,} could not be told")
    if not (summary.stale or summary.unreadable):
        words.append("none stale")
    return ", ".join(words)

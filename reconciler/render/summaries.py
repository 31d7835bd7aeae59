"""The one-line truth about a report."""

from reconciler.core.drift import DriftType, Severity
from reconciler.core.report import Report, Requests
from reconciler.render.terminal import Ink, Line, Span

_SHORT_HASH = 7

INKS = {Severity.HIGH: Ink.RED, Severity.MEDIUM: Ink.YELLOW, Severity.LOW: Ink.CYAN}


def counted(count: int, noun: str) -> str:
    """Writes a count with its noun: `1 object`, `166 objects`."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def short_revision(revision: str) -> str:
    """Shortens a commit's hash as git does; keeps the word before a digest of another kind."""
    kind, colon, digits = revision.rpartition(":")
    return f"{kind}{colon}{digits[:_SHORT_HASH]}"


def summary_line(report: Report) -> Line:
    """Says in one line how it stands."""
    summary = report.summary
    place = Span(f"{report.target} @ {short_revision(report.revision)}", Ink.BOLD)
    if not report.drifts:
        return (Span("✓ ", Ink.GREEN), place, Span(": " + in_sync_words(report), Ink.GREEN))
    is_bad = summary.drifted or summary.pods
    mark, ink = ("✗", Ink.RED) if is_bad else ("?", Ink.YELLOW)
    spans = [
        Span(f"{mark} ", ink),
        place,
        Span(f": {counted(summary.resources, 'object')}, {summary.in_sync:,} in sync"),
    ]
    if summary.drifted:
        spans += [Span(", "), Span(f"{summary.drifted:,} drifted", Ink.RED)]
        spans.append(Span(f" ({severity_words(report)})"))
    if summary.pods:
        spans += [Span(", "), Span(f"{counted(summary.pods, 'pod')} drifted", Ink.RED)]
        spans.append(Span(f" ({severity_words(report, in_pods=True)})"))
    if summary.unreadable:
        spans += [Span(", "), Span(f"{summary.unreadable:,} unreadable", Ink.YELLOW)]
    if report.baseline is not None:
        spans.append(Span(f"; {len(report.baseline.known):,} known by the baseline"))
    return tuple(spans)


def in_sync_words(report: Report) -> str:
    """Says that nothing drifted, as strongly as it was proven."""
    count = report.summary.resources
    if report.baseline is not None and report.baseline.known:
        known = counted(len(report.baseline.known), "drift")
        return f"{counted(count, 'object')}, nothing new or worse; {known} known by the baseline"
    if report.unproven:
        left = counted(len(report.unproven), "field")
        return f"{counted(count, 'object')}, no drift found; {left} could not be proven"
    if count == 1:
        return "1 object, in sync"
    return f"all {count:,} objects in sync"


def severity_words(report: Report, *, in_pods: bool = False) -> str:
    """Counts the drifts by severity; what is unreadable hasn't drifted as far as is known.

    Args:
        report: Whose drifts.
        in_pods: Whether those of running pods are meant, in place of those of objects.
    """
    known = [
        drift
        for drift in report.drifts
        if drift.type is not DriftType.UNREADABLE and drift.is_in_pod is in_pods
    ]
    counts = ((severity, sum(d.severity is severity for d in known)) for severity in Severity)
    return ", ".join(f"{count:,} {severity}" for severity, count in counts if count)


def request_words(requests: Requests) -> str:
    """Says what the look cost the API server."""
    parts = {
        "list": requests.list,
        "get": requests.get,
        "dry-run": requests.dry_run,
        "write": requests.write,
    }
    made = [f"{count:,} {name}" for name, count in parts.items() if count]
    if not made:
        return "no request"
    return ", ".join(made) + (" request" if sum(parts.values()) == 1 else " requests")

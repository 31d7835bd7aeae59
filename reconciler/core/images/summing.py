"""Sums up what was judged into a report."""

from collections.abc import Iterable, Sequence

from reconciler.core.images.naming import image_name
from reconciler.core.images.report import ImageEntry, ImageReport, ImageRule, ImageSummary
from reconciler.core.images.running import PODS
from reconciler.core.images.vulnerabilities import Scan
from reconciler.core.live import Unread


def summed(
    *,
    target: str,
    revision: str,
    checked_at: str,
    entries: Sequence[ImageEntry],
    unread: Iterable[Unread],
    scans: Sequence[Scan],
    notes: Iterable[str],
) -> ImageReport:
    """Makes the report of what was judged.

    Args:
        target: The target's name.
        revision: What Git says.
        checked_at: When, RFC 3339 in UTC.
        entries: What was judged.
        unread: What of the cluster couldn't be read.
        scans: What scanners said.
        notes: What a reader should know of what Git declares.
    """
    told = [*notes, *_scan_notes(entries, scans)]
    missing: list[str] = []
    for each in unread:
        where = f" in {each.namespace}" if each.namespace else ""
        if each.kind in ("", PODS.kind):
            missing.append(f"pods{where}: {each.reason}")
        elif any(entry.use.owner.kind == each.kind for entry in entries):
            # Else the pods' own labels have told which workload they are of.
            told.append(f"{each.kind} objects{where} couldn't be read: {each.reason}")
    if not entries:
        told.append("no workload is declared or runs here: name namespaces in scope, or with -n")
    unreadable = sum(_has(each, ImageRule.UNREADABLE) for each in entries)
    return ImageReport(
        target=target,
        revision=revision,
        checked_at=checked_at,
        summary=ImageSummary(
            images=len({each.use.image for each in entries}),
            containers=len(entries),
            stale=sum(is_stale(each) for each in entries),
            unreadable=unreadable + len(missing),
        ),
        entries=tuple(entries),
        unread=tuple(missing),
        notes=tuple(dict.fromkeys(told)),
    )


def is_stale(entry: ImageEntry) -> bool:
    """Whether something was found, beyond what couldn't be told."""
    return any(drift.rule is not ImageRule.UNREADABLE for drift in entry.drifts)


def _has(entry: ImageEntry, rule: ImageRule) -> bool:
    return any(drift.rule is rule for drift in entry.drifts)


def _scan_notes(entries: Sequence[ImageEntry], scans: Sequence[Scan]) -> Iterable[str]:
    """Tells of reports that speak of nothing that runs: they prove nothing about what does."""
    concerned = {scan.image for entry in entries for scan in entry.scanned}
    names = {
        (name.repository, name.tag)
        for entry in entries
        if entry.digests and (name := image_name(entry.use.image))
    }
    for scan in scans:
        if scan.image in concerned:
            continue
        of = "" if not scan.image else f" of {scan.image}"
        if any((name.repository, name.tag) in names for name in scan.names):
            yield f"the vulnerability report{of} is of another build than the one that runs"
        else:
            yield f"the vulnerability report{of} concerns nothing that runs here"

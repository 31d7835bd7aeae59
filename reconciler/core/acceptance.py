"""A report beside a baseline: what is known is set aside, what is new or worse stays."""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.core.baseline import KnownDrift, judged
from reconciler.core.drift import DriftType
from reconciler.core.report import Report


def accepted(report: Report, baseline: Sequence[KnownDrift]) -> Report:
    """Sets aside the drifts that a baseline knows; they are in `Report.baseline` then."""
    left, beside = judged(report.target, report.drifts, baseline)
    drifts = tuple(
        replace(drift, note="; ".join(filter(None, (drift.note, beside.worse.get(drift.id)))))
        for drift in left
    )
    drifted = sum(d.type is not DriftType.UNREADABLE and not d.is_in_pod for d in left)
    notes = [f"fixed since the baseline was written: {each.key}" for each in beside.fixed]
    if notes:
        notes.append("take what is fixed out of the baseline with --write-baseline")
    return replace(
        report,
        drifts=drifts,
        summary=replace(report.summary, drifted=drifted),
        notes=(*report.notes, *notes),
        baseline=beside,
    )

"""A report beside a baseline: what is known is set aside, what is new or worse stays."""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.core.baseline import KnownDrift, judged
from reconciler.core.drift import DriftType
from reconciler.core.report import Report


def accepted(report: Report, baseline: Sequence[KnownDrift]) -> Report:
    """Sets aside the drifts that a baseline knows; they are in `Report.baseline` then."""
    left, beside = judged(report.target, report.drifts, baseline)
    drifted = sum(drift.type is not DriftType.UNREADABLE for drift in left)
    summary = replace(report.summary, drifted=drifted)
    return replace(report, drifts=left, summary=summary, baseline=beside)

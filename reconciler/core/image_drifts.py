"""Joins what registries say of a target's images with what else was found of it."""

from collections.abc import Iterator
from dataclasses import replace

from reconciler.core.detect import Detection
from reconciler.core.drift import Drift, DriftType, StaleImage
from reconciler.core.images.known import drift_id
from reconciler.core.images.report import ImageDrift, ImageEntry, ImageReport, ImageRule
from reconciler.core.policy import worst_first
from reconciler.core.report import Insight, Unproven


def with_images(found: Detection, report: ImageReport) -> Detection:
    """Adds to what was found which images are stale.

    Of a container of which a registry couldn't tell all, what was known before isn't gone.

    Args:
        found: What was found of objects and pods.
        report: The last look at images.
    """
    told = [drift for entry in report.entries for drift in entry.drifts]
    stale = [_drift(each) for each in told if each.rule is not ImageRule.UNREADABLE]
    unknown = [each for each in told if each.rule is ImageRule.UNREADABLE]
    unlisted = {name for entry in report.entries for name in _untold(report.target, entry)}
    insight = found.insight or Insight()
    return replace(
        found,
        drifts=worst_first((*found.drifts, *stale)),
        unproven=(*found.unproven, *(Unproven(e.use.owner, _field(e), e.text) for e in unknown)),
        insight=replace(insight, unlisted=insight.unlisted | unlisted),
    )


def _drift(drift: ImageDrift) -> Drift:
    use = drift.use
    age = int(drift.age.total_seconds()) if drift.age is not None else None
    return Drift(
        id=drift.id,
        type=DriftType.IMAGE,
        severity=drift.severity,
        key=use.owner,
        api_version=use.api_version,
        uid=use.uid,
        source=use.source,
        note=f"{use.container}: {drift.text}",
        owner=use.owner,
        image=StaleImage(
            use.container, use.declared, drift.running, drift.latest, age, drift.rule.value
        ),
    )


def _untold(target: str, entry: ImageEntry) -> Iterator[str]:
    if any(drift.rule is ImageRule.UNREADABLE for drift in entry.drifts):
        known = {drift.id for drift in entry.drifts}
        names = (drift_id(target, entry.use, rule) for rule in ImageRule)
        yield from (name for name in names if name not in known)


def _field(drift: ImageDrift) -> str:
    return f"{drift.use.kind.field}[name={drift.use.container}].image"

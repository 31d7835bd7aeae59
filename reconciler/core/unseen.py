"""Which known drifts a look says nothing of, and why others are gone."""

from typing import Final

from reconciler.core.drift import IN_PODS, DriftType, id_of
from reconciler.core.report import Report
from reconciler.core.resource import ResourceKey, split_api_version
from reconciler.core.sides import Sides

#: The types of which an object has one drift at most, so that its id is known.
_OF_OBJECTS: Final = tuple(type_ for type_ in DriftType if type_ not in IN_PODS)


def is_unseen(drift: str, key: ResourceKey, report: Report, sides: Sides) -> bool:
    """Whether a known drift that isn't among a report's may be there still.

    Args:
        drift: Its id.
        key: Its object.
        report: What the look found.
        sides: What it read.
    """
    return _is_unread(key, sides) or _is_untold(drift, key, report)


def why_gone(drift: str, key: ResourceKey, report: Report) -> str:
    """Says why a known drift is gone."""
    if report.insight is None and drift not in _ids(report.target, key, _OF_OBJECTS):
        return "no longer looked for: running pods aren't looked into"
    return "no longer found"


def _is_unread(key: ResourceKey, sides: Sides) -> bool:
    """Whether an object could not have been found, even if it is there."""
    catalog = sides.catalog
    groups = {split_api_version(api_version)[0] for api_version in catalog.unreadable}
    unknown = bool(catalog.partial) and (key.group, key.kind) not in catalog.preferred
    return key.group in groups or unknown or sides.live.why_unread(key) is not None


def _is_untold(drift: str, key: ResourceKey, report: Report) -> bool:
    """Whether a drift in a container could not have been found, or is one too many to be listed."""
    if report.insight is None:
        return False
    if drift in report.insight.unlisted or key in report.insight.unclaimed:
        return True
    # Of a pod as a whole the cluster tells, whatever its node's agent does.
    by_cluster = _ids(report.target, key, (*_OF_OBJECTS, DriftType.POD_SPEC))
    return key in report.insight.untold and drift not in by_cluster


def _ids(target: str, key: ResourceKey, types: tuple[DriftType, ...]) -> frozenset[str]:
    return frozenset(id_of(target, each, key) for each in types)

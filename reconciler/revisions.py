"""Two commits beside one cluster: what merging one into the other would do to what is live."""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace

from reconciler.controller import Target, report_of, sides_of
from reconciler.core.desired import Rendered, desired_state
from reconciler.core.detect import detect
from reconciler.core.errors import ConfigError, ManifestError, ManifestProblem
from reconciler.core.ignore import holds
from reconciler.core.live import Listing
from reconciler.core.merging import Revision, merge_of
from reconciler.core.moments import rfc3339
from reconciler.core.report import Report
from reconciler.core.resource import ResourceKind
from reconciler.core.scope import bind_generated, listings
from reconciler.core.sides import Sides
from reconciler.ports import Comparer, Source


@dataclass(frozen=True, slots=True)
class Head:
    """What a pull request would merge.

    Attributes:
        source: Reads it.
        comparer: Says what the server would make of it; keeps nothing, since it isn't deployed.
    """

    source: Source
    comparer: Comparer


def compare_revisions(base: Target, head: Head) -> Report:
    """Compares two commits with what is live, and says what merging would do. Writes nothing.

    Args:
        base: The target as it is merged by now.
        head: What would be merged.

    Returns:
        The report of the base, with the merge.

    Raises:
        PlumblineError: A side couldn't be read at all: nothing was compared.
    """
    before, after = _read(base, head)
    now = base.clock()
    rules = holds(base.rules, now.date())
    revisions = [
        Revision(sides, detect(base.name, sides, rules, base.scope, base.redaction))
        for sides in (before, after)
    ]
    merge = merge_of(base.name, *revisions)
    found = revisions[0].found
    seen = base.sightings.first_seen([drift.id for drift in found.drifts], rfc3339(now))
    drifts = tuple(replace(drift, first_seen=seen.get(drift.id, "")) for drift in found.drifts)
    report = report_of(base, before, replace(found, drifts=drifts), now)
    return replace(report, merge=merge)


def _read(base: Target, head: Head) -> tuple[Sides, Sides]:
    """Reads both commits and what is live of either, once."""
    with ThreadPoolExecutor(2, "sides") as pool:
        asked = pool.submit(base.live.catalog)
        merged = pool.submit(_base_of, base.source)
        proposed = head.source.fetch()
        catalog, rendered = asked.result(), merged.result()
    states = [desired_state(each, catalog, base.namespace) for each in (rendered, proposed)]
    wanted = [
        listing
        for state in states
        for listing in listings(state, catalog, base.scope, base.transient)
    ]
    live = base.live.read(_together(wanted))
    first, second = (bind_generated(state, live.objects) for state in states)
    before = sides_of(base, first, live, catalog, base.comparer)
    return before, sides_of(base, second, live, catalog, head.comparer)


def _base_of(source: Source) -> Rendered:
    """Reads the base, and says of what goes wrong that it is the base's."""
    try:
        return source.fetch()
    except ConfigError as error:
        raise ConfigError(f"the base: {error.message}", fix=error.fix) from error
    except ManifestError as error:
        problems = [
            ManifestProblem(each.path, each.line, f"in the base: {each.message}", each.fix)
            for each in error.problems
        ]
        raise ManifestError(*problems) from error


def _together(wanted: Sequence[Listing]) -> list[Listing]:
    """Puts questions of the same kind together, so that each is asked once."""
    namespaces: dict[ResourceKind, frozenset[str]] = {}
    for each in wanted:
        known = namespaces.get(each.kind)
        if known is None:
            namespaces[each.kind] = each.namespaces
        else:
            everywhere = not known or not each.namespaces
            namespaces[each.kind] = frozenset() if everywhere else known | each.namespaces
    return [Listing(kind, names) for kind, names in namespaces.items()]

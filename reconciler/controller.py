"""The imperative shell: reads everything, computes, writes; never interleaved."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from reconciler.core.desired import DesiredState, desired_state
from reconciler.core.drift import Drift, DriftType
from reconciler.core.expected import Expected
from reconciler.core.ignore import IgnoreRule, describe, expired, holds
from reconciler.core.live import LiveState
from reconciler.core.moments import rfc3339
from reconciler.core.redact import Redaction
from reconciler.core.report import PROGRAMS, Report, Summary
from reconciler.core.resource import Catalog, ResourceKind
from reconciler.core.scope import TransientKind, bind_generated, listings, unseen, with_pods
from reconciler.core.sides import Sides
from reconciler.ports import Comparer, InventoryStore, Live, NodeLooks, Sightings, Source

if TYPE_CHECKING:
    from reconciler.core.detect import Detection
    from reconciler.core.images.report import ImageReport
    from reconciler.core.pod_specs import Compared


@dataclass(frozen=True, slots=True)
class Target:
    """One thing to keep true: where it is declared, where it lives, and by which rules.

    Attributes:
        name: Shown in reports; part of the drifts' ids.
        source: The desired side.
        live: The live side.
        comparer: Says what the server would make of a declaration.
        namespace: For manifests that name none.
        scope: Namespaces in which unmanaged objects are looked for.
        rules: Built-in rules and the user's.
        transient: Kinds that are never unmanaged.
        redaction: Masks secrets.
        sightings: Remembers since when drifts are seen.
        inventory: Remembers what was declared.
        clock: Tells the time, with its zone.
        pods: Whether running pods are compared with what they were made of.
        nodes: What node agents say of containers; None where there are none. Pods are read then,
            too.
        stale_after: A node that was silent for longer isn't known any more.
        compared: The pods that the last look has compared, by uid: what hasn't moved since needn't
            be compared again.
        images: Gives the last look at the target's images; None where they aren't watched.
    """

    name: str
    source: Source
    live: Live
    comparer: Comparer
    namespace: str
    scope: frozenset[str]
    rules: tuple[IgnoreRule, ...]
    transient: tuple[TransientKind, ...]
    redaction: Redaction
    sightings: Sightings
    inventory: InventoryStore
    clock: Callable[[], datetime]
    pods: bool = False
    nodes: NodeLooks | None = None
    stale_after: timedelta = timedelta(minutes=5)
    compared: "dict[str, Compared]" = field(default_factory=dict, repr=False)
    images: "Callable[[], ImageReport] | None" = None

    @property
    def looks_into_pods(self) -> bool:
        """Whether a look sees more than what is declared, and what isn't."""
        return self.pods or self.nodes is not None


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a target: what was read, what was found, and the report of it."""

    sides: Sides
    detection: "Detection"
    report: Report


def check(target: Target) -> Look:
    """Compares a target once. Writes nothing to the cluster.

    Raises:
        PlumblineError: A side couldn't be read at all: nothing was compared.
    """
    sides = read(target)
    now = target.clock()
    # Late: who waits for the lists has time to import these meanwhile (see `cli.check`).
    from reconciler.core.detect import detect
    from reconciler.core.policy import decide

    rules = holds(target.rules, now.date())
    found = detect(target.name, sides, rules, target.scope, target.redaction)
    if target.looks_into_pods:
        from reconciler.core.joining import Seen, joined

        told = Seen(target.nodes.latest(), target.stale_after) if target.nodes else None
        given = (target.name, found, sides, rules, target.scope, target.redaction, told, now)
        found, compared = joined(*given, target.compared)
        target.compared.clear()
        target.compared.update(compared)
    if target.images is not None:
        from reconciler.core.image_drifts import with_images

        found = with_images(found, target.images())
    ids = [drift.id for drift in found.drifts]
    seen = target.sightings.first_seen(ids, rfc3339(now))
    drifts = tuple(
        replace(drift, first_seen=seen.get(drift.id, ""), decision=decide(drift, prune=False))
        for drift in found.drifts
    )
    found = replace(found, drifts=drifts)
    _remember(target.inventory, sides)
    return Look(sides, found, report_of(target, sides, found, now))


def read(target: Target) -> Sides:
    """Reads both sides, and asks the comparer.

    Raises:
        PlumblineError: A side couldn't be read at all.
    """
    # The two sides know nothing of each other: one waits for git, one for the API server.
    with ThreadPoolExecutor(1, "catalog") as pool:
        asked = pool.submit(target.live.catalog)
        rendered = target.source.fetch()
        catalog = asked.result()
    desired = desired_state(rendered, catalog, target.namespace)
    wanted = listings(desired, catalog, target.scope, target.transient)
    if target.looks_into_pods:
        wanted = with_pods(wanted, desired, catalog, target.scope)
    live = target.live.read(wanted)
    desired = bind_generated(desired, live.objects)
    return sides_of(target, desired, live, catalog, target.comparer)


def sides_of(
    target: Target, desired: DesiredState, live: LiveState, catalog: Catalog, comparer: Comparer
) -> Sides:
    """Asks a comparer about what was read, and gives all of it.

    Raises:
        ClusterError: The server couldn't be reached at all.
    """
    answers = comparer.compare(desired, live, catalog)
    differing: set[ResourceKind] = set()
    for key, answer in answers.items():
        if isinstance(answer, Expected):
            kind = catalog.find(desired.resources[key].api_version, key.kind)
            differing |= {kind} if kind else set()
    pod = catalog.find("v1", "Pod") if target.looks_into_pods else None
    differing |= {pod} if pod else set()
    return Sides(desired, live, catalog, target.live.schema(differing), answers)


def _remember(store: InventoryStore, sides: Sides) -> None:
    """Adds what is declared and live: what was never live was never ours to prune."""
    live = sides.desired.resources.keys() & set().union(*sides.live.objects.values())
    known = store.load()
    if not live <= known.keys:
        store.save(known.with_declared(live))


def report_of(target: Target, sides: Sides, found: "Detection", now: datetime) -> Report:
    """Makes the report of what was read and found."""
    counts = dict.fromkeys(DriftType, 0)
    for drift in found.drifts:
        counts[drift.type] += 1
    declared = len(sides.desired.resources)
    bad = sum(d.key in sides.desired.resources for d in found.drifts if not d.is_in_pod)
    in_pods = [drift for drift in found.drifts if drift.is_in_pod]
    notes = [*sides.desired.notes]
    notes += [
        f"an ignore rule has expired and hides nothing any more: {describe(rule)}"
        for rule in expired(target.rules, now.date())
    ]
    if any(_is_anonymous(sides, drift) for drift in found.drifts):
        notes.append(
            "the live objects came without field managers, so nobody can tell who set what, nor "
            "what the server filled in by itself: dump them with --show-managed-fields"
        )
    if any(_names_program(drift) for drift in found.drifts):
        notes.append(PROGRAMS)
    if target.scope:
        notes += unseen(sides.live, sides.catalog, target.scope, target.transient)
    else:
        notes.append("unmanaged objects were not looked for: name namespaces in scope, or with -n")
    if found.insight is not None:
        notes += found.insight.notes
    return Report(
        target=target.name,
        revision=sides.desired.revision,
        checked_at=rfc3339(now),
        comparison=target.comparer.comparison,
        summary=Summary(
            resources=declared + counts[DriftType.UNMANAGED],
            in_sync=declared - bad,
            drifted=len(found.drifts) - len(in_pods) - counts[DriftType.UNREADABLE],
            unreadable=counts[DriftType.UNREADABLE],
            hidden=found.hidden,
            pods=len({drift.key for drift in in_pods if drift.key.kind == "Pod"}),
        ),
        requests=target.live.requests,
        drifts=found.drifts,
        unproven=found.unproven,
        notes=tuple(notes),
        declared={key: each.source for key, each in sides.desired.resources.items()},
        insight=found.insight,
    )


def _names_program(drift: Drift) -> bool:
    return drift.by is not None or any(change.by is not None for change in drift.changes)


def _is_anonymous(sides: Sides, drift: Drift) -> bool:
    live = sides.live.find(drift.api_version, drift.key)
    return live is not None and not live["metadata"].get("managedFields")

"""The imperative shell: reads everything, computes, writes; never interleaved."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime

from reconciler.core.desired import desired_state
from reconciler.core.detect import Detection, Sides, detect
from reconciler.core.drift import Drift, DriftType
from reconciler.core.errors import ConfigError
from reconciler.core.expected import Expected
from reconciler.core.explain import Explanation, explain
from reconciler.core.ignore import IgnoreRule, describe, expired, holds
from reconciler.core.inventory import Inventory
from reconciler.core.outcome import Outcome, OutcomeType
from reconciler.core.plan import Delete, Plan, Recreate
from reconciler.core.planning import Permissions, make_plan
from reconciler.core.policy import decide
from reconciler.core.redact import Redaction
from reconciler.core.report import Report, Summary
from reconciler.core.resource import ResourceKey, ResourceKind
from reconciler.core.scope import TransientKind, bind_generated, listings, unseen
from reconciler.execution import carry_out
from reconciler.ports import Cluster, Comparer, InventoryStore, Live, Sightings, Source


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


@dataclass(frozen=True, slots=True)
class Look:
    """One look at a target: what was read, what was found, and the report of it."""

    sides: Sides
    detection: Detection
    report: Report


def check(target: Target) -> Look:
    """Compares a target once. Writes nothing to the cluster.

    Raises:
        PlumblineError: A side couldn't be read at all: nothing was compared.
    """
    sides = read(target)
    now = target.clock()

    rules = holds(target.rules, now.date())
    found = detect(target.name, sides, rules, target.scope, target.redaction)

    ids = [drift.id for drift in found.drifts]
    seen = target.sightings.first_seen(ids, _rfc3339(now))
    drifts = tuple(
        replace(drift, first_seen=seen.get(drift.id, ""), decision=decide(drift, prune=False))
        for drift in found.drifts
    )
    found = replace(found, drifts=drifts)
    target.inventory.save(_widened(target, sides))
    return Look(sides, found, _report(target, sides, found, now))


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
    live = target.live.read(listings(desired, catalog, target.scope, target.transient))
    desired = bind_generated(desired, live.objects)
    answers = target.comparer.compare(desired, live, catalog)
    differing: set[ResourceKind] = set()
    for key, answer in answers.items():
        if isinstance(answer, Expected):
            kind = catalog.find(desired.resources[key].api_version, key.kind)
            differing |= {kind} if kind else set()
    return Sides(desired, live, catalog, target.live.schema(differing), answers)


def plan_restore(target: Target, look: Look, permissions: Permissions) -> Plan:
    """Says what would have to be written to put a look's drifts right."""
    sides = look.sides
    return make_plan(
        target.name,
        look.detection.drifts,
        sides.desired,
        sides.live,
        sides.answers,
        sides.catalog,
        target.inventory.load(),
        permissions,
    )


def restore(target: Target, cluster: Cluster, look: Look, plan: Plan) -> Report:
    """Carries out a plan, and verifies by a fresh comparison what came of it.

    Returns:
        The report of the fresh comparison, with the plan's outcomes.

    Raises:
        PlumblineError: The fresh comparison couldn't be made; what was written stays written.
    """
    written = carry_out(plan, cluster, look.sides.catalog)
    fresh = check(target)
    left = {drift.key: drift for drift in fresh.detection.drifts}
    unread = fresh.sides.live.why_unread
    outcomes = tuple(
        _verified(outcome, left.get(outcome.key), unread(outcome.key)) for outcome in written
    )
    restored = {each.key for each in outcomes if each.outcome is OutcomeType.RESTORED}
    gone = {action.key for action in plan.actions if isinstance(action, Delete | Recreate)}
    gone = gone & restored - set(fresh.sides.desired.resources)
    target.inventory.save(target.inventory.load().without(gone))
    return replace(fresh.report, outcomes=outcomes)


def explain_object(target: Target, kind: str, name: str, namespace: str) -> Explanation:
    """Accounts for every field of one object.

    Raises:
        PlumblineError: A side couldn't be read at all.
        ConfigError: No such object is declared or live in the target's scope.
    """
    look = check(target)
    key, api_version = _named(look.sides, kind, name, namespace)
    sides, found = look.sides, look.detection
    manifest = sides.desired.resources.get(key)
    live = sides.live.find(api_version, key)
    drift = next((d for d in found.drifts if d.key == key), None)
    hidden = (*found.explained.get(key, ()), *(drift.hidden if drift else ()))
    served = sides.catalog.find(api_version, kind=key.kind)
    schema = target.live.schema({served} if served else ())
    fields = (
        explain(
            key,
            manifest,
            live,
            drift.changes if drift else (),
            hidden,
            frozenset(rule.name for rule in target.rules if not rule.builtin),
            schema.node(api_version, key.kind),
        )
        if live is not None
        else ()
    )
    return Explanation(
        key=key,
        api_version=api_version,
        uid=str(live["metadata"].get("uid") or "") if live else "",
        source=manifest.source if manifest else None,
        revision=sides.desired.revision,
        checked_at=look.report.checked_at,
        note=_explained_as(drift),
        fields=fields,
    )


def _explained_as(drift: Drift | None) -> str:
    match drift.type if drift else None:
        case None:
            return "in sync"
        case DriftType.MISSING:
            return "missing: it is declared and not live"
        case DriftType.UNMANAGED:
            return "unmanaged: it is live and not declared"
        case DriftType.UNREADABLE:
            return f"unreadable: {drift.note if drift else ''}"
        case DriftType.MODIFIED:
            return "modified"


def _named(sides: Sides, kind: str, name: str, namespace: str) -> tuple[ResourceKey, str]:
    """Finds an object by what people type: `deploy/web`, `Deployment/web`, `deployments/web`."""
    wanted = {
        (k.group, k.kind)
        for k in sides.catalog.kinds.values()
        if kind.casefold() in (k.kind.casefold(), k.plural.casefold(), *k.short_names)
    }
    known = {key: manifest.api_version for key, manifest in sides.desired.resources.items()}
    for api_version, key, _ in sides.live.each():
        known.setdefault(key, api_version)
    found = [
        key
        for key in known
        if key.name == name
        and ((key.group, key.kind) in wanted or key.kind.casefold() == kind.casefold())
        and (not namespace or key.namespace in ("", namespace))
    ]
    if not found:
        raise ConfigError(
            f"{kind}/{name} is neither declared nor live in what this target reads",
            fix="name the object as `kubectl get` shows it, and its namespace with -n",
        )
    if len(found) > 1:
        places = ", ".join(sorted(str(key) for key in found))
        raise ConfigError(f"{kind}/{name} may be any of {places}", fix="name a namespace with -n")
    return found[0], known[found[0]]


def _widened(target: Target, sides: Sides) -> Inventory:
    """Adds what is declared and live: what was never live was never ours to prune."""
    declared = sides.desired.resources
    live = (key for key, m in declared.items() if sides.live.find(m.api_version, key))
    return target.inventory.load().with_declared(live)


def _verified(outcome: Outcome, left: Drift | None, unread: str | None) -> Outcome:
    """Calls restored only what a fresh comparison finds in sync."""
    if outcome.outcome not in (OutcomeType.RESTORED, OutcomeType.UNVERIFIED):
        return outcome
    if left is None and unread is None:
        return Outcome(outcome.key, OutcomeType.RESTORED)
    if left is None:
        reason = f"it could not be read afterwards: {unread}"
    else:
        reason = left.note or f"a fresh comparison still finds it {left.type.lower()}"
    return Outcome(outcome.key, OutcomeType.UNVERIFIED, outcome.reason or reason)


def _report(target: Target, sides: Sides, found: Detection, now: datetime) -> Report:
    counts = dict.fromkeys(DriftType, 0)
    for drift in found.drifts:
        counts[drift.type] += 1
    declared = len(sides.desired.resources)
    bad = sum(drift.key in sides.desired.resources for drift in found.drifts)
    notes = [*sides.desired.notes]
    notes += [
        f"an ignore rule has expired and hides nothing any more: {describe(rule)}"
        for rule in expired(target.rules, now.date())
    ]
    if target.scope:
        notes += unseen(sides.live, sides.catalog, target.transient)
    else:
        notes.append("unmanaged objects were not looked for: name namespaces in scope, or with -n")
    return Report(
        target=target.name,
        revision=sides.desired.revision,
        checked_at=_rfc3339(now),
        comparison=target.comparer.comparison,
        summary=Summary(
            resources=declared + counts[DriftType.UNMANAGED],
            in_sync=declared - bad,
            drifted=len(found.drifts) - counts[DriftType.UNREADABLE],
            unreadable=counts[DriftType.UNREADABLE],
            hidden=found.hidden,
        ),
        requests=target.live.requests,
        drifts=found.drifts,
        unproven=found.unproven,
        notes=tuple(notes),
    )


def _rfc3339(moment: datetime) -> str:
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

"""Finds drift: puts what is declared, what is live and what a comparer said side by side."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import chain

from reconciler.core.desired import Manifest
from reconciler.core.diff import differences
from reconciler.core.drift import Change, ChangeType, Drift, DriftType, Hidden, Severity, id_of
from reconciler.core.expected import Expected, InSync, Untold
from reconciler.core.fieldwise import fieldwise
from reconciler.core.ignore import IgnoreRule, derived_rules, parted
from reconciler.core.live import comparable
from reconciler.core.ownership import Ownership
from reconciler.core.path import format_path
from reconciler.core.policy import severity_of, worst_first
from reconciler.core.redact import Redaction
from reconciler.core.report import Insight, Unproven
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.schema import Node, Schema
from reconciler.core.sealing import Seal
from reconciler.core.sides import Sides
from reconciler.core.unmanaged import unmanaged


@dataclass(frozen=True, slots=True)
class Detection:
    """What was found.

    Attributes:
        drifts: The worst first; values masked.
        explained: By object, differences that rules explain, of objects that are else in sync.
        unproven: What couldn't be proven.
        hidden: How many differences, and whole objects, rules explain, those that comparers knew
            of by themselves included.
        insight: How far running pods were seen into; None where nobody looked.
    """

    drifts: tuple[Drift, ...]
    explained: Mapping[ResourceKey, tuple[Hidden, ...]]
    unproven: tuple[Unproven, ...]
    hidden: int
    insight: Insight | None = None


def detect(
    target: str,
    sides: Sides,
    rules: Sequence[IgnoreRule],
    namespaces: frozenset[str],
    redaction: Redaction,
) -> Detection:
    """Finds all drift of a target.

    Args:
        target: Its name; part of the drifts' ids.
        sides: What was read.
        rules: Built-in rules and the user's that hold today.
        namespaces: Where unmanaged objects are looked for.
        redaction: Masks secrets.
    """
    all_rules = (*rules, *derived_rules(sides.desired))
    found: list[Drift] = []
    explained: dict[ResourceKey, tuple[Hidden, ...]] = {}
    unproven: list[Unproven] = []
    hidden = 0
    for key, manifest in sides.desired.resources.items():
        answer = sides.answers.get(key)
        if isinstance(answer, InSync):
            hidden += answer.hidden
            continue
        if isinstance(answer, Expected):
            hidden += answer.hidden
            unproven.extend(Unproven(key, format_path(path), why) for path, why in answer.unproven)
        drift = _drift_of(key, manifest, sides, all_rules, redaction)
        if drift.type in (DriftType.MODIFIED, DriftType.PENDING) and not drift.changes:
            explained[key] = drift.hidden
        else:
            found.append(drift)
    strangers, whole = unmanaged(sides.desired, sides.live, namespaces, all_rules, sides.catalog)
    found.extend(strangers)
    identified = [replace(d, id=drift_id(target, d), severity=severity_of(d)) for d in found]
    hidden += whole + sum(len(d.hidden) for d in found) + sum(map(len, explained.values()))
    return Detection(worst_first(identified), explained, tuple(unproven), hidden)


def drift_id(target: str, drift: Drift) -> str:
    """Gives the id that stays the same while a drift lasts, whoever looks: `d-` and 12 digits."""
    return id_of(target, drift.type, drift.key)


def _drift_of(
    key: ResourceKey,
    manifest: Manifest,
    sides: Sides,
    rules: Sequence[IgnoreRule],
    redaction: Redaction,
) -> Drift:
    drift = Drift(
        id="",
        type=DriftType.UNREADABLE,
        severity=Severity.MEDIUM,
        key=key,
        api_version=manifest.api_version,
        source=manifest.source,
    )
    live = sides.live.find(manifest.api_version, key)
    if live is None:
        return _absent(drift, sides)
    drift = replace(drift, uid=str(live["metadata"].get("uid") or ""))
    match sides.answers.get(key):
        case Expected() as expected:
            return _modified(drift, expected, live, sides.schema, rules, redaction, manifest.seals)
        case Untold(reason=reason):
            return replace(drift, note=reason)
        case _:
            return replace(drift, note="it could not be compared")


def _absent(drift: Drift, sides: Sides) -> Drift:
    key, api_version = drift.key, drift.api_version
    why = sides.catalog.why_unknown(api_version, key.kind) or sides.live.why_unread(key)
    if why is not None:
        return replace(drift, note=why)
    if sides.catalog.find(api_version, key.kind) is not None:
        return replace(drift, type=DriftType.MISSING)
    served = sides.catalog.preferred.get((key.group, key.kind))
    if served is not None:
        note = (
            f"the cluster serves {key.kind} as {served}, not as {api_version}: change the manifest"
        )
        return replace(drift, note=note)
    note = f"the cluster doesn't serve {api_version} {key.kind}: its definition is missing too"
    return replace(drift, type=DriftType.MISSING, note=note)


def _modified(
    drift: Drift,
    expected: Expected,
    live: JsonObject,
    schema: Schema,
    rules: Sequence[IgnoreRule],
    redaction: Redaction,
    seals: Sequence[Seal],
) -> Drift:
    node = schema.node(drift.api_version, drift.key.kind)
    speaking = tuple(rule for rule in rules if rule.matches_object(drift.key))
    ownership = Ownership(live)
    changes: list[Change] = []
    hidden: list[Hidden] = []
    for change, rule in differing(expected.body, live, node, speaking, ownership):
        masked = redaction.change(drift.key, change, expected.body, live, seals)
        if rule is None:
            changes.append(masked)
        else:
            hidden.append(Hidden(masked, rule.name, rule.reason))
    pending = expected.pending
    if expected.earlier is not None and changes:
        before = differing(expected.earlier, live, node, speaking, ownership)
        pending = all(rule is not None for _, rule in before)
    return replace(
        drift,
        type=DriftType.PENDING if pending else DriftType.MODIFIED,
        changes=tuple(changes),
        hidden=tuple(hidden),
        note=_note(expected, live),
    )


def differing(
    expected: JsonObject,
    live: JsonObject,
    node: Node | None,
    rules: Sequence[IgnoreRule],
    ownership: Ownership,
) -> Iterator[tuple[Change, IgnoreRule | None]]:
    """Gives all that differs, each with the rule that explains it.

    Args:
        expected: What an object is to be.
        live: The object as read.
        node: What is known of its kind.
        rules: Those that speak of the object.
        ownership: Who set its fields.
    """
    found = differences(expected, comparable(live), node)
    for whole in chain.from_iterable(fieldwise(each.as_change(), node) for each in found):
        yield from _judged(whole, rules, ownership)


def _judged(
    whole: Change, rules: Sequence[IgnoreRule], ownership: Ownership
) -> list[tuple[Change, IgnoreRule | None]]:
    """Gives a change, in parts where a rule explains a part of it, each with its rule."""
    judged: list[tuple[Change, IgnoreRule | None]] = []
    for part in parted(whole, rules):
        change = _attributed(part, ownership)
        judged.append((change, next((rule for rule in rules if rule.matches(change)), None)))
    if all(rule is None for _, rule in judged):
        return [(_attributed(whole, ownership), None)]
    return judged


def _note(expected: Expected, live: JsonObject) -> str:
    notes = [expected.note] if expected.note else []
    if expected.immutable:
        notes.append("a field that drifted can't be changed in place; the object must be recreated")
    if live["metadata"].get("deletionTimestamp"):
        notes.append("the object is being deleted")
    return "; ".join(notes)


def _attributed(change: Change, ownership: Ownership) -> Change:
    """Adds who did it, as far as managedFields tell."""
    if change.change is not ChangeType.REMOVED:
        by = ownership.owner(change.path, change.live)
        if by is not None:
            return replace(change, by=by, last_changed=ownership.last_changed)
    return replace(change, candidates=ownership.candidates(), last_changed=ownership.last_changed)

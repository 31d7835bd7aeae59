"""What a look tells to have happened."""

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, Final

from reconciler.core.actors import Actor
from reconciler.core.container_fields import about, news_of, now_of, was_of
from reconciler.core.drift import Change, Drift, DriftType
from reconciler.core.history import (
    DIGESTS,
    GLASS,
    Event,
    EventType,
    KnownDrift,
    remembered,
)
from reconciler.core.path import format_path
from reconciler.core.report import Report
from reconciler.core.resource import JsonObject
from reconciler.core.sides import Sides
from reconciler.core.unseen import is_unseen, why_gone

#: Who decides, where no person does.
PLUMBLINE: Final = "plumbline"


def events_of_look(
    known: Mapping[str, KnownDrift], report: Report, sides: Sides, now: str
) -> tuple[tuple[Event, ...], Mapping[str, KnownDrift]]:
    """Says what a look found to have happened since the one before.

    What couldn't be read this time is neither gone nor found, and break-glass isn't looked for.

    Args:
        known: The target's drifts as they were known before, by id.
        report: What the look found.
        sides: What it read.
        now: When, RFC 3339 in UTC, to the second.

    Returns:
        The events, and the drifts that are known now.
    """
    events: list[Event] = []
    for drift in report.drifts:
        event = Event(now, report.target, EventType.SEEN, drift.id, drift.key, "", report.revision)
        events += _sighting(event, drift, known.get(drift.id))
        events += _decision(event, drift, known.get(drift.id))
    found = {drift.id for drift in report.drifts} | {e for e in known if e.startswith(GLASS)}
    unreadable = {d.key for d in report.drifts if d.type is DriftType.UNREADABLE}
    for each, earlier in known.items():
        if each in found or earlier.key in unreadable:
            continue
        if is_unseen(each, earlier.key, report, sides):
            continue
        reason = why_gone(each, earlier.key, report)
        event = Event(now, report.target, EventType.GONE, each, earlier.key)
        events.append(replace(event, revision=report.revision, reason=reason, before=earlier.live))
    return tuple(events), remembered(known, events)


def _sighting(event: Event, drift: Drift, earlier: KnownDrift | None) -> list[Event]:
    news = news_of(drift) if drift.seen is not None else sorted(map(_as_data, drift.changes))
    digest = _digest(news)
    if earlier is not None and earlier.digest == digest:
        return []
    live, desired = live_of(drift), desired_of(drift)
    kind, note = f"{drift.type.value} ({drift.severity.value})", about(drift)
    return [
        replace(
            event,
            type=EventType.SEEN if earlier is None else EventType.CHANGED,
            actor=_actors(drift),
            reason=f"{kind}: {note}" if note else kind,
            before=desired if earlier is None else earlier.live,
            after=live,
            digest=digest,
        )
    ]


def live_of(drift: Drift) -> JsonObject | None:
    """Gives what is live of the fields that differ, masked, as events have it."""
    if drift.seen is not None:
        return now_of(drift)
    return fields_of((c.path, c.live, c.masked.live if c.masked else "") for c in drift.changes)


def desired_of(drift: Drift) -> JsonObject | None:
    """Gives what Git wants of the fields that differ, masked, as events have it."""
    if drift.seen is not None:
        return was_of(drift)
    return fields_of(
        (c.path, c.desired, c.masked.desired if c.masked else "") for c in drift.changes
    )


def _decision(event: Event, drift: Drift, earlier: KnownDrift | None) -> list[Event]:
    decision = drift.decision
    if decision is None:
        return []
    digest = _digest(
        [str(decision.action), decision.rule, *filter(None, [decision.plan, decision.note])]
    )
    if earlier is not None and earlier.decision == digest:
        return []
    reason = f"{decision.action}, by the rule {decision.rule}: {decision.reason}"
    decided = EventType.DECIDED
    told = replace(event, type=decided, actor=PLUMBLINE, reason=reason, digest=digest)
    return [replace(told, plan=decision.plan)]


def fields_of(fields: Iterable[tuple[Any, Any, str]]) -> JsonObject | None:
    """Puts fields' masked values and digests in the form that events have."""
    values: JsonObject = {}
    digests: JsonObject = {}
    for path, value, digest in fields:
        text = format_path(path)
        values[text] = value
        if digest:
            digests[text] = digest
    if digests:
        values[DIGESTS] = digests
    return values or None


def _actors(drift: Drift) -> str:
    """Names who did it, each once, in the order of the changes."""
    doers = [(change.actor, change.by) for change in drift.changes] or [(drift.actor, drift.by)]
    names = (_name(actor, by.manager if by else "") for actor, by in doers)
    return ", ".join(dict.fromkeys(name for name in names if name))


def _name(actor: Actor | None, manager: str) -> str:
    """Names a person with the program, as far as either is known."""
    if actor is None:
        return manager
    user = f"{actor.user} as {actor.impersonated}" if actor.impersonated else actor.user
    users = user if actor.certain else " or ".join((user, *actor.others))
    program = manager or actor.manager
    return f"{users} with {program}" if program else users


def _as_data(change: Change) -> str:
    masked = change.masked
    digests = [masked.desired, masked.live] if masked else []
    data = [format_path(change.path), change.change.value, change.desired, change.live, digests]
    return json.dumps(data, sort_keys=True)


def _digest(value: object) -> str:
    text = json.dumps(value, sort_keys=True)
    return hashlib.blake2b(text.encode(), digest_size=8).hexdigest()

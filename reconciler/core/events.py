"""What a look, a plan and its outcomes tell to have happened."""

import hashlib
import json
from collections.abc import Container, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, assert_never

from reconciler.core.actors import Actor
from reconciler.core.container_fields import about, news_of, now_of, was_of
from reconciler.core.drift import Change, Drift, DriftType
from reconciler.core.history import (
    DIGESTS,
    EVIDENCE,
    GLASS,
    OWNER,
    ROLL_OUT,
    WHOLE,
    Event,
    EventType,
    KnownDrift,
    remembered,
)
from reconciler.core.live import comparable
from reconciler.core.outcome import Outcome, OutcomeType
from reconciler.core.path import format_path
from reconciler.core.plan import (
    Action,
    Create,
    Delete,
    Evict,
    Plan,
    Quarantine,
    Recreate,
    Replace,
    puts_right,
)
from reconciler.core.redact import mask
from reconciler.core.report import Report
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.sides import Sides
from reconciler.core.unseen import is_unseen, why_gone
from reconciler.core.words import GROUPS, Speaker

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
    return _fields((c.path, c.live, c.masked.live if c.masked else "") for c in drift.changes)


def desired_of(drift: Drift) -> JsonObject | None:
    """Gives what Git wants of the fields that differ, masked, as events have it."""
    if drift.seen is not None:
        return was_of(drift)
    return _fields((c.path, c.desired, c.masked.desired if c.masked else "") for c in drift.changes)


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


def events_of_verdict(
    plan: Plan, report: Report, verdict: EventType, speaker: Speaker, now: str, reason: str = ""
) -> tuple[Event, ...]:
    """Says that a person approved or rejected a plan: an event for each object that it touches.

    Args:
        plan: What was approved or rejected.
        report: The look that it was made of.
        verdict: `APPROVED` or `REJECTED`.
        speaker: Who.
        now: When, RFC 3339 in UTC, to the second.
        reason: What the person said to it.
    """
    event = Event(now, plan.target, verdict, revision=plan.revision, plan=plan.digest)
    groups = {GROUPS: sorted(speaker.groups)} if speaker.groups else None
    event = replace(event, actor=str(speaker), reason=reason, after=groups)
    return tuple(
        replace(event, drift=_id(action, report), key=action.key) for action in plan.actions
    )


def events_of_intent(
    plan: Plan, before: Report, sides: Sides, actor: str, now: str
) -> tuple[Event, ...]:
    """Says what is about to be written, so that a process that is killed meanwhile is noticed.

    Args:
        plan: What is to be carried out.
        before: The report of the look that the plan was made of.
        sides: What that look read.
        actor: Who has it carried out.
        now: When, RFC 3339 in UTC, to the second.
    """
    pending = _pending(before)
    event = Event(now, plan.target, EventType.INTENDED, revision=plan.revision, plan=plan.digest)
    events = []
    for action in plan.actions:
        was, wanted = _written(action, sides)
        events.append(
            replace(
                event,
                drift=_id(action, before),
                key=action.key,
                actor=actor,
                reason=_verb(action, pending),
                before=was,
                after=wanted,
            )
        )
    return tuple(events)


def events_of_outcomes(
    plan: Plan,
    outcomes: Sequence[Outcome],
    before: Report,
    sides: Sides,
    actor: str,
    now: str,
    *,
    verified: bool,
) -> tuple[Event, ...]:
    """Says what became of a plan's actions, each write with every field's before and after.

    Args:
        plan: What was carried out.
        outcomes: How its actions ended.
        before: The report of the look that the plan was made of.
        sides: What that look read.
        actor: Who had it carried out.
        now: When, RFC 3339 in UTC, to the second.
        verified: Whether a fresh comparison was made since; where none was, what was restored
            is `WRITTEN`.
    """
    pending = _pending(before)
    actions = {action.key: action for action in plan.actions}
    event = Event(now, plan.target, EventType.RESTORED, revision=plan.revision, plan=plan.digest)
    events = []
    for outcome in outcomes:
        action = actions[outcome.key]
        type_ = _TYPES[outcome.outcome]
        if type_ is EventType.RESTORED and not verified:
            type_ = EventType.WRITTEN
        verb = _verb(action, pending)
        was, now_is = _written(action, sides) if type_ in _WRITES else (None, None)
        events.append(
            replace(
                event,
                type=type_,
                drift=_id(action, before),
                key=outcome.key,
                actor=actor,
                reason=f"{verb}: {outcome.reason}" if outcome.reason else verb,
                before=was,
                after=now_is,
            )
        )
    return tuple(events)


_TYPES: Mapping[OutcomeType, EventType] = {
    OutcomeType.RESTORED: EventType.RESTORED,
    OutcomeType.CONFLICT: EventType.CONFLICT,
    OutcomeType.REFUSED: EventType.REFUSED,
    OutcomeType.UNVERIFIED: EventType.UNVERIFIED,
    OutcomeType.SKIPPED: EventType.SKIPPED,
}
#: After these something was written, perhaps.
_WRITES = frozenset({EventType.RESTORED, EventType.WRITTEN, EventType.UNVERIFIED})


def _pending(report: Report) -> frozenset[ResourceKey]:
    return frozenset(d.key for d in report.drifts if d.type is DriftType.PENDING)


def _verb(action: Action, pending: Container[ResourceKey]) -> str:
    return ROLL_OUT if action.key in pending else type(action).__name__.lower()


def _written(action: Action, sides: Sides) -> tuple[JsonObject | None, JsonObject | None]:
    """Gives what a write found and what it left, masked."""
    match action:
        case Create(key=key, body=body):
            return {WHOLE: None}, {WHOLE: mask(key, (), comparable(body), sides.desired.seals(key))}
        case Delete(key=key):
            live = sides.live.find(action.api_version, key)
            seals = sides.desired.seals(key)
            return {WHOLE: live and mask(key, (), comparable(live), seals)}, {WHOLE: None}
        case Replace(changes=changes) | Recreate(changes=changes):
            was = ((c.path, c.live, c.masked.live if c.masked else "") for c in changes)
            wanted = ((c.path, c.desired, c.masked.desired if c.masked else "") for c in changes)
            return _fields(was), _fields(wanted)
        case Evict(owner=owner, evidence=kept) | Quarantine(owner=owner, evidence=kept):
            evidence = {EVIDENCE: kept} if kept else {}
            return None, {OWNER: str(owner), **evidence}
        case _:
            assert_never(action)


def _id(action: Action, report: Report) -> str:
    """Gives the id of the drift that an action is about, of several the worst one's."""
    return next((drift.id for drift in report.drifts if puts_right(action, drift)), "")


def _fields(fields: Iterable[tuple[Any, Any, str]]) -> JsonObject | None:
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

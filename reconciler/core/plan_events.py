"""What a plan, a person's word about it, and its outcomes tell to have happened."""

from collections.abc import Container, Mapping, Sequence
from dataclasses import replace
from typing import assert_never

from reconciler.core.drift import DriftType
from reconciler.core.events import fields_of
from reconciler.core.history import EVIDENCE, OWNER, ROLL_OUT, WHOLE, Event, EventType
from reconciler.core.live import comparable
from reconciler.core.outcome import Outcome, OutcomeType
from reconciler.core.plan import (
    Action,
    Create,
    Delete,
    Evict,
    Plan,
    Quarantine,
    Recreate,
    Replace,
    subject_of,
)
from reconciler.core.redact import mask
from reconciler.core.report import Report
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.sides import Sides
from reconciler.core.words import GROUPS, Speaker


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
    ids = _ids(report)
    event = Event(now, plan.target, verdict, revision=plan.revision, plan=plan.digest)
    groups = {GROUPS: sorted(speaker.groups)} if speaker.groups else None
    event = replace(event, actor=str(speaker), reason=reason, after=groups)
    return tuple(
        replace(event, drift=ids.get(subject_of(action), ""), key=action.key)
        for action in plan.actions
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
    ids, pending = _ids(before), _pending(before)
    event = Event(now, plan.target, EventType.INTENDED, revision=plan.revision, plan=plan.digest)
    events = []
    for action in plan.actions:
        was, wanted = _written(action, sides)
        events.append(
            replace(
                event,
                drift=ids.get(subject_of(action), ""),
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
    ids, pending = _ids(before), _pending(before)
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
                drift=ids.get(subject_of(action), ""),
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
            return fields_of(was), fields_of(wanted)
        case Evict(owner=owner, evidence=kept) | Quarantine(owner=owner, evidence=kept):
            evidence = {EVIDENCE: kept} if kept else {}
            return None, {OWNER: str(owner), **evidence}
        case _:
            assert_never(action)


def _ids(report: Report) -> Mapping[tuple[ResourceKey, bool], str]:
    """Gives the id of the drift of each subject, of several the worst one's."""
    return {drift.subject: drift.id for drift in reversed(report.drifts)}

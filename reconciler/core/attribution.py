"""Joins drift to the requests that were witnessed: which person stands behind a program's name.

A program's entry in managedFields stands for all that it ever wrote, and its time for the last of
it. So nobody is named where the last write wasn't witnessed, and whoever else wrote under the same
name, and may have set the field, is named too.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import takewhile
from typing import Final

from reconciler.core.actors import Actor, AuditEvent, Deed, Witness
from reconciler.core.containers import SessionDrift
from reconciler.core.drift import Change, ChangeType, Drift, DriftType
from reconciler.core.ownership import FieldManager
from reconciler.core.path import Path
from reconciler.core.resource import ResourceKey
from reconciler.core.testimony import LONG_AGO, SLACK, distinct, is_at, moment

#: How long it may take from a request to the start of what it asks for in a container.
_TO_START: Final = timedelta(seconds=5)
#: Under which name Plumbline's own writes stand (a test compares it with the adapter's).
OWN_MANAGER = "plumbline"


def with_actors(
    drifts: Iterable[Drift],
    events: Mapping[ResourceKey, Sequence[AuditEvent]],
    since: Mapping[ResourceKey, str] | None = None,
) -> tuple[Drift, ...]:
    """Names who did what drifted, where it was witnessed.

    Args:
        drifts: What was found.
        events: By object, what was witnessed of it, in any order.
        since: By object, when it was last seen as declared, RFC 3339; the better this is known,
            the fewer people come into question.

    Returns:
        The drifts in the same order; one of which nothing was witnessed is as it was.
    """
    known = since or {}
    return tuple(
        _with_actors(drift, events[drift.key], known.get(drift.key, ""))
        if events.get(drift.key)
        else drift
        for drift in drifts
    )


def _with_actors(drift: Drift, events: Sequence[AuditEvent], since: str) -> Drift:
    changes = tuple(
        replace(change, actor=who_did(change, events, uid=drift.uid, since=since))
        for change in drift.changes
    )
    return replace(drift, changes=changes, actor=who_did(drift, events, since=since))


def who_did(
    done: Change | Drift, events: Sequence[AuditEvent], *, uid: str = "", since: str = ""
) -> Actor | None:
    """Names who made a change, deleted what is missing, made what is unmanaged, or came in.

    Args:
        done: A change of an object, or a whole drift; for a drift of the type `Modified` or
            `PodSpec` nobody is named, its changes tell.
        events: What was witnessed of this object, in any order.
        uid: The live object's, for a change; a drift holds its own.
        since: When the object was last seen as declared, RFC 3339; empty where that isn't known.

    Returns:
        The likeliest, with all others who may have done it; None where it wasn't witnessed.
    """
    ordered = sorted(distinct(events), key=lambda event: moment(event.time))
    entered = [event for event in ordered if event.deed is Deed.ENTERED]
    ordered = [event for event in ordered if event.deed is not Deed.ENTERED]
    if isinstance(done, Change):
        mine = _of_live(ordered, uid)
        start = _last_in_sync(mine, since)
        return _writer(done.by, done.path, mine, start) if done.by else _remover(done, mine, start)
    match done.type:
        case DriftType.MISSING:
            return _deleter(ordered)
        case DriftType.UNMANAGED:
            return _maker(done, ordered)
        case DriftType.SESSION if isinstance(done.seen, SessionDrift):
            return _visitor(done.seen, entered)
        case _:
            return None


def _visitor(session: SessionDrift, entered: Sequence[AuditEvent]) -> Actor | None:
    """Names who asked for a session: whose request came just before its process was started.

    Whoever joined a container from its machine asked nobody.
    """
    started = moment(session.started_at)
    if session.verb != "exec" or started == LONG_AGO:
        return None
    asked = [
        event
        for event in entered
        if event.subresource == "exec"
        and -SLACK <= started - moment(event.received) <= _TO_START + SLACK
    ]
    nearest = sorted(asked, key=lambda event: abs(started - moment(event.received)))
    return _actor(nearest[:1], asked)


def _writer(
    by: FieldManager, path: Path, events: Sequence[AuditEvent], start: datetime
) -> Actor | None:
    """Names who wrote a field as this manager, whose last write must have been witnessed."""
    written = [event for event in events if _is_by(event, by)]
    when = moment(by.time)
    # A write through `scale` leaves an entry without a time.
    last = [event for event in written if is_at(event, when)] if by.time else written[-1:]
    if not last:
        return None
    until = max(moment(event.time) for event in last)
    suspects = [e for e in written if moment(e.time) <= until and _may_have_touched(e, path)]
    # What was declared once, and isn't any more, was written before it was last seen as declared.
    suspects = _after(suspects, start) or suspects
    actor = _actor([e for e in suspects if e in last] or suspects[-1:], suspects)
    # Without a time nothing says that the last write was witnessed, unless all since then were.
    if actor is not None and not by.time and start == LONG_AGO:
        return replace(actor, certain=False)
    return actor


def _remover(change: Change, events: Sequence[AuditEvent], start: datetime) -> Actor | None:
    """Names who removed a field: managedFields keep no trace of it, so all who wrote may have.

    Who made the object is asked last: a field that it never had wasn't removed later. People are
    named before the cluster's own users, which seldom remove what somebody declared.
    """
    if change.change is not ChangeType.REMOVED:
        return None
    touching = [event for event in _after(events, start) if _may_have_touched(event, change.path)]
    written = [e for e in touching if e.deed is Deed.WROTE and e.manager != OWN_MANAGER]
    suspects = written or [event for event in touching if event.deed is Deed.CREATED]
    people = [event for event in suspects if not event.user.startswith("system:")]
    return _actor((people or suspects)[-1:], suspects)


def _deleter(events: Sequence[AuditEvent]) -> Actor | None:
    """Names who deleted an object, after it was last made."""
    made = _last_moment(events, Deed.CREATED)
    deleted = [e for e in events if e.deed is Deed.DELETED and moment(e.time) >= made]
    # Whoever deleted it by its name did; a selector's deletion may have left it alone.
    named = [event for event in deleted if event.ref.name]
    candidates = named or deleted
    actor = _actor(candidates[-1:], candidates)
    if actor is not None and all(event.selective for event in candidates):
        return replace(actor, certain=False)
    return actor


def _maker(drift: Drift, events: Sequence[AuditEvent]) -> Actor | None:
    """Names who made an object that is live."""
    mine = [event for event in events if _is_of(event, drift.uid)]
    # A deletion that the object outlived, by its finalizers, came after it was made.
    gone = [e for e in events if e.deed is Deed.DELETED and e.ref.name and e.uid != drift.uid]
    made = [event for event in mine if event.deed is Deed.CREATED]
    candidates = [event for event in made if not any(_follows(d, event) for d in gone)]
    if not candidates:
        # A finalizer holds it, or it was made again unseen: the latter can't be told apart.
        actor = _actor(made[-1:], made)
        return replace(actor, certain=False) if actor else None
    actor = _actor(candidates[-1:], candidates)
    if actor is None or candidates[-1].uid or drift.by is None:
        return actor
    # Without a uid the witnessed object may be an earlier one of that name. It is this one if
    # its first writer's last write was witnessed too.
    seen = any(_is_by(e, drift.by) and is_at(e, moment(drift.by.time)) for e in mine)
    return actor if seen else replace(actor, certain=False)


def _follows(later: AuditEvent, earlier: AuditEvent) -> bool:
    return moment(later.time) >= moment(earlier.time)


def _actor(likeliest: Sequence[AuditEvent], candidates: Sequence[AuditEvent]) -> Actor | None:
    """Makes the actor of the likeliest request, with all who may have done it in its place."""
    if not likeliest:
        return None
    # An audit event tells more than a webhook's; one of a known operation fits for sure.
    best = max(likeliest, key=lambda e: (bool(e.addresses), bool(e.operation), moment(e.time)))
    people = {_person(event): event for event in candidates if not _is_told_by(event, best)}
    people.pop(_person(best), None)
    return Actor(
        user=best.user,
        groups=best.groups,
        addresses=best.addresses,
        user_agent=best.user_agent,
        impersonated=best.impersonated,
        request_id=best.request_id,
        verb=best.verb,
        time=best.time,
        manager=best.manager,
        certain=not people,
        others=tuple(sorted({event.user for event in people.values()})),
    )


def _person(event: AuditEvent) -> tuple[str, str]:
    return event.user, event.impersonated


def _is_told_by(event: AuditEvent, other: AuditEvent) -> bool:
    """Whether a webhook's event may be of a person whom the audit names more fully."""
    return event.witness is Witness.ADMISSION and event.user == other.acted_as


def _of_live(events: Sequence[AuditEvent], uid: str) -> list[AuditEvent]:
    """Leaves out what was done to earlier objects of this name."""
    mine = [event for event in events if _is_of(event, uid) and event.deed is not Deed.DELETED]
    return _after(mine, _last_moment(mine, Deed.CREATED))


def _is_of(event: AuditEvent, uid: str) -> bool:
    """Whether an event may be of the live object of this uid, not of an earlier one."""
    return bool(event.ref.name) and (not uid or event.uid in ("", uid))


def _is_by(event: AuditEvent, by: FieldManager) -> bool:
    """Whether an event may be of this manager; a webhook isn't always told of any."""
    is_told = event.manager or event.witness is Witness.AUDIT
    return (
        (event.manager == by.manager or not is_told)
        and event.subresource == by.subresource
        and event.operation in ("", by.operation)
    )


def _may_have_touched(event: AuditEvent, path: Path) -> bool:
    """Whether an event changed a field, or something in it or around it, as far as it is known."""
    if event.touched is None:
        return True
    names = tuple(takewhile(lambda step: isinstance(step, str), path))
    return any(names[: len(each)] == each or each[: len(names)] == names for each in event.touched)


def _last_in_sync(events: Sequence[AuditEvent], since: str) -> datetime:
    """Says since when an object may have drifted: after it was seen, or put, as declared."""
    # Seconds before are looked at too: clocks differ.
    seen = moment(since) - SLACK if since else LONG_AGO
    restored = (moment(e.time) for e in events if e.manager == OWN_MANAGER and not e.subresource)
    return max(seen, *restored, LONG_AGO)


def _after(events: Sequence[AuditEvent], since: datetime) -> list[AuditEvent]:
    return [event for event in events if moment(event.time) >= since]


def _last_moment(events: Sequence[AuditEvent], deed: Deed) -> datetime:
    return max((moment(e.time) for e in events if e.deed is deed), default=LONG_AGO)

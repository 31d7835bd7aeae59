"""Break-glass told as drift is: in the history and to people, as long as its annotations stand."""

import hashlib
import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime

from reconciler.core.drift import DriftType, Severity
from reconciler.core.guard.breaking import Broken, broken
from reconciler.core.history import GLASS, Event, EventType, KnownDrift
from reconciler.core.moments import moment_of, rfc3339
from reconciler.core.path import format_path
from reconciler.core.redact import mask
from reconciler.core.sides import Sides
from reconciler.core.suspension import BREAK_GLASS as REASON
from reconciler.core.suspension import BREAK_GLASS_UNTIL as UNTIL

#: Of a reason so much is told: whoever writes it may write a book.
_SHOWN = 200


def events_of_glass(
    known: Mapping[str, KnownDrift], target: str, sides: Sides, now: datetime
) -> tuple[Event, ...]:
    """Says whose glass was broken, for how long, when that is over, and when it is mended.

    It is an episode of its own beside the drift that it is for: who is told of one is told of the
    other, also where rules explain the drift or a suspension holds it.

    Args:
        known: The target's drifts as they were known before, by id.
        target: The target's name.
        sides: What a look read; only what is declared counts, since only that is guarded.
        now: A moment with its zone.
    """
    event = Event(rfc3339(now), target, EventType.SEEN, revision=sides.desired.revision)
    events: list[Event] = []
    standing = set()
    for each in _broken(sides, now):
        drift = _id(target, each)
        standing.add(drift)
        digest = _digest(each.reason, each.until, each.is_over)
        earlier = known.get(drift)
        if earlier is not None and earlier.digest == digest:
            continue
        fields = {REASON: each.reason[:_SHOWN], UNTIL: each.until}
        shown = {name: mask(each.key, ("metadata", "annotations", name), text)
                 for name, text in fields.items()}  # fmt: skip
        after = {format_path(("metadata", "annotations", name)): shown[name] for name in shown}
        kind = f"{DriftType.MODIFIED.value} ({Severity.HIGH.value})"
        events.append(
            replace(
                event,
                type=EventType.SEEN if earlier is None else EventType.CHANGED,
                drift=drift,
                key=each.key,
                actor=each.manager,
                reason=f"{kind}: {_said(each, shown[REASON])}",
                before=None if earlier is None else earlier.live,
                after=after,
                digest=digest,
            )
        )
    for drift, earlier in known.items():
        if not drift.startswith(GLASS) or drift in standing:
            continue
        if sides.live.why_unread(earlier.key) is None:
            gone = replace(event, type=EventType.GONE, drift=drift, key=earlier.key)
            reason = "break-glass has ended: its annotations are gone"
            events.append(replace(gone, reason=reason, before=earlier.live))
    return tuple(events)


def next_end(sides: Sides, now: datetime) -> datetime | None:
    """Says when the first break-glass ends that holds now; None where none does."""
    ends = (moment_of(each.until) for each in _broken(sides, now) if not each.is_over)
    return min((end for end in ends if end is not None), default=None)


def _broken(sides: Sides, now: datetime) -> tuple[Broken, ...]:
    declared = sides.desired.resources.items()
    live = ((key, sides.live.find(manifest.api_version, key)) for key, manifest in declared)
    return broken(((key, body) for key, body in live if body is not None), now)


def _said(each: Broken, reason: str) -> str:
    if not each.is_over:
        return f"the glass was broken until {each.until}: {reason}"
    if moment_of(each.until) is None:
        return f"the glass was broken, and until when can't be read, so it holds nothing: {reason}"
    return (
        f"the glass was broken until {each.until}, which is over; its annotations are still set: "
        f"{reason}"
    )


def _id(target: str, each: Broken) -> str:
    return f"{GLASS}{_digest(target, *each.key)}"


def _digest(*words: object) -> str:
    text = json.dumps(words)
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=6).hexdigest()

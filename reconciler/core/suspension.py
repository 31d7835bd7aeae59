"""Suspension: somebody asked that nothing be done for a while, by command or by annotation."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from reconciler.core.history import Event, EventType
from reconciler.core.moments import moment_of, rfc3339
from reconciler.core.resource import JsonObject, ResourceKey, metadata_of

#: The annotation on a live object, as in `until=2026-12-01T00:00Z the load test needs it`.
ANNOTATION: Final = "plumbline.dev/suspend"

#: By these somebody of the guard's break-glass group says why an object is edited, and until when:
#: what the guard let through is not undone before that.
BREAK_GLASS: Final = "plumbline.dev/break-glass"
BREAK_GLASS_UNTIL: Final = "plumbline.dev/break-glass-until"

#: What a history must be asked for to tell what is suspended.
SUSPENSION_TYPES: Final = frozenset({EventType.SUSPENDED, EventType.RESUMED})

#: In a suspension's event, among what is since then, the time of its end.
_UNTIL = "until"

#: How much of an annotation's text is shown: whoever may edit the object wrote it.
_SHOWN = 200


@dataclass(frozen=True, slots=True)
class Suspension:
    """Nothing is restored, proposed or asked while it holds.

    Attributes:
        key: The object; None for the whole target.
        until: When it ends, with its zone; None for when somebody resumes.
        by: Who asked for it; empty where that isn't known.
        reason: Why, in their words.
    """

    key: ResourceKey | None = None
    until: datetime | None = None
    by: str = ""
    reason: str = ""

    def holds(self, key: ResourceKey, now: datetime) -> bool:
        """Whether it holds for this object now."""
        return self.key in (None, key) and not self.is_over(now)

    def is_over(self, now: datetime) -> bool:
        """Whether it has ended by itself."""
        return self.until is not None and now >= self.until

    def __str__(self) -> str:
        what = "the target" if self.key is None else "the object"
        by = f" by {self.by}" if self.by else ""
        until = f" until {rfc3339(self.until)}" if self.until else ""
        return f"{what} is suspended{by}{until}" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True, slots=True)
class Suspended:
    """What holds for an object now.

    Attributes:
        suspension: The one that lasts longest, None where there is none.
        note: What is wrong with the object's annotation; empty where nothing is.
    """

    suspension: Suspension | None
    note: str = ""


def suspension_event(target: str, suspension: Suspension, now: str) -> Event:
    """Says that somebody suspended something, in place of what was said of the same before.

    Args:
        target: The target's name.
        suspension: What.
        now: When, RFC 3339 in UTC, to the second.
    """
    after = {_UNTIL: rfc3339(suspension.until)} if suspension.until else None
    return Event(
        now,
        target,
        EventType.SUSPENDED,
        key=suspension.key,
        actor=suspension.by,
        reason=suspension.reason,
        after=after,
    )


def suspensions_of(events: Iterable[Event], target: str) -> tuple[Suspension, ...]:
    """Gives what was suspended in a target by command and not resumed, ended or not.

    Args:
        events: In the order in which they were added; those of other types don't matter.
        target: The target's name.
    """
    return tuple(map(_suspension, _last_words(e for e in events if e.target == target)))


def suspended_since(events: Iterable[Event], now: datetime) -> str:
    """Gives when the oldest suspension that holds was asked for, in any target.

    Returns:
        RFC 3339; empty where nothing is suspended.
    """
    words = _last_words(events)
    return min((e.time for e in words if not _suspension(e).is_over(now)), default="")


def _last_words(events: Iterable[Event]) -> tuple[Event, ...]:
    """Gives, of each target and object that is suspended, the event that did it last."""
    last: dict[tuple[str, ResourceKey | None], Event] = {}
    for event in events:
        if event.type is EventType.SUSPENDED:
            last[event.target, event.key] = event
        elif event.type is EventType.RESUMED:
            last.pop((event.target, event.key), None)
    return tuple(last.values())


def _suspension(event: Event) -> Suspension:
    # One whose end can't be read would have none: rather too little is written than too much.
    until = moment_of(str((event.after or {}).get(_UNTIL, "")))
    return Suspension(event.key, until, event.actor, event.reason)


def suspended(
    key: ResourceKey,
    live: JsonObject | None,
    suspensions: Sequence[Suspension],
    now: datetime,
) -> Suspended:
    """Says whether an object is suspended now, by command or by its own annotation.

    Args:
        key: The object.
        live: As it is live; None where it isn't, or where its annotation doesn't count.
        suspensions: Those that were asked for by command.
        now: A moment with its zone.
    """
    holding = [each for each in suspensions if each.holds(key, now)]
    note = ""
    annotations = (metadata_of(live).get("annotations") or {}) if live else {}
    broken = _broken_glass(key, annotations)
    if broken is not None and broken.holds(key, now):
        holding.append(broken)
    text = annotations.get(ANNOTATION)
    if text is not None:
        found = parse_annotation(key, str(text))
        if isinstance(found, str):
            note = f"its annotation {ANNOTATION} suspends nothing: {found}"
        elif not found.holds(key, now):
            until = rfc3339(found.until) if found.until else ""
            note = f"its annotation {ANNOTATION} suspends nothing any more: it expired at {until}"
        else:
            holding.append(found)
    longest = max(holding, key=_end, default=None)
    return Suspended(longest, note)


def _broken_glass(key: ResourceKey, annotations: JsonObject) -> Suspension | None:
    until = moment_of(str(annotations.get(BREAK_GLASS_UNTIL, "")))
    if until is None or BREAK_GLASS not in annotations:
        return None
    reason = str(annotations[BREAK_GLASS]).strip()[:_SHOWN]
    return Suspension(key, until, f"its annotation {BREAK_GLASS}", reason)


def parse_annotation(key: ResourceKey, text: str) -> Suspension | str:
    """Reads an annotation's text.

    Returns:
        The suspension, or what is wrong with the text.
    """
    first, _, reason = text.strip().partition(" ")
    name, _, value = first.partition("=")
    if name != "until":
        return "it must begin with until= and a time, as in until=2026-12-01T00:00Z"
    try:
        until = datetime.fromisoformat(value)
    except ValueError:
        return "its time can't be read; write it as in until=2026-12-01T00:00Z"
    if until.tzinfo is None:
        return "its time has no zone; write it as in until=2026-12-01T00:00Z"
    return Suspension(key, until, f"its annotation {ANNOTATION}", reason.strip()[:_SHOWN])


def _end(suspension: Suspension) -> datetime:
    return suspension.until or datetime.max.replace(tzinfo=UTC)

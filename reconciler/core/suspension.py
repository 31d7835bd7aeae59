"""Suspension: somebody asked that nothing be done for a while, by command or by annotation."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from reconciler.core.moments import rfc3339
from reconciler.core.resource import JsonObject, ResourceKey, metadata_of

#: The annotation on a live object, as in `until=2026-12-01T00:00Z the load test needs it`.
ANNOTATION: Final = "plumbline.dev/suspend"

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
        return self.key in (None, key) and (self.until is None or now < self.until)

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
    text = (metadata_of(live).get("annotations") or {}).get(ANNOTATION) if live else None
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

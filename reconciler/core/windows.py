"""Maintenance windows: the hours of a week in which acting is allowed, or forbidden."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta, tzinfo
from typing import Final

#: Days of the week as people write them, in the order of `datetime.weekday`.
DAYS: Final = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_EVERY_DAY: Final = frozenset(range(7))
_DAY: Final = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Window:
    """Some hours of some days of every week, by the clock on the wall of a time zone.

    Attributes:
        start: From when; the window begins with it.
        end: Until when; it isn't in the window. Not later than `start`: on the next day.
        days: On which days it starts, 0 for Monday.
        zone: Whose clock; an hour that it skips is in no window, one that it repeats is twice.
        allows: Whether acting is allowed in it; else it is forbidden.
        reason: Why, for people.
    """

    start: time
    end: time
    days: frozenset[int] = _EVERY_DAY
    zone: tzinfo = UTC
    allows: bool = True
    reason: str = ""

    def holds(self, now: datetime) -> bool:
        """Whether it is now, a moment with its zone."""
        local = now.astimezone(self.zone)
        clock = local.time()
        if self.start < self.end:
            return local.weekday() in self.days and self.start <= clock < self.end
        started_today = local.weekday() in self.days and clock >= self.start
        started_yesterday = (local.weekday() - 1) % 7 in self.days and clock < self.end
        return started_today or started_yesterday

    def edges(self, now: datetime) -> list[datetime]:
        """Gives the moments of the next eight days at which it may start or end."""
        today = now.astimezone(self.zone).date()
        dates = [today + day * _DAY for day in range(9)]
        return [
            datetime.combine(date, clock.replace(fold=fold), self.zone).astimezone(UTC)
            for date in dates
            for clock in (self.start, self.end)
            for fold in (0, 1)
        ]

    def __str__(self) -> str:
        days = ",".join(DAYS[day] for day in sorted(self.days))
        days = "daily" if self.days == _EVERY_DAY else days
        return f"{days} {self.start:%H:%M}-{self.end:%H:%M} {self.zone}"


@dataclass(frozen=True, slots=True)
class Closed:
    """Acting is forbidden now.

    Attributes:
        reason: By which window, in a sentence.
        until: When it is allowed again, at the latest; None where that isn't within a week.
    """

    reason: str
    until: datetime | None


def closed(windows: Sequence[Window], now: datetime) -> Closed | None:
    """Says whether acting is forbidden now: in a forbidding window, or outside all allowing ones.

    Args:
        windows: All of them; where none allows anything, acting is allowed but where forbidden.
        now: A moment with its zone.

    Returns:
        None where acting is allowed.
    """
    reason = _why_closed(windows, now)
    if reason is None:
        return None
    edges = sorted({edge for window in windows for edge in window.edges(now) if edge > now})
    opens = next((edge for edge in edges if _why_closed(windows, edge) is None), None)
    return Closed(reason, opens)


def _why_closed(windows: Sequence[Window], now: datetime) -> str | None:
    for window in windows:
        if not window.allows and window.holds(now):
            return _sentence(f"nothing is restored in the window {window}", window)
    allowing = [window for window in windows if window.allows]
    if not allowing or any(window.holds(now) for window in allowing):
        return None
    if len(allowing) == 1:
        return _sentence(f"things are only restored in the window {allowing[0]}", allowing[0])
    return f"things are only restored in the windows {'; '.join(map(str, allowing))}"


def _sentence(text: str, window: Window) -> str:
    return f"{text}: {window.reason}" if window.reason else text


_TEXT: Final = re.compile(r"(\S+) +(\d\d?:\d\d) *- *(\d\d?:\d\d)")


def parse_window(text: str, zone: tzinfo = UTC, *, allows: bool = True, reason: str = "") -> Window:
    """Reads a window such as `Mon-Fri 22:00-04:00`, `Sat,Sun 00:00-24:00`, `daily 02:00-03:00`.

    Raises:
        ValueError: It isn't one; the message says why.
    """
    found = _TEXT.fullmatch(text.strip())
    if found is None:
        raise ValueError(f"{text!r} isn't a window such as 'Mon-Fri 22:00-04:00'")
    days, start, end = found.groups()
    return Window(_clock(start), _clock(end), _days(days), zone, allows, reason)


def _clock(text: str) -> time:
    hour, _, minute = text.partition(":")
    if text == "24:00":
        return time(0)
    try:
        return time(int(hour), int(minute))
    except ValueError:
        raise ValueError(f"{text} is no time of day") from None


def _days(text: str) -> frozenset[int]:
    if text.casefold() == "daily":
        return _EVERY_DAY
    days: set[int] = set()
    for part in text.split(","):
        first, _, last = part.partition("-")
        start, end = _day(first), _day(last or first)
        days |= {(start + offset) % 7 for offset in range((end - start) % 7 + 1)}
    return frozenset(days)


def _day(text: str) -> int:
    for number, name in enumerate(DAYS):
        if text[:3].casefold() == name.casefold():
            return number
    raise ValueError(f"{text!r} is no day of the week: write one of {', '.join(DAYS)}")

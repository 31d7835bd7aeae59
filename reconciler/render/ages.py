"""Times as people say them: "4 minutes ago"."""

from datetime import UTC, datetime, timedelta

_MINUTE = 60
_HOUR = 60 * _MINUTE
_DAY = 24 * _HOUR

#: From how many seconds on a unit is used, and how many seconds it has; the largest first. Two of
#: a unit are needed for the larger ones: "30 hours ago" says more than "1 day ago".
_UNITS = (
    (2 * 365 * _DAY, 365 * _DAY, "year"),
    (60 * _DAY, 30 * _DAY, "month"),
    (2 * _DAY, _DAY, "day"),
    (_HOUR, _HOUR, "hour"),
    (_MINUTE, _MINUTE, "minute"),
)


def moment(time: str) -> datetime | None:
    """Reads an RFC 3339 time; None where it isn't one."""
    try:
        parsed = datetime.fromisoformat(time)
    except ValueError:
        return None
    return parsed if parsed.tzinfo else parsed.replace(tzinfo=UTC)


def ago(time: str, now: datetime) -> str:
    """Says how long ago an RFC 3339 time was; gives the text as it is where it isn't one.

    A clock that is a little ahead is "just now"; a time further ahead is said to be so.
    """
    then = moment(time)
    if then is None:
        return time
    elapsed = (now - then) // timedelta(seconds=1)
    if elapsed <= -_MINUTE:
        return f"in {_amount(-elapsed)}"
    return "just now" if elapsed < _MINUTE else f"{_amount(elapsed)} ago"


def _amount(seconds: int) -> str:
    _least, size, unit = next(each for each in _UNITS if seconds >= each[0])
    count = seconds // size
    return f"{count} {unit}" if count == 1 else f"{count} {unit}s"


def minute(moment_: datetime) -> str:
    """Writes a time to the minute, for texts that are read much later."""
    return moment_.astimezone(UTC).strftime("%Y-%m-%d %H:%M UTC")

"""Moments as reports write them: RFC 3339 in UTC, to the second."""

from datetime import UTC, datetime


def rfc3339(moment: datetime) -> str:
    """Writes a moment."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def moment_of(text: str) -> datetime | None:
    """Reads a moment; None where there is none, or it has no zone."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    return moment if moment.tzinfo else None

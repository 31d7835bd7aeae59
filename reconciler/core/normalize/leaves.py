"""Leaves that the server reads into a Go type and prints anew."""

import base64
from typing import TYPE_CHECKING, Any

from reconciler.core.normalize.quantity import of_json

if TYPE_CHECKING:
    from datetime import datetime


def quantity(value: Any) -> Any:
    """Gives a quantity as the server prints it."""
    return of_json(value)


def resource(value: Any) -> Any:
    """Gives a quantity of a resource list as the server prints it."""
    return of_json(value, rounded=True)


def base64_bytes(value: Any) -> Any:
    """Gives base64 as Go writes it; a text that isn't base64 as it is: the server refuses it."""
    if not isinstance(value, str):
        return value
    try:
        # Go's decoder passes over line ends, and over bits that don't count.
        decoded = base64.b64decode(value.replace("\n", "").replace("\r", ""), validate=True)
    except ValueError:
        return value
    return base64.b64encode(decoded).decode("ascii")


def encoded(value: Any) -> Any:
    """Gives a text of `stringData` as `data` holds it."""
    if not isinstance(value, str):
        return value
    return base64.b64encode(value.encode("utf-8", "surrogatepass")).decode("ascii")


def time(value: Any) -> Any:
    """Gives a time as metav1.Time prints it: RFC 3339, UTC, whole seconds."""
    parsed = _parsed(value)
    return value if parsed is None else f"{parsed.isoformat(timespec='seconds')}Z"


def micro_time(value: Any) -> Any:
    """Gives a time as metav1.MicroTime prints it: RFC 3339, UTC, microseconds."""
    parsed = _parsed(value)
    return value if parsed is None else f"{parsed.isoformat(timespec='microseconds')}Z"


def _parsed(value: Any) -> "datetime | None":
    """Gives a time in UTC, without its zone; None for what isn't one."""
    if not isinstance(value, str):
        return None
    from datetime import UTC, datetime  # few objects hold times; not worth every start

    try:
        parsed = datetime.fromisoformat(value)
        return parsed.astimezone(UTC).replace(tzinfo=None) if parsed.tzinfo else None
    except (ValueError, OverflowError):
        return None

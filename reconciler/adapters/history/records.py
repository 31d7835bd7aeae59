"""Events and known drifts as rows of the history's tables, and back."""

import json
from collections.abc import Mapping
from typing import Any

from reconciler.core.history import Event, EventType, KnownDrift
from reconciler.core.resource import JsonObject, ResourceKey

_NO_KEY = ResourceKey("", "", "", "")


def event_row(event: Event, number: int) -> dict[str, Any]:
    """Gives an event as a row, without its hash."""
    return {
        "number": number,
        "time": event.time,
        "target": column_text(event.target),
        "type": event.type.value,
        "drift": column_text(event.drift),
        **_key_columns(event.key),
        "actor": column_text(event.actor),
        "revision": column_text(event.revision),
        "plan": column_text(event.plan),
        "reason": column_text(event.reason),
        "before": _json(event.before),
        "after": _json(event.after),
        "digest": column_text(event.digest),
    }


def event_of(row: Mapping[str, Any]) -> Event:
    """Reads an event from its row.

    Raises:
        ValueError: The row isn't as this program wrote it.
    """
    return Event(
        time=row["time"],
        target=row["target"],
        type=EventType(row["type"]),
        drift=row["drift"],
        key=_key_of(row) if row["kind"] else None,
        actor=row["actor"],
        revision=row["revision"],
        plan=row["plan"],
        reason=row["reason"],
        before=_object(row["before"]),
        after=_object(row["after"]),
        digest=row["digest"],
    )


def drift_row(target: str, drift: str, known: KnownDrift) -> dict[str, Any]:
    """Gives a known drift as a row."""
    return {
        "target": column_text(target),
        "drift": column_text(drift),
        **_key_columns(known.key),
        "first_seen": known.first_seen,
        "digest": column_text(known.digest),
        "decision": column_text(known.decision),
        "live": _json(known.live),
    }


def drift_of(row: Mapping[str, Any]) -> KnownDrift:
    """Reads a known drift from its row.

    Raises:
        ValueError: The row isn't as this program wrote it.
    """
    live = _object(row["live"])
    return KnownDrift(_key_of(row), row["first_seen"], row["digest"], row["decision"], live)


def column_text(text: str) -> str:
    r"""Writes what no text column holds, NUL and half of a surrogate pair, as `\x00`, `\ud800`."""
    return text.replace("\0", "\\x00").encode("utf-8", "backslashreplace").decode()


def _key_columns(key: ResourceKey | None) -> dict[str, str]:
    fields = (key or _NO_KEY)._asdict()
    return {name: column_text(value) for name, value in fields.items()}


def _key_of(row: Mapping[str, Any]) -> ResourceKey:
    return ResourceKey(row["group"], row["kind"], row["namespace"], row["name"])


def _json(value: JsonObject | None) -> str:
    return json.dumps(value, sort_keys=True, separators=(",", ":"))


def _object(text: str) -> JsonObject | None:
    value = json.loads(text)
    if value is not None and not isinstance(value, dict):
        raise ValueError("a JSON object was expected")
    return value

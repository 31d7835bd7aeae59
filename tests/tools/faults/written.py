"""What really happened to the ConfigMaps of a namespace, by the API server's audit log."""

import json
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import Any

_GONE_AFTER = 0.5


@dataclass(frozen=True, slots=True)
class Written:
    """One write that the server carried out.

    Attributes:
        name: The ConfigMap's name.
        user: Who wrote.
        verb: `create`, `update`, `patch` or `delete`.
        colour: What it left there; None for nothing.
        order: Grows with each write of an object.
        at: When it was answered.
        conditions: What the write said must be so: uid and resourceVersion.
    """

    name: str
    user: str
    verb: str
    colour: str | None
    order: float
    at: datetime
    conditions: frozenset[str]


def writes_of(log: Path, namespace: str) -> dict[str, list[Written]]:
    """Gives the successful writes by object, each in the order in which they took effect."""
    found: dict[str, Written] = {}
    for line in log.read_bytes().splitlines():
        with suppress(ValueError):  # the last line may be half written
            event = json.loads(line)
            if _is_done(event, namespace):
                found[event["auditID"]] = _written(event)
    by_name: dict[str, list[Written]] = {}
    for each in sorted(found.values(), key=lambda each: each.order):
        by_name.setdefault(each.name, []).append(each)
    return by_name


def _is_done(event: Mapping[str, Any], namespace: str) -> bool:
    ok = event.get("responseStatus", {}).get("code", 0) < 300
    here = event.get("objectRef", {}).get("namespace") == namespace
    asked = event.get("requestObject") or {}
    dry = "dryRun" in event["requestURI"] or "dryRun" in asked
    return ok and here and not dry


def _written(event: Mapping[str, Any]) -> Written:
    asked, answer = event.get("requestObject") or {}, event["responseObject"]
    verb, user = event["verb"], event["user"]["username"]
    at = datetime.fromisoformat(event["stageTimestamp"])
    if verb == "delete":
        conditions = asked.get("preconditions") or {}
        # The server doesn't tell at which version it was gone.
        order = float(conditions.get("resourceVersion", 0)) + _GONE_AFTER
        name, colour = event["objectRef"]["name"], None
    else:
        conditions = {} if verb == "create" else asked.get("metadata") or {}
        order = float(answer["metadata"]["resourceVersion"])
        name, colour = answer["metadata"]["name"], answer["data"]["colour"]
    given = frozenset(name for name in ("uid", "resourceVersion") if conditions.get(name))
    return Written(name, user, verb, colour, order, at, given)

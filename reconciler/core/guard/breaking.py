"""Whose glass is broken: objects that carry the annotations, as `guard status` tells of them."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from reconciler.core.moments import moment_of
from reconciler.core.ownership import Ownership
from reconciler.core.resource import JsonObject, ResourceKey, metadata_of
from reconciler.core.suspension import BREAK_GLASS as REASON
from reconciler.core.suspension import BREAK_GLASS_UNTIL as UNTIL


@dataclass(frozen=True, slots=True, order=True)
class Broken:
    """An object that carries the annotations of break-glass.

    Attributes:
        key: The object.
        reason: Why, as whoever did it says.
        until: Until when, as written there.
        is_over: Whether that is past; also where it is no time.
        manager: The program that wrote the reason, by field manager; empty where it isn't known.
    """

    key: ResourceKey
    reason: str
    until: str
    is_over: bool
    manager: str


def broken(live: Iterable[tuple[ResourceKey, JsonObject]], now: datetime) -> tuple[Broken, ...]:
    """Gives the objects that carry a reason, in order.

    Args:
        live: Live objects.
        now: A moment with its zone.
    """
    found = []
    for key, body in live:
        annotations = metadata_of(body).get("annotations")
        if isinstance(annotations, Mapping) and REASON in annotations:
            reason, until = (
                str(annotations[REASON]),
                str(annotations.get(UNTIL) or ""),
            )
            end = moment_of(until)
            owner = Ownership(body).owner(("metadata", "annotations", REASON), reason)
            manager = owner.manager if owner else ""
            found.append(Broken(key, reason, until, end is None or end <= now, manager))
    return tuple(sorted(found))

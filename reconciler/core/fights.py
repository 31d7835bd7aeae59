"""Fights: what is restored again and again has somebody else who wants it otherwise."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from reconciler.core.actors import Actor
from reconciler.core.drift import Drift
from reconciler.core.history import OWNER, ROLL_OUT, Event, EventType
from reconciler.core.moments import rfc3339
from reconciler.core.resource import ResourceKey


@dataclass(frozen=True, slots=True)
class Restored:
    """One earlier write of ours that put an object right.

    Attributes:
        key: The object.
        at: When, with its zone.
        owner: For a pod that was replaced, which declared object made a new one; empty elsewhere.
            The new pod has another name: what is fought over then is what its owner makes.
    """

    key: ResourceKey
    at: datetime
    owner: str = ""

    def concerns(self, drift: Drift) -> bool:
        """Whether this was done about such a drift before."""
        if drift.owner is not None:
            return self.owner == str(drift.owner)
        return not self.owner and self.key == drift.key


@dataclass(frozen=True, slots=True)
class FightLimits:
    """From when on it is a fight.

    Attributes:
        times: So many restores of one object, 0 for never,
        within: in so much time.
    """

    times: int = 3
    within: timedelta = timedelta(hours=1)


DEFAULT_FIGHT_LIMITS: Final = FightLimits()


@dataclass(frozen=True, slots=True)
class Fight:
    """An object that drifts again after it was restored again and again.

    Attributes:
        key: The object.
        times: How often it was restored within the time.
        since: When for the first time of these.
        others: Who set what differs now: people where they were witnessed, else field managers.
    """

    key: ResourceKey
    times: int
    since: datetime
    others: tuple[str, ...]

    def __str__(self) -> str:
        others = " and ".join(self.others) or "somebody who left no name"
        return (
            f"it was restored {self.times} times since {rfc3339(self.since)}, and {others} "
            "changed it again"
        )


def fight_over(
    drift: Drift, restores: Sequence[Restored], now: datetime, limits: FightLimits
) -> Fight | None:
    """Says whether restoring this drift would be fighting somebody.

    Args:
        drift: What is found now.
        restores: What was restored before, of any object, in any order.
        now: A moment with its zone.
        limits: From when on it is a fight.
    """
    since = now - limits.within
    times = sorted(each.at for each in restores if each.concerns(drift) and each.at > since)
    if not limits.times or len(times) < limits.times:
        return None
    return Fight(drift.key, len(times), times[0], _others(drift))


def _others(drift: Drift) -> tuple[str, ...]:
    doers = [(change.actor, change.by) for change in drift.changes] or [(drift.actor, drift.by)]
    names = [_name(actor, by.manager if by else "") for actor, by in doers]
    return tuple(dict.fromkeys(name for name in names if name))


def _name(actor: Actor | None, manager: str) -> str:
    if actor is None:
        return manager
    user = f"{actor.user} as {actor.impersonated}" if actor.impersonated else actor.user
    return user if actor.certain else " or ".join((user, *actor.others))


def restores_of(events: Iterable[Event]) -> tuple[Restored, ...]:
    """Gives what was restored, of a target's events in their order; each write once.

    A write is first remembered as written and later, once it was compared again, as restored or
    unverified; all three mean that something was written, perhaps. Rolling out a commit is none:
    however often Git moves on, nobody wants it otherwise.
    """
    found: list[Restored] = []
    open_writes: dict[ResourceKey, str] = {}
    for event in events:
        if event.key is None or event.reason.startswith(ROLL_OUT):
            continue
        match event.type:
            case EventType.WRITTEN:
                open_writes[event.key] = event.plan
                found.append(_restored(event, event.key))
            case EventType.RESTORED | EventType.UNVERIFIED:
                if open_writes.pop(event.key, None) != event.plan:
                    found.append(_restored(event, event.key))
            case _:
                pass
    return tuple(found)


def _restored(event: Event, key: ResourceKey) -> Restored:
    owner = str((event.after or {}).get(OWNER) or "")
    return Restored(key, datetime.fromisoformat(event.time), owner)

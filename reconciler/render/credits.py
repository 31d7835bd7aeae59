"""Who did it: a manager is a program's name; an actor, where one was witnessed, is a person's."""

from datetime import datetime
from typing import TYPE_CHECKING

from reconciler.core.drift import Change, Drift
from reconciler.core.ownership import FieldManager
from reconciler.render.ages import ago

if TYPE_CHECKING:
    from reconciler.core.actors import Actor

_UNKNOWN = "an unknown writer"

#: How many people are named where it isn't certain who it was.
_NAMED = 3


def who(manager: FieldManager) -> str:
    """Names a manager, and how it wrote where that is out of the ordinary."""
    name = manager.manager or _UNKNOWN
    if manager.subresource:
        name += f" through {manager.subresource}"
    return f"{name} (server-side apply)" if manager.operation == "Apply" else name


def who_and_when(manager: FieldManager, now: datetime) -> str:
    """Names a manager and how long ago it last wrote."""
    return _timed(who(manager), manager.time, now)


def person(actor: "Actor") -> str:
    """Names a person and where from; or all who may have been it, where that isn't certain."""
    if actor.certain:
        return _placed(actor)
    if not actor.others:
        return f"perhaps {_placed(actor)}"
    names = list(dict.fromkeys((_acting(actor), *actor.others)))
    if len(names) == 1:
        return names[0]
    left = len(names) - _NAMED
    if left > 1:
        names[_NAMED:] = [f"{left} others"]
    return f"{', '.join(names[:-1])} or {names[-1]}"


def credit(change: Change, now: datetime) -> str:
    """Says who made a change; for a removal, of which no trace is left, who last wrote."""
    actor = change.actor
    if change.by is not None:
        if actor is None:
            return f"by {who_and_when(change.by, now)}"
        return f"by {_timed(_with_person(who(change.by), actor), change.by.time, now)}"
    if actor is not None:
        perhaps = "" if actor.certain else "perhaps "
        return f"{perhaps}by {actor_and_when(actor, now)}"
    if change.candidates:
        return f"last written by {who_and_when(change.candidates[0], now)}"
    return f"by {_UNKNOWN}"


def maker(drift: Drift, now: datetime) -> str:
    """Says who made an unmanaged object; empty where nobody knows."""
    if drift.actor is not None:
        return actor_and_when(drift.actor, now)
    return who_and_when(drift.by, now) if drift.by else ""


def actor_and_when(actor: "Actor", now: datetime) -> str:
    """Names a person, the program where it is known, and how long ago it was."""
    return _timed(_with_person(actor.manager, actor), actor.time, now)


def _timed(who_: str, time: str, now: datetime) -> str:
    return f"{who_}, {ago(time, now)}" if time else who_


def _with_person(program: str, actor: "Actor") -> str:
    return f"{program} ({person(actor)})" if program else person(actor)


def _placed(actor: "Actor") -> str:
    if not actor.addresses:
        return _acting(actor)
    client, *proxies = actor.addresses
    return " via ".join((f"{_acting(actor)} from {client}", *proxies))


def _acting(actor: "Actor") -> str:
    user = actor.user or "an unknown user"
    return f"{user} as {actor.impersonated}" if actor.impersonated else user

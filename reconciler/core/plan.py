"""A plan: the ordered writes that would put a set of drifts right, and its digest."""

import json
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import takewhile
from typing import Any, TypeAlias, assert_never

from reconciler.core.diff import is_reordering, item_of, merge_keys, same
from reconciler.core.drift import Change, ChangeType, Hidden
from reconciler.core.path import Item, Path, value_at, with_value
from reconciler.core.resource import JsonObject, ResourceKey


@dataclass(frozen=True, slots=True)
class Create:
    """Make an object that is declared and missing.

    Attributes:
        key: The object.
        api_version: As declared.
        body: What to send. Not masked: never rendered.
        sealed: Whether fields of it came encrypted: of such an object the server isn't quoted.
    """

    key: ResourceKey
    api_version: str
    body: JsonObject
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class Replace:
    """Put fields of a live object right, leaving alone what rules explain.

    Attributes:
        key: The object.
        api_version: As declared.
        body: The live object with the drifted fields put right. Not masked: never rendered.
        changes: What it puts right, masked; for people.
        live_digest: Digest of the live object without status and server-set metadata: the
            action is void once that moves.
        sealed: As in `Create`.
    """

    key: ResourceKey
    api_version: str
    body: JsonObject
    changes: tuple[Change, ...]
    live_digest: str
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class Recreate:
    """Delete an object and make it anew, since a field that drifted can't be changed.

    Attributes:
        key: The object.
        api_version: As declared.
        body: What to make. Not masked: never rendered.
        changes: What it puts right, masked; for people.
        live_digest: As in `Replace`.
        uid: The live object's uid; only that one is deleted.
        sealed: As in `Create`.
    """

    key: ResourceKey
    api_version: str
    body: JsonObject
    changes: tuple[Change, ...]
    live_digest: str
    uid: str
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class Delete:
    """Prune an object that is live in the target's scope and not declared.

    Attributes:
        key: The object.
        api_version: As read.
        live_digest: As in `Replace`.
        uid: The live object's uid; only that one is deleted.
        sealed: As in `Create`.
    """

    key: ResourceKey
    api_version: str
    live_digest: str
    uid: str
    sealed: bool = False


@dataclass(frozen=True, slots=True)
class Evict:
    """Have a pod go, as its disruption budget allows, so that its controller makes a new one.

    Attributes:
        key: The pod.
        api_version: As read.
        uid: The pod's uid; only that one goes.
        owner: The declared object that makes it anew.
        evidence: What was kept of it first, in words; empty where nothing was to be.
    """

    key: ResourceKey
    api_version: str
    uid: str
    owner: ResourceKey
    evidence: str = ""


@dataclass(frozen=True, slots=True)
class Quarantine:
    """Take a pod out of service and keep it: it loses its labels, and the network.

    Without the labels its controller lets go of it and makes a new one, and no Service names it.

    Attributes:
        key: The pod.
        api_version: As read.
        uid: The pod's uid; only that one is taken out.
        owner: The declared object that makes a new one.
        evidence: As in `Evict`.
    """

    key: ResourceKey
    api_version: str
    uid: str
    owner: ResourceKey
    evidence: str = ""


Action: TypeAlias = Create | Replace | Recreate | Delete | Evict | Quarantine


def subject_of(action: Action) -> tuple[ResourceKey, bool]:
    """Gives what an action is about, as `Drift.subject` has it."""
    return action.key, isinstance(action, Evict | Quarantine)


@dataclass(frozen=True, slots=True)
class Held:
    """A drift that the plan leaves alone.

    Attributes:
        key: The object.
        reason: Why, and what would change that.
    """

    key: ResourceKey
    reason: str


@dataclass(frozen=True, slots=True)
class Plan:
    """The ordered writes.

    Attributes:
        target: The target's name.
        revision: What Git says.
        actions: In the order in which they are carried out.
        held: What is left alone.
        digest: `p-` and 16 hex digits over the writes, the revision and what is live now.
    """

    target: str
    revision: str
    actions: tuple[Action, ...]
    held: tuple[Held, ...]
    digest: str


def keeping(expected: JsonObject, hidden: Iterable[Hidden], live: JsonObject) -> JsonObject:
    """Puts back, into what is expected, the live values that rules explain.

    They come from the objects themselves: the changes' own values may be masked.

    Args:
        expected: What Git alone would make of the object.
        hidden: What differs and is explained, in the order in which it was found.
        live: The live object.

    Returns:
        The body to replace the object with: `expected`, but for what is explained.
    """
    body = expected
    for each in hidden:
        path = each.change.path
        match each.change.change:
            case ChangeType.ADDED:
                body = _with_added(body, path, live)
            case ChangeType.REMOVED:
                body = _without_removed(body, path, expected, live)
            case ChangeType.CHANGED:
                body = with_value(body, path, _changed(each.change, value_at(body, path), live))
            case _:
                assert_never(each.change.change)
    return body


def _with_added(body: JsonObject, path: Path, live: JsonObject) -> JsonObject:
    value, step = value_at(live, path), path[-1]
    there, members = value_at(live, path[:-1]), value_at(body, path[:-1])
    if isinstance(step, str) or not isinstance(members, list):
        added: JsonObject = with_value(body, path, value)
        return added
    at = step if isinstance(step, int) else _place_of(step, members, there)
    with_it: JsonObject = with_value(body, path[:-1], [*members[:at], value, *members[at:]])
    return with_it


def _place_of(step: Item, members: list[Any], there: list[Any]) -> int:
    """Says where a keyed list's item belongs: behind what it stands behind in the live list."""
    names = [name for name, _ in step.keys]
    before = takewhile(lambda item: not step.matches(item), there)
    known = [item_of(item, tuple(names)) for item in before]
    places = [at for at, item in enumerate(members, 1) if any(key.matches(item) for key in known)]
    return max(places, default=0)


def _without_removed(
    body: JsonObject, path: Path, expected: JsonObject, live: JsonObject
) -> JsonObject:
    members = value_at(body, path[:-1])
    if isinstance(members, list) and isinstance(path[-1], int):
        # Its index is that in the expected list, which other rules may have changed since.
        gone = value_at(expected, path)
        at = next((at for at, member in enumerate(members) if same(member, gone)), len(members))
        body = with_value(body, path[:-1], members[:at] + members[at + 1 :])
    else:
        body = with_value(body, path, None)
    # A map of which every field is gone was removed as a whole.
    for end in range(len(path) - 1, 0, -1):
        if value_at(body, path[:end]) or value_at(live, path[:end]) is not None:
            break
        body = with_value(body, path[:end], None)
    return body


def _changed(change: Change, members: Any, live: JsonObject) -> Any:
    """Gives the live value; of lists that only changed their order, only that."""
    value = value_at(live, change.path)
    of_order = is_reordering(change, value)
    of_common = isinstance(value, list) and change.masked is None and change.live != value
    if not (isinstance(members, list) and (of_order or of_common)):
        return value
    keys = merge_keys(members, value, None)
    ranks = {_identity(member, keys): rank for rank, member in enumerate(value)}
    places = [at for at, member in enumerate(members) if _identity(member, keys) in ranks]
    ordered = sorted((members[at] for at in places), key=lambda m: ranks[_identity(m, keys)])
    in_order = dict(enumerate(members)) | dict(zip(places, ordered, strict=True))
    return list(in_order.values())


def _identity(member: Any, keys: tuple[str, ...]) -> object:
    return item_of(member, keys) if keys else json.dumps(member, sort_keys=True)

"""A plan: the ordered writes that would put a set of drifts right, and its digest."""

from dataclasses import dataclass
from typing import TypeAlias

from reconciler.core.drift import Change
from reconciler.core.resource import JsonObject, ResourceKey


@dataclass(frozen=True, slots=True)
class Create:
    """Make an object that is declared and missing.

    Attributes:
        key: The object.
        api_version: As declared.
        body: What to send. Not masked: never rendered.
    """

    key: ResourceKey
    api_version: str
    body: JsonObject


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
    """

    key: ResourceKey
    api_version: str
    body: JsonObject
    changes: tuple[Change, ...]
    live_digest: str


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
    """

    key: ResourceKey
    api_version: str
    body: JsonObject
    changes: tuple[Change, ...]
    live_digest: str
    uid: str


@dataclass(frozen=True, slots=True)
class Delete:
    """Prune an object that is live in the target's scope and not declared.

    Attributes:
        key: The object.
        api_version: As read.
        live_digest: As in `Replace`.
        uid: The live object's uid; only that one is deleted.
    """

    key: ResourceKey
    api_version: str
    live_digest: str
    uid: str


Action: TypeAlias = Create | Replace | Recreate | Delete


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

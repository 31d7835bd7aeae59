"""Every field of one object, each with where it comes from: DESIGN's first idea, made visible."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reconciler.core.desired import Manifest, SourceLocation
from reconciler.core.diff import item_of, merge_keys
from reconciler.core.drift import Change, ChangeType, Hidden
from reconciler.core.live import SERVER_METADATA
from reconciler.core.ownership import FieldManager, Ownership
from reconciler.core.path import Path, value_at
from reconciler.core.redact import mask
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.schema import Node


class Origin(StrEnum):
    """Where a live field's value comes from."""

    DECLARED = "declared"  # Git says so
    DEFAULTED = "defaulted"  # the server (or a webhook) makes it of the declaration
    CONTROLLER = "controller"  # a built-in rule: a controller whose job it is
    IGNORED = "ignored"  # a rule of the user's
    SERVER = "server"  # the server's own metadata
    STATUS = "status"  # reported, never desired
    DRIFT = "drift"  # none of these


@dataclass(frozen=True, slots=True)
class FieldOrigin:
    """One field (a leaf, or a subtree that came whole) and its origin.

    Attributes:
        path: Where.
        value: The live value, masked where it is secret; None where drift removed it.
        origin: Where it comes from.
        source: For a declared field, file and line.
        by: Who set it, where managedFields say.
        reason: The rule's reason, for `controller` and `ignored`.
        change: For drift, what differs.
    """

    path: Path
    value: Any
    origin: Origin
    source: SourceLocation | None = None
    by: FieldManager | None = None
    reason: str = ""
    change: Change | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """One object, explained.

    Attributes:
        key: The object.
        api_version: In which version it was read.
        uid: Empty where it isn't live.
        source: Where it is declared; None where it isn't.
        revision: What Git says, as a commit's hash.
        checked_at: When, RFC 3339 in UTC.
        note: Such as that the object is missing, unmanaged or unreadable.
        fields: In the order of the object.
    """

    key: ResourceKey
    api_version: str
    uid: str
    source: SourceLocation | None
    revision: str
    checked_at: str
    note: str
    fields: tuple[FieldOrigin, ...]


def explain(
    key: ResourceKey,
    manifest: Manifest | None,
    live: JsonObject,
    changes: Sequence[Change],
    hidden: Sequence[Hidden],
    user_rules: frozenset[str],
    node: Node | None,
) -> tuple[FieldOrigin, ...]:
    """Accounts for every field of a live object.

    Args:
        key: The object.
        manifest: Its declaration, None where there is none.
        live: The live object as read.
        changes: What drifted, masked.
        hidden: What differs and is explained, masked.
        user_rules: Names of the rules that the user wrote.
        node: What is known of the kind's fields, for lists' merge keys.
    """
    ownership = Ownership(live)
    accounts = _Accounts(key, manifest, changes, hidden, user_rules)
    fields = [
        accounts.of(path, value, ownership.owner(path, value))
        for path, value in _leaves(live, node, ())
    ]
    removed = [change for change in changes if change.change is ChangeType.REMOVED]
    fields.extend(
        FieldOrigin(change.path, None, Origin.DRIFT, change=change, by=change.by)
        for change in removed
    )
    return tuple(fields)


@dataclass(frozen=True, slots=True)
class _Accounts:
    key: ResourceKey
    manifest: Manifest | None
    changes: Sequence[Change]
    hidden: Sequence[Hidden]
    user_rules: frozenset[str]

    def of(self, path: Path, value: Any, by: FieldManager | None) -> FieldOrigin:
        """Says where one live field comes from."""
        shown = mask(self.key, path, value)
        if path[0] == "status":
            return FieldOrigin(path, shown, Origin.STATUS, by=by)
        if path[0] == "metadata" and path[1] in SERVER_METADATA:
            return FieldOrigin(path, shown, Origin.SERVER)
        change = next((c for c in self.changes if _covers(c, path)), None)
        if change is not None:
            return FieldOrigin(path, shown, Origin.DRIFT, by=change.by or by, change=change)
        hidden = next((h for h in self.hidden if _covers(h.change, path)), None)
        if hidden is not None:
            origin = Origin.IGNORED if hidden.rule in self.user_rules else Origin.CONTROLLER
            reason = f"{hidden.rule}: {hidden.reason}"
            return FieldOrigin(path, shown, origin, by=by, reason=reason)
        if self.manifest is not None and value_at(self.manifest.body, path) is not None:
            return FieldOrigin(path, shown, Origin.DECLARED, source=self.manifest.source, by=by)
        if self.manifest is None:
            return FieldOrigin(path, shown, Origin.DRIFT, by=by)
        return FieldOrigin(path, shown, Origin.DEFAULTED, by=by)


def _covers(change: Change, path: Path) -> bool:
    return change.change is not ChangeType.REMOVED and change.path == path[: len(change.path)]


def _leaves(value: Any, node: Node | None, path: Path) -> Iterator[tuple[Path, Any]]:
    """Walks to every value that holds no others; an empty map or list is one too."""
    if isinstance(value, Mapping) and value and path != ("metadata", "managedFields"):
        for name, child in value.items():
            yield from _leaves(child, node.field(name) if node else None, (*path, name))
    elif isinstance(value, list) and value and path != ("metadata", "managedFields"):
        keys = merge_keys(value, (), node)
        for index, child in enumerate(value):
            step = item_of(child, keys) if keys else index
            yield from _leaves(child, node.item if node else None, (*path, step))
    else:
        yield path, value

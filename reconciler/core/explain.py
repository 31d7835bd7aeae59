"""Every field of one object, each with where it comes from: DESIGN's first idea, made visible."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from reconciler.core.desired import Manifest, SourceLocation
from reconciler.core.diff import is_reordering, item_of, merge_keys
from reconciler.core.drift import Change, ChangeType, Hidden
from reconciler.core.ignore import IgnoreRule
from reconciler.core.live import SERVER_METADATA
from reconciler.core.ownership import FieldManager, Ownership
from reconciler.core.path import Item, Path, value_at
from reconciler.core.redact import mask, named
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
    rules: Sequence[IgnoreRule] = (),
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
        rules: What may explain a field of an object in sync, which nobody looked at singly.
    """
    ownership = Ownership(live)
    speaking = tuple(rule for rule in rules if rule.matches_object(key))
    accounts = _Accounts(key, manifest, live, changes, hidden, user_rules, speaking)
    fields = [
        accounts.of(path, value, ownership.owner(path, value))
        for path, value in _leaves(live, node, ())
    ]
    fields.extend(accounts.removed())
    return tuple(fields)


@dataclass(frozen=True, slots=True)
class _Accounts:
    key: ResourceKey
    manifest: Manifest | None
    live: JsonObject
    changes: Sequence[Change]
    hidden: Sequence[Hidden]
    user_rules: frozenset[str]
    rules: Sequence[IgnoreRule]

    def of(self, path: Path, value: Any, by: FieldManager | None) -> FieldOrigin:
        """Says where one live field comes from."""
        seals = self.manifest.seals if self.manifest is not None else ()
        shown = mask(self.key, named(path, self.live), value, seals)
        if path[0] == "status":
            return FieldOrigin(path, shown, Origin.STATUS, by=by)
        if path[0] == "metadata" and path[1] in SERVER_METADATA:
            return FieldOrigin(path, shown, Origin.SERVER)
        change = next((c for c in self.changes if self._covers(c, path)), None)
        if change is not None:
            return FieldOrigin(path, shown, Origin.DRIFT, by=change.by or by, change=change)
        hidden = next((h for h in self.hidden if self._covers(h.change, path)), None)
        if hidden is not None:
            return self._hidden(hidden, path, shown, by)
        if self.manifest is None:
            return FieldOrigin(path, shown, Origin.DRIFT, by=by)
        if _declares(self.manifest.body, path, value):
            return FieldOrigin(path, shown, Origin.DECLARED, source=self.manifest.source, by=by)
        added = Change(path, ChangeType.ADDED, None, value, by=by)
        rule = next((rule for rule in self.rules if rule.matches(added)), None)
        if rule is not None:
            return self._hidden(Hidden(added, rule.name, rule.reason), path, shown, by)
        return FieldOrigin(path, shown, Origin.DEFAULTED, by=by)

    def removed(self) -> Iterator[FieldOrigin]:
        """Accounts for what is declared and not live: drift, or explained by a rule."""
        for change in self.changes:
            if change.change is ChangeType.REMOVED:
                yield FieldOrigin(change.path, None, Origin.DRIFT, change=change)
        for hidden in self.hidden:
            if hidden.change.change is ChangeType.REMOVED:
                yield self._hidden(hidden, hidden.change.path, None, None)

    def _hidden(
        self, hidden: Hidden, path: Path, shown: Any, by: FieldManager | None
    ) -> FieldOrigin:
        origin = Origin.IGNORED if hidden.rule in self.user_rules else Origin.CONTROLLER
        return FieldOrigin(path, shown, origin, by=by, reason=f"{hidden.rule}: {hidden.reason}")

    def _covers(self, change: Change, path: Path) -> bool:
        """Whether a change speaks of a live field; one of a list's order speaks of none."""
        return (
            change.change is not ChangeType.REMOVED
            and change.path == path[: len(change.path)]
            and not is_reordering(change, value_at(self.live, change.path))
        )


def _declares(body: Any, path: Path, value: Any) -> bool:
    """Whether a declaration names a field, in its own words.

    Its lists may lack merge keys that have defaults, such as a port's protocol, and members that
    were added to the live list move the others' indexes.
    """
    if body is None:
        return False
    if not path:
        return True
    step, rest = path[0], path[1:]
    if isinstance(step, str):
        if step == "data" and isinstance(body, Mapping) and body.get("kind") == "Secret":
            folded = value_at(body, ("stringData", *rest)) is not None
            return folded or value_at(body, path) is not None
        return isinstance(body, Mapping) and _declares(body.get(step), rest, value)
    members = body if isinstance(body, list) else []
    if isinstance(step, Item):
        found = (item for item in members if _may_be(step, item))
        return any(_declares(item, rest, value) for item in found)
    inside = _declares(members[step], rest, value) if rest and step < len(members) else False
    return inside or (not rest and value in members)


def _may_be(step: Item, item: object) -> bool:
    if not isinstance(item, Mapping):
        return False
    shared = [(key, value) for key, value in step.keys if key in item]
    return bool(shared) and all(item[key] == value for key, value in shared)


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

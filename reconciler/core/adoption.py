"""What Git would have to say for what is live to be right; and what it can't be made to say."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, assert_never

from reconciler.core.diff import same
from reconciler.core.drift import Change, ChangeType, Drift, DriftType, Hidden
from reconciler.core.live import comparable
from reconciler.core.normalize import expect
from reconciler.core.path import Item, Path, Step, format_path, value_at, with_value
from reconciler.core.plan import keeping
from reconciler.core.redact import mask
from reconciler.core.resource import JsonObject, ResourceKey, metadata_of
from reconciler.core.schema import Node

_NEVER = "its value is a secret, and none is ever written to Git: change it where it is kept"


@dataclass(frozen=True, slots=True)
class Left:
    """Something that Git isn't made to say.

    Attributes:
        drift: The drift's id.
        key: The object.
        path: The field; empty where the whole object is meant.
        reason: Why, in a sentence without secrets.
    """

    drift: str
    key: ResourceKey
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Adopted:
    """A drift that is none any more once Git says what the files say.

    Attributes:
        drift: The drift; of its changes only those that are adopted.
        files: The files that were changed for it.
    """

    drift: Drift
    files: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Adoption:
    """What makes Git say what is live, as far as it could be found out and was proven.

    Attributes:
        target: The target's name.
        revision: The commit (or plain folder) that the files begin from.
        files: By path, what each file is to hold; None for one that goes.
        before: The same files as they are; None for one that isn't there.
        adopted: What is adopted by that.
        left: What isn't.
        secrets: Texts in these files that nobody is to be shown.
    """

    target: str
    revision: str
    files: Mapping[str, str | None]
    before: Mapping[str, str | None]
    adopted: tuple[Adopted, ...]
    left: tuple[Left, ...]
    secrets: frozenset[str] = frozenset()


def refusal(drift: Drift, live: JsonObject | None) -> str:
    """Says why a drift as a whole can't be adopted; empty where it may be possible."""
    match drift.type:
        case DriftType.UNREADABLE:
            return f"its state is unknown: {drift.note}"
        case DriftType.PENDING:
            return "Git has moved on since: adopting what is live would take a newer commit back"
        case DriftType.UNMANAGED:
            if live is None:
                return "it is gone"
            if metadata_of(live).get("ownerReferences"):
                return "another object owns it: it comes and goes with that one"
            body = _without_server_fields(live)
            if mask(drift.key, (), body) != body:
                return "it holds a secret, and none is ever written to Git"
        case (
            DriftType.POD_SPEC
            | DriftType.FILE
            | DriftType.PROCESS
            | DriftType.SESSION
            | DriftType.PORT
            | DriftType.IMAGE
        ):
            return "Git declares no running pod: what its image and its template hold is adopted"
        case DriftType.MISSING | DriftType.MODIFIED:
            pass
        case _:
            assert_never(drift.type)
    if drift.key.name.endswith("*"):
        return "the server makes up its name, so no manifest names it"
    return ""


def parts(drift: Drift) -> tuple[tuple[Change, ...], tuple[Left, ...]]:
    """Gives a modified object's changes that may be adopted, and why the others may not."""
    wanted, left = [], []
    for change in drift.changes:
        if change.masked is None:
            wanted.append(change)
        else:
            left.append(Left(drift.id, drift.key, format_path(change.path), _NEVER))
    return tuple(wanted), tuple(left)


def located(path: Path, body: object) -> Path:
    """Gives a path as it leads into a declaration, in which items may lack defaulted keys.

    A port that is declared without its protocol is `ports[containerPort=80,protocol=TCP]` in what
    the server makes of it.
    """
    steps: list[Step] = []
    for step in path:
        found = _item_like(step, body) if isinstance(step, Item) else step
        steps.append(found)
        body = value_at(body, (found,))
    return tuple(steps)


def _item_like(step: Item, items: object) -> Item:
    members = (
        [each for each in items if isinstance(each, Mapping)] if isinstance(items, list) else []
    )
    if any(step.matches(each) for each in members):
        return step
    like = [
        Item(tuple((key, value) for key, value in step.keys if key in each))
        for each in members
        if all(each.get(key, value) == value for key, value in step.keys)
    ]
    return like[0] if len(like) == 1 and like[0].keys else step


def declaring(declared: JsonObject, changes: Iterable[Change], live: JsonObject) -> JsonObject:
    """Gives a declaration that says of these fields what is live.

    Args:
        declared: The declaration, or any part of one, such as a patch.
        changes: Which fields; their values are taken from the live object.
        live: The live object.
    """
    body = declared
    for change in changes:
        there = located(change.path, live)
        path = located(change.path, body)
        if path == change.path:
            path = there
        value = value_at(live, there)
        lived = live if value_at(live, path) == value else with_value(live, path, value)
        body = keeping(body, [Hidden(replace(change, path=path), "", "")], lived)
    return body


def leaned(
    declared: JsonObject, changes: Sequence[Change], live: JsonObject, node: Node | None
) -> JsonObject:
    """Gives the live object, with what the server fills in by itself taken out of added values.

    Args:
        declared: What Git says of it now.
        changes: What is to be declared.
        live: The live object.
        node: What is known of its kind.
    """
    if node is None:
        return live
    lean = live
    for change in changes:
        is_tree = isinstance(value_at(live, change.path), Mapping | list)
        if not is_tree or change.change is ChangeType.REMOVED or isinstance(change.path[-1], int):
            continue
        body = declaring(declared, [change], live)
        path = _indexed(located(change.path, body), body)
        lean = with_value(lean, change.path, value_at(_bare(body, path, live, node), path))
    return lean


def _indexed(path: Path, body: object) -> Path:
    """Gives a path whose steps hold while merge keys come and go: with items by their place."""
    steps: list[Step] = []
    for step in path:
        found: Step = step
        if isinstance(step, Item) and isinstance(body, list):
            found = next(at for at, each in enumerate(body) if step.matches(each))
        steps.append(found)
        body = value_at(body, (found,))
    return tuple(steps)


def declaration_of(live: JsonObject, node: Node | None) -> JsonObject:
    """Gives a manifest of a live object that nobody has declared.

    Args:
        live: The object as read.
        node: What is known of its kind; None if nothing: then the server's defaults stay in it.
    """
    body = _without_server_fields(live)
    if node is not None:
        for name in [*body]:
            if name not in ("apiVersion", "kind"):
                body = _bare(body, (name,), live, node)
    metadata = {k: v for k, v in metadata_of(body).items() if v not in ({}, [])}
    first = {"apiVersion": body["apiVersion"], "kind": body["kind"], "metadata": metadata}
    return {**first, **{k: v for k, v in body.items() if k not in first}}


def _without_server_fields(live: JsonObject) -> JsonObject:
    body = comparable(live)
    metadata = dict(metadata_of(body))
    annotations = {
        name: value
        for name, value in (metadata.get("annotations") or {}).items()
        if "last-applied" not in name
    }
    metadata.pop("generateName", None)
    metadata.pop("annotations", None)
    if annotations:
        metadata["annotations"] = annotations
    # A declaration's usual order, as kubectl writes it too: by name.
    order = sorted(metadata, key=lambda name: (name != "name", name != "namespace", name))
    return {**body, "metadata": {name: metadata[name] for name in order}}


def _bare(body: JsonObject, path: Path, live: JsonObject, node: Node) -> JsonObject:
    """Takes out of a value whatever the server fills in again by itself."""

    def made(candidate: JsonObject) -> tuple[JsonObject, int]:
        expected = expect(candidate, live, node)
        return expected.body, len(expected.unproven)

    return _barer(body, path, made, made(body))


def _barer(
    body: JsonObject,
    path: Path,
    made: Callable[[JsonObject], tuple[JsonObject, int]],
    goal: tuple[JsonObject, int],
) -> JsonObject:
    value = value_at(body, path)
    if isinstance(value, Mapping):
        for name in [*value]:
            inner = (*path, str(name))
            if inner in (("metadata", "name"), ("metadata", "namespace")):
                continue
            candidate = with_value(body, inner, None)
            told, unproven = made(candidate)
            if unproven <= goal[1] and same(told, goal[0]):
                body = candidate
            else:
                body = _barer(body, inner, made, goal)
    elif isinstance(value, list):
        for at in range(len(value)):
            body = _barer(body, (*path, at), made, goal)
    return body


def secrets_in(key: ResourceKey, body: object) -> frozenset[str]:
    """Gives the texts of an object that a report would not show."""
    return frozenset(_hidden(body, mask(key, (), body)))


def _hidden(value: Any, masked: Any) -> Iterable[str]:
    if isinstance(value, Mapping) and isinstance(masked, Mapping):
        for name, child in value.items():
            yield from _hidden(child, masked.get(name))
    elif isinstance(value, list) and isinstance(masked, list):
        for child, shown in zip(value, masked, strict=True):
            yield from _hidden(child, shown)
    elif isinstance(value, str) and value != masked:
        yield value

"""Which drifts a rule of a policy speaks of, change by change and field by field."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from reconciler.core.drift import Change, Drift, DriftType, Severity
from reconciler.core.path import Item, Path, is_prefix, parse_pattern
from reconciler.core.resource import ResourceKey

_RANK: Mapping[Severity, int] = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class Place:
    """One field of one drift: what a rule is asked about.

    Attributes:
        drift: The drift.
        labels: The object's labels.
        change: The change that the field is in; None where the whole object is meant.
        path: The field; empty where the whole object is meant.
    """

    drift: Drift
    labels: Mapping[str, str]
    change: Change | None = None
    path: Path = ()


@dataclass(frozen=True, slots=True)
class Selector:
    """What a rule speaks of; what isn't given doesn't matter. All that is given must hold.

    Attributes:
        kind: With wildcards, as are the next three. All four may also be those of the declared
            workload whose pod drifted: pods' names come and go.
        group: API group.
        namespace: Empty for cluster-scoped objects.
        object_name: The object's name.
        labels: Labels that the live object has (the declared one, where it isn't live). Whoever
            may edit the object may change them.
        path: A field with everything below it, with wildcards; whole objects (missing or
            unmanaged ones) have none.
        types: Types of drift; empty for any.
        severity: The drift matters at least that much.
        managers: Field managers, with wildcards; empty for any, also for none. Nobody knows who
            removed a field: it is of these only if all who may have done it are. Of an unmanaged
            object it is who made it.
    """

    kind: str = "*"
    group: str = "*"
    namespace: str = "*"
    object_name: str = "*"
    labels: tuple[tuple[str, str], ...] = ()
    path: str = ""
    types: tuple[DriftType, ...] = ()
    severity: Severity = Severity.LOW
    managers: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Refuses a path that can't be read.

        Raises:
            ValueError: It isn't a path: the message says where.
        """
        parse_pattern(self.path)

    def matches_drift(self, drift: Drift, labels: Mapping[str, str]) -> bool:
        """Whether the drift's object, type and severity are meant."""
        return (
            any(self._matches_key(key) for key in (drift.key, drift.owner) if key is not None)
            and all(labels.get(name) == value for name, value in self.labels)
            and (not self.types or drift.type in self.types)
            and _RANK[drift.severity] <= _RANK[self.severity]
        )

    def _matches_key(self, key: ResourceKey) -> bool:
        return (
            fnmatchcase(key.kind, self.kind)
            and fnmatchcase(key.group, self.group)
            and fnmatchcase(key.namespace, self.namespace)
            and fnmatchcase(key.name, self.object_name)
        )

    def matches(self, place: Place) -> bool:
        """Whether this field of this drift is meant."""
        return (
            self.matches_drift(place.drift, place.labels)
            and (not self.path or is_prefix(parse_pattern(self.path), place.path))
            and (not self.managers or _is_by(place, self.managers))
        )


def _is_by(place: Place, managers: Sequence[str]) -> bool:
    change, maker = place.change, place.drift.by
    if change is not None:
        authors = (change.by,) if change.by else change.candidates
    else:
        authors = (maker,) if maker else ()
    return bool(authors) and all(
        any(fnmatchcase(author.manager, wanted) for wanted in managers) for author in authors
    )


def places(
    drift: Drift, labels: Mapping[str, str], selectors: Iterable[Selector]
) -> tuple[Place, ...]:
    """Gives the fields of a drift that rules may tell apart, at least one.

    A change of a whole subtree holds several fields where a rule speaks of one in it: each is
    asked about, so that who may undo one doesn't undo the others with it.
    """
    speaking = [each for each in selectors if each.path and each.matches_drift(drift, labels)]
    patterns = [parse_pattern(each.path) for each in speaking]
    found = [
        Place(drift, labels, change, path)
        for change in drift.changes
        for path in _parts(change, max(map(len, patterns), default=0))
    ]
    return tuple(found) or (Place(drift, labels),)


def _parts(change: Change, depth: int) -> Iterator[Path]:
    """Gives the paths of a change's fields, down to a depth; its own where it has none in it."""
    paths = {
        path: None
        for value in (change.desired, change.live)
        for path in _inside(change.path, value, depth)
    }
    # A side that has nothing there has no part that the other one hasn't.
    yield from [path for path in paths if path != change.path] or [change.path]


def _inside(path: Path, value: object, depth: int) -> Iterator[Path]:
    children: list[tuple[Path, object]] = []
    if len(path) < depth and isinstance(value, Mapping):
        children = [((*path, str(name)), child) for name, child in value.items()]
    elif len(path) < depth and isinstance(value, list):
        children = [((*path, _step(at, child)), child) for at, child in enumerate(value)]
    for inner, child in children:
        yield from _inside(inner, child, depth)
    if not children:
        yield path


def _step(index: int, child: object) -> int | Item:
    """Names a list's item, by its name where it has one."""
    name = child.get("name") if isinstance(child, Mapping) else None
    return Item((("name", name),)) if isinstance(name, str) else index

"""Takes over from the live object what Git doesn't mention and the server filled in."""

from collections.abc import Mapping
from enum import Enum
from typing import Any

from reconciler.core.normalize import allocated
from reconciler.core.normalize.owned import SOMEBODY, Owners, owners_of
from reconciler.core.normalize.skew import is_gated, is_newer_default
from reconciler.core.path import Item, Path
from reconciler.core.schema import Node, Shape

_NOTHING: Any = object()

_GATED = "missing from the live object: removed by hand, or a feature gate of the server is off"


class _Record(Enum):
    """How much managedFields tell."""

    WHOLE = "managedFields tell all"
    PARTIAL = "managedFields don't tell of all fields, or tell of another version's"
    MISSING = "managedFields are missing"


class Takeover:
    """One object's walk beside its live counterpart.

    Attributes:
        carried: What was taken over.
        unproven: What was taken over without proof that the server filled it in.
        hidden: How much of it one of Kubernetes' own controllers set.
    """

    def __init__(self, live: Mapping[str, Any]) -> None:
        self._live = live
        self._places = allocated.allocations(live)
        self._owners, there, whole = owners_of(live)
        self._record = _Record.MISSING
        if there:
            self._record = _Record.WHOLE if whole else _Record.PARTIAL
        self.carried: list[Path] = []
        self.unproven: list[tuple[Path, str]] = []
        self.hidden = 0

    def body(self, mine: dict[str, Any], theirs: dict[str, Any], node: Node | None) -> Any:
        """Gives the expected body with what is taken over from the live one."""
        return self._maps(mine, theirs, node, (), (), self._owners)

    def _maps(
        self,
        mine: dict[str, Any],
        theirs: dict[str, Any],
        node: Node | None,
        path: Path,
        place: allocated.Place,
        owners: Owners,
    ) -> dict[str, Any]:
        made = dict(mine)
        atomic = node is not None and node.atomic
        # Of an unknown type a value without owned parts may be one that is owned as a whole.
        whole = node is None or atomic
        for name, their in theirs.items():
            if name in mine:
                my = mine[name]
                if my == their:
                    continue
                child = node.field(name) if node is not None else None
                made[name] = self._values(
                    my, their, child, (*path, name), (*place, name), owners.field(name, whole)
                )
            elif not atomic or their is None or (*place, name) in self._places:
                child = node.field(name) if node is not None else None
                got = self._only_live(
                    their, child, (*path, name), (*place, name), owners.field(name, whole)
                )
                if got is not _NOTHING:
                    made[name] = got
        if len(made) > len(theirs) or made.keys() - theirs.keys():
            for name in mine.keys() - theirs.keys():
                if is_newer_default(node, name, mine[name]):
                    del made[name]
                elif is_gated(node, name):
                    del made[name]
                    self.unproven.append(((*path, name), _GATED))
        return made

    def _values(
        self,
        my: Any,
        their: Any,
        node: Node | None,
        path: Path,
        place: allocated.Place,
        owners: Owners,
    ) -> Any:
        allocation = self._allocation(place)
        if allocation is not None and allocation.replaces:
            got = self._allocated(their, allocation, path, owners)
            return my if got is _NOTHING else got
        if isinstance(my, dict) and isinstance(their, dict):
            return self._maps(my, their, node, path, place, owners)
        if not (isinstance(my, list) and isinstance(their, list)):
            return my
        if place == ("metadata", "finalizers"):
            return self._finalizers(my, their, path, owners)
        if place == ("spec", "tolerations") and self._live.get("kind") == "Pod":
            return self._tolerations(my, their, path, owners)
        keys = self._merge_keys(my, their, node)
        if keys:
            return self._keyed(my, their, keys, node, path, place, owners)
        if len(my) == len(their):
            return [
                self._maps(m, t, _inside(node), (*path, at), (*place, "*"), SOMEBODY)
                if isinstance(m, dict) and isinstance(t, dict) and m != t and not _is_atomic(node)
                else m
                for at, (m, t) in enumerate(zip(my, their, strict=True))
            ]
        return my

    def _merge_keys(self, my: list[Any], their: list[Any], node: Node | None) -> tuple[str, ...]:
        if node is None or not node.merge_keys or node.atomic:
            return ()
        both = [*my, *their]
        return node.merge_keys if all(isinstance(item, dict) for item in both) else ()

    def _keyed(
        self,
        my: list[dict[str, Any]],
        their: list[dict[str, Any]],
        keys: tuple[str, ...],
        node: Node | None,
        path: Path,
        place: allocated.Place,
        owners: Owners,
    ) -> list[dict[str, Any]]:
        item = node.item if node is not None else None
        mine = {_key(entry, keys): entry for entry in my}
        live = {_key(entry, keys): entry for entry in their}
        if len(mine) < len(my) or len(live) < len(their):
            return my
        made: dict[tuple[Any, ...], dict[str, Any]] = {}
        for key, entry in live.items():
            step = Item(tuple((k, v) for k, v in zip(keys, key, strict=True) if v is not None))
            inner = owners.item(dict(step.keys), False)
            where, spot = (*path, step), (*place, "*")
            if key not in mine:
                before = len(self.carried), len(self.unproven), self.hidden
                if self._only_live(entry, item, where, spot, inner) == entry:
                    made[key] = entry
                else:
                    self._forget(*before)
            elif mine[key] == entry:
                made[key] = entry
            else:
                made[key] = self._maps(mine[key], entry, item, where, spot, inner)
        if [key for key in made if key in mine] == list(mine):
            return list(made.values())
        first = [made.get(key, entry) for key, entry in mine.items()]
        return [*first, *(entry for key, entry in made.items() if key not in mine)]

    def _forget(self, carried: int, unproven: int, hidden: int) -> None:
        """Takes back what was taken over of an item that as a whole is somebody's."""
        del self.carried[carried:]
        del self.unproven[unproven:]
        self.hidden = hidden

    def _finalizers(self, my: list[Any], their: list[Any], path: Path, owners: Owners) -> list[Any]:
        extra = [
            name
            for name in their
            if name not in my
            and (
                allocated.is_kubernetes_finalizer(name)
                or (self._record is _Record.WHOLE and not owners.member(name, False).anybody)
            )
        ]
        if not extra:
            return my
        self.carried.extend((*path, their.index(name)) for name in extra)
        self.hidden += sum(owners.member(name, False).anybody for name in extra)
        kept = [name for name in their if name in my or name in extra]
        return kept if [name for name in kept if name in my] == my else [*my, *extra]

    def _tolerations(
        self, my: list[Any], their: list[Any], path: Path, owners: Owners
    ) -> list[Any]:
        appended = allocated.tolerations(my, their)
        if appended is None:
            return my
        self.carried.extend((*path, at) for at in range(len(my), len(their)))
        return appended

    def _only_live(
        self, value: Any, node: Node | None, path: Path, place: allocated.Place, owners: Owners
    ) -> Any:
        """Gives what of a value that only the live object has is to be taken over."""
        if value is None:
            # Older servers print some empty fields, such as a template's creationTimestamp; to a
            # Go type null is no value.
            return None if node is not None and not node.custom else _NOTHING
        if place == ("metadata", "finalizers") and isinstance(value, list):
            return self._finalizers([], value, path, owners) or _NOTHING
        if place == ("spec", "tolerations") and self._live.get("kind") == "Pod":
            return self._tolerations([], value, path, owners) or _NOTHING
        allocation = self._allocation(place)
        if allocation is not None:
            got = self._allocated(value, allocation, path, owners)
            if got is not _NOTHING:
                return got
        if self._record is not _Record.MISSING and not owners.anybody:
            self.carried.append(path)
            if self._record is _Record.PARTIAL:
                self.unproven.append((path, self._record.value))
            return value
        if isinstance(value, dict) and not (node is not None and node.atomic):
            made = self._maps({}, value, node, path, place, owners)
            return made if any(inner is not None for inner in made.values()) else _NOTHING
        if isinstance(value, list):
            keys = self._merge_keys([], value, node)
            return (
                self._keyed([], value, keys, node, path, place, owners) if keys else []
            ) or _NOTHING
        return _NOTHING

    def _allocation(self, place: allocated.Place) -> allocated.Allocation | None:
        if place[:2] == ("metadata", "annotations") and len(place) == 3:
            return allocated.annotation(place[2])
        return self._places.get(place)

    def _allocated(
        self, value: Any, allocation: allocated.Allocation, path: Path, owners: Owners
    ) -> Any:
        if not allocation.matches(value, self._live):
            return _NOTHING
        if not allocation.certain and owners.anybody and not owners.control_plane:
            return _NOTHING
        self.carried.append(path)
        self.hidden += owners.anybody
        if self._record is not _Record.WHOLE and not owners.anybody:
            doubt = allocation.doubted(value, self._live)
            if doubt:
                self.unproven.append((path, f"{self._record.value}: {doubt}"))
        return value


def _key(entry: Mapping[str, Any], keys: tuple[str, ...]) -> tuple[Any, ...]:
    return tuple(_hashable(entry.get(key)) for key in keys)


def _hashable(value: Any) -> Any:
    return value if isinstance(value, str | int | float | None) else repr(value)


def _inside(node: Node | None) -> Node | None:
    return node.item if node is not None else None


def _is_atomic(node: Node | None) -> bool:
    return node is not None and node.shape is Shape.LIST and node.atomic and node.custom

"""The objects of one scope as a LIST and the events after it make them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from reconciler.adapters.cluster.sharing import Sharing
from reconciler.adapters.cluster.transport import JSON
from reconciler.adapters.cluster.watch_events import BOOKMARK, DELETED, WatchEvent, is_later
from reconciler.core.errors import PlumblineError
from reconciler.core.resource import JsonObject, ResourceKey, ResourceKind

_METADATA = "application/json;as=PartialObjectMetadata{};g=meta.k8s.io;v=v1,application/json"


@dataclass(frozen=True, slots=True)
class Scope:
    """What one watch is of.

    Attributes:
        kind: Which kind, in which version.
        namespace: In which namespace; empty for all, and for kinds without.
        versions_only: Whether only the objects' names and resourceVersions are kept.
    """

    kind: ResourceKind
    namespace: str = ""
    versions_only: bool = False

    def covers(self, key: ResourceKey) -> bool:
        """Whether an object is of this scope."""
        kind = self.kind
        is_of_kind = (kind.group, kind.kind) == (key.group, key.kind)
        return is_of_kind and self.namespace in ("", key.namespace)

    def accept(self, suffix: str = "") -> str:
        """Gives the form in which objects are wanted, or, by its suffix, a `List` of them."""
        return _METADATA.format(suffix) if self.versions_only else JSON


@dataclass(frozen=True, slots=True)
class Seen:
    """What a watch has to say.

    Attributes:
        objects: All objects of its scope; empty where `unread` isn't.
        unread: Why they can't be told; empty where they can.
        unreachable: The error, where that is because the server can't be reached.
    """

    objects: dict[ResourceKey, JsonObject]
    unread: str = ""
    unreachable: PlumblineError | None = None


@dataclass(slots=True)
class KeptObjects:
    """Objects of one scope; guarded by the lock of the watch.

    Attributes:
        versions_only: As in `Scope`.
        spaces: Of a scope of all namespaces, those whose objects are kept; empty for all.
        objects: What is kept. An object is replaced when it moves, never changed.
        version: The resourceVersion that all of it is as of.
    """

    versions_only: bool
    spaces: frozenset[str] = frozenset()
    objects: dict[ResourceKey, JsonObject] = field(default_factory=dict)
    version: str = ""
    _sharing: Sharing = field(default_factory=Sharing)
    #: Uids of objects that `put` found gone before the watch has told so.
    _gone: set[str] = field(default_factory=set)

    def covers(self, spaces: frozenset[str]) -> bool:
        """Whether the objects of these namespaces (of all, if empty) are kept."""
        return not self.spaces or bool(spaces and spaces <= self.spaces)

    def share(self, body: JsonObject) -> JsonObject:
        """Gives an object that was just decoded, with what it has in common with others shared."""
        return self._sharing.shared(body)

    def wanted(
        self, listed: Iterable[tuple[ResourceKey, JsonObject]]
    ) -> dict[ResourceKey, JsonObject]:
        """Gives what of a LIST, whose objects are shared, is to be kept, as it is kept."""
        return {key: self._form(body) for key, body in listed if self._is_wanted(key)}

    def replace(self, objects: dict[ResourceKey, JsonObject], version: str) -> bool:
        """Takes what a LIST gave; says whether any object is another than before."""
        moved = _versions(objects) != _versions(self.objects)
        self.objects, self.version = objects, version
        self._gone.clear()
        return moved

    def put(self, key: ResourceKey, body: JsonObject | None) -> bool:
        """Takes what one object is now, None for none, ahead of what the watch still brings.

        Returns:
            Whether it is another than before.
        """
        known = self.objects.get(key)
        if body is None or not self._is_wanted(key):
            if known is not None and _uid_of(known):
                self._gone.add(_uid_of(known))
            return self.objects.pop(key, None) is not None
        if known is not None and not _is_newer(body, known):
            return False
        self.objects[key] = self._form(self.share(body))
        return True

    def apply(self, event: WatchEvent) -> bool:
        """Takes an event; says whether any object is another than before."""
        # A refresh may have been ahead of what the watch still brings.
        if not is_later(event.version, self.version):
            return False
        self.version = event.version
        if event.type == BOOKMARK or not self._is_wanted(event.key) or self._is_known(event):
            return False
        if event.type == DELETED:
            return self.objects.pop(event.key, None) is not None
        self.objects[event.key] = self._form(self.share(event.body))
        return True

    def _form(self, body: JsonObject) -> JsonObject:
        if self.versions_only:
            return {"metadata": {"resourceVersion": _version_of(body)}}
        return body

    def _is_known(self, event: WatchEvent) -> bool:
        """Whether `put` was ahead of this."""
        uid, known = _uid_of(event.body), self.objects.get(event.key)
        if uid in self._gone:
            if event.type == DELETED:
                self._gone.discard(uid)
            return True
        if known is None or (event.type == DELETED and _uid_of(known) == uid):
            return False
        return not _is_newer(event.body, known)

    def _is_wanted(self, key: ResourceKey) -> bool:
        return not self.spaces or key.namespace in self.spaces


def _version_of(body: JsonObject) -> Any:
    return body["metadata"].get("resourceVersion")


def _uid_of(body: JsonObject) -> str:
    return str(body["metadata"].get("uid") or "")


def _is_newer(body: JsonObject, than: JsonObject) -> bool:
    return is_later(str(_version_of(body) or ""), str(_version_of(than) or ""))


def _versions(objects: dict[ResourceKey, JsonObject]) -> dict[ResourceKey, Any]:
    return {key: _version_of(body) for key, body in objects.items()}

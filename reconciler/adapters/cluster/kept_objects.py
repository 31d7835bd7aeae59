"""The objects of one scope as a LIST and the events after it make them."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from reconciler.adapters.cluster.sharing import Sharing
from reconciler.adapters.cluster.transport import JSON
from reconciler.adapters.cluster.watch_events import BOOKMARK, DELETED, WatchEvent, is_later
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

    def accept(self, suffix: str = "") -> str:
        """Gives the form in which objects are wanted, or, by its suffix, a `List` of them."""
        return _METADATA.format(suffix) if self.versions_only else JSON


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
        return moved

    def apply(self, event: WatchEvent) -> bool:
        """Takes an event; says whether any object is another than before."""
        # A refresh may have been ahead of what the watch still brings.
        if not is_later(event.version, self.version):
            return False
        self.version = event.version
        if event.type == BOOKMARK or not self._is_wanted(event.key):
            return False
        if event.type == DELETED:
            return self.objects.pop(event.key, None) is not None
        self.objects[event.key] = self._form(self.share(event.body))
        return True

    def _form(self, body: JsonObject) -> JsonObject:
        if self.versions_only:
            return {"metadata": {"resourceVersion": _version_of(body)}}
        return body

    def _is_wanted(self, key: ResourceKey) -> bool:
        return not self.spaces or key.namespace in self.spaces


def _version_of(body: JsonObject) -> Any:
    return body["metadata"].get("resourceVersion")


def _versions(objects: dict[ResourceKey, JsonObject]) -> dict[ResourceKey, Any]:
    return {key: _version_of(body) for key, body in objects.items()}

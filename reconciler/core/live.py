"""The live side: what the cluster holds, and what of it could not be read."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from reconciler.core.resource import JsonObject, ResourceKey, ResourceKind, metadata_of

#: What the server itself writes into `metadata`, which no declaration decides
#: (k8s.io/apimachinery/pkg/apis/meta/v1/types.go, ObjectMeta: "populated by the system").
SERVER_METADATA: frozenset[str] = frozenset(
    {
        "creationTimestamp",
        "deletionGracePeriodSeconds",
        "deletionTimestamp",
        "generation",
        "managedFields",
        "resourceVersion",
        "selfLink",
        "uid",
    }
)


#: The annotation by which people say yes to a plan, see `core.annotated`.
APPROVE_ANNOTATION: Final = "plumbline.dev/approve"


def comparable(body: JsonObject) -> JsonObject:
    """Gives the part of an object that a declaration can decide.

    Returns:
        A shallow copy without `status` and without the metadata that the server sets.
    """
    kept = {name: value for name, value in body.items() if name != "status"}
    kept["metadata"] = {k: v for k, v in metadata_of(body).items() if k not in SERVER_METADATA}
    return kept


def judged_part(body: JsonObject) -> JsonObject:
    """Gives what a person judges of a live object: `comparable`, without how they say yes to it."""
    part = comparable(body)
    annotations = metadata_of(body).get("annotations")
    if not isinstance(annotations, dict) or APPROVE_ANNOTATION not in annotations:
        return part
    others = {name: value for name, value in annotations.items() if name != APPROVE_ANNOTATION}
    metadata = {name: value for name, value in part["metadata"].items() if name != "annotations"}
    part["metadata"] = {**metadata, "annotations": others} if others else metadata
    return part


@dataclass(frozen=True, slots=True)
class Listing:
    """One question to the cluster: all objects of a kind, in some namespaces.

    Attributes:
        kind: Which kind, in which version.
        namespaces: In which namespaces; empty for all (and for cluster-scoped kinds).
    """

    kind: ResourceKind
    namespaces: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Unread:
    """Something that could not be read: whether its objects exist is unknown.

    Attributes:
        group: The API group.
        kind: The kind; empty where the whole group couldn't be read.
        namespace: The namespace; empty where all were meant.
        reason: Why, in a sentence without secrets.
    """

    group: str
    kind: str
    namespace: str
    reason: str

    def covers(self, key: ResourceKey) -> bool:
        """Whether the object of this key is among what couldn't be read."""
        return (
            self.group == key.group
            and self.kind in ("", key.kind)
            and self.namespace in ("", key.namespace)
        )


@dataclass(frozen=True, slots=True)
class LiveState:
    """Everything read in one run.

    Attributes:
        objects: By `apiVersion` as read, then by key. The same object may be there under two
            versions, where manifests declare both.
        unread: What couldn't be read.
    """

    objects: Mapping[str, Mapping[ResourceKey, JsonObject]]
    unread: tuple[Unread, ...] = ()

    def find(self, api_version: str, key: ResourceKey) -> JsonObject | None:
        """Gives the object as this version shows it; None where it isn't live or wasn't read."""
        return self.objects.get(api_version, {}).get(key)

    def why_unread(self, key: ResourceKey) -> str | None:
        """Says why this object couldn't be read, or None where it could."""
        for unread in self.unread:
            if unread.covers(key):
                return unread.reason
        return None

    def each(self) -> Iterator[tuple[str, ResourceKey, JsonObject]]:
        """Gives every object once, with the version it was read in."""
        seen: set[ResourceKey] = set()
        for api_version, objects in self.objects.items():
            for key, body in objects.items():
                if key not in seen:
                    seen.add(key)
                    yield api_version, key, body

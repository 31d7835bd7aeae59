"""What names an object and a kind of object."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeAlias

#: One decoded JSON object. Kubernetes' objects are open, so their values are `Any`.
JsonObject: TypeAlias = dict[str, Any]


class ResourceKey(NamedTuple):
    """Which object: the same for every version under which its group is served.

    A named tuple, whose hash and equality are ten times as fast as a dataclass's: every object
    of a cluster is looked up by it several times a run.

    Attributes:
        group: The API group, empty for the core group.
        kind: The kind, such as `Deployment`.
        namespace: The namespace, empty for a cluster-scoped object.
        name: The name; for an object that only has `generateName`, that prefix and a `*`.
    """

    group: str
    kind: str
    namespace: str
    name: str

    def __str__(self) -> str:
        place = f"{self.namespace}/{self.name}" if self.namespace else self.name
        return f"{self.kind} {place}"


@dataclass(frozen=True, slots=True, order=True)
class ResourceKind:
    """One kind as the API server serves it.

    Attributes:
        group: The API group, empty for the core group.
        version: Such as `v1`.
        kind: Such as `Deployment`.
        plural: The word in its address, such as `deployments`.
        namespaced: Whether its objects live in namespaces.
        verbs: What the server offers, such as `list`, `update`; not what this user may do.
        short_names: Such as `deploy`; what people type.
    """

    group: str
    version: str
    kind: str
    plural: str
    namespaced: bool
    verbs: frozenset[str] = frozenset()
    short_names: tuple[str, ...] = ()

    @property
    def api_version(self) -> str:
        """The `apiVersion` that a manifest of this kind carries."""
        return f"{self.group}/{self.version}" if self.group else self.version


@dataclass(frozen=True, slots=True)
class Catalog:
    """All kinds that a cluster (or a dump) knows, read once a run.

    Attributes:
        server_version: The server's `gitVersion`; empty for a dump.
        kinds: By `(apiVersion, kind)`, every served version of every kind.
        preferred: By `(group, kind)`, the `apiVersion` that the server prefers.
        unreadable: By `group/version`, why its discovery failed. A kind of such a group is
            unknown, not absent.
        partial: Why any other kind is unknown too; empty where `kinds` are all there are. A dump
            holds only what was dumped.
    """

    server_version: str
    kinds: Mapping[tuple[str, str], ResourceKind]
    preferred: Mapping[tuple[str, str], str]
    unreadable: Mapping[str, str]
    partial: str = ""

    def find(self, api_version: str, kind: str) -> ResourceKind | None:
        """Gives the kind served under exactly this `apiVersion`, or None."""
        return self.kinds.get((api_version, kind))

    def why_unknown(self, api_version: str, kind: str) -> str | None:
        """Says why it can't be told whether this kind is served, or None where it can."""
        reason = self.unreadable.get(api_version)
        if reason is None and self.partial and self.find(api_version, kind) is None:
            return self.partial
        return reason


def split_api_version(api_version: str) -> tuple[str, str]:
    """Splits `apps/v1` into group and version; the core group is the empty string."""
    group, _, version = api_version.rpartition("/")
    return group, version


def metadata_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Gives an object's metadata, empty where there is none."""
    metadata = body.get("metadata")
    return metadata if isinstance(metadata, Mapping) else {}

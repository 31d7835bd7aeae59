"""A dump in place of a cluster: what it doesn't hold is unknown, unless it shows otherwise."""

from collections.abc import Callable, Collection, Mapping, Sequence
from typing import IO

from reconciler.adapters.cluster.dump_files import read_dump
from reconciler.core.desired import CLUSTER_SCOPED
from reconciler.core.live import Listing, LiveState, Unread
from reconciler.core.report import Requests
from reconciler.core.resource import (
    Catalog,
    JsonObject,
    ResourceKey,
    ResourceKind,
    metadata_of,
    split_api_version,
)
from reconciler.core.schema import Schema, from_definitions

#: What any kind of which an object was dumped can be asked for; that an object may be deleted
#: makes it one that is looked for when it isn't declared.
_VERBS = frozenset({"delete", "get", "list"})


class DumpLive:
    """A dump; implements `ports.Live`.

    Of a kind of which it holds an object, in a namespace of which it holds one, it is taken to
    hold all: what is declared there and not in it is missing. Anything else is unknown, since
    nobody can tell what `kubectl get` was asked for.
    """

    def __init__(self, bodies: Sequence[JsonObject], *, bundled: Callable[[], Schema]) -> None:
        """Sorts a dump's objects; of two of one name the later wins.

        Args:
            bodies: The objects.
            bundled: Gives what is known of built-in kinds.
        """
        self._bundled = bundled
        self._bodies = bodies
        self._objects: dict[str, dict[ResourceKey, JsonObject]] = {}
        for body in bodies:
            api_version, key = _named(body)
            self._objects.setdefault(api_version, {})[key] = body
        self._kinds = self._kinds_dumped()
        self._namespaces = {
            key.namespace for objects in self._objects.values() for key in objects
        } | {
            key.name
            for objects in self._objects.values()
            for key in objects
            if (key.group, key.kind) == ("", "Namespace")
        }

    @classmethod
    def open(cls, path: str, *, stdin: IO[bytes], bundled: Callable[[], Schema]) -> "DumpLive":
        """Reads a dump.

        Args:
            path: A file, a folder, or `-` for standard input.
            stdin: Standard input.
            bundled: Gives what is known of built-in kinds.

        Raises:
            ClusterError: It can't be read, or holds something else, or nothing.
        """
        return cls(read_dump(path, stdin), bundled=bundled)

    def catalog(self) -> Catalog:
        """Gives the kinds that the dump holds objects of; see `ports.Live`."""
        preferred: dict[tuple[str, str], str] = {}
        for kind in self._kinds.values():
            preferred.setdefault((kind.group, kind.kind), kind.api_version)
        return Catalog(
            server_version="",
            kinds=self._kinds,
            preferred=preferred,
            unreadable={},
            partial="the dump holds no object of this kind and version: dump that kind too",
        )

    def read(self, listings: Sequence[Listing]) -> LiveState:
        """Gives what the dump holds; see `ports.Live`."""
        objects: dict[str, dict[ResourceKey, JsonObject]] = {}
        unread: list[Unread] = []
        for listing in listings:
            kind = listing.kind
            if (kind.api_version, kind.kind) not in self._kinds:
                reason = (
                    f"the dump holds no {kind.kind} of {kind.api_version}, which doesn't prove "
                    f"that there is none: dump {kind.plural} too"
                )
                unread.append(Unread(kind.group, kind.kind, "", reason))
                continue
            spaces = listing.namespaces if kind.namespaced else frozenset()
            objects.setdefault(kind.api_version, {}).update(
                (key, body)
                for key, body in self._objects[kind.api_version].items()
                if key.kind == kind.kind and (not spaces or key.namespace in spaces)
            )
            for space in sorted(spaces - self._namespaces):
                reason = f"the dump holds nothing of namespace {space}: dump it too, by -A"
                unread.append(Unread(kind.group, kind.kind, space, reason))
        return LiveState(objects, tuple(unread))

    def schema(self, kinds: Collection[ResourceKind]) -> Schema:
        """Gives what is known of built-in kinds, and of those that dumped CRDs define."""
        bundled = self._bundled()
        custom = from_definitions(self._bodies)
        return bundled.extended(custom) if custom else bundled

    @property
    def requests(self) -> Requests:
        """None were made."""
        return Requests()

    def _kinds_dumped(self) -> dict[tuple[str, str], ResourceKind]:
        defined = _defined(self._bodies)
        namespaced = {
            (key.group, key.kind)
            for objects in self._objects.values()
            for key in objects
            if key.namespace
        }
        kinds: dict[tuple[str, str], ResourceKind] = {}
        for api_version, objects in self._objects.items():
            for key in objects:
                named = (key.group, key.kind)
                kinds[api_version, key.kind] = ResourceKind(
                    group=key.group,
                    version=split_api_version(api_version)[1],
                    kind=key.kind,
                    plural=defined.get(named) or _plural(key.kind),
                    namespaced=named in namespaced and named not in CLUSTER_SCOPED,
                    verbs=_VERBS,
                )
        return kinds


def _named(body: JsonObject) -> tuple[str, ResourceKey]:
    api_version, kind = str(body["apiVersion"]), str(body["kind"])
    metadata = metadata_of(body)
    namespace = str(metadata.get("namespace") or "")
    group, _ = split_api_version(api_version)
    return api_version, ResourceKey(group, kind, namespace, str(metadata["name"]))


def _defined(bodies: Sequence[JsonObject]) -> Mapping[tuple[str, str], str]:
    """Gives the plurals of the kinds that dumped CRDs define."""
    plurals = {}
    for body in bodies:
        if body["kind"] == "CustomResourceDefinition":
            spec = body.get("spec") or {}
            names = spec.get("names") or {}
            plurals[str(spec.get("group")), str(names.get("kind"))] = str(names.get("plural") or "")
    return plurals


def _plural(kind: str) -> str:
    """Guesses as the API server does for kinds that name none (meta.UnsafeGuessKindToResource)."""
    lower = kind.lower()
    if lower.endswith("s"):
        return f"{lower}es"
    return f"{lower[:-1]}ies" if lower.endswith("y") else f"{lower}s"

"""Which objects a look at a target must read: what is declared, and what may be unmanaged."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase

from reconciler.core.desired import DesiredState
from reconciler.core.live import Listing, LiveState
from reconciler.core.resource import (
    Catalog,
    JsonObject,
    ResourceKey,
    ResourceKind,
    metadata_of,
    split_api_version,
)

#: Of so many kinds that couldn't be read each is told with its reason; of more, one reason.
_TOLD_IN_FULL = 2


@dataclass(frozen=True, slots=True)
class TransientKind:
    """Kinds whose objects are never declared and come and go by themselves.

    Attributes:
        group: The API group, with wildcards.
        kind: The kind, with wildcards.
        reason: Why its objects are never unmanaged.
    """

    group: str
    kind: str
    reason: str

    def matches(self, kind: ResourceKind) -> bool:
        """Whether the kind is one of these."""
        return fnmatchcase(kind.group, self.group) and fnmatchcase(kind.kind, self.kind)


def listings(
    desired: DesiredState,
    catalog: Catalog,
    namespaces: frozenset[str],
    transient: Iterable[TransientKind],
) -> tuple[Listing, ...]:
    """Says what to read: one listing for each kind, declared ones first.

    Args:
        desired: What is declared; its kinds are read in the version that it names.
        catalog: What the server serves.
        namespaces: Where unmanaged objects are looked for; empty for nowhere.
        transient: Kinds that are never unmanaged.
    """
    declared: dict[ResourceKind, set[str]] = {}
    for key, manifest in desired.resources.items():
        kind = catalog.find(manifest.api_version, manifest.kind)
        if kind is not None:
            declared.setdefault(kind, set()).add(key.namespace)
    wanted = {kind: frozenset(spaces - {""}) for kind, spaces in declared.items()}
    if namespaces:
        _add_scope(wanted, catalog, namespaces, tuple(transient))
    return tuple(Listing(kind, spaces) for kind, spaces in wanted.items())


def _add_scope(
    wanted: dict[ResourceKind, frozenset[str]],
    catalog: Catalog,
    namespaces: frozenset[str],
    transient: tuple[TransientKind, ...],
) -> None:
    already = {(kind.group, kind.kind): kind for kind in wanted}
    for (group, name), api_version in catalog.preferred.items():
        kind = already.get((group, name)) or catalog.find(api_version, name)
        if kind is None or not kind.namespaced or not kind.verbs >= {"list", "delete"}:
            continue
        if any(each.matches(kind) for each in transient):
            continue
        wanted[kind] = wanted.get(kind, frozenset()) | namespaces


#: What makes pods, by group and kind, and of which kind the objects are that stand between it and
#: them, or that keep the templates which it once had.
_MAKERS: Mapping[tuple[str, str], tuple[tuple[str, str], ...]] = {
    ("apps", "Deployment"): (("apps", "ReplicaSet"),),
    ("apps", "StatefulSet"): (("apps", "ControllerRevision"),),
    ("apps", "DaemonSet"): (("apps", "ControllerRevision"),),
    ("apps", "ReplicaSet"): (),
    ("batch", "Job"): (),
    ("batch", "CronJob"): (("batch", "Job"),),
    ("", "ReplicationController"): (),
    ("", "Pod"): (),
}
_POD = ("", "Pod")


def with_pods(
    listed: Sequence[Listing],
    desired: DesiredState,
    catalog: Catalog,
    namespaces: frozenset[str],
) -> tuple[Listing, ...]:
    """Adds what tells of the target's pods: a listing for each kind, and none for each pod.

    Args:
        listed: What is read already, see `listings`.
        desired: What is declared; pods are looked for where it has something that makes them.
        catalog: What the server serves.
        namespaces: Where unmanaged objects are looked for, and so pods that nothing makes.
    """
    wanted = {each.kind: each.namespaces for each in listed}
    known = {(kind.group, kind.kind): kind for kind in wanted}
    for (group, name), spaces in pod_kinds(desired, namespaces).items():
        kind = known.get((group, name)) or catalog.find(
            catalog.preferred.get((group, name), ""), name
        )
        if kind is not None:
            wanted[kind] = wanted.get(kind, frozenset()) | spaces
    return tuple(Listing(kind, places) for kind, places in wanted.items())


def pod_kinds(
    desired: DesiredState, namespaces: frozenset[str]
) -> Mapping[tuple[str, str], frozenset[str]]:
    """Says what must be read to tell of a target's pods: by group and kind, in which namespaces.

    Args:
        desired: What is declared.
        namespaces: Where unmanaged objects are looked for.
    """
    spaces: dict[tuple[str, str], set[str]] = {_POD: set(namespaces)}
    for key in desired.resources:
        between = _MAKERS.get((key.group, key.kind))
        for each in (_POD, *between) if between is not None else ():
            spaces.setdefault(each, set()).add(key.namespace)
    return {kind: frozenset(places) for kind, places in spaces.items() if places}


def unseen(
    live: LiveState,
    catalog: Catalog,
    namespaces: frozenset[str],
    transient: Sequence[TransientKind],
) -> tuple[str, ...]:
    """Says where unmanaged objects could not be looked for.

    A sentence a namespace: a user without rights would else read one for each kind there is.
    """
    places: dict[str, list[str]] = {}
    for unread in live.unread:
        if unread.namespace and unread.namespace not in namespaces:
            continue
        what = unread.kind or f"the group {unread.group or 'core'}"
        where = f" in {unread.namespace}" if unread.namespace else ""
        places.setdefault(where, []).append(f"{what} ({unread.reason})")
    for api_version, reason in catalog.unreadable.items():
        group, _ = split_api_version(api_version)
        if not any(each.kind == "*" and fnmatchcase(group, each.group) for each in transient):
            places.setdefault("", []).append(f"{api_version} ({reason})")
    return tuple(_unseen(where, found) for where, found in places.items())


def _unseen(where: str, found: Sequence[str]) -> str:
    names = [each.partition(" (")[0] for each in found]
    if len(found) <= _TOLD_IN_FULL:
        return f"nothing unmanaged could be found{where} among {', '.join(found)}"
    return (
        f"nothing unmanaged could be found{where} among {', '.join(names)}; "
        f"the first of these: {found[0].partition(' (')[2].removesuffix(')')}"
    )


def bind_generated(
    desired: DesiredState, live: Mapping[str, Mapping[ResourceKey, JsonObject]]
) -> DesiredState:
    """Gives every object that only has `generateName` the name of its newest live one.

    An object of which none is live keeps its prefix and `*` for a name.
    """
    if not any(key.name.endswith("*") for key in desired.resources):
        return desired
    resources = {}
    for key, manifest in desired.resources.items():
        if not manifest.is_generated:
            resources[key] = manifest
            continue
        found = [
            (str(metadata_of(body).get("creationTimestamp") or ""), each)
            for each, body in live.get(manifest.api_version, {}).items()
            if (each.kind, each.namespace) == (key.kind, key.namespace)
            and each not in desired.resources
            and metadata_of(body).get("generateName") == key.name.removesuffix("*")
        ]
        newest = max(found, default=None)
        resources[newest[1] if newest else key] = manifest
    return DesiredState(desired.revision, resources, desired.notes)

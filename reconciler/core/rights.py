"""Which rights (kubernetes.io/docs/reference/access-authn-authz/rbac) a target needs, no more."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Final, NamedTuple

from reconciler.core.desired import DesiredState, Manifest
from reconciler.core.live import Listing
from reconciler.core.resource import Catalog, ResourceKey, ResourceKind

#: What a look needs of every kind that it reads; `watch` to be told of what moves.
READING: Final = ("get", "list", "watch")
#: What a restore needs of the declared kinds, and dry runs as well.
WRITING: Final = ("create", "update")
#: What pruning needs of them besides.
PRUNING: Final = ("delete",)

#: What writing roles and bindings needs besides, where these hold more rights than the writer.
GRANTING: Final = ("escalate", "bind")
#: Leases by which replicas agree who acts: their own ones, in the namespace that they run in.
LEASES: Final = ("get", "list", "create", "update", "delete")

#: What telling of drift by Kubernetes Events needs, and where those on objects without a namespace
#: are (k8s.io/kubernetes/pkg/apis/core/validation/events.go).
_EVENTS: Final = ("events.k8s.io", "events", ("get", "create", "update"))
_EVENTS_HOME: Final = "default"
#: What keeping reports of drift needs, and their kinds: in a namespace, and in none.
_REPORTING: Final = ("get", "create", "update", "delete")
_REPORTS: Final = (
    ("wgpolicyk8s.io/v1alpha2", "PolicyReport", "ClusterPolicyReport"),
    ("openreports.io/v1alpha1", "Report", "ClusterReport"),
)
#: What hearing node agents needs: their tokens are reviewed, and nobody is believed about a pod
#: that isn't on his node; nodes that are gone are forgotten.
_AGENTS: Final = (
    ("authentication.k8s.io", "tokenreviews", "create"),
    ("", "pods", "get"),
    ("", "pods", "list"),
    ("", "nodes", "get"),
)

_RBAC: Final = "rbac.authorization.k8s.io"
_ROLES: Final = {"Role": "roles", "ClusterRole": "clusterroles"}
_BINDINGS: Final = ("RoleBinding", "ClusterRoleBinding")


class Part(StrEnum):
    """Which part an installation plays."""

    READER = "reader"  # only looks, and compares offline
    RESTORER = "restorer"  # restores, and asks by dry runs


class Right(NamedTuple):
    """One thing that must be allowed.

    Attributes:
        namespace: Where; empty for kinds without a namespace.
        group: The API group, empty for the core group.
        plural: The kind's word in addresses, such as `deployments`.
        verb: Such as `list`.
        name: Of which object alone; empty for all of them.
    """

    namespace: str
    group: str
    plural: str
    verb: str
    name: str = ""


@dataclass(frozen=True, slots=True)
class Needs:
    """What a target needs.

    Attributes:
        rights: The rights.
        unknown: Declared kinds, as `apiVersion kind`, that are neither served nor defined by what
            is declared: nobody knows the words for their rights.
    """

    rights: frozenset[Right]
    unknown: frozenset[str] = frozenset()


def declared_kinds(
    desired: DesiredState, catalog: Catalog
) -> tuple[dict[ResourceKind, set[str]], set[str]]:
    """Says which kinds are declared where, and which declared ones aren't served.

    Returns:
        The namespaces by kind (the empty one for kinds without), and `apiVersion kind` of those
        that the catalog doesn't have.
    """
    known: dict[ResourceKind, set[str]] = {}
    unknown: set[str] = set()
    for key, manifest in desired.resources.items():
        kind = catalog.find(manifest.api_version, manifest.kind)
        if kind is None:
            unknown.add(f"{manifest.api_version} {manifest.kind}")
        else:
            known.setdefault(kind, set()).add(key.namespace)
    return known, unknown


def needs_of(
    desired: DesiredState,
    catalog: Catalog,
    listings: Sequence[Listing],
    part: Part,
    *,
    prunes: bool = False,
) -> Needs:
    """Says what a target needs.

    Args:
        desired: What is declared.
        catalog: What the server serves.
        listings: What a look reads.
        part: Whether it is only looked at.
        prunes: Whether a restorer deletes what isn't declared any more.
    """
    restores = part is Part.RESTORER
    rights: set[Right] = set()
    for listing in listings:
        rights |= _of_kind(listing.kind, listing.namespaces or frozenset({""}), READING)
    declared, unknown = declared_kinds(desired, catalog)
    defined = _defined_kinds(desired)
    for key, manifest in desired.resources.items():
        kind = defined.get((key.group, key.kind))
        if f"{manifest.api_version} {manifest.kind}" in unknown and kind is not None:
            unknown.discard(f"{manifest.api_version} {manifest.kind}")
            declared.setdefault(kind, set()).add(key.namespace)
    verbs = (*WRITING, *(PRUNING if prunes else ())) if restores else ()
    for kind, spaces in declared.items():
        rights |= _of_kind(kind, spaces, (*READING, *verbs))
    if restores:
        rights |= granting_rights(desired)
    return Needs(frozenset(rights), frozenset(unknown))


def event_rights(listings: Sequence[Listing]) -> set[Right]:
    """Gives what telling by Kubernetes Events of what a look finds needs."""
    group, plural, verbs = _EVENTS
    spaces = {space or _EVENTS_HOME for space in _spaces(listings)}
    if _is_everywhere(listings):
        spaces = {""}
    return {Right(space, group, plural, verb) for space in spaces for verb in verbs}


def report_needs(listings: Sequence[Listing], catalog: Catalog) -> Needs:
    """Gives what keeping policy reports of what a look finds needs, in the formats served."""
    rights: set[Right] = set()
    for api_version, inside, everywhere in _REPORTS:
        local, cluster = catalog.find(api_version, inside), catalog.find(api_version, everywhere)
        if local is None or cluster is None:
            continue
        spaces = _spaces(listings)
        rights |= _of_kind(cluster, frozenset({""}), _REPORTING) if "" in spaces else set()
        wanted = frozenset({""}) if _is_everywhere(listings) else spaces - {""}
        rights |= _of_kind(local, wanted, _REPORTING)
    names = " or ".join(f"{api_version} {inside}" for api_version, inside, _ in _REPORTS)
    return Needs(frozenset(rights), frozenset() if rights else frozenset({names}))


def agent_rights() -> set[Right]:
    """Gives what hearing node agents needs, in the whole cluster."""
    return {Right("", *each) for each in _AGENTS}


def _spaces(listings: Sequence[Listing]) -> frozenset[str]:
    """Gives the namespaces that a look finds something in; the empty one for none."""
    found = (listing.namespaces if listing.kind.namespaced else {""} for listing in listings)
    return frozenset(space for spaces in found for space in spaces)


def _is_everywhere(listings: Sequence[Listing]) -> bool:
    """Whether a look reads objects of all namespaces."""
    return any(listing.kind.namespaced and not listing.namespaces for listing in listings)


def granting_rights(desired: DesiredState) -> set[Right]:
    """Gives what the server wants of who writes declared roles and bindings, but for the writing.

    It refuses who would grant what he hasn't, unless he may `escalate` the role or `bind` it
    (k8s.io/kubernetes/pkg/registry/rbac/escalation_check.go). The name of a role that is made isn't
    known when that is asked; that of a bound one is.
    """
    return {right for key, each in desired.resources.items() for right in _to_grant(key, each)}


def _of_kind(
    kind: ResourceKind, namespaces: set[str] | frozenset[str], verbs: Sequence[str]
) -> set[Right]:
    return {Right(space, kind.group, kind.plural, verb) for space in namespaces for verb in verbs}


def _defined_kinds(desired: DesiredState) -> dict[tuple[str, str], ResourceKind]:
    """Gives the kinds that declared definitions define, whether or not they are served yet."""
    found = {}
    for manifest in desired.resources.values():
        if manifest.kind != "CustomResourceDefinition":
            continue
        spec = manifest.body.get("spec") or {}
        names = spec.get("names") or {}
        group, kind, plural = str(spec.get("group")), str(names.get("kind")), names.get("plural")
        if plural:
            namespaced = spec.get("scope") == "Namespaced"
            found[group, kind] = ResourceKind(group, "", kind, str(plural), namespaced)
    return found


def _to_grant(key: ResourceKey, manifest: Manifest) -> Iterator[Right]:
    if key.group != _RBAC:
        return
    if key.kind in _ROLES:
        yield Right(key.namespace, _RBAC, _ROLES[key.kind], "escalate")
    elif key.kind in _BINDINGS:
        ref = manifest.body.get("roleRef") or {}
        plural = _ROLES.get(str(ref.get("kind")))
        if plural and ref.get("name"):
            yield Right(key.namespace, _RBAC, plural, "bind", str(ref["name"]))

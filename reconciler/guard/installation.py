"""Reads how the guard is, and makes it as it is to be."""

from collections.abc import Mapping, Sequence

from reconciler.core.errors import ClusterError
from reconciler.core.guard.objects import API, BINDING, POLICY
from reconciler.core.guard.standing import Standing, State
from reconciler.core.live import Listing
from reconciler.core.resource import Catalog, JsonObject, ResourceKey, ResourceKind, metadata_of
from reconciler.ports import Cluster, Writer


def policy_kinds(catalog: Catalog) -> tuple[ResourceKind, ResourceKind]:
    """Gives the kinds of policies and of bindings.

    Raises:
        ClusterError: The cluster doesn't serve them.
    """
    policy, binding = catalog.find(API, POLICY), catalog.find(API, BINDING)
    if policy is None or binding is None:
        raise ClusterError(
            f"the cluster doesn't serve {API} {POLICY}",
            fix="Kubernetes has it from 1.30 on; `plumbline guard render` needs none",
        )
    return policy, binding


def live_policies(cluster: Cluster, catalog: Catalog) -> Mapping[ResourceKey, JsonObject]:
    """Reads all policies and bindings.

    Raises:
        ClusterError: They can't be read.
    """
    state = cluster.read([Listing(kind) for kind in policy_kinds(catalog)])
    for unread in state.unread:
        raise ClusterError(
            f"{unread.kind} can't be read: {unread.reason}",
            fix="grant get and list on validatingadmissionpolicies and their bindings",
        )
    return {key: body for _, key, body in state.each()}


def carry_out(writer: Writer, catalog: Catalog, changes: Sequence[Standing]) -> None:
    """Makes, replaces and deletes what isn't as it is to be: a policy is there before its binding.

    Args:
        writer: Really writes, or asks by dry runs.
        catalog: What the server serves.
        changes: What is live and what is to be.

    Raises:
        Rejected: The server refused one of them; those before it are written.
        ClusterError: The server couldn't be reached.
    """
    kinds = {kind.kind: kind for kind in policy_kinds(catalog)}
    for each in sorted(changes, key=_turn):
        kind = kinds[each.key.kind]
        metadata = metadata_of(each.live or {})
        if each.wanted is None:
            # With a dry run, its binding is there still; the server doesn't mind.
            uid, version = (
                str(metadata.get("uid") or ""),
                str(metadata.get("resourceVersion") or ""),
            )
            writer.delete(kind, each.key, uid=uid, version=version)
        elif each.state is State.ABSENT:
            writer.create(kind, each.wanted.body)
        elif each.state is not State.SAME:
            body = each.wanted.body
            stamp = {"resourceVersion": metadata.get("resourceVersion")}
            writer.replace(kind, {**body, "metadata": {**body["metadata"], **stamp}})


def _turn(each: Standing) -> tuple[bool, bool]:
    """Deletes last, bindings before policies there, policies before bindings elsewhere."""
    goes = each.wanted is None
    return goes, (each.key.kind == BINDING) is not goes

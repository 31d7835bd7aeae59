"""Finds live objects that nobody declared and that no controller made of something declared."""

from collections.abc import Mapping, Sequence
from typing import Any

from reconciler.core.desired import DesiredState
from reconciler.core.drift import Drift, DriftType, Severity
from reconciler.core.ignore import IgnoreRule, hides_object
from reconciler.core.live import LiveState
from reconciler.core.ownership import Ownership
from reconciler.core.resource import (
    Catalog,
    JsonObject,
    ResourceKey,
    metadata_of,
    split_api_version,
)


def unmanaged(
    desired: DesiredState,
    live: LiveState,
    namespaces: frozenset[str],
    rules: Sequence[IgnoreRule],
    catalog: Catalog,
) -> tuple[list[Drift], int]:
    """Finds the unmanaged objects of some namespaces.

    An object that has an owner which is live is never told of: its owner is, if nobody declared
    that one. Nor is one whose owner could not be read: it may be declared. What is being deleted,
    or is left of an owner that was made anew under its name, goes by itself.

    Returns:
        The drifts, and how many objects were left out because a rule explains them.
    """
    if not namespaces:
        return [], 0
    declared = _declared_uids(desired, live)
    owners = {str(metadata_of(body).get("uid")) for _, _, body in live.each()}
    names = {(key.kind, key.namespace, key.name) for _, key, _ in live.each()}
    found: list[Drift] = []
    hidden = 0
    seen: set[str] = set()
    for api_version, key, body in live.each():
        uid = str(metadata_of(body).get("uid") or "")
        if key.namespace not in namespaces or key in desired.resources or uid in declared:
            continue
        # The same object may be served by two groups.
        if uid and uid in seen:
            continue
        seen.add(uid)
        references = metadata_of(body).get("ownerReferences") or ()
        if metadata_of(body).get("deletionTimestamp") or any(
            str(reference.get("uid")) in owners
            or (reference.get("kind"), key.namespace, reference.get("name")) in names
            or _is_unread(reference, key, live, catalog)
            for reference in references
        ):
            continue
        drift = _stranger(api_version, key, body)
        if any(hides_object(rule, drift) for rule in rules):
            hidden += 1
        else:
            found.append(drift)
    return found, hidden


def _is_unread(
    reference: Mapping[str, Any], dependent: ResourceKey, live: LiveState, catalog: Catalog
) -> bool:
    """Whether an owner is of what couldn't be read; it is cluster-scoped or a neighbour."""
    api_version, kind = str(reference.get("apiVersion")), str(reference.get("kind"))
    group, _ = split_api_version(api_version)
    owner = ResourceKey(group, kind, dependent.namespace, str(reference.get("name")))
    unread = catalog.why_unknown(api_version, kind) or live.why_unread(owner)
    return unread is not None


def _declared_uids(desired: DesiredState, live: LiveState) -> set[str]:
    uids = set()
    for key, manifest in desired.resources.items():
        body = live.find(manifest.api_version, key)
        if body is not None:
            uids.add(str(metadata_of(body).get("uid") or ""))
    return uids - {""}


def _stranger(api_version: str, key: ResourceKey, body: JsonObject) -> Drift:
    metadata = metadata_of(body)
    absent = [f"{o.get('kind')} {o.get('name')}" for o in metadata.get("ownerReferences") or ()]
    writers = [m for m in Ownership(body).managers if m.subresource != "status"]
    note = f"its owner {', '.join(absent)} was not found" if absent else ""
    return Drift(
        id="",
        type=DriftType.UNMANAGED,
        severity=Severity.MEDIUM,
        key=key,
        api_version=api_version,
        uid=str(metadata.get("uid") or ""),
        note=note,
        # The first writer made it; its entry's time moves on when it writes again.
        by=min(writers, default=None),
    )

"""An object's own metadata: what the server keeps of what is declared.

It reads every object's metadata, a custom resource's too, as metav1.ObjectMeta
(k8s.io/apimachinery/pkg/apis/meta/v1/types.go).
"""

from collections.abc import Mapping
from typing import Any

from reconciler.core.resource import metadata_of

_FIELDS = (
    *("name", "generateName", "namespace", "labels", "annotations", "finalizers"),
    *("ownerReferences", "uid", "resourceVersion", "generation", "selfLink", "managedFields"),
    *("creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds"),
)
_OWNER_FIELDS = ("apiVersion", "kind", "name", "uid", "controller", "blockOwnerDeletion")
_OWNER_NEEDS = ("apiVersion", "kind", "name", "uid")


def declared_metadata(declared: Mapping[str, Any], live: Mapping[str, Any]) -> dict[str, Any]:
    """Gives the metadata that a declaration decides; the name and namespace are the live ones."""
    given, there = metadata_of(declared), metadata_of(live)
    made: dict[str, Any] = {}
    for name in ("name", "namespace"):
        if there.get(name):
            made[name] = there[name]
    if given.get("generateName"):
        made["generateName"] = given["generateName"]
    for name in ("labels", "annotations"):
        entries = given.get(name)
        if entries:
            if isinstance(entries, Mapping) and None in entries.values():
                entries = {k: "" if v is None else v for k, v in entries.items()}
            made[name] = entries
    if given.get("finalizers"):
        made["finalizers"] = given["finalizers"]
    owners = given.get("ownerReferences")
    if owners:
        made["ownerReferences"] = (
            [_owner(owner) for owner in owners] if isinstance(owners, list) else owners
        )
    return made


def embedded_metadata(value: Any) -> Any:
    """Gives the metadata of an object inside a custom resource, read as ObjectMeta too.

    k8s.io/apiextensions-apiserver/pkg/apiserver/schema/objectmeta: unknown fields are dropped.
    """
    if not isinstance(value, Mapping):
        return value
    return {name: value[name] for name in _FIELDS if value.get(name)}


def _owner(given: Any) -> Any:
    if not isinstance(given, Mapping):
        return given
    made = {name: given[name] for name in _OWNER_FIELDS if given.get(name) is not None}
    return dict.fromkeys(_OWNER_NEEDS, "") | made

"""managedFields walked step by step, beside an object: does anybody own this place?"""

import json
from collections.abc import Mapping
from typing import Any

from reconciler.core.resource import metadata_of

#: Programs that are Kubernetes itself. What they set is no edit by hand.
CONTROL_PLANE: frozenset[str] = frozenset(
    {
        "clusterrole-aggregation-controller",
        "hyperkube",
        "k3s",
        "kube-controller-manager",
        "kube-scheduler",
        "openshift-controller-manager",
        "rke2",
    }
)


class Owners:
    """Who owns a place, and what they own in it. Immutable; a step gives another.

    Kept apart from `ownership.Ownership`: that one answers about one path, this one follows a
    walk. And that one takes whoever owns an empty struct for the owner of what was later put
    into it; what a webhook adds to an empty `securityContext` is nobody's.
    """

    __slots__ = ("_entries",)

    def __init__(self, entries: tuple[tuple[str, Mapping[str, Any] | None], ...]) -> None:
        #: Manager and the fields that it owns here; None where it owns all that is in here.
        self._entries = entries

    @property
    def anybody(self) -> bool:
        """Whether anybody owns this place or anything in it."""
        return bool(self._entries)

    @property
    def control_plane(self) -> bool:
        """Whether nobody but Kubernetes itself owns anything here."""
        return all(manager in CONTROL_PLANE for manager, _ in self._entries)

    def field(self, name: str, atomic: bool) -> "Owners":
        """Steps to a field; `atomic` says that the present place is owned as a whole."""
        return self._step(f"f:{name}", atomic)

    def item(self, keys: Mapping[str, Any], atomic: bool) -> "Owners":
        """Steps to a list's item by its merge keys."""
        return self._step(f"k:{_dumped(keys)}", atomic)

    def member(self, value: object, atomic: bool) -> "Owners":
        """Steps to a member of a set."""
        return self._step(f"v:{_dumped(value)}", atomic)

    def _step(self, name: str, atomic: bool) -> "Owners":
        if not self._entries:
            return self
        found: list[tuple[str, Mapping[str, Any] | None]] = []
        for manager, fields in self._entries:
            if fields is None or (atomic and not fields):
                found.append((manager, None))
            else:
                child = fields.get(name)
                if child is not None:
                    found.append((manager, child))
        return Owners(tuple(found))


#: A place of which it isn't known who owns it, only that somebody does.
SOMEBODY = Owners((("", None),))


def _dumped(value: object) -> str:
    # fieldpath.PathElement is serialized as compact JSON with sorted keys.
    return json.dumps(value, separators=(",", ":"), sort_keys=True, ensure_ascii=False)


def owners_of(live: Mapping[str, Any]) -> tuple[Owners, bool, bool]:
    """Reads an object's managedFields.

    Returns:
        Who owns it; whether there are managedFields at all; and whether they tell everything:
        who wrote the object under another version is recorded by that version's fields.
    """
    entries = metadata_of(live).get("managedFields") or ()
    owners = Owners(tuple((str(e.get("manager")), e.get("fieldsV1") or {}) for e in entries))
    version = live.get("apiVersion")
    same = all(e.get("apiVersion") == version for e in entries if e.get("subresource") != "status")
    return owners, bool(entries), same and _covered(live, entries)


def _covered(live: Mapping[str, Any], entries: Any) -> bool:
    """Whether somebody owns each part of the object: else the records were once thrown away."""
    return all(
        any(f"f:{name}" in (entry.get("fieldsV1") or {}) for entry in entries)
        for name, value in live.items()
        if value and name not in ("apiVersion", "kind", "metadata", "status")
    )

"""What the fake cluster keeps, and what it does between a write's arrival and its answer."""

import base64
import threading
import uuid
from collections.abc import Callable, Iterable, Mapping
from copy import deepcopy
from typing import Any

from reconciler.core.errors import Rejected
from reconciler.core.resource import JsonObject, ResourceKey, ResourceKind
from tests.fakes import immutable, managed_fields
from tests.fakes.journal import Journal
from tests.fakes.kinds import BUILTIN, kind_of

#: Changes an object in place.
Change = Callable[[JsonObject], None]

_TIME = "2026-11-24T12:{:02}:{:02}Z"
_KEPT = ("uid", "creationTimestamp", "generation", "managedFields", "deletionTimestamp")
_NEEDS_VERSION = frozenset({"CustomResourceDefinition", "PodDisruptionBudget", "APIService"})


class ObjectStore:
    """Objects by key, each with what the server writes into it.

    Attributes:
        kinds: What is served, by `(apiVersion, kind)`; a CRD that is stored adds to it.
        objects: Everything that is kept.
    """

    def __init__(self, kinds: Iterable[ResourceKind], defaults: Change) -> None:
        self.kinds = {(kind.api_version, kind.kind): kind for kind in kinds}
        self.objects = Journal()
        self._defaults = defaults
        self._lock = threading.RLock()

    def select(self, kind: ResourceKind, namespace: str) -> dict[ResourceKey, JsonObject]:
        """Gives copies of a kind's objects, in the version asked for."""
        with self._lock:
            return {
                key: {**deepcopy(body), "apiVersion": kind.api_version}
                for key, body in sorted(self.objects.items())
                if (key.group, key.kind) == (kind.group, kind.kind)
                and namespace in ("", key.namespace)
            }

    def write(
        self, kind: ResourceKind, body: JsonObject, manager: str, *, new: bool, dry: bool = False
    ) -> JsonObject:
        """Does what the server does between a write's arrival and its answer."""
        with self._lock:
            body = deepcopy(body)
            metadata = body.setdefault("metadata", {})
            if kind.namespaced:
                metadata.setdefault("namespace", "default")
            if new and not metadata.get("name"):
                metadata["name"] = f"{metadata['generateName']}{uuid.uuid4().hex[:5]}"
            key = key_of(kind, metadata)
            old = self.objects.get(key)
            self._must_fit(kind, key, metadata, old, new=new)
            _fold_string_data(body)
            self._defaults(body)
            revision = self.objects.revision
            after = self._completed(key, body, old, manager)
            if not dry:
                self.objects[key] = after
                self._notice_definition(after)
                return deepcopy(after)
            self.objects.revision = revision
            after = deepcopy(after)
            after["metadata"].pop("resourceVersion")
            if old is not None:
                after["metadata"]["resourceVersion"] = old["metadata"]["resourceVersion"]
            return after

    def delete(self, key: ResourceKey, *, uid: str, version: str, dry: bool = False) -> None:
        """Deletes an object; one with finalizers stays, marked."""
        with self._lock:
            old = self.objects.get(key)
            if old is None:
                raise refused(key, 404, "NotFound", "not found")
            for name, wanted in (("uid", uid), ("resourceVersion", version)):
                if wanted and old["metadata"][name] != wanted:
                    raise refused(key, 409, "Conflict", f"the {name} in the precondition differs")
            if dry:
                return
            if old["metadata"].get("finalizers"):
                old["metadata"].setdefault("deletionTimestamp", self._now())
                return
            del self.objects[key]
            if key.kind == "Namespace":
                for inside in [k for k in self.objects if k.namespace == key.name]:
                    del self.objects[inside]

    def evict(self, key: ResourceKey, *, uid: str, dry: bool = False) -> None:
        """Deletes a pod, unless a budget that selects it says that none may go."""
        with self._lock:
            pod = self.objects.get(key)
            labels = (pod or {}).get("metadata", {}).get("labels") or {}
            for other, budget in self.objects.items():
                if (other.kind, other.namespace) == ("PodDisruptionBudget", key.namespace):
                    wanted = budget["spec"]["selector"]["matchLabels"]
                    allowed = budget.get("status", {}).get("disruptionsAllowed", 0)
                    if wanted.items() <= labels.items() and not allowed:
                        text = "Cannot evict pod as it would violate the pod's disruption budget."
                        raise refused(key, 429, "TooManyRequests", text)
            self.delete(key, uid=uid, version="", dry=dry)

    def _completed(
        self, key: ResourceKey, body: JsonObject, old: JsonObject | None, manager: str
    ) -> JsonObject:
        metadata = body["metadata"]
        for name in (*_KEPT, "resourceVersion"):
            metadata.pop(name, None)
        if old is None:
            self.objects.revision += 1
            metadata |= {"uid": str(uuid.uuid4()), "creationTimestamp": self._now()}
            entries = managed_fields.updated([], {}, body, manager, self._now())
            metadata |= {"generation": 1, "managedFields": entries}
            return self._versioned(body)
        immutable.keep_allocated(old, body)
        broken = immutable.changed(old, body)
        if broken:
            raise refused(key, 422, "Invalid", "field is immutable", tuple(broken))
        if "status" in old:
            body["status"] = deepcopy(old["status"])
        else:
            body.pop("status", None)
        metadata |= {
            name: deepcopy(old["metadata"][name]) for name in _KEPT if name in old["metadata"]
        }
        if managed_fields.leaves(old) == managed_fields.leaves(body):
            return old
        self.objects.revision += 1
        if old.get("spec") != body.get("spec"):
            metadata["generation"] = old["metadata"]["generation"] + 1
        entries = old["metadata"]["managedFields"]
        metadata["managedFields"] = managed_fields.updated(entries, old, body, manager, self._now())
        return self._versioned(body)

    def _versioned(self, body: JsonObject) -> JsonObject:
        body["metadata"]["resourceVersion"] = str(self.objects.revision)
        return body

    def _must_fit(
        self,
        kind: ResourceKind,
        key: ResourceKey,
        metadata: Mapping[str, Any],
        old: JsonObject | None,
        *,
        new: bool,
    ) -> None:
        """Refuses what the server would refuse before it looks at the object itself."""
        if new and old is not None:
            raise refused(key, 409, "AlreadyExists", "already exists")
        if not new and old is None:
            raise refused(key, 404, "NotFound", "not found")
        home = ResourceKey("", "Namespace", "", key.namespace)
        if new and key.namespace not in ("", "default") and home not in self.objects:
            raise refused(key, 404, "NotFound", f'namespaces "{key.namespace}" not found')
        version = metadata.get("resourceVersion")
        if old is not None and version and version != old["metadata"]["resourceVersion"]:
            raise refused(key, 409, "Conflict", "the object has been modified")
        custom = kind not in BUILTIN
        if old is not None and not version and (custom or kind.kind in _NEEDS_VERSION):
            field = ("metadata.resourceVersion",)
            raise refused(key, 422, "Invalid", "must be specified for an update", field)

    def _notice_definition(self, body: JsonObject) -> None:
        if body["kind"] != "CustomResourceDefinition":
            return
        spec = body["spec"]
        for version in spec.get("versions") or ():
            api_version, names = f"{spec['group']}/{version['name']}", spec["names"]
            kind = kind_of(
                api_version,
                names["kind"],
                names["plural"],
                namespaced=spec["scope"] == "Namespaced",
                short_names=names.get("shortNames") or (),
            )
            self.kinds[api_version, kind.kind] = kind

    def _now(self) -> str:
        # Time goes on with every write, so that tests can tell earlier from later.
        return _TIME.format(self.objects.revision // 60 % 60, self.objects.revision % 60)


def key_of(kind: ResourceKind, metadata: Mapping[str, Any]) -> ResourceKey:
    """Gives the key of an object that has this metadata."""
    namespace = str(metadata.get("namespace") or "default") if kind.namespaced else ""
    name = str(metadata.get("name") or f"{metadata.get('generateName', '')}*")
    return ResourceKey(kind.group, kind.kind, namespace, name)


def _fold_string_data(body: JsonObject) -> None:
    if body["kind"] == "Secret" and "stringData" in body:
        plain = body.pop("stringData") or {}
        data = {k: base64.b64encode(v.encode()).decode() for k, v in plain.items()}
        body["data"] = {**(body.get("data") or {}), **data}


def refused(
    key: ResourceKey, code: int, reason: str, text: str, fields: tuple[str, ...] = ()
) -> Rejected:
    """Makes a refusal."""
    return Rejected(f"{key}: {text}", code=code, reason=reason, fields=fields)

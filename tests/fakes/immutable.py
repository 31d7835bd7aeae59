"""Fields that the API server doesn't let change once an object is there."""

from typing import Any

_FIELDS: dict[str, tuple[str, ...]] = {
    "ClusterRoleBinding": ("roleRef",),
    "DaemonSet": ("spec.selector",),
    "Deployment": ("spec.selector",),
    "Job": ("spec.template", "spec.selector", "spec.completions"),
    "PersistentVolumeClaim": ("spec.storageClassName", "spec.accessModes", "spec.volumeName"),
    "ReplicaSet": ("spec.selector",),
    "RoleBinding": ("roleRef",),
    "Service": ("spec.clusterIP",),
    "StatefulSet": ("spec.volumeClaimTemplates", "spec.serviceName", "spec.selector"),
    "StorageClass": ("provisioner", "parameters", "reclaimPolicy"),
}
#: Kept from the live object where an update doesn't name them (patchAllocatedValues).
_ALLOCATED: dict[str, tuple[str, ...]] = {
    "PersistentVolumeClaim": ("spec.volumeName",),
    "Service": ("spec.clusterIP", "spec.clusterIPs"),
}
#: The one thing about a pod's containers that may change.
_POD_MUTABLE = frozenset({"image"})


def keep_allocated(old: dict[str, Any], new: dict[str, Any]) -> None:
    """Takes over what the server has allocated."""
    for path in _ALLOCATED.get(new["kind"], ()):
        value = _at(old, path)
        if value is not None and _at(new, path) is None:
            head, _, last = path.rpartition(".")
            new.setdefault(head, {})[last] = value


def changed(old: dict[str, Any], new: dict[str, Any]) -> list[str]:
    """Names the immutable fields that an update would change."""
    kind = new["kind"]
    if kind in ("ConfigMap", "Secret") and old.get("immutable"):
        return [f for f in ("data", "binaryData", "immutable") if old.get(f) != new.get(f)]
    if kind == "Pod":
        return ["spec"] if _fixed(old) != _fixed(new) else []
    return [path for path in _FIELDS.get(kind, ()) if _at(old, path) != _at(new, path)]


def _fixed(pod: dict[str, Any]) -> dict[str, Any]:
    spec = dict(pod.get("spec") or {})
    spec["containers"] = [
        {k: v for k, v in container.items() if k not in _POD_MUTABLE}
        for container in spec.get("containers") or ()
    ]
    return spec


def _at(body: Any, path: str) -> Any:
    for name in path.split("."):
        body = body.get(name) if isinstance(body, dict) else None
    return body

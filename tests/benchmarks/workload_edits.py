"""The kinds of edits that people make by hand, one function for each."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tests.benchmarks.hand_edits import Body, Edit, EditKind

#: Where the pod's template is, by kind, of the kinds whose template may be changed.
_TEMPLATES: Mapping[str, tuple[str, ...]] = {
    "Deployment": ("spec", "template"),
    "StatefulSet": ("spec", "template"),
    "DaemonSet": ("spec", "template"),
    "ReplicaSet": ("spec", "template"),
    "ReplicationController": ("spec", "template"),
    "PodTemplate": ("template",),
    "CronJob": ("spec", "jobTemplate", "spec", "template"),
}
_MARK = "drift.example/by-hand"
_BUILT_IN = ("kubernetes.io", "k8s.io")


def pointer(*steps: str | int) -> str:
    """Writes a JSON pointer (RFC 6901)."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in steps)


def dotted(*steps: str | int) -> str:
    """Writes a path as reports do; a step that begins with `[` is taken as it is."""
    text = ""
    for step in steps:
        if isinstance(step, int):
            text += f"[{step}]"
        elif step.startswith("["):
            text += step
        elif "." in step or "/" in step:
            text += f'["{step}"]'
        else:
            text += f".{step}" if text else step
    return text


def at(body: Body, *steps: str | int) -> Any:
    """Gives what is at a place, or None."""
    value: Any = body
    for step in steps:
        if isinstance(value, Mapping):
            value = value.get(step)
        elif isinstance(value, Sequence) and isinstance(step, int) and step < len(value):
            value = value[step]
        else:
            return None
    return value


def put(body: Body, value: Any, *steps: str) -> Edit:
    """Sets a field; makes the map around it where there is none."""
    old = at(body, *steps)
    if at(body, *steps[:-1]) is None:
        around = {"op": "add", "path": pointer(*steps[:-1]), "value": {steps[-1]: value}}
        # Told as the field or as the map that came with it: both are where it is.
        return Edit([around], dotted(*steps), "added", (dotted(*steps[:-1]),))
    operation = {"op": "add", "path": pointer(*steps), "value": value}
    return Edit([operation], dotted(*steps), "added" if old is None else "changed")


def take(*steps: str | int, told: str = "") -> Edit:
    """Removes a field."""
    operation = {"op": "remove", "path": pointer(*steps)}
    return Edit([operation], told or dotted(*steps), "removed")


def append(body: Body, value: Any, *steps: str, told: str = "") -> Edit:
    """Adds an item to a list; makes the list where there is none."""
    there = at(body, *steps)
    if there is None:
        operation = {"op": "add", "path": pointer(*steps), "value": [value]}
        # A list that is there as null changes; one that isn't comes.
        change = "changed" if steps[-1] in (at(body, *steps[:-1]) or {}) else "added"
        return Edit([operation], dotted(*steps), change, (dotted(*steps, told or 0),))
    operation = {"op": "add", "path": pointer(*steps, "-"), "value": value}
    return Edit([operation], dotted(*steps, told or len(there)), "added")


def _label(body: Body) -> Edit:
    return put(body, "someone", "metadata", "labels", _MARK)


def _annotation(body: Body) -> Edit:
    return put(body, "a note\nin two lines", "metadata", "annotations", _MARK)


def _own_label(body: Body) -> str | None:
    labels = at(body, "metadata", "labels") or {}
    return next((each for each in sorted(labels) if "kubernetes.io/metadata" not in each), None)


def _changed_label(body: Body) -> Edit | None:
    name = _own_label(body)
    return put(body, "by-hand", "metadata", "labels", name) if name else None


def _removed_label(body: Body) -> Edit | None:
    name = _own_label(body)
    if name is None or len(at(body, "metadata", "labels")) < 2:
        return None
    return take("metadata", "labels", name)


def _finalizer(body: Body) -> Edit | None:
    if body["kind"] not in ("ConfigMap", "NetworkPolicy", "ServiceAccount"):
        return None
    return append(body, "drift.example/hold", "metadata", "finalizers")


def _in_template(change: Callable[[Body, tuple[str, ...]], Edit | None]) -> Any:
    def make(body: Body) -> Edit | None:
        template = _TEMPLATES.get(body["kind"])
        if template is None or not at(body, *template, "spec", "containers"):
            return None
        return change(body, template)

    return make


def _container(body: Body, template: tuple[str, ...]) -> tuple[tuple[str | int, ...], str, Body]:
    """Gives the last container: its place, how a report writes that, and itself."""
    containers = at(body, *template, "spec", "containers")
    index, last = len(containers) - 1, containers[-1]
    path = dotted(*template, "spec", "containers", f"[name={last['name']}]")
    return (*template, "spec", "containers", index), path, last


def _container_field(field: str, value: Any, *, only_present: bool = False) -> Any:
    def change(body: Body, template: tuple[str, ...]) -> Edit | None:
        place, path, container = _container(body, template)
        if container.get(field) == value or (only_present and not container.get(field)):
            return None
        kind = "changed" if container.get(field) is not None else "added"
        operation = {"op": "add", "path": pointer(*place, field), "value": value}
        return Edit([operation], f"{path}.{field}", kind)

    return _in_template(change)


def _sidecar(body: Body, template: tuple[str, ...]) -> Edit:
    extra = {"name": "by-hand", "image": "registry.example/by-hand:1"}
    return append(body, extra, *template, "spec", "containers", told="[name=by-hand]")


def _init(body: Body, template: tuple[str, ...]) -> Edit:
    extra = {"name": "by-hand-init", "image": "registry.example/by-hand:1"}
    return append(body, extra, *template, "spec", "initContainers", told="[name=by-hand-init]")


def _environment(body: Body, template: tuple[str, ...]) -> Edit:
    place, path, container = _container(body, template)
    extra: dict[str, Any] = {"name": "BY_HAND", "value": "1"}
    told = f"{path}.env[name=BY_HAND]"
    operation: dict[str, Any]
    if not container.get("env"):
        operation = {"op": "add", "path": pointer(*place, "env"), "value": [extra]}
        return Edit([operation], told, "added", (f"{path}.env",))
    operation = {"op": "add", "path": pointer(*place, "env", "-"), "value": extra}
    return Edit([operation], told, "added")


def _changed_environment(body: Body, template: tuple[str, ...]) -> Edit | None:
    for index, container in enumerate(at(body, *template, "spec", "containers")):
        for number, variable in enumerate(container.get("env") or ()):
            if "value" in variable:
                place: tuple[str | int, ...] = (*template, "spec", "containers", index)
                place = (*place, "env", number, "value")
                path = dotted(
                    *(*template, "spec", "containers", f"[name={container['name']}]"),
                    *("env", f"[name={variable['name']}]", "value"),
                )
                operation = {"op": "replace", "path": pointer(*place), "value": "by-hand"}
                return Edit([operation], path, "changed")
    return None


def _removed_from_container(*steps: str) -> Any:
    def change(body: Body, template: tuple[str, ...]) -> Edit | None:
        for index, container in enumerate(at(body, *template, "spec", "containers")):
            if at(container, *steps):
                name = f"[name={container['name']}]"
                told = dotted(*template, "spec", "containers", name, *steps)
                return take(*template, "spec", "containers", index, *steps, told=told)
        return None

    return _in_template(change)


def _removed_container(body: Body, template: tuple[str, ...]) -> Edit | None:
    place, path, _ = _container(body, template)
    return take(*place, told=path) if place[-1] else None


def _pod_field(value: Any, *steps: str) -> Any:
    def change(body: Body, template: tuple[str, ...]) -> Edit | None:
        if at(body, *template, "spec", *steps) == value:
            return None
        return put(body, value, *template, "spec", *steps)

    return _in_template(change)


def _volume(body: Body, template: tuple[str, ...]) -> Edit:
    extra: dict[str, Any] = {"name": "by-hand", "emptyDir": {}}
    return append(body, extra, *template, "spec", "volumes", told="[name=by-hand]")


def _pod_annotation(body: Body, template: tuple[str, ...]) -> Edit:
    return put(body, "now", *template, "metadata", "annotations", _MARK)


def _restarted(body: Body, template: tuple[str, ...]) -> Edit:
    steps = ("metadata", "annotations", "kubectl.kubernetes.io/restartedAt")
    return put(body, "2026-01-01T00:00:00Z", *template, *steps)


def field(kinds: Sequence[str], value: Any, *steps: str) -> Any:
    """Makes an edit that sets one field of some kinds."""

    def make(body: Body) -> Edit | None:
        if body["kind"] not in kinds or at(body, *steps) == value:
            return None
        return put(body, value, *steps)

    return make


WORKLOAD_EDITS: tuple[EditKind, ...] = (
    EditKind("label", _label),
    EditKind("annotation", _annotation),
    EditKind("label-changed", _changed_label),
    EditKind("label-removed", _removed_label),
    EditKind("finalizer", _finalizer),
    EditKind("sidecar", _in_template(_sidecar)),
    EditKind("init-container", _in_template(_init)),
    EditKind("container-removed", _in_template(_removed_container)),
    EditKind("env", _in_template(_environment)),
    EditKind("env-changed", _in_template(_changed_environment)),
    EditKind("env-removed", _removed_from_container("env")),
    EditKind("probe-removed", _removed_from_container("livenessProbe")),
    EditKind("limits-removed", _removed_from_container("resources", "limits")),
    EditKind("image", _container_field("image", "registry.example/by-hand:9")),
    EditKind("command", _container_field("command", ["sh", "-c", "sleep 9999"])),
    EditKind("pull-policy", _container_field("imagePullPolicy", "Never")),
    EditKind("tty", _container_field("tty", True)),
    EditKind("grace-period", _pod_field(7, "terminationGracePeriodSeconds")),
    EditKind("host-network", _pod_field(True, "hostNetwork")),
    EditKind("host-pid", _pod_field(True, "hostPID")),
    EditKind("node-selector", _pod_field("by-hand", "nodeSelector", "disk")),
    EditKind("run-as", _pod_field(0, "securityContext", "runAsUser")),
    EditKind("volume", _in_template(_volume)),
    EditKind("pod-annotation", _in_template(_pod_annotation)),
    EditKind("restarted", _in_template(_restarted)),
    EditKind("paused", field(("Deployment",), True, "spec", "paused")),
    EditKind("history-limit", field(("Deployment",), 1, "spec", "revisionHistoryLimit")),
    EditKind(
        "min-ready", field(("Deployment", "DaemonSet", "StatefulSet"), 9, "spec", "minReadySeconds")
    ),
)

"""The kinds of edits that people make by hand to all that isn't a workload."""

from typing import Any

from tests.benchmarks.hand_edits import Body, Edit, EditKind
from tests.benchmarks.workload_edits import append, at, dotted, field, pointer, put, take


def _scale(body: Body) -> Edit | None:
    # Where `replicas` isn't declared, an autoscaler has it, as far as a live object can tell.
    owners = [
        entry
        for entry in at(body, "metadata", "managedFields") or ()
        if "f:replicas" in (at(entry, "fieldsV1", "f:spec") or {})
        and "controller" not in entry["manager"]
    ]
    if body["kind"] not in ("Deployment", "StatefulSet") or not owners:
        return None
    return put(body, at(body, "spec", "replicas") + 1, "spec", "replicas")


def _service(body: Body) -> bool:
    return bool(body["kind"] == "Service" and at(body, "spec", "type") != "ExternalName")


def _external_address(body: Body) -> Edit | None:
    if not _service(body):
        return None
    edit = append(body, "192.0.2.77", "spec", "externalIPs")
    # The server fills that in for every service that is reached from outside.
    told = (*edit.consequences, "spec.externalTrafficPolicy")
    return Edit(edit.operations, edit.path, edit.change, told)


def _affinity(body: Body) -> Edit | None:
    if not _service(body) or at(body, "spec", "sessionAffinity") == "ClientIP":
        return None
    edit = put(body, "ClientIP", "spec", "sessionAffinity")
    return Edit(edit.operations, edit.path, edit.change, ("spec.sessionAffinityConfig",))


def _service_selector(body: Body) -> Edit | None:
    return put(body, "yes", "spec", "selector", "by-hand") if _service(body) else None


def _service_port(body: Body) -> Edit | None:
    if not _service(body) or not all("name" in port for port in at(body, "spec", "ports") or ()):
        return None
    extra = {"name": "by-hand", "port": 8099}
    return append(body, extra, "spec", "ports", told="[port=8099,protocol=TCP]")


def _target_port(body: Body) -> Edit | None:
    port = at(body, "spec", "ports", 0)
    if not _service(body) or port is None or at(body, "spec", "clusterIP") == "None":
        return None
    item = f"[port={port['port']},protocol={port['protocol']}]"
    operation = {
        "op": "replace",
        "path": pointer("spec", "ports", 0, "targetPort"),
        "value": 4321,
    }
    return Edit([operation], dotted("spec", "ports", item, "targetPort"), "changed")


def _node_port(body: Body) -> Edit | None:
    port = at(body, "spec", "ports", 0)
    if body["kind"] != "Service" or port is None or at(body, "spec", "type") != "NodePort":
        return None
    # Not one that was allocated: another one in the range.
    other = 30000 + (port["nodePort"] - 30000 + 1001) % 2768
    item = f"[port={port['port']},protocol={port['protocol']}]"
    path = pointer("spec", "ports", 0, "nodePort")
    told = dotted("spec", "ports", item, "nodePort")
    return Edit([{"op": "replace", "path": path, "value": other}], told, "added")


def _data(body: Body) -> Edit | None:
    if body["kind"] not in ("ConfigMap", "Secret") or body.get("immutable"):
        return None
    return put(body, "Ynk=", "data", "by-hand")


def _changed_data(body: Body) -> Edit | None:
    name = _first_key(body)
    return put(body, "Ynk=", "data", name) if name else None


def _removed_data(body: Body) -> Edit | None:
    name = _first_key(body)
    return take("data", name) if name and len(body["data"]) > 1 else None


def _first_key(body: Body) -> str | None:
    opaque = body["kind"] == "ConfigMap" or body.get("type") == "Opaque"
    if not opaque or body.get("immutable") or body["kind"] not in ("ConfigMap", "Secret"):
        return None
    return next(iter(sorted(body.get("data") or {})), None)


def _text_line(body: Body) -> Edit | None:
    data = body.get("data") or {}
    name = next((k for k, v in sorted(data.items()) if "\n" in str(v)), None)
    if body["kind"] != "ConfigMap" or body.get("immutable") or name is None:
        return None
    return put(body, f"{data[name]}# one more line\n", "data", name)


def _rule(body: Body) -> Edit | None:
    if body["kind"] not in ("Role", "ClusterRole") or body.get("aggregationRule"):
        return None
    return append(body, {"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}, "rules")


def _verb(body: Body) -> Edit | None:
    verbs = at(body, "rules", 0, "verbs")
    if body["kind"] not in ("Role", "ClusterRole") or not verbs or body.get("aggregationRule"):
        return None
    operation = {"op": "add", "path": "/rules/0/verbs/-", "value": "escalate"}
    return Edit([operation], f"rules[0].verbs[{len(verbs)}]", "added")


def _subject(body: Body) -> Edit | None:
    if body["kind"] not in ("RoleBinding", "ClusterRoleBinding"):
        return None
    extra = {"kind": "User", "name": "mallory", "apiGroup": "rbac.authorization.k8s.io"}
    return append(body, extra, "subjects")


def _ingress_rule(body: Body) -> Edit | None:
    if body["kind"] != "Ingress":
        return None
    return append(body, {"host": "by-hand.example"}, "spec", "rules")


def _policy_rule(body: Body) -> Edit | None:
    if body["kind"] != "NetworkPolicy":
        return None
    return append(body, {}, "spec", "ingress")


def _pull_secret(body: Body) -> Edit | None:
    if body["kind"] != "ServiceAccount":
        return None
    return append(body, {"name": "by-hand"}, "imagePullSecrets")


def _quota(body: Body) -> Edit | None:
    if body["kind"] != "ResourceQuota":
        return None
    return put(body, "1", "spec", "hard", "services.nodeports")


def _webhook_timeout(body: Body) -> Edit | None:
    name = at(body, "webhooks", 0, "name")
    if name is None:
        return None
    operation = {"op": "replace", "path": "/webhooks/0/timeoutSeconds", "value": 29}
    return Edit([operation], f"webhooks[name={name}].timeoutSeconds", "changed")


def _custom_field(body: Body) -> Edit | None:
    """Changes the first number of a custom resource's spec, else adds nothing."""
    if body["apiVersion"].partition("/")[0].endswith("k8s.io") or "." not in body["apiVersion"]:
        return None
    for name, value in sorted((at(body, "spec") or {}).items()):
        if isinstance(value, int) and not isinstance(value, bool):
            return put(body, value + 1, "spec", name)
    return None


def _removed_custom_field(body: Body) -> Edit | None:
    spec: dict[str, Any] = at(body, "spec") or {}
    if body["apiVersion"].partition("/")[0].endswith("k8s.io") or "." not in body["apiVersion"]:
        return None
    name = next((each for each, value in sorted(spec.items()) if isinstance(value, dict)), None)
    return take("spec", name) if name and spec[name] else None


OTHER_EDITS: tuple[EditKind, ...] = (
    EditKind("scale", _scale),
    EditKind("external-ip", _external_address),
    EditKind("session-affinity", _affinity),
    EditKind("service-selector", _service_selector),
    EditKind("service-port", _service_port),
    EditKind("target-port", _target_port),
    EditKind("node-port", _node_port),
    EditKind("external-name", field(("Service",), "by-hand.example", "spec", "externalName")),
    EditKind("data", _data),
    EditKind("data-changed", _changed_data),
    EditKind("data-removed", _removed_data),
    EditKind("data-line", _text_line),
    EditKind("rule", _rule),
    EditKind("verb", _verb),
    EditKind("subject", _subject),
    EditKind("ingress-rule", _ingress_rule),
    EditKind("ingress-class", field(("Ingress",), "by-hand", "spec", "ingressClassName")),
    EditKind("policy-rule", _policy_rule),
    EditKind(
        "pod-selector",
        field(("NetworkPolicy",), "x", "spec", "podSelector", "matchLabels", "by-hand"),
    ),
    EditKind("max-replicas", field(("HorizontalPodAutoscaler",), 99, "spec", "maxReplicas")),
    EditKind("budget", field(("PodDisruptionBudget",), 0, "spec", "maxUnavailable")),
    EditKind("pull-secret", _pull_secret),
    EditKind("token", field(("ServiceAccount",), True, "automountServiceAccountToken")),
    EditKind("quota", _quota),
    EditKind("schedule", field(("CronJob",), "* * * * *", "spec", "schedule")),
    EditKind("suspended", field(("CronJob",), True, "spec", "suspend")),
    EditKind("job-deadline", field(("Job",), 77, "spec", "activeDeadlineSeconds")),
    EditKind(
        "reclaim", field(("PersistentVolume",), "Delete", "spec", "persistentVolumeReclaimPolicy")
    ),
    EditKind("expansion", field(("StorageClass",), False, "allowVolumeExpansion")),
    EditKind("priority-text", field(("PriorityClass",), "by hand", "description")),
    EditKind("webhook-timeout", _webhook_timeout),
    EditKind("precedence", field(("FlowSchema",), 7999, "spec", "matchingPrecedence")),
    EditKind("lease-holder", field(("Lease",), "by-hand", "spec", "holderIdentity")),
    EditKind("custom", _custom_field),
    EditKind("custom-removed", _removed_custom_field),
)

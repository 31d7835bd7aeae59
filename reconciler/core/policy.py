"""How much a drift matters, and what is to be done about it. Rules are data, tried in order."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Any, assert_never

from reconciler.core.drift import (
    Change,
    Decision,
    DecisionAction,
    Drift,
    DriftType,
    Severity,
)
from reconciler.core.path import Item, Path, path_matches
from reconciler.core.resource import ResourceKey


@dataclass(frozen=True, slots=True)
class SeverityRule:
    """What makes a change of a field matter more or less than the ordinary.

    Attributes:
        severity: How much it matters.
        paths: Fields, with everything below them, with wildcards; empty for any.
        kinds: Kinds, with wildcards.
    """

    severity: Severity
    paths: tuple[str, ...] = ()
    kinds: tuple[str, ...] = ("*",)

    def matches(self, key: ResourceKey, path: Path) -> bool:
        """Whether the rule speaks of this field of this object."""
        if not any(fnmatchcase(key.kind, kind) for kind in self.kinds):
            return False
        return not self.paths or any(path_matches(pattern, path) for pattern in self.paths)


#: What an attacker or an accident would touch first: rights, images, isolation, admission.
#: After the restricted Pod Security Standard (kubernetes.io/docs/concepts/security/
#: pod-security-standards) and the RBAC good practices page beside it.
_POD_FIELDS = (
    "containers[*].image",
    "containers[*].command",
    "containers[*].args",
    "containers[*].securityContext",
    "initContainers[*].image",
    "initContainers[*].command",
    "initContainers[*].args",
    "initContainers[*].securityContext",
    "hostNetwork",
    "hostPID",
    "hostIPC",
    "hostUsers",
    "securityContext",
    "serviceAccountName",
    "automountServiceAccountToken",
)
_POD_PLACES = ("spec", "spec.template.spec", "spec.jobTemplate.spec.template.spec")
_WORKLOADS = (
    "Pod",
    "Deployment",
    "StatefulSet",
    "DaemonSet",
    "ReplicaSet",
    "ReplicationController",
    "Job",
    "CronJob",
)
_RIGHTS = ("Role", "ClusterRole", "RoleBinding", "ClusterRoleBinding")
_ADMISSION = (
    "ValidatingWebhookConfiguration",
    "MutatingWebhookConfiguration",
    "ValidatingAdmissionPolic*",
    "MutatingAdmissionPolic*",
    "APIService",
)

SEVERITY_RULES: tuple[SeverityRule, ...] = (
    SeverityRule(
        Severity.HIGH,
        tuple(f"{place}.{field}" for place in _POD_PLACES for field in _POD_FIELDS),
        _WORKLOADS,
    ),
    SeverityRule(Severity.HIGH, ("rules", "subjects", "roleRef", "aggregationRule"), _RIGHTS),
    SeverityRule(Severity.HIGH, ("webhooks", "spec"), _ADMISSION),
    SeverityRule(Severity.HIGH, ("data", "stringData", "type"), ("Secret",)),
    SeverityRule(
        Severity.HIGH,
        ("spec.externalIPs", "spec.type", "spec.externalName", "spec.selector"),
        ("Service",),
    ),
    SeverityRule(Severity.HIGH, ("spec",), ("NetworkPolicy",)),
    SeverityRule(
        Severity.HIGH, ('metadata.labels["pod-security.kubernetes.io/*"]',), ("Namespace",)
    ),
    SeverityRule(Severity.LOW, ("metadata", "spec.template.metadata")),
)

#: Fields that make a pod spec powerful, whatever else was added with them.
_POWERS: Mapping[str, object] = {
    "privileged": True,
    "allowPrivilegeEscalation": True,
    "hostNetwork": True,
    "hostPID": True,
    "hostIPC": True,
}


def severity_of(drift: Drift, rules: Sequence[SeverityRule] = SEVERITY_RULES) -> Severity:
    """Says how much a drift matters: as much as the worst of its changes."""
    match drift.type:
        case DriftType.MODIFIED | DriftType.PENDING | DriftType.POD_SPEC:
            return min(
                (_severity_of_change(drift.key, change, rules) for change in drift.changes),
                key=_RANK.__getitem__,
                default=Severity.LOW,
            )
        case DriftType.MISSING | DriftType.UNREADABLE:
            return Severity.MEDIUM
        case DriftType.UNMANAGED:
            powerful = (*_WORKLOADS, *_RIGHTS, *_ADMISSION, "Ingress", "Service", "Secret")
            named = any(fnmatchcase(drift.key.kind, kind) for kind in powerful)
            return Severity.HIGH if named else Severity.MEDIUM
        case DriftType.FILE | DriftType.PROCESS | DriftType.SESSION | DriftType.PORT:
            return drift.seen.severity if drift.seen else drift.severity
        case DriftType.IMAGE:
            return drift.severity
        case _:
            assert_never(drift.type)


_RANK: Mapping[Severity, int] = {severity: rank for rank, severity in enumerate(Severity)}


def worst_first(drifts: Sequence[Drift]) -> tuple[Drift, ...]:
    """Sorts drifts by severity, then by namespace, kind and name."""
    return tuple(
        sorted(
            drifts,
            key=lambda d: (_RANK[d.severity], d.key.namespace, d.key.kind, d.key.name, d.type),
        )
    )


def _severity_of_change(
    key: ResourceKey, change: Change, rules: Sequence[SeverityRule]
) -> Severity:
    for path, value in _places(change.path, change.live):
        name = path[-1] if path else ""
        if isinstance(name, str) and name in _POWERS and value == _POWERS[name]:
            return Severity.HIGH
    if _is_container(change.path):
        return Severity.HIGH
    found = next((rule.severity for rule in rules if rule.matches(key, change.path)), None)
    return found or Severity.MEDIUM


def _is_container(path: Path) -> bool:
    """Whether a whole container was added or removed."""
    lists = ("containers", "initContainers", "ephemeralContainers")
    return bool(path) and (
        path[-1] in lists
        or (len(path) > 1 and path[-2] in lists and isinstance(path[-1], Item | int))
    )


def _places(path: Path, value: Any) -> list[tuple[Path, Any]]:
    if isinstance(value, Mapping):
        inner = [_places((*path, name), child) for name, child in value.items()]
        return [place for places in inner for place in places]
    if isinstance(value, list):
        inner = [_places((*path, index), child) for index, child in enumerate(value)]
        return [place for places in inner for place in places]
    return [(path, value)]


def decide(drift: Drift, *, prune: bool) -> Decision:
    """Says what is to be done about a drift when a restore is asked for."""
    observe, restore = DecisionAction.OBSERVE, DecisionAction.RESTORE
    match drift.type:
        case DriftType.MISSING | DriftType.MODIFIED | DriftType.PENDING:
            return Decision(restore, "default", "Git is the source of truth")
        case DriftType.UNMANAGED if prune:
            return Decision(restore, "prune", "it was declared once, and pruning was asked for")
        case DriftType.UNMANAGED:
            return Decision(observe, "default", "what Git never declared is left alone")
        case DriftType.UNREADABLE:
            return Decision(observe, "default", "what can't be read is never written")
        case (
            DriftType.POD_SPEC
            | DriftType.FILE
            | DriftType.PROCESS
            | DriftType.SESSION
            | DriftType.PORT
            | DriftType.IMAGE
        ):
            return Decision(observe, "default", "a restore writes what is declared, and no pod")
        case _:
            assert_never(drift.type)

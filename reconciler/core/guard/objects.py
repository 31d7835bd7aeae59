"""Policies and bindings as objects, with all that the API server would fill in written out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.core.guard.rules import Mode
from reconciler.core.resource import JsonObject, ResourceKey

GROUP: Final = "admissionregistration.k8s.io"
API: Final = f"{GROUP}/v1"
POLICY: Final = "ValidatingAdmissionPolicy"
BINDING: Final = "ValidatingAdmissionPolicyBinding"

#: By which all policies and bindings of ours are found.
LABEL: Final = "plumbline.dev/guard"
#: Names the condition by which dry runs are let through: they write nothing, and comparisons, as
#: those of `plumbline check` and `kubectl diff`, are made of them.
WRITES: Final = "writes"
_TARGET: Final = "plumbline.dev/guard-target"
_NAMESPACE_LABEL: Final = "kubernetes.io/metadata.name"

#: The API server has no Warn beside a Deny: a refusal says it all.
_ACTIONS: Final[Mapping[Mode, tuple[str, ...]]] = {
    Mode.WARN: ("Warn", "Audit"),
    Mode.AUDIT: ("Audit",),
    Mode.DENY: ("Deny", "Audit"),
}


@dataclass(frozen=True, slots=True)
class GuardObject:
    """A policy or a binding.

    Attributes:
        body: The whole object.
        mode: What a binding does; None for a policy.
    """

    body: JsonObject
    mode: Mode | None = None

    @property
    def key(self) -> ResourceKey:
        """Which object it is."""
        return ResourceKey(GROUP, str(self.body["kind"]), "", str(self.body["metadata"]["name"]))


def with_mode(each: GuardObject, mode: Mode) -> GuardObject:
    """Gives a policy or binding as it is in another mode."""
    spec = each.body["spec"]
    if each.mode is None:
        return GuardObject({**each.body, "spec": {**spec, **failure_policy(mode)}})
    actions = {"validationActions": list(_ACTIONS[mode])}
    return GuardObject({**each.body, "spec": {**spec, **actions}}, mode)


def policy_object(name: str, label: str, target: str, spec: JsonObject) -> GuardObject:
    """Makes a policy.

    Args:
        name: Its name.
        label: Whose it is, the value of `LABEL`.
        target: The target's name; empty where it is of none.
        spec: What it says.
    """
    metadata = _metadata(name, label, target)
    return GuardObject({"apiVersion": API, "kind": POLICY, "metadata": metadata, "spec": spec})


def failure_policy(mode: Mode) -> JsonObject:
    """Says what happens where an expression fails."""
    # What only records must never stand in the way, even where an expression fails.
    return {"failurePolicy": "Fail" if mode is Mode.DENY else "Ignore"}


def matching(rules: Sequence[JsonObject]) -> JsonObject:
    """Says which requests a policy is about."""
    return {
        "matchPolicy": "Equivalent",
        "namespaceSelector": {},
        "objectSelector": {},
        "resourceRules": list(rules),
    }


def break_glass_note(otherwise: str, reason: str) -> JsonObject:
    """Has the audit log say who broke the glass, and why."""
    return {
        "key": "break-glass",
        "valueExpression": (
            f"!({otherwise}) && variables.breaksGlass ? request.userInfo.username + ': ' + "
            f"{reason} : ''"
        ),
    }


def binding_object(
    name: str, policy: str, label: str, target: str, mode: Mode, namespaces: Sequence[str]
) -> GuardObject:
    """Makes a binding of a policy.

    Args:
        name: The binding's.
        policy: The policy's name.
        label: By which all of a target's policies and bindings are found.
        target: Whose; empty where it is nobody's, as of sessions.
        mode: What is done about what the policy refuses.
        namespaces: Where; none for all that the policy is about.
    """
    chosen = {"key": _NAMESPACE_LABEL, "operator": "In", "values": sorted(namespaces)}
    spec: JsonObject = {
        "policyName": policy,
        "matchResources": {
            "matchPolicy": "Equivalent",
            "namespaceSelector": {"matchExpressions": [chosen]} if namespaces else {},
            "objectSelector": {},
        },
        "validationActions": list(_ACTIONS[mode]),
    }
    metadata = _metadata(name, label, target)
    body = {"apiVersion": API, "kind": BINDING, "metadata": metadata, "spec": spec}
    return GuardObject(body, mode)


def _metadata(name: str, label: str, target: str) -> JsonObject:
    labels = {"app.kubernetes.io/managed-by": "plumbline", LABEL: label}
    return {
        "name": name,
        "labels": labels,
        **({"annotations": {_TARGET: target}} if target else {}),
    }

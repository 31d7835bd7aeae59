"""The kinds of policy reports, as their definitions have them where we write.

Their fields are those of wgpolicyk8s.io/v1alpha2 (github.com/kubernetes-sigs/wg-policy-prototypes)
and openreports.io/v1alpha1 (github.com/openreports/reports-api); what isn't described is pruned
there as here.
"""

from typing import Any

from reconciler.core.resource import JsonObject

_TEXT = {"type": "string"}
_COUNT = {"type": "integer"}


def _object(*required: str, **fields: Any) -> JsonObject:
    described: JsonObject = {"type": "object", "properties": fields}
    return {**described, "required": list(required)} if required else described


def _choice(*values: str) -> JsonObject:
    return {"type": "string", "enum": list(values)}


_OUTCOMES = ("pass", "fail", "warn", "error", "skip")
_REFERENCE = _object(apiVersion=_TEXT, kind=_TEXT, name=_TEXT, namespace=_TEXT, uid=_TEXT)
_RESULT = _object(
    "policy",
    source=_TEXT,
    category=_TEXT,
    policy=_TEXT,
    rule=_TEXT,
    severity=_choice("critical", "high", "low", "medium", "info"),
    result=_choice(*_OUTCOMES),
    scored={"type": "boolean"},
    message=_TEXT,
    resources={"type": "array", "items": _REFERENCE},
    properties={"type": "object", "additionalProperties": _TEXT},
    timestamp=_object("seconds", "nanos", seconds=_COUNT, nanos=_COUNT),
)
_SCHEMA = _object(
    apiVersion=_TEXT,
    kind=_TEXT,
    metadata={"type": "object"},
    results={"type": "array", "items": _RESULT},
    summary=_object(**dict.fromkeys(_OUTCOMES, _COUNT)),
)


def definition(group: str, version: str, kind: str, *, namespaced: bool) -> JsonObject:
    """Gives the definition of one kind of reports."""
    plural = f"{kind.lower()}s"
    served = {"name": version, "served": True, "storage": True}
    return {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {
            "name": f"{plural}.{group}",
            # The server keeps *.k8s.io for itself, unless somebody answers for it.
            "annotations": {"api-approved.kubernetes.io": "unapproved, a test's own"},
        },
        "spec": {
            "group": group,
            "names": {"kind": kind, "listKind": f"{kind}List", "plural": plural},
            "scope": "Namespaced" if namespaced else "Cluster",
            "versions": [{**served, "schema": {"openAPIV3Schema": _SCHEMA}}],
        },
    }


def working_group() -> list[JsonObject]:
    """Gives the definitions of the Kubernetes policy working group."""
    place = ("wgpolicyk8s.io", "v1alpha2")
    return [
        definition(*place, "PolicyReport", namespaced=True),
        definition(*place, "ClusterPolicyReport", namespaced=False),
    ]


def open_reports() -> list[JsonObject]:
    """Gives the definitions of OpenReports."""
    place = ("openreports.io", "v1alpha1")
    return [
        definition(*place, "Report", namespaced=True),
        definition(*place, "ClusterReport", namespaced=False),
    ]

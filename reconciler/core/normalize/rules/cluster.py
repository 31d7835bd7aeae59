"""Conditional defaults of what configures a cluster: networking, access, definitions, devices."""

from collections.abc import Mapping
from typing import Any

from reconciler.core.normalize.rules.rule import Rule


def _network_policy_spec(made: dict[str, Any]) -> None:
    """SetDefaults_NetworkPolicy of pkg/apis/networking/v1."""
    if not made.get("policyTypes"):
        made["policyTypes"] = ["Ingress", "Egress"] if made.get("egress") else ["Ingress"]


def _subject(made: dict[str, Any]) -> None:
    """SetDefaults_Subject of pkg/apis/rbac/v1."""
    if "apiGroup" not in made and made.get("kind") in ("User", "Group"):
        made["apiGroup"] = "rbac.authorization.k8s.io"


def _definition_names(made: dict[str, Any]) -> None:
    """SetDefaults_CustomResourceDefinitionSpec of k8s.io/apiextensions-apiserver."""
    kind = made.get("kind")
    if kind:
        made.setdefault("singular", kind.lower())
        made.setdefault("listKind", f"{kind}List")


def _device_request(made: dict[str, Any]) -> None:
    """SetDefaults_ExactDeviceRequest and SetDefaults_DeviceSubRequest of pkg/apis/resource/v1."""
    if made.get("allocationMode") == "ExactCount":
        made.setdefault("count", 1)


def _endpoint(made: dict[str, Any]) -> None:
    """dropTopologyOnV1 of pkg/registry/discovery/endpointslice."""
    made.pop("deprecatedTopology", None)


RULES: Mapping[str, Rule] = {
    "apiextensions/v1.CustomResourceDefinitionNames": Rule(_definition_names),
    "discovery/v1.Endpoint": Rule(_endpoint),
    "networking/v1.NetworkPolicySpec": Rule(_network_policy_spec, frozenset({"policyTypes"})),
    "rbac/v1.Subject": Rule(_subject),
    "resource/v1.DeviceSubRequest": Rule(_device_request, frozenset({"count"})),
    "resource/v1.ExactDeviceRequest": Rule(_device_request, frozenset({"count"})),
}

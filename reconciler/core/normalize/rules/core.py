"""Conditional defaults of the core group (pkg/apis/core/v1/defaults.go and conversion.go)."""

from collections.abc import Mapping
from typing import Any

from reconciler.core.normalize.image import pull_policy
from reconciler.core.normalize.leaves import encoded
from reconciler.core.normalize.rules.rule import Rule

_NAMESPACE_LABEL = "kubernetes.io/metadata.name"

#: DefaultClientIPServiceAffinitySeconds, pkg/apis/core/types.go.
_AFFINITY_SECONDS = 10800


def _container(made: dict[str, Any]) -> None:
    """SetDefaults_Container."""
    if "imagePullPolicy" not in made:
        made["imagePullPolicy"] = pull_policy(made.get("image") or "")


def _image_volume(made: dict[str, Any]) -> None:
    """SetDefaults_Volume."""
    if "pullPolicy" not in made:
        made["pullPolicy"] = pull_policy(made.get("reference") or "")


def _volume(made: dict[str, Any]) -> None:
    """SetDefaults_Volume: without any source it is an empty directory."""
    if made.keys() <= {"name"}:
        made["emptyDir"] = {}


def _pod_spec(made: dict[str, Any]) -> None:
    """SetDefaults_PodSpec: the old name of the service account and the new one are one."""
    account = made.get("serviceAccountName") or made.get("serviceAccount")
    if account:
        made["serviceAccountName"] = made["serviceAccount"] = account


def _pod(made: dict[str, Any]) -> None:
    """SetDefaults_Pod: what holds for pods, but not for pods' templates."""
    spec = {"enableServiceLinks": True, **(made.get("spec") or {})}
    for name in ("containers", "initContainers"):
        if spec.get(name):
            spec[name] = [_of_pod(c, bool(spec.get("hostNetwork"))) for c in spec[name]]
    if (spec.get("terminationGracePeriodSeconds") or 0) < 0:
        spec["terminationGracePeriodSeconds"] = 1
    made["spec"] = spec


def _of_pod(container: Mapping[str, Any], host_network: bool) -> dict[str, Any]:
    made = dict(container)
    resources = made.get("resources") or {}
    if resources.get("limits"):
        requests = {**resources["limits"], **(resources.get("requests") or {})}
        made["resources"] = {**resources, "requests": requests}
    if host_network and made.get("ports"):
        made["ports"] = [{"hostPort": p.get("containerPort"), **p} for p in made["ports"]]
    return made


def _service_port(made: dict[str, Any]) -> None:
    """SetDefaults_Service."""
    if made.get("targetPort") in (0, "", None):
        made["targetPort"] = made.get("port")


def _service_spec(made: dict[str, Any]) -> None:
    """SetDefaults_Service, and normalizeClusterIPs of pkg/registry/core/service/storage."""
    kind = made["type"]
    if made["sessionAffinity"] == "None":
        made.pop("sessionAffinityConfig", None)
    elif made["sessionAffinity"] == "ClientIP":
        config = made.get("sessionAffinityConfig") or {}
        if (config.get("clientIP") or {}).get("timeoutSeconds") is None:
            made["sessionAffinityConfig"] = {"clientIP": {"timeoutSeconds": _AFFINITY_SECONDS}}
    exposed = kind in ("LoadBalancer", "NodePort")
    exposed = exposed or (kind == "ClusterIP" and bool(made.get("externalIPs")))
    if exposed:
        made.setdefault("externalTrafficPolicy", "Cluster")
    if kind in ("ClusterIP", "NodePort", "LoadBalancer"):
        made.setdefault("internalTrafficPolicy", "Cluster")
    if kind == "LoadBalancer":
        made.setdefault("allocateLoadBalancerNodePorts", True)
    if made.get("clusterIP") and not made.get("clusterIPs") and kind != "ExternalName":
        made["clusterIPs"] = [made["clusterIP"]]


def _secret(made: dict[str, Any]) -> None:
    """Convert_v1_Secret_To_core_Secret: `stringData` is only ever written, into `data`."""
    texts = made.pop("stringData", None)
    if texts:
        folded = {name: encoded(text) for name, text in texts.items()}
        made["data"] = {**(made.get("data") or {}), **folded}


def _namespace(made: dict[str, Any]) -> None:
    """SetDefaults_Namespace."""
    metadata = made["metadata"]
    labels = {**(metadata.get("labels") or {}), _NAMESPACE_LABEL: metadata["name"]}
    made["metadata"] = {**metadata, "labels": labels}


def _replication_controller(made: dict[str, Any]) -> None:
    """SetDefaults_ReplicationController: selector and labels are the template's."""
    spec = made.get("spec") or {}
    labels = ((spec.get("template") or {}).get("metadata") or {}).get("labels")
    if labels:
        if not spec.get("selector"):
            made["spec"] = {**spec, "selector": labels}
        if not made["metadata"].get("labels"):
            made["metadata"] = {**made["metadata"], "labels": labels}


def _limit_range_item(made: dict[str, Any]) -> None:
    """SetDefaults_LimitRangeItem."""
    if made.get("type") == "Container":
        default = {**(made.get("max") or {}), **(made.get("default") or {})}
        request = {**(made.get("min") or {}), **default, **(made.get("defaultRequest") or {})}
        made |= {n: v for n, v in (("default", default), ("defaultRequest", request)) if v}


def _service_account(made: dict[str, Any]) -> None:
    """Only names are kept: cleanSecretReferences of pkg/registry/core/serviceaccount."""
    if made.get("secrets"):
        named = [{"name": s["name"]} if s.get("name") else {} for s in made["secrets"]]
        made["secrets"] = named


def _node_spec(made: dict[str, Any]) -> None:
    """Convert_v1_NodeSpec_To_core_NodeSpec: one range under two names, the old one wins."""
    first, ranges = made.get("podCIDR"), made.get("podCIDRs")
    if first and (not ranges or ranges[0] != first):
        made["podCIDRs"] = [first]
    elif ranges:
        made["podCIDR"] = ranges[0]


def _volume_spec(made: dict[str, Any]) -> None:
    """SetDefaults_PersistentVolume."""
    spec = {"persistentVolumeReclaimPolicy": "Retain", "volumeMode": "Filesystem"}
    made["spec"] = spec | (made.get("spec") or {})


#: pkg/api/persistentvolumeclaim/util.go, dataSourceIsPvcOrSnapshot.
_SOURCES = (("", "PersistentVolumeClaim"), ("snapshot.storage.k8s.io", "VolumeSnapshot"))


def _claim(made: dict[str, Any]) -> None:
    """EnforceDataSourceBackwardsCompatibility and NormalizeDataSources of the same file.

    Sources that are neither a claim nor a snapshot are dropped; the others stand under two names.
    """
    spec = made.get("spec") or {}
    old, new = spec.get("dataSource"), spec.get("dataSourceRef")
    if old is not None and new is not None and new.get("namespace"):
        # Both are accepted only where a feature gate is off; then the reference is dropped first.
        spec, new = {name: value for name, value in spec.items() if name != "dataSourceRef"}, None
    known = old is not None and (old.get("apiGroup") or "", old.get("kind")) in _SOURCES
    if old is not None and new is None and not known:
        made["spec"] = {name: value for name, value in spec.items() if name != "dataSource"}
    elif old is not None and new is None:
        made["spec"] = {**spec, "dataSourceRef": old}
    elif new is not None and old is None and not new.get("namespace"):
        source = {name: value for name, value in new.items() if name != "namespace"}
        made["spec"] = {**spec, "dataSource": source}


RULES: Mapping[str, Rule] = {
    "core/v1.Container": Rule(_container, frozenset({"imagePullPolicy"})),
    "core/v1.EphemeralContainer": Rule(_container, frozenset({"imagePullPolicy"})),
    "core/v1.ImageVolumeSource": Rule(_image_volume, frozenset({"pullPolicy"})),
    "core/v1.LimitRangeItem": Rule(_limit_range_item),
    "core/v1.Namespace": Rule(_namespace, whole=True),
    "core/v1.NodeSpec": Rule(_node_spec),
    "core/v1.PersistentVolume": Rule(_volume_spec, whole=True),
    "core/v1.PersistentVolumeClaim": Rule(_claim, whole=True),
    "core/v1.Pod": Rule(_pod, whole=True),
    "core/v1.PodSpec": Rule(_pod_spec),
    "core/v1.ReplicationController": Rule(_replication_controller, whole=True),
    "core/v1.Secret": Rule(_secret, whole=True),
    "core/v1.ServiceAccount": Rule(_service_account, whole=True),
    "core/v1.ServicePort": Rule(_service_port),
    "core/v1.ServiceSpec": Rule(_service_spec, frozenset({"internalTrafficPolicy"})),
    "core/v1.Volume": Rule(_volume, frozenset({"emptyDir"})),
}

"""What Kubernetes itself fills in after it has read a declaration, by kind and place.

Each entry repeats a rule of the API server, an admission plug-in or a controller. A field that a
person may have set as well is taken for Kubernetes' own only where managedFields allow it.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeAlias

from reconciler.core.resource import metadata_of, split_api_version

#: Field names; `*` for a list's item, by whatever keys, and for a map's key.
Place: TypeAlias = tuple[str, ...]

#: Whether a live value, in this live object, is one that Kubernetes would have filled in.
Fits: TypeAlias = Callable[[Any, Mapping[str, Any]], bool]


@dataclass(frozen=True, slots=True)
class Allocation:
    """A field that Kubernetes fills in.

    Attributes:
        certain: Whether it is Kubernetes' whoever is recorded as its owner.
        doubt: Why it isn't sure that the value is Kubernetes', where managedFields don't tell;
            empty where it is sure: the field can't be changed later, or has one possible value.
        settled: Says that there is no doubt after all; None where it always stays.
        fits: What the value must be like; None for any.
        replaces: Whether Kubernetes writes it even over what is declared.
    """

    certain: bool = False
    doubt: str = ""
    settled: Fits | None = None
    fits: Fits | None = None
    replaces: bool = False

    def matches(self, value: Any, live: Mapping[str, Any]) -> bool:
        """Whether a live value may be Kubernetes'."""
        return self.fits is None or self.fits(value, live)

    def doubted(self, value: Any, live: Mapping[str, Any]) -> str:
        """Why it isn't sure that this value is Kubernetes'; empty where it is."""
        return "" if self.settled is not None and self.settled(value, live) else self.doubt


def _is(*values: Any) -> Fits:
    return lambda value, _: value in values


def _takes_ports(_value: Any, live: Mapping[str, Any]) -> bool:
    return (live.get("spec") or {}).get("type") in ("NodePort", "LoadBalancer")


def _is_uid(value: Any, live: Mapping[str, Any]) -> bool:
    return bool(value) and value == metadata_of(live).get("uid")


def _is_name(value: Any, live: Mapping[str, Any]) -> bool:
    return bool(value) and value == metadata_of(live).get("name")


def _selects_itself(value: Any, live: Mapping[str, Any]) -> bool:
    labels = value.get("matchLabels") if isinstance(value, Mapping) else None
    return value == {"matchLabels": labels} and _selects_itself_by_labels(labels, live)


def _selects_itself_by_labels(value: Any, live: Mapping[str, Any]) -> bool:
    uid = metadata_of(live).get("uid")
    keys = ("batch.kubernetes.io/controller-uid", "controller-uid")
    return any(value == {key: uid} for key in keys)


def _is_bound(_value: Any, live: Mapping[str, Any]) -> bool:
    return (live.get("status") or {}).get("phase") == "Bound"


def _is_whole_reference(value: Any, _live: Mapping[str, Any]) -> bool:
    return isinstance(value, Mapping) and value.keys() >= {
        *("apiVersion", "kind", "namespace", "name", "uid", "resourceVersion")
    }


def _is_aggregated(_value: Any, live: Mapping[str, Any]) -> bool:
    return bool(live.get("aggregationRule"))


def _is_token_volume(value: Any, _live: Mapping[str, Any]) -> bool:
    return isinstance(value, Mapping) and str(value.get("name")).startswith("kube-api-access-")


def _is_token_mount(value: Any, _live: Mapping[str, Any]) -> bool:
    return (
        isinstance(value, Mapping)
        and value.get("mountPath") == "/var/run/secrets/kubernetes.io/serviceaccount"
        and str(value.get("name")).startswith("kube-api-access-")
    )


_BY_HAND = "it may have been set by hand"
_SURE = Allocation()
_MAYBE = Allocation(doubt=_BY_HAND)
_CERTAIN = Allocation(certain=True)
_RECORD = Allocation(certain=True, replaces=True)

_MOUNT = Allocation(fits=_is_token_mount)
_UID = Allocation(certain=True, fits=_is_uid)
_NAME = Allocation(fits=_is_name)
_NODE_PORT = Allocation(doubt=_BY_HAND, fits=_takes_ports)

#: pkg/apis/core/types.go: what the NotReady and Unreachable taints are waited out for.
_TOLERATED = tuple(f"node.kubernetes.io/{taint}" for taint in ("not-ready", "unreachable"))

#: The default of the API server's --default-not-ready-toleration-seconds.
_TOLERATION_SECONDS = 300

_ALLOCATIONS: Mapping[tuple[str, str], Mapping[Place, Allocation]] = {
    # pkg/registry/core/service/storage/alloc.go. A cluster IP can't be changed, nor the families.
    ("", "Service"): {
        ("spec", "clusterIP"): _SURE,
        ("spec", "clusterIPs"): _SURE,
        ("spec", "ipFamilies"): _SURE,
        ("spec", "ipFamilyPolicy"): Allocation(fits=_is("SingleStack", "RequireDualStack")),
        ("spec", "ports", "*", "nodePort"): _NODE_PORT,
        ("spec", "healthCheckNodePort"): _NODE_PORT,
    },
    # Bound by the volume controller; DefaultStorageClass admission; both immutable once set.
    ("", "PersistentVolumeClaim"): {
        ("spec", "volumeName"): Allocation(doubt=_BY_HAND, settled=_is_bound),
        ("spec", "storageClassName"): _SURE,
        ("spec", "volumeAttributesClassName"): _MAYBE,
    },
    ("", "PersistentVolume"): {
        ("spec", "claimRef"): Allocation(doubt=_BY_HAND, fits=_is_whole_reference),
        ("spec", "nodeAffinity"): _MAYBE,
    },
    # pkg/registry/core/namespace/strategy.go.
    ("", "Namespace"): {
        ("spec", "finalizers"): Allocation(certain=True, fits=_is(["kubernetes"]), replaces=True)
    },
    ("", "ServiceAccount"): {("secrets",): _MAYBE},
    # Admission: ServiceAccount, Priority, DefaultTolerationSeconds; and the scheduler.
    ("", "Pod"): {
        ("spec", "nodeName"): _SURE,
        ("spec", "serviceAccountName"): Allocation(fits=_is("default")),
        ("spec", "serviceAccount"): Allocation(fits=_is("default")),
        ("spec", "priority"): _SURE,
        ("spec", "preemptionPolicy"): Allocation(fits=_is("PreemptLowerPriority", "Never")),
        ("spec", "imagePullSecrets"): _MAYBE,
        ("spec", "volumes", "*"): Allocation(fits=_is_token_volume),
        ("spec", "containers", "*", "volumeMounts", "*"): _MOUNT,
        ("spec", "initContainers", "*", "volumeMounts", "*"): _MOUNT,
        ("spec", "ephemeralContainers"): _MAYBE,
    },
    ("", "Node"): {
        ("spec", "podCIDR"): _SURE,
        ("spec", "podCIDRs"): _SURE,
        ("spec", "providerID"): _SURE,
        ("spec", "taints"): _MAYBE,
    },
    # pkg/registry/batch/job/strategy.go, generateSelector.
    ("batch", "Job"): {
        ("spec", "selector"): Allocation(certain=True, fits=_selects_itself),
        ("spec", "selector", "matchLabels"): Allocation(
            certain=True, fits=_selects_itself_by_labels
        ),
        ("spec", "selector", "matchLabels", "batch.kubernetes.io/controller-uid"): _UID,
        **{
            (*place, name): allocation
            for place in (("spec", "template", "metadata", "labels"), ("metadata", "labels"))
            for name, allocation in (
                ("batch.kubernetes.io/controller-uid", _UID),
                ("controller-uid", _UID),
                ("batch.kubernetes.io/job-name", _NAME),
                ("job-name", _NAME),
            )
        },
    },
    # The aggregation controller replaces whatever rules an aggregated role has.
    ("rbac.authorization.k8s.io", "ClusterRole"): {
        ("rules",): Allocation(doubt=_BY_HAND, fits=_is_aggregated, replaces=True)
    },
    # SetDefaults_DeviceTaint: the moment of its making.
    ("resource.k8s.io", "DeviceTaintRule"): {("spec", "taint", "timeAdded"): _CERTAIN},
    # Admission: DefaultIngressClass.
    ("networking.k8s.io", "Ingress"): {("spec", "ingressClassName"): _MAYBE},
    # pkg/registry/certificates/certificates/strategy.go: who asks, as the server knows.
    ("certificates.k8s.io", "CertificateSigningRequest"): {
        ("spec", name): _SURE for name in ("username", "uid", "groups", "extra")
    },
}

#: Annotations that Kubernetes' own parts keep for themselves on an object: by prefix.
_ANNOTATIONS: Mapping[str, Allocation] = {
    # kubectl apply's record of what it applied; says nothing of what is.
    "kubectl.kubernetes.io/last-applied-configuration": _RECORD,
    "deprecated.daemonset.template.generation": _RECORD,
    "deployment.kubernetes.io/": Allocation(replaces=True),
    "pv.kubernetes.io/": _SURE,
    "volume.kubernetes.io/": _SURE,
    "volume.beta.kubernetes.io/storage-provisioner": _SURE,
    "batch.kubernetes.io/job-tracking": _SURE,
    "batch.kubernetes.io/cronjob-scheduled-timestamp": _SURE,
    "endpoints.kubernetes.io/": _SURE,
    # Conditions and metrics, which autoscaling/v1 has no fields for.
    "autoscaling.alpha.kubernetes.io/conditions": _CERTAIN,
    "autoscaling.alpha.kubernetes.io/current-metrics": _CERTAIN,
    "node.alpha.kubernetes.io/": _SURE,
}

#: Finalizers by which Kubernetes protects what is in use and deletes in the right order.
_FINALIZERS = (
    "kubernetes.io/",
    "service.kubernetes.io/load-balancer-cleanup",
    "customresourcecleanup.apiextensions.k8s.io",
    "batch.kubernetes.io/job-tracking",
    "external-provisioner.volume.kubernetes.io/",
    "snapshot.storage.kubernetes.io/",
    "networking.k8s.io/service-cidr-finalizer",
    "foregroundDeletion",
    "orphan",
)

_NONE: Mapping[Place, Allocation] = {}


def allocations(live: Mapping[str, Any]) -> Mapping[Place, Allocation]:
    """Gives the fields that Kubernetes fills in for an object's kind."""
    group, _ = split_api_version(str(live.get("apiVersion") or ""))
    return _ALLOCATIONS.get((group, str(live.get("kind") or "")), _NONE)


def annotation(name: str) -> Allocation | None:
    """Says whether Kubernetes itself keeps an annotation of this name."""
    return next((a for prefix, a in _ANNOTATIONS.items() if name.startswith(prefix)), None)


def is_kubernetes_finalizer(name: object) -> bool:
    """Whether Kubernetes itself sets a finalizer of this name."""
    return isinstance(name, str) and name.startswith(_FINALIZERS)


def tolerations(declared: list[Any], live: list[Any]) -> list[Any] | None:
    """Gives a pod's tolerations with those that DefaultTolerationSeconds appends; None if others.

    plugin/pkg/admission/defaulttolerationseconds/admission.go.
    """
    appended = live[len(declared) :]
    fits = all(
        isinstance(item, Mapping)
        and item.get("key") in _TOLERATED
        and (item.get("operator"), item.get("effect")) == ("Exists", "NoExecute")
        and item.get("tolerationSeconds") == _TOLERATION_SECONDS
        for item in appended
    )
    return live if appended and fits and live[: len(declared)] == declared else None

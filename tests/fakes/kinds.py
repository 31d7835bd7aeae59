"""The kinds that the fake cluster serves from the start."""

from collections.abc import Iterable

from reconciler.core.resource import ResourceKind

VERBS = frozenset({"create", "delete", "get", "list", "patch", "update", "watch"})

#: `apiVersion: kind/plural(/short name)…`; a leading `*` for kinds without a namespace.
_TABLE = """
v1: ConfigMap/configmaps/cm Endpoints/endpoints/ep Event/events/ev LimitRange/limitranges
v1: PersistentVolumeClaim/persistentvolumeclaims/pvc Pod/pods/po ResourceQuota/resourcequotas
v1: Secret/secrets Service/services/svc ServiceAccount/serviceaccounts/sa
v1: ReplicationController/replicationcontrollers/rc
v1: *Namespace/namespaces/ns *Node/nodes/no *PersistentVolume/persistentvolumes/pv
apps/v1: DaemonSet/daemonsets/ds Deployment/deployments/deploy ReplicaSet/replicasets/rs
apps/v1: StatefulSet/statefulsets/sts ControllerRevision/controllerrevisions
autoscaling/v2: HorizontalPodAutoscaler/horizontalpodautoscalers/hpa
autoscaling/v1: HorizontalPodAutoscaler/horizontalpodautoscalers/hpa
batch/v1: CronJob/cronjobs/cj Job/jobs
coordination.k8s.io/v1: Lease/leases
discovery.k8s.io/v1: EndpointSlice/endpointslices
networking.k8s.io/v1: Ingress/ingresses/ing NetworkPolicy/networkpolicies/netpol
networking.k8s.io/v1: *IngressClass/ingressclasses
policy/v1: PodDisruptionBudget/poddisruptionbudgets/pdb
rbac.authorization.k8s.io/v1: Role/roles RoleBinding/rolebindings
rbac.authorization.k8s.io/v1: *ClusterRole/clusterroles *ClusterRoleBinding/clusterrolebindings
scheduling.k8s.io/v1: *PriorityClass/priorityclasses/pc
storage.k8s.io/v1: *StorageClass/storageclasses/sc
apiextensions.k8s.io/v1: *CustomResourceDefinition/customresourcedefinitions/crd
apiregistration.k8s.io/v1: *APIService/apiservices
admissionregistration.k8s.io/v1: *MutatingWebhookConfiguration/mutatingwebhookconfigurations
admissionregistration.k8s.io/v1: *ValidatingWebhookConfiguration/validatingwebhookconfigurations
"""


def kind_of(
    api_version: str,
    kind: str,
    plural: str,
    *,
    namespaced: bool = True,
    short_names: Iterable[str] = (),
) -> ResourceKind:
    """Makes a kind that can be read and written."""
    group, _, version = api_version.rpartition("/")
    return ResourceKind(group, version, kind, plural, namespaced, VERBS, tuple(short_names))


def _builtin() -> tuple[ResourceKind, ...]:
    kinds = []
    for line in _TABLE.strip().splitlines():
        api_version, _, entries = line.partition(": ")
        for entry in entries.split():
            kind, plural, *short_names = entry.split("/")
            kinds.append(
                kind_of(
                    api_version,
                    kind.lstrip("*"),
                    plural,
                    namespaced=not kind.startswith("*"),
                    short_names=short_names,
                )
            )
    return tuple(kinds)


#: Of each group the preferred version comes first.
BUILTIN = _builtin()


def named(kind: str, api_version: str = "") -> ResourceKind:
    """Gives a built-in kind by its name."""
    return next(k for k in BUILTIN if k.kind == kind and api_version in ("", k.api_version))

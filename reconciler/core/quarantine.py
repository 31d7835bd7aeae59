"""Pods in quarantine: out of service and off the network, and still there to be examined."""

import json
from collections.abc import Mapping
from typing import Final

from reconciler.core.resource import JsonObject, metadata_of

#: Which a pod in quarantine has instead of all its labels: no controller and no Service selects it.
QUARANTINE: Final = "plumbline.dev/quarantine"
#: In which annotation its labels stand meanwhile, as JSON.
LABELS_BEFORE: Final = "plumbline.dev/labels-before-quarantine"
_POLICY: Final = "plumbline-quarantine"


def is_in_quarantine(pod: JsonObject) -> bool:
    """Whether a pod was put into quarantine."""
    return QUARANTINE in _labels(pod)


def serves(pod: JsonObject, uid: str) -> bool:
    """Whether a pod is still this one, in service, and isn't being deleted."""
    metadata = metadata_of(pod)
    here = metadata.get("uid") == uid and not metadata.get("deletionTimestamp")
    return here and not is_in_quarantine(pod)


def in_quarantine(pod: JsonObject) -> JsonObject:
    """Gives a pod as it is written to be in quarantine."""
    metadata = metadata_of(pod)
    annotations = metadata.get("annotations")
    before = json.dumps(_labels(pod), sort_keys=True)
    return {
        **pod,
        "metadata": {
            **metadata,
            "labels": {QUARANTINE: "true"},
            "annotations": {**(annotations or {}), LABELS_BEFORE: before},
        },
    }


def isolation(namespace: str) -> JsonObject:
    """Gives the NetworkPolicy that keeps a namespace's pods in quarantine off the network.

    It names both directions and allows nothing in either
    (kubernetes.io/docs/concepts/services-networking/network-policies).
    """
    return {
        "apiVersion": "networking.k8s.io/v1",
        "kind": "NetworkPolicy",
        "metadata": {"name": _POLICY, "namespace": namespace},
        "spec": {
            "podSelector": {"matchExpressions": [{"key": QUARANTINE, "operator": "Exists"}]},
            "policyTypes": ["Ingress", "Egress"],
        },
    }


def _labels(pod: JsonObject) -> Mapping[str, str]:
    labels = metadata_of(pod).get("labels")
    return labels if isinstance(labels, Mapping) else {}

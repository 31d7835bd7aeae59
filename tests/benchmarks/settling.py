"""Waits until the controllers have come to rest."""

import json
import time

from tests.tools.controlplane import ControlPlane, ControlPlaneError

_POLL = 0.25
_STILL = 5


def settle(plane: ControlPlane, timeout: float = 60) -> None:
    """Waits until no workload or claim has changed for a while.

    Raises:
        ControlPlaneError: They never come to rest.
    """
    deadline = time.monotonic() + timeout
    last: list[str] = []
    still = 0
    while still < _STILL:
        if time.monotonic() > deadline:
            raise ControlPlaneError("the controllers have not come to rest")
        time.sleep(_POLL)
        now = _versions(plane)
        still = still + 1 if now == last else 0
        last = now


def _versions(plane: ControlPlane) -> list[str]:
    kinds = "deployments,statefulsets,daemonsets,jobs,replicasets,pods,pvc,pv,clusterroles,services"
    found = json.loads(plane.kubectl("get", kinds, "-A", "-o", "json").stdout)
    return sorted(
        f"{body['metadata']['uid']} {body['metadata']['resourceVersion']}"
        for body in found["items"]
    )

"""What pods declare, as far as a look at their containers needs it: from `kubectl get pods`."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reconciler.core.commands import mask_command
from reconciler.core.containers import Origin, ProcessDrift, SessionDrift

_LISTS = (
    ("containers", "containerStatuses"),
    ("initContainers", "initContainerStatuses"),
    ("ephemeralContainers", "ephemeralContainerStatuses"),
)
_HOOKS = ("livenessProbe", "readinessProbe", "startupProbe")


@dataclass(frozen=True, slots=True)
class PodSpec:
    """What one pod declares.

    Attributes:
        ports: Protocol and number of every declared port.
        commands: What the kubelet runs in its containers by itself: probes and hooks; masked.
        digests: The digest of each container's image, by the container's id.
        labels: The pod's.
    """

    ports: frozenset[tuple[str, int]]
    commands: frozenset[tuple[str, ...]]
    digests: Mapping[str, str]
    labels: Mapping[str, str] = field(default_factory=dict)


def pod_specs(document: object) -> dict[str, PodSpec]:
    """Reads a list of pods, or one pod.

    Returns:
        By the pod's uid.

    Raises:
        ValueError: It's neither.
    """
    if not isinstance(document, dict) or not str(document.get("kind", "")).endswith(
        ("List", "Pod")
    ):
        raise ValueError("no list of pods")
    pods = document.get("items", [document])
    return {str(pod["metadata"]["uid"]): _spec(pod) for pod in pods if pod.get("kind") != "List"}


def _spec(pod: Mapping[str, Any]) -> PodSpec:
    ports: set[tuple[str, int]] = set()
    commands: set[tuple[str, ...]] = set()
    for container in _containers(pod.get("spec") or {}):
        for port in container.get("ports") or ():
            ports.add((str(port.get("protocol", "TCP")), int(port["containerPort"])))
        hooks = [container.get(name) for name in _HOOKS]
        hooks += (container.get("lifecycle") or {}).values()
        for hook in hooks:
            words = ((hook or {}).get("exec") or {}).get("command")
            if words:
                commands.add(mask_command([str(word) for word in words]))
    labels = (pod.get("metadata") or {}).get("labels") or {}
    return PodSpec(
        frozenset(ports),
        frozenset(commands),
        dict(_digests(pod.get("status") or {})),
        {str(name): str(value) for name, value in labels.items()},
    )


def _containers(spec: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    for name, _ in _LISTS:
        yield from spec.get(name) or ()


def _digests(status: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for _, name in _LISTS:
        for each in status.get(name) or ():
            digest = str(each.get("imageID", "")).rpartition("@")[2].rpartition("//")[2]
            if digest.startswith("sha256:"):
                yield str(each.get("containerID", "")).rpartition("//")[2], digest


def processes_but(
    processes: Sequence[ProcessDrift], commands: frozenset[tuple[str, ...]]
) -> tuple[ProcessDrift, ...]:
    """Gives processes but those of the image that the pod's spec has the kubelet run."""
    return tuple(
        each
        for each in processes
        if each.origin is not Origin.PROFILE or each.command not in commands
    )


def sessions_but(
    sessions: Sequence[SessionDrift], commands: frozenset[tuple[str, ...]]
) -> tuple[SessionDrift, ...]:
    """Gives the sessions that aren't what the pod's spec has the kubelet run, such as probes."""
    return tuple(each for each in sessions if each.command not in commands)

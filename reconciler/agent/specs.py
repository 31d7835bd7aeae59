"""What pods declare, as far as a look at their containers needs it: from `kubectl get pods`."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from math import inf
from typing import Any

from reconciler.core.commands import mask_command
from reconciler.core.containers import Origin, ProcessDrift, SessionDrift
from reconciler.core.moments import moment_of

_LISTS = (
    ("containers", "containerStatuses"),
    ("initContainers", "initContainerStatuses"),
    ("ephemeralContainers", "ephemeralContainerStatuses"),
)
_PROBES = ("livenessProbe", "readinessProbe", "startupProbe")

#: Seconds that a probe, and a pod's end, may take where the pod doesn't say so (kubernetes
#: pkg/apis/core/v1/defaults.go, SetDefaults_Probe and SetDefaults_PodSpec).
_TIMEOUT, _GRACE = 1, 30
#: Seconds beyond that until the runtime has ended a command, on a busy machine.
_PATIENCE = 10

_OVERDUE = "its words are a probe's, but no probe of the pod may take so long"
_TOO_MANY = "its words are a probe's, but more of them run than the pod has"


@dataclass(frozen=True, slots=True)
class Hook:
    """A command that the kubelet runs in a container by itself.

    Attributes:
        count: How many may run at once: every probe and hook runs its command once at a time.
        seconds: How long one may run.
    """

    count: int
    seconds: float


@dataclass(frozen=True, slots=True)
class PodSpec:
    """What one pod declares.

    Attributes:
        ports: Protocol and number of every declared port.
        hooks: What the kubelet runs in its containers by itself, by its words; masked.
        digests: The digest of each container's image, by the container's id.
        labels: The pod's.
    """

    ports: frozenset[tuple[str, int]]
    hooks: Mapping[tuple[str, ...], Hook]
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
    hooks: dict[tuple[str, ...], Hook] = {}
    spec = pod.get("spec") or {}
    for container in _containers(spec):
        for port in container.get("ports") or ():
            ports.add((str(port.get("protocol", "TCP")), int(port["containerPort"])))
        mine: dict[tuple[str, ...], Hook] = {}
        for words, seconds in _commands(container, spec):
            known = mine.get(words, Hook(0, 0))
            mine[words] = Hook(known.count + 1, max(known.seconds, seconds))
        for words, hook in mine.items():
            known = hooks.get(words, hook)
            hooks[words] = Hook(max(known.count, hook.count), max(known.seconds, hook.seconds))
    labels = (pod.get("metadata") or {}).get("labels") or {}
    return PodSpec(
        frozenset(ports),
        hooks,
        dict(_digests(pod.get("status") or {})),
        {str(name): str(value) for name, value in labels.items()},
    )


def _commands(
    container: Mapping[str, Any], spec: Mapping[str, Any]
) -> Iterator[tuple[tuple[str, ...], float]]:
    """Gives what the kubelet runs in a container, and how many seconds each may take."""
    grace = spec.get("terminationGracePeriodSeconds")
    lifecycle = container.get("lifecycle") or {}
    found = [
        *((container.get(name), _TIMEOUT) for name in _PROBES),
        (lifecycle.get("preStop"), _GRACE if grace is None else grace),
        (lifecycle.get("postStart"), inf),
    ]
    for hook, seconds in found:
        words = ((hook or {}).get("exec") or {}).get("command")
        if words:
            limit = (hook or {}).get("timeoutSeconds") or seconds
            yield mask_command([str(word) for word in words]), float(limit) + _PATIENCE


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
    sessions: Sequence[SessionDrift], hooks: Mapping[tuple[str, ...], Hook], now: datetime
) -> tuple[SessionDrift, ...]:
    """Gives a container's sessions that aren't what its pod has the kubelet run, such as probes.

    Whoever runs a probe's words by `kubectl exec` does what the probe does; but words such as `sh`
    take more from outside. So what runs longer than it may, or beside too many, is told.
    """
    told: list[SessionDrift] = []
    running: Counter[tuple[str, ...]] = Counter()
    for each in sorted(sessions, key=lambda one: one.started_at):
        hook = hooks.get(each.command) if each.verb == "exec" else None
        if hook is None:
            told.append(each)
            continue
        running[each.command] += 1
        started = moment_of(each.started_at)
        if started is not None and (now - started).total_seconds() > hook.seconds:
            told.append(replace(each, note=each.note or _OVERDUE))
        elif running[each.command] > hook.count:
            told.append(replace(each, note=each.note or _TOO_MANY))
    return tuple(told)

"""Which containers run which images, by the workload that they belong to."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import Any, Final

from reconciler.core.desired import DesiredState, SourceLocation
from reconciler.core.images.naming import ImageName, RunningId, image_name, running_id
from reconciler.core.live import Listing, LiveState
from reconciler.core.path import Path, value_at
from reconciler.core.resource import (
    JsonObject,
    ResourceKey,
    ResourceKind,
    metadata_of,
    split_api_version,
)

PODS: Final = ResourceKind("", "v1", "Pod", "pods", namespaced=True)
_REPLICA_SETS: Final = ResourceKind("apps", "v1", "ReplicaSet", "replicasets", namespaced=True)
_JOBS: Final = ResourceKind("batch", "v1", "Job", "jobs", namespaced=True)

#: Deployments label what they make with the end of their ReplicaSet's name.
_HASH_LABEL: Final = "pod-template-hash"
#: Nobody owns through more than a few objects; a circle must not hold us.
_GENERATIONS: Final = 8
#: Pods that have come to their end run nothing.
_ENDED: Final = frozenset({"Succeeded", "Failed"})


class ContainerKind(StrEnum):
    """Where a pod's specification names a container."""

    CONTAINER = "container"
    INIT = "init"
    EPHEMERAL = "ephemeral"

    @property
    def field(self) -> str:
        """The list in a pod's specification."""
        return "containers" if self is ContainerKind.CONTAINER else f"{self.value}Containers"

    @property
    def statuses(self) -> str:
        """The list in a pod's status."""
        name = "container" if self is ContainerKind.CONTAINER else f"{self.value}Container"
        return f"{name}Statuses"


@dataclass(frozen=True, slots=True)
class Container:
    """One container of one pod.

    Attributes:
        pod: The pod's name.
        pod_uid: Its uid.
        node: Where it runs; empty where that isn't decided.
        image: As the pod's specification names it.
        running: What the runtime says that it runs; without a digest where it never ran.
        container_id: As the runtime names it; empty where it never ran.
        started_at: RFC 3339; empty where it doesn't run.
        waiting: Why it doesn't run, in Kubernetes' word such as `ImagePullBackOff`; empty where it
            runs or ran.
    """

    pod: str
    pod_uid: str
    node: str
    image: str
    running: RunningId
    container_id: str = ""
    started_at: str = ""
    waiting: str = ""


@dataclass(frozen=True, slots=True)
class Use:
    """One container of a workload, with all that run of it.

    Attributes:
        owner: The workload: what nothing else made, such as a Deployment.
        api_version: The workload's.
        uid: The live workload's; empty where no pod of it tells.
        kind: Which list the container is in.
        container: The container's name.
        declared: The image that Git declares; empty where Git declares no such container.
        source: Where Git declares the workload; None where it doesn't.
        containers: What there is of it in pods, by the pods' names; empty where no pod is there.
    """

    owner: ResourceKey
    api_version: str
    uid: str
    kind: ContainerKind
    container: str
    declared: str
    source: SourceLocation | None
    containers: tuple[Container, ...] = ()

    @property
    def image(self) -> str:
        """The image that should run: Git's; where Git says nothing, that of the first pod."""
        return self.declared or next((each.image for each in self.containers), "")

    @property
    def name(self) -> ImageName | None:
        """The image that should run, read; None where it is no name of an image."""
        return image_name(self.image)


def listings(desired: DesiredState, scope: frozenset[str]) -> tuple[Listing, ...]:
    """Says what to read: pods, and what stands between them and their workloads.

    Args:
        desired: What is declared.
        scope: Namespaces in which undeclared workloads count, too.
    """
    spaces = scope | {key.namespace for key, _ in _declared_specs(desired)}
    if not spaces:
        return ()
    return tuple(Listing(kind, frozenset(spaces)) for kind in (PODS, _REPLICA_SETS, _JOBS))


def uses(desired: DesiredState, live: LiveState, scope: frozenset[str]) -> tuple[Use, ...]:
    """Finds every container that is declared or runs, by workload.

    Args:
        desired: What is declared.
        live: What was read by `listings`.
        scope: Namespaces in which undeclared workloads count, too; elsewhere they are somebody
            else's.

    Returns:
        By namespace, workload and container.
    """
    found: dict[tuple[ResourceKey, ContainerKind, str], Use] = {}
    for key, spec in _declared_specs(desired):
        manifest = desired.resources[key]
        for kind, name, image in _images(spec):
            use = Use(key, manifest.api_version, "", kind, name, image, manifest.source)
            found[key, kind, name] = use
    running: dict[tuple[ResourceKey, ContainerKind, str], list[Container]] = {}
    parents = _parents(live)
    for key, pod in sorted(live.objects.get("v1", {}).items()):
        if key.kind != "Pod" or _status(pod).get("phase") in _ENDED:
            continue
        owner, api_version, uid = _owner(key, pod, parents)
        declared = desired.resources.get(owner)
        if declared is None and key.namespace not in scope:
            continue
        source = declared.source if declared else None
        for kind, name, container in _containers(pod):
            place = (owner, kind, name)
            use = found.get(place) or Use(owner, api_version, uid, kind, name, "", source)
            found[place] = replace(use, uid=uid)
            running.setdefault(place, []).append(container)
    order = list(ContainerKind)
    whole = (replace(use, containers=tuple(running.get(place, ()))) for place, use in found.items())
    return tuple(
        sorted(whole, key=lambda u: (u.owner.namespace, u.owner, order.index(u.kind), u.container))
    )


def pull_secrets(live: LiveState) -> tuple[ResourceKey, ...]:
    """Gives the Secrets that pods name for pulling; the server adds those of a service account."""
    named = {
        ResourceKey("", "Secret", key.namespace, str(each["name"]))
        for key, pod in live.objects.get("v1", {}).items()
        if key.kind == "Pod"
        for each in _maps(_spec(pod).get("imagePullSecrets"))
        if each.get("name")
    }
    return tuple(sorted(named))


def _declared_specs(desired: DesiredState) -> Iterator[tuple[ResourceKey, Mapping[str, Any]]]:
    for key, manifest in desired.resources.items():
        spec = pod_spec(manifest.body)
        if spec is not None:
            yield key, spec


def pod_spec(body: JsonObject) -> Mapping[str, Any] | None:
    """Gives the pod specification in a workload, a custom one's, too; None where there is none."""
    spec = value_at(body, spec_path(str(body.get("kind"))))
    return spec if isinstance(spec, Mapping) and _maps(spec.get("containers")) else None


def spec_path(kind: str) -> Path:
    """Says where the pod specification is in a workload of a kind."""
    template: Path = ("spec", "template", "spec")
    match kind:
        case "Pod":
            return ("spec",)
        case "CronJob":
            return ("spec", "jobTemplate", *template)
        case _:
            return template


def _images(spec: Mapping[str, Any]) -> Iterator[tuple[ContainerKind, str, str]]:
    for kind in ContainerKind:
        for each in _maps(spec.get(kind.field)):
            yield kind, str(each.get("name") or ""), str(each.get("image") or "")


def _containers(pod: JsonObject) -> Iterator[tuple[ContainerKind, str, Container]]:
    status, metadata = _status(pod), metadata_of(pod)
    node = str(_spec(pod).get("nodeName") or "")
    for kind in ContainerKind:
        statuses = {str(s.get("name")): s for s in _maps(status.get(kind.statuses))}
        for each in _maps(_spec(pod).get(kind.field)):
            name = str(each.get("name") or "")
            told = statuses.get(name, {})
            state = _map(told.get("state"))
            yield (
                kind,
                name,
                Container(
                    pod=str(metadata.get("name") or ""),
                    pod_uid=str(metadata.get("uid") or ""),
                    node=node,
                    image=str(each.get("image") or ""),
                    running=running_id(str(told.get("imageID") or "")),
                    container_id=str(told.get("containerID") or ""),
                    started_at=str(_map(state.get("running")).get("startedAt") or ""),
                    waiting=_waiting(state, told),
                ),
            )


def _waiting(state: Mapping[str, Any], told: Mapping[str, Any]) -> str:
    if "waiting" in state:
        return str(_map(state["waiting"]).get("reason") or "waiting")
    return "" if told.get("imageID") else "not started"


_Parent = tuple[ResourceKey, str, str]


def _parents(live: LiveState) -> Mapping[str, _Parent]:
    """Gives, by uid, what owns each ReplicaSet and each Job that was read."""
    between = [*live.objects.get("apps/v1", {}).items(), *live.objects.get("batch/v1", {}).items()]
    return {
        str(metadata_of(body).get("uid")): parent
        for key, body in between
        if (parent := _controller(key.namespace, body)) is not None
    }


def _controller(namespace: str, body: JsonObject) -> _Parent | None:
    for each in _maps(metadata_of(body).get("ownerReferences")):
        # What a node runs by itself is mirrored as pods that nothing in the cluster has made.
        if each.get("controller") is True and each.get("kind") != "Node":
            api_version = str(each.get("apiVersion") or "")
            group, _ = split_api_version(api_version)
            key = ResourceKey(group, str(each.get("kind")), namespace, str(each.get("name")))
            return key, api_version, str(each.get("uid") or "")
    return None


def _owner(key: ResourceKey, pod: JsonObject, parents: Mapping[str, _Parent]) -> _Parent:
    """Gives what nothing else made: the pod itself, or what it comes from."""
    found: _Parent = (key, "v1", str(metadata_of(pod).get("uid") or ""))
    parent = _controller(key.namespace, pod)
    for _ in range(_GENERATIONS):
        if parent is None:
            break
        found = parent
        parent = parents.get(found[2])
    return _of_replica_set(found, pod)


def _of_replica_set(found: _Parent, pod: JsonObject) -> _Parent:
    """Gives the Deployment of a ReplicaSet that couldn't be read, by the label of its pods."""
    key, api_version, _ = found
    labels = metadata_of(pod).get("labels")
    digits = str(_map(labels).get(_HASH_LABEL) or "")
    if key.kind != "ReplicaSet" or not digits or not key.name.endswith(f"-{digits}"):
        return found
    name = key.name.removesuffix(f"-{digits}")
    return ResourceKey("apps", "Deployment", key.namespace, name), api_version, ""


def _spec(pod: JsonObject) -> Mapping[str, Any]:
    return _map(pod.get("spec"))


def _status(pod: JsonObject) -> Mapping[str, Any]:
    return _map(pod.get("status"))


def _map(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _maps(value: Any) -> list[Mapping[str, Any]]:
    found: Iterable[Any] = value if isinstance(value, list) else ()
    return [each for each in found if isinstance(each, Mapping)]

"""Which running pods are a target's, who makes them, and after which template."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from reconciler.core.desired import SourceLocation
from reconciler.core.live import LiveState
from reconciler.core.quarantine import is_in_quarantine
from reconciler.core.resource import JsonObject, ResourceKey, metadata_of, split_api_version
from reconciler.core.sides import Sides

#: A pod's owner, the owner's owner and so on; Kubernetes' own kinds have three at most.
_DEPTH: Final = 6
#: The label by which a StatefulSet and a DaemonSet say which of their revisions a pod is of
#: (k8s.io/api/apps/v1/types.go, ControllerRevisionHashLabelKey).
REVISION: Final = "controller-revision-hash"
_REVISED: Final = frozenset({("apps", "StatefulSet"), ("apps", "DaemonSet")})


@dataclass(frozen=True, slots=True)
class Template:
    """What a controller makes a pod of.

    Attributes:
        body: A PodTemplateSpec, as the controller has it, with the server's defaults.
        maker: The object that has it: a ReplicaSet, a ControllerRevision's owner, a Job.
        revision: The same for all pods that were made of it.
    """

    body: JsonObject
    maker: JsonObject
    revision: str


@dataclass(frozen=True, slots=True)
class TargetPod:
    """A running pod of a target.

    Attributes:
        key: The pod.
        body: As it was read.
        owner: The declared object at the top of its owners; the pod itself where it is declared;
            None for a pod in the target's scope that nothing controls.
        source: Where that is declared.
        template: What it was made of; None where that isn't known, and where nothing made it.
    """

    key: ResourceKey
    body: JsonObject
    owner: ResourceKey | None = None
    source: SourceLocation | None = None
    template: Template | None = None

    @property
    def uid(self) -> str:
        """The pod's uid."""
        return str(metadata_of(self.body).get("uid") or "")

    @property
    def node(self) -> str:
        """On which node it runs; empty before it was put on one."""
        return str(mapping(self.body.get("spec")).get("nodeName") or "")

    @property
    def is_over(self) -> bool:
        """Whether none of its containers runs any more, nor ever will."""
        return is_over(self.body)

    @property
    def is_ending(self) -> bool:
        """Whether it is over, or is being deleted: nobody will put right what it is like."""
        return self.is_over or bool(metadata_of(self.body).get("deletionTimestamp"))


def pods_of(sides: Sides, namespaces: frozenset[str]) -> tuple[TargetPod, ...]:
    """Gives the pods that something declared made, and those in scope that nothing controls.

    Args:
        sides: What was read, pods among it; see `scope.with_pods`.
        namespaces: Where unmanaged objects are looked for.
    """
    return tuple(_belonging(sides, namespaces))


def _belonging(sides: Sides, namespaces: frozenset[str]) -> Iterator[TargetPod]:
    declared = sides.desired.resources
    records = _records(sides.live)
    for key, body in sides.live.objects.get("v1", {}).items():
        # What is in quarantine is nobody's: it is there to be examined.
        if (key.group, key.kind) != ("", "Pod") or is_in_quarantine(body):
            continue
        chain = list(_controllers(key, body, sides))
        owner = next((each for each, _ in ((key, body), *chain) if each in declared), None)
        if owner is not None or (key.namespace in namespaces and not controller_of(body)):
            source = declared[owner].source if owner is not None else None
            template = _template(body, *chain[0], records) if chain else None
            yield TargetPod(key, body, owner, source, template)


def _controllers(
    key: ResourceKey, body: JsonObject, sides: Sides
) -> Iterator[tuple[ResourceKey, JsonObject]]:
    """Gives who controls an object, who controls that one, and so on, as far as they were read.

    The last may be declared and not have been read; its body is empty then.
    """
    for _ in range(_DEPTH):
        reference = controller_of(body)
        if not reference:
            return
        api_version, kind = str(reference.get("apiVersion")), str(reference.get("kind"))
        group, _version = split_api_version(api_version)
        owner = ResourceKey(group, kind, key.namespace, str(reference.get("name")))
        found = _find(owner, api_version, sides)
        if found is not None and metadata_of(found).get("uid") != reference.get("uid"):
            # Another one of its name: what made this is gone.
            return
        if found is None and owner not in sides.desired.resources:
            return
        key, body = owner, found or {}
        yield key, body


def _find(key: ResourceKey, api_version: str, sides: Sides) -> JsonObject | None:
    found = sides.live.find(api_version, key)
    manifest = sides.desired.resources.get(key)
    if found is None and manifest is not None:
        found = sides.live.find(manifest.api_version, key)
    return found


def is_over(pod: JsonObject) -> bool:
    """Whether none of a pod's containers runs any more, nor ever will."""
    return mapping(pod.get("status")).get("phase") in ("Succeeded", "Failed")


def controller_of(body: Mapping[str, Any]) -> Mapping[str, Any]:
    """Gives the reference to the one owner that controls an object; empty where there is none."""
    for reference in items(metadata_of(body).get("ownerReferences")):
        if isinstance(reference, Mapping) and reference.get("controller") is True:
            return reference
    return {}


#: By a controller's uid and a record's name, the templates that it keeps of its revisions.
_Records: TypeAlias = Mapping[tuple[str, str], JsonObject]


def _records(live: LiveState) -> _Records:
    return {
        (str(controller_of(body).get("uid")), key.name): body
        for key, body in live.objects.get("apps/v1", {}).items()
        if key.kind == "ControllerRevision"
    }


def _template(
    pod: JsonObject, key: ResourceKey, maker: JsonObject, records: _Records
) -> Template | None:
    uid = str(metadata_of(maker).get("uid") or "")
    if (key.group, key.kind) in _REVISED:
        wanted = str(mapping(metadata_of(pod).get("labels")).get(REVISION) or "")
        # A StatefulSet's pods carry a record's name, a DaemonSet's only the hash in it
        # (k8s.io/kubernetes/pkg/controller/history/controller_history.go).
        record = records.get((uid, wanted)) or records.get((uid, f"{key.name}-{wanted}"))
        body = _recorded(record) if record is not None else {}
        return Template(body, maker, f"{uid}/{wanted}") if body else None
    template = mapping(mapping(maker.get("spec")).get("template"))
    if not mapping(template.get("spec")).get("containers"):
        return None
    # A Deployment makes another ReplicaSet for another template, and a Job's never changes.
    return Template(dict(template), maker, uid)


def _recorded(record: JsonObject) -> JsonObject:
    template = mapping(mapping(mapping(record.get("data")).get("spec")).get("template"))
    return {name: value for name, value in template.items() if name != "$patch"}


def mapping(value: object) -> Mapping[str, Any]:
    """Gives a map, an empty one in place of anything else."""
    return value if isinstance(value, Mapping) else {}


def items(value: object) -> Sequence[Any]:
    """Gives a list, an empty one in place of anything else."""
    return value if isinstance(value, list) else ()

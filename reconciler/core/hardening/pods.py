"""Finds the pods in objects of any kind, and reads them whatever they hold."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reconciler.core.path import Item, Path
from reconciler.core.resource import JsonObject

#: Where a pod's specification may be: of a Pod, of what makes pods (custom kinds, too), of a
#: CronJob, of a PodTemplate.
_PLACES: tuple[tuple[str, ...], ...] = (
    ("spec",),
    ("spec", "template", "spec"),
    ("spec", "jobTemplate", "spec", "template", "spec"),
    ("template", "spec"),
)
_LISTS = ("containers", "initContainers", "ephemeralContainers")


@dataclass(frozen=True, slots=True)
class Container:
    """A container of a pod.

    Attributes:
        body: As declared.
        path: Where it is, from the object's root.
        name: Its name.
        kind: In which of the pod's lists.
    """

    body: Mapping[str, Any]
    path: Path
    name: str
    kind: str

    @property
    def security(self) -> Mapping[str, Any]:
        """Its security context, empty where there is none."""
        return mapping(self.body.get("securityContext"))


@dataclass(frozen=True, slots=True)
class Pod:
    """A pod, or what pods are made of.

    Attributes:
        spec: Its specification.
        path: Where that is.
        containers: All of its containers.
        annotations: Those of the pod.
    """

    spec: Mapping[str, Any]
    path: Path
    containers: tuple[Container, ...]
    annotations: Mapping[str, Any]

    @property
    def security(self) -> Mapping[str, Any]:
        """The pod's security context, empty where there is none."""
        return mapping(self.spec.get("securityContext"))

    @property
    def is_windows(self) -> bool:
        """Whether it runs on Windows, where much of this has no meaning."""
        return mapping(self.spec.get("os")).get("name") == "windows"

    def setting(self, container: Container, name: str) -> Any:
        """Gives a security setting as it counts: the container's own, else the pod's."""
        found = container.security.get(name)
        return self.security.get(name) if found is None else found


def pod_of(body: JsonObject) -> Pod | None:
    """Finds the pod in an object; None where it has none."""
    for place in _PLACES:
        above: Any = body
        for step in place[:-1]:
            above = mapping(above).get(step)
        spec = mapping(mapping(above).get(place[-1]))
        containers = tuple(_containers(spec, place))
        if containers:
            metadata = mapping(mapping(above).get("metadata"))
            return Pod(spec, place, containers, mapping(metadata.get("annotations")))
    return None


def _containers(spec: Mapping[str, Any], place: Sequence[str]) -> Iterator[Container]:
    for kind in _LISTS:
        for number, each in enumerate(listed(spec.get(kind))):
            body = mapping(each)
            # What runs has an image; other kinds may call other things containers.
            if isinstance(body.get("image"), str):
                name = str(body.get("name") or "")
                step = Item((("name", name),)) if name else number
                yield Container(body, (*place, kind, step), name, kind)


def mapping(value: object) -> Mapping[str, Any]:
    """Gives a map, empty where it is something else: what is declared may be anything."""
    return value if isinstance(value, Mapping) else {}


def listed(value: object) -> Sequence[Any]:
    """Gives a list, empty where it is something else."""
    return value if isinstance(value, list) else ()

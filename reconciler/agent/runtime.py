"""What the container runtime knows of a container, read from its files: no client, no socket.

containerd, CRI-O, podman and Docker's containerd each keep an OCI bundle, a folder with a
`config.json`, whose annotations say what the kubelet asked for:
containerd `internal/cri/annotations/annotations.go`, CRI-O `pkg/annotations`, podman
`libpod/define/annotations.go`.
"""

import json
import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from reconciler.agent.opening import open_in
from reconciler.core.containers import SANDBOX

#: Folders in which bundles are, each by the container's id; `*` is any name. k3s, RKE2 and MicroK8s
#: have a containerd of their own, Docker too.
_BUNDLES = (
    "/run/containerd/io.containerd.runtime.v2.task/*",
    "/run/k3s/containerd/io.containerd.runtime.v2.task/*",
    "/run/docker/containerd/daemon/io.containerd.runtime.v2.task/*",
    "/var/snap/microk8s/common/run/containerd/io.containerd.runtime.v2.task/*",
    "/run/containers/storage/overlay-containers",
    "/var/lib/containers/storage/overlay-containers",
)
_CRI = "io.kubernetes.cri."
_CRIO = "io.kubernetes.cri-o."
_LIMIT = 4 << 20


@dataclass(frozen=True, slots=True)
class Bundle:
    """What a runtime says of one container; what it doesn't say is empty.

    Attributes:
        folder: The bundle's folder, as the runtime sees it.
        root: The folder of the container's root, as the runtime sees it.
        namespace: The pod's namespace.
        pod: The pod's name.
        pod_uid: The pod's uid.
        container: The container's name.
        image: The image's name.
        image_digest: The image's digest, if its name has one.
    """

    folder: str
    root: str
    namespace: str
    pod: str
    pod_uid: str
    container: str
    image: str
    image_digest: str


def bundle_of(root: int, container_id: str, near: str) -> Bundle | None:
    """Finds a container's bundle.

    Args:
        root: A descriptor of the root directory that the runtime sees.
        container_id: The container's.
        near: The working directory of the process that watches over the container, which is a
            bundle too: this one, or that of another container of the pod.

    Returns:
        What it says; None where there is none.
    """
    for folder in _folders(root, container_id, near):
        config = _json(root, f"{folder}/config.json")
        if isinstance(config, dict):
            return _bundle(root, folder, container_id, config)
    return None


def _folders(root: int, container_id: str, near: str) -> Iterator[str]:
    beside, _, name = near.removesuffix("/userdata").rpartition("/")
    if len(name) == len(container_id):
        yield f"{beside}/{container_id}"
        yield f"{beside}/{container_id}/userdata"
    for place in _BUNDLES:
        folder = place.removesuffix("/*")
        for name in _names(root, folder) if place.endswith("/*") else ("",):
            inside = f"{folder}/{name}".rstrip("/")
            yield f"{inside}/{container_id}"
            yield f"{inside}/{container_id}/userdata"


def _bundle(root: int, folder: str, container_id: str, config: Mapping[str, Any]) -> Bundle:
    said: Mapping[str, Any] = config.get("annotations") or {}

    def first(*names: str) -> str:
        return next((said[name] for name in names if isinstance(said.get(name), str)), "")

    sandbox = first(f"{_CRI}container-type", f"{_CRIO}ContainerType") == "sandbox"
    image = first(
        f"{_CRI}image-name",
        f"{_CRI}podsandbox.image-name",
        f"{_CRIO}ImageName",
        f"{_CRIO}Image",
        "org.opencontainers.image.ref.name",
    )
    name = first(f"{_CRI}container-name", "io.kubernetes.container.name")
    digest = first(f"{_CRIO}ImageRef")
    if not said or not (name or sandbox):
        name, image = _stored(root, folder, container_id, config, image)
    top = (config.get("root") or {}).get("path") or "rootfs"
    return Bundle(
        folder=folder,
        root=top if top.startswith("/") else f"{folder}/{top}",
        namespace=first(f"{_CRI}sandbox-namespace", "io.kubernetes.pod.namespace"),
        pod=first(f"{_CRI}sandbox-name", "io.kubernetes.pod.name"),
        pod_uid=first(f"{_CRI}sandbox-uid", "io.kubernetes.pod.uid"),
        container=SANDBOX if sandbox else name,
        image=image,
        image_digest=digest if digest.startswith("sha256:") else _digest(image),
    )


def _stored(
    root: int, folder: str, container_id: str, config: Mapping[str, Any], image: str
) -> tuple[str, str]:
    """Gives name and image outside of Kubernetes: by podman's list, or Docker's own file."""
    beside = folder.removesuffix("/userdata").rpartition("/")[0]
    for place in (beside, "/var/lib/containers/storage/overlay-containers"):
        listed = _json(root, f"{place}/containers.json")
        for each in listed if isinstance(listed, list) else ():
            if isinstance(each, dict) and each.get("id") == container_id:
                metadata = each.get("metadata")
                with suppress(ValueError, TypeError, AttributeError):
                    image = str(json.loads(metadata or "{}").get("image-name") or image)
                return str((each.get("names") or [""])[0]), image
    docker = _json(root, f"/var/lib/docker/containers/{container_id}/config.v2.json")
    if isinstance(docker, dict):
        image = str((docker.get("Config") or {}).get("Image") or image)
        return str(docker.get("Name") or "").lstrip("/"), image
    return str(config.get("hostname") or ""), image


def _digest(image: str) -> str:
    _, _, digest = image.rpartition("@")
    return digest if digest.startswith("sha256:") else ""


def _names(root: int, folder: str) -> tuple[str, ...]:
    with suppress(OSError):
        handle = open_in(root, folder)
        try:
            return tuple(sorted(os.listdir(f"/proc/self/fd/{handle}")))
        finally:
            os.close(handle)
    return ()


def _json(root: int, path: str) -> object:
    """Reads a file of the runtime's; None where there is none, or it's half written."""
    with suppress(OSError, ValueError):
        handle = open_in(root, path)
        try:
            with open(f"/proc/self/fd/{handle}", "rb") as file:
                held = file.read(_LIMIT)
        finally:
            os.close(handle)
        return json.loads(held)
    return None

"""Checks of what a container is made of and given: image, volumes, ports, secrets, resources."""

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from reconciler.core.hardening.findings import Spot
from reconciler.core.hardening.pods import Container, Pod, listed, mapping
from reconciler.core.path import Item

#: Folders and sockets of a node by which it can be taken over, with what lies below the first.
_SENSITIVE: Final = (
    "/bin",
    "/boot",
    "/dev",
    "/etc",
    "/lib",
    "/proc",
    "/root",
    "/run/containerd",
    "/run/crio",
    "/run/docker.sock",
    "/sbin",
    "/sys",
    "/usr",
    "/var/lib/containerd",
    "/var/lib/docker",
    "/var/lib/etcd",
    "/var/lib/kubelet",
    "/var/run/containerd",
    "/var/run/crio",
    "/var/run/docker.sock",
)
#: Whoever mounts one of these has all that is below, too.
_ROOTS: Final = ("/", "/var", "/var/lib", "/run", "/var/run")
_SECRET_NAME: Final = re.compile(
    r"SECRET|PASSW(?:OR)?D|PASSPHRASE|(?:^|_)TOKEN(?:_|$)|API_?KEY|ACCESS_?KEY|PRIVATE_?KEY"
    r"|CREDENTIAL",
    re.IGNORECASE,
)
#: How names end that say where a secret is, or what it's like, and not what it is.
_ABOUT_SECRET: Final = re.compile(r"(?:FILE|PATH|NAME|URL|DIR|TTL|EXPIRY)\Z", re.IGNORECASE)
_SOCKETS: Final = ("docker.sock", "containerd.sock", "crio.sock")
_NEEDS: Final = {
    ("limits", "memory"): "limit-memory",
    ("limits", "cpu"): "limit-cpu",
    ("limits", "ephemeral-storage"): "limit-storage",
    ("requests", "memory"): "request-memory",
    ("requests", "cpu"): "request-cpu",
}


def check_image(container: Container) -> Iterator[Spot]:
    """Checks by what an image is named, and when it is asked for."""
    image = str(container.body["image"])
    path = (*container.path, "image")
    if "@" in image:
        return
    tag = image.rpartition("/")[2].partition(":")[2]
    policy = container.body.get("imagePullPolicy")
    mutable = tag in ("", "latest")
    if mutable:
        yield Spot("image-mutable", path, container.name, image)
    else:
        yield Spot("image-no-digest", path, container.name, image)
    # Where nothing is said, the server sets Always for latest, else IfNotPresent.
    if policy in ("IfNotPresent", "Never") or (policy is None and not mutable):
        detail = str(policy or "not set, so IfNotPresent")
        yield Spot(
            "image-pull-policy", (*container.path, "imagePullPolicy"), container.name, detail
        )


def check_resources(container: Container) -> Iterator[Spot]:
    """Checks that a container's needs and bounds are told; a debugger's can't be."""
    if container.kind == "ephemeralContainers":
        return
    resources = mapping(container.body.get("resources"))
    limits = mapping(resources.get("limits"))
    for (what, name), rule in _NEEDS.items():
        # The server takes the limit for the request where only that is told.
        is_told = name in mapping(resources.get(what)) or (what == "requests" and name in limits)
        if not is_told:
            yield Spot(rule, (*container.path, "resources", what, name), container.name, "not set")


def check_ports(container: Container) -> Iterator[Spot]:
    """Checks for ports of the node."""
    for number, each in enumerate(listed(container.body.get("ports"))):
        port = mapping(each).get("hostPort")
        if port:
            path = (*container.path, "ports", number, "hostPort")
            yield Spot("host-port", path, container.name, str(port))


def check_secrets(container: Container) -> Iterator[Spot]:
    """Checks for secrets in the environment; never tells their values."""
    for each in listed(container.body.get("env")):
        variable = mapping(each)
        name = str(variable.get("name") or "")
        path = (*container.path, "env", Item((("name", name),)))
        if mapping(mapping(variable.get("valueFrom")).get("secretKeyRef")):
            yield Spot("secret-in-env", (*path, "valueFrom"), container.name, name)
        elif _is_literal(variable.get("value")) and _names_secret(name):
            yield Spot("secret-literal", (*path, "value"), container.name, name)
    for number, each in enumerate(listed(container.body.get("envFrom"))):
        reference = mapping(mapping(each).get("secretRef"))
        if reference:
            path = (*container.path, "envFrom", number)
            detail = f"all of Secret {reference.get('name')}"
            yield Spot("secret-in-env", path, container.name, detail)


def _names_secret(name: str) -> bool:
    return bool(_SECRET_NAME.search(name)) and not _ABOUT_SECRET.search(name)


def _is_literal(value: object) -> bool:
    """Whether a value is one; not one that is put together of other variables."""
    return isinstance(value, str) and value != "" and "$(" not in value


def check_volumes(pod: Pod) -> Iterator[Spot]:
    """Checks for folders of the node, and who may write to them."""
    for each in listed(pod.spec.get("volumes")):
        volume = mapping(each)
        folder = mapping(volume.get("hostPath")).get("path")
        if not isinstance(folder, str):
            continue
        name = str(volume.get("name") or "")
        path = (*pod.path, "volumes", Item((("name", name),)), "hostPath")
        rule = "host-path-sensitive" if _is_sensitive(folder) else "host-path"
        yield Spot(rule, path, detail=folder)
        for container in pod.containers:
            yield from _mounts(container, name, folder)


def _mounts(container: Container, volume: str, folder: str) -> Iterator[Spot]:
    for number, each in enumerate(listed(container.body.get("volumeMounts"))):
        mount: Mapping[str, Any] = mapping(each)
        if mount.get("name") == volume and mount.get("readOnly") is not True:
            path = (*container.path, "volumeMounts", number, "readOnly")
            yield Spot("host-path-writable", path, container.name, folder)


def _is_sensitive(folder: str) -> bool:
    plain = "/" + "/".join(part for part in folder.split("/") if part not in ("", "."))
    return (
        plain in _ROOTS
        or plain.endswith(_SOCKETS)
        or ".." in plain.split("/")
        or any(plain == each or plain.startswith(f"{each}/") for each in _SENSITIVE)
    )

"""Bundles as each runtime keeps them."""

import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.agent.runtime import Bundle, bundle_of

ID = "1f" * 32
TASK = "run/containerd/io.containerd.runtime.v2.task/k8s.io"
CRI = {
    "io.kubernetes.cri.container-name": "app",
    "io.kubernetes.cri.container-type": "container",
    "io.kubernetes.cri.image-name": "example/web@sha256:aa",
    "io.kubernetes.cri.sandbox-name": "web",
    "io.kubernetes.cri.sandbox-namespace": "shop",
    "io.kubernetes.cri.sandbox-uid": "u-1",
}
CRIO = {
    "io.kubernetes.container.name": "app",
    "io.kubernetes.cri-o.ContainerType": "container",
    "io.kubernetes.cri-o.ImageName": "example/web:1",
    "io.kubernetes.cri-o.ImageRef": "sha256:bb",
    "io.kubernetes.pod.name": "web",
    "io.kubernetes.pod.namespace": "shop",
    "io.kubernetes.pod.uid": "u-1",
}


class Machine:
    """A machine's root directory."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def write(self, path: str, content: Any) -> None:
        file = self.root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(content if isinstance(content, str) else json.dumps(content))

    def bundle(self, near: str = "/") -> Bundle | None:
        handle = os.open(self.root, os.O_RDONLY)
        try:
            return bundle_of(handle, ID, near)
        finally:
            os.close(handle)


@pytest.fixture
def machine(tmp_path: Path) -> Iterator[Machine]:
    yield Machine(tmp_path)


def test_containerd(machine: Machine) -> None:
    machine.write(f"{TASK}/{ID}/config.json", {"annotations": CRI, "root": {"path": "rootfs"}})
    assert machine.bundle() == Bundle(
        f"/{TASK}/{ID}", f"/{TASK}/{ID}/rootfs", "shop", "web", "u-1", "app",
        "example/web@sha256:aa", "sha256:aa",
    )  # fmt: skip


def test_the_container_that_holds_a_pods_namespaces(machine: Machine) -> None:
    said = {**CRI, "io.kubernetes.cri.container-type": "sandbox"}
    del said["io.kubernetes.cri.container-name"]
    machine.write(f"{TASK}/{ID}/config.json", {"annotations": said})
    found = machine.bundle()
    assert found is not None
    assert found.container == "(sandbox)"


def test_a_containerd_that_is_elsewhere_is_found_by_its_shim(machine: Machine) -> None:
    machine.write(f"srv/odd/{ID}/config.json", {"annotations": CRI})
    assert machine.bundle() is None
    found = machine.bundle(f"/srv/odd/{'2e' * 32}")
    assert found is not None
    assert found.pod == "web"


def test_crio(machine: Machine) -> None:
    place = f"run/containers/storage/overlay-containers/{ID}/userdata"
    root = {"path": "/var/lib/containers/storage/overlay/x/merged"}
    machine.write(f"{place}/config.json", {"annotations": CRIO, "root": root})
    found = machine.bundle()
    assert found is not None
    assert (found.pod, found.container, found.image) == ("web", "app", "example/web:1")
    assert (found.image_digest, found.root) == ("sha256:bb", root["path"])


def test_podman(machine: Machine) -> None:
    place = "var/lib/containers/storage/overlay-containers"
    machine.write(f"{place}/{ID}/userdata/config.json", {"hostname": "h"})
    metadata = json.dumps({"image-name": "docker.io/library/web:1"})
    listed = [{"id": "x"}, {"id": ID, "names": ["shop"], "metadata": metadata}]
    machine.write(f"{place}/containers.json", listed)
    found = machine.bundle()
    assert found is not None
    assert (found.container, found.image, found.pod) == ("shop", "docker.io/library/web:1", "")


def test_docker(machine: Machine) -> None:
    machine.write(f"{TASK.replace('k8s.io', 'moby')}/{ID}/config.json", {"hostname": "h"})
    kept = {"Name": "/shop", "Config": {"Image": "web:1"}}
    machine.write(f"var/lib/docker/containers/{ID}/config.v2.json", kept)
    found = machine.bundle()
    assert found is not None
    assert (found.container, found.image) == ("shop", "web:1")


@pytest.mark.parametrize("content", ["", "{", "[]", "null"])
def test_what_cannot_be_read_says_nothing(machine: Machine, content: str) -> None:
    machine.write(f"{TASK}/{ID}/config.json", content)
    assert machine.bundle() is None


def test_a_bundle_without_annotations_has_a_name_at_least(machine: Machine) -> None:
    machine.write(f"{TASK}/{ID}/config.json", {"hostname": "h"})
    found = machine.bundle()
    assert found is not None
    assert (found.container, found.image, found.root) == ("h", "", f"/{TASK}/{ID}/rootfs")

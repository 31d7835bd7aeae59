"""Kubeconfigs of every kind for the real API server."""

import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.core.schema import Schema, from_openapi
from tests.tools.controlplane import ControlPlane

Connect = Callable[..., KubeCluster]


@pytest.fixture
def connect() -> Iterator[Connect]:
    """Connects, and closes what was connected."""
    made: list[KubeCluster] = []

    def to(kubeconfig: Path, context: str | None = None, **more: Any) -> KubeCluster:
        cluster = KubeCluster.connect(
            str(kubeconfig),
            context,
            search=[],
            bundled=lambda: Schema({}),
            from_openapi=from_openapi,
            **more,
        )
        made.append(cluster)
        return cluster

    yield to
    for cluster in made:
        cluster.close()


@pytest.fixture
def admin(control_plane: ControlPlane, connect: Connect) -> KubeCluster:
    return connect(control_plane.kubeconfig)


@pytest.fixture
def written(control_plane: ControlPlane, tmp_path: Path) -> Callable[..., Path]:
    """Writes a kubeconfig: the administrator's, with another user or cluster entry."""

    def write(user: dict[str, Any] | None = None, cluster: dict[str, Any] | None = None) -> Path:
        document = yaml.safe_load(control_plane.kubeconfig.read_text())
        if user is not None:
            document["users"][0]["user"] = user
        document["clusters"][0]["cluster"] |= cluster or {}
        path = tmp_path / "kubeconfig"
        path.write_text(yaml.safe_dump(document))
        return path

    return write


@pytest.fixture
def program(tmp_path: Path) -> Callable[[str], Path]:
    """Writes a Python program that can be executed."""

    def write(code: str) -> Path:
        path = tmp_path / "program"
        path.write_text(f"#!{sys.executable}\n{code}\n")
        path.chmod(path.stat().st_mode | stat.S_IXUSR)
        return path

    return write


def allow(plane: ControlPlane, namespace: str, who: str, resources: str) -> None:
    """Lets somebody read some kinds in a namespace; Kubernetes' own roles for that are empty
    without a kube-controller-manager."""
    role = ("--verb=get,list", f"--resource={resources}")
    plane.kubectl("create", "role", "reader", *role, "-n", namespace)
    plane.kubectl("create", "rolebinding", "reader", "--role=reader", who, "-n", namespace)


@pytest.fixture
def token(control_plane: ControlPlane, namespace: str) -> str:
    """A token of the namespace's account `default`, which may read its namespace."""
    who = f"--serviceaccount={namespace}:default"
    allow(control_plane, namespace, who, "configmaps")
    return control_plane.kubectl("create", "token", "default", "-n", namespace).stdout.strip()

"""The composition root: what the environment says reaches the adapter that it is meant for."""

from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.cluster.access import ServiceAccount
from reconciler.bootstrap import open_cluster
from reconciler.settings import Settings


@pytest.fixture
def connected(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> dict[str, Any]:
    """How the cluster was connected to."""
    given: dict[str, Any] = {}

    def connect(*_: object, **how: object) -> None:
        given.update(how)

    monkeypatch.setattr("reconciler.adapters.cluster.cluster.KubeCluster.connect", connect)
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    for name in ("KUBERNETES_SERVICE_HOST", "KUBERNETES_SERVICE_PORT"):
        monkeypatch.delenv(name, raising=False)
    return given


def test_a_pod_connects_to_the_server_that_it_is_told_of(
    connected: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("KUBERNETES_SERVICE_HOST", "fd00::1")
    monkeypatch.setenv("KUBERNETES_SERVICE_PORT", "6443")
    open_cluster(Settings())
    assert connected["account"] == ServiceAccount(server="https://[fd00::1]:6443")


def test_who_is_told_of_none_leaves_it_to_the_adapter(
    connected: dict[str, Any], tmp_path: Path
) -> None:
    open_cluster(Settings())
    assert connected["account"] is None
    assert connected["search"] == (tmp_path / "config",)

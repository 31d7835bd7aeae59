"""All manifests, as kubectl created them in a real cluster."""

from collections.abc import Iterator

import pytest

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.core.resource import JsonObject
from reconciler.core.schema import Schema, from_openapi
from tests.integration.normalize.manifests import FILES, FOLDER
from tests.integration.normalize.questions import Trial, fetched
from tests.tools.controlplane import ControlPlane


@pytest.fixture(scope="session")
def home(control_plane: ControlPlane) -> Iterator[str]:
    name = "normalize"
    control_plane.create_namespace(name)
    yield name
    control_plane.delete_namespace(name)


@pytest.fixture(scope="session")
def live(control_plane: ControlPlane, home: str) -> Iterator[list[JsonObject]]:
    """All manifests as kubectl created them, in the order of `ALL`."""
    found: list[JsonObject] = []
    for file in FILES:
        if file == "custom":
            waited = "crd/gadgets.plumbline.example"
            control_plane.kubectl("wait", "--for=condition=Established", waited)
        path = str(FOLDER / f"{file}.yaml")
        control_plane.kubectl("create", "-f", path, "-n", home, "--validate=false")
        found += fetched(control_plane, file, home)
    yield found
    for file in ("core", "cluster"):
        options = ("--wait=false", "--ignore-not-found")
        path = str(FOLDER / f"{file}.yaml")
        control_plane.kubectl("delete", "-f", path, "-n", home, *options)


@pytest.fixture(scope="session")
def cluster(control_plane: ControlPlane) -> Iterator[KubeCluster]:
    made = KubeCluster.connect(
        str(control_plane.kubeconfig),
        None,
        search=[],
        bundled=lambda: Schema({}),
        from_openapi=from_openapi,
    )
    yield made
    made.close()


@pytest.fixture(scope="session")
def trial(cluster: KubeCluster, control_plane: ControlPlane, live: list[JsonObject]) -> Trial:
    assert live
    name = "normalize-by-chance"
    control_plane.create_namespace(name)
    return Trial(cluster, name)

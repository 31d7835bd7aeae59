"""`plumbline guard audit --measured`: from files, and from what node agents told."""

import json
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.history.database import DatabaseHistory
from reconciler.cli.main import main
from reconciler.core.containers import (
    ContainerLook,
    ContainerRef,
    NodeLook,
    NodeReport,
    WrittenPlace,
)
from reconciler.core.resource import ResourceKey
from reconciler.render.container_documents import node_document
from tests.fakes.cluster import FakeCluster
from tests.fakes.kinds import BUILTIN

SHOP = """\
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec: {template: {spec: {containers: [{name: web, image: web}]}}}
"""
WEB = ContainerRef("shop", "web-6d4f5b-bcdfg", "u", "web", "c", "docker.io/library/web:latest")
LOOK = NodeLook(
    "vm",
    "2026-11-25T12:00:00Z",
    (
        ContainerLook(
            WEB,
            started_at="2026-11-25T10:00:00Z",
            written=(WrittenPlace("/tmp", 1, expected=True, hides=False),),
        ),
    ),
)


@pytest.fixture(autouse=True)
def shop(alone: Path) -> Path:
    (alone / "shop").mkdir()
    (alone / "shop" / "shop.yaml").write_text(SHOP)
    return alone


def audit(*words: str) -> int:
    argv = ["guard", "audit", "--repo", "shop", "-n", "shop", "--state-dir", "state"]
    return main([*argv, "-o", "json", *words])


def measured(capsys: pytest.CaptureFixture[str]) -> dict[str, Any]:
    findings = json.loads(capsys.readouterr().out)["findings"]
    (found,) = (each["measured"] for each in findings if "measured" in each)
    assert isinstance(found, dict)
    return found


NODE = node_document(LOOK)
TOLD = {"schema": "plumbline.dev/node-report/v1", "node": "vm", "look": NODE}


@pytest.mark.parametrize("document", [NODE, TOLD, {"nodes": [TOLD]}])
def test_files_of_one_node_and_of_several(
    document: dict[str, Any], capsys: pytest.CaptureFixture[str]
) -> None:
    Path("look.json").write_text(json.dumps(document))
    assert audit("--measured", "look.json") == 1
    found = measured(capsys)
    assert (found["verdict"], found["mounts"], found["seconds"]) == ("mounts", ["/tmp"], 7200)
    assert audit("--measured", "look.json", "--measured-for", "3h") == 1
    assert measured(capsys)["reason"] == "it was measured for 2 hours, and 3 hours is wanted"


def test_what_agents_told_the_controller(capsys: pytest.CaptureFixture[str]) -> None:
    with closing(DatabaseHistory.open("state/history.db")) as history:
        assert audit("--measured", "agents") == 2
        assert "--measured agents: no node agent has told" in capsys.readouterr().err
        history.nodes().save(NodeReport(LOOK, "2026-11-25T12:00:01Z"))
    assert audit("--measured", "agents") == 1
    assert measured(capsys)["verdict"] == "mounts"
    assert audit("--measured", "agents", "--fix", "--write") == 1
    text = Path("shop/shop.yaml").read_text()
    assert "readOnlyRootFilesystem: true" in text
    assert "emptyDir: {}" in text


class Cluster(FakeCluster):
    """A cluster that is asked whose pods are."""

    def close(self) -> None:
        """Has no connections."""


def owned(kind: str, name: str, owner: str, called: str) -> dict[str, Any]:
    reference = {"apiVersion": "apps/v1", "kind": owner, "name": called, "controller": True}
    return {
        "apiVersion": "v1" if kind == "Pod" else "apps/v1",
        "kind": kind,
        "metadata": {
            "name": name,
            "namespace": "shop",
            "ownerReferences": [{**reference, "uid": "x"}],
        },
    }


def test_a_cluster_that_is_named_says_whose_pods_are(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    cluster = Cluster(kinds=BUILTIN)
    monkeypatch.setattr("reconciler.bootstrap.open_cluster", lambda _: cluster)
    pod = NODE["containers"][0]["container"] | {"pod": "named-otherwise"}
    document = {**NODE, "containers": [{**NODE["containers"][0], "container": pod}]}
    Path("look.json").write_text(json.dumps(document))
    assert audit("--measured", "look.json") == 1
    assert measured(capsys)["verdict"] == "untold"
    cluster.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": "shop"}})
    cluster.add(owned("ReplicaSet", "any", "Deployment", "web"))
    cluster.add(owned("Pod", "named-otherwise", "ReplicaSet", "any"))
    key = ResourceKey("", "Pod", "shop", "named-otherwise")
    pod["podUid"] = cluster.store.objects[key]["metadata"]["uid"]
    Path("look.json").write_text(json.dumps(document))
    assert audit("--measured", "look.json", "--context", "shop") == 1
    found = measured(capsys)
    assert (found["verdict"], found["matchedBy"]) == ("mounts", "owner")
    # Where nothing was measured nothing is asked.
    Path("none.json").write_text(json.dumps({**NODE, "containers": []}))
    monkeypatch.setattr("reconciler.bootstrap.open_cluster", None)
    assert audit("--measured", "none.json", "--context", "shop") == 1


@pytest.mark.parametrize(
    ("document", "said"),
    [
        ({"schema": "x"}, "schema: plumbline.dev/containers/v1 is wanted"),
        ([], "schema: plumbline.dev/containers/v1 is wanted"),
        ({"nodes": [{"look": None}]}, "an agent in it was silent for too long"),
    ],
)
def test_other_files_are_refused(
    document: Any, said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("look.json").write_text(json.dumps(document))
    assert audit("--measured", "look.json") == 2
    assert f"--measured look.json: {said}" in capsys.readouterr().err

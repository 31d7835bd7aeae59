"""What `KubeCluster` adds to its parts: waiting, rights, schemas."""

from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.cluster.access import Access
from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.cluster.credentials import FixedCredentials
from reconciler.adapters.cluster.openapi import OpenApi
from reconciler.adapters.cluster.tally import Tally
from reconciler.adapters.cluster.transport import Timing
from reconciler.adapters.cluster.writer import DryRunWriter, RealWriter
from reconciler.core.errors import ClusterError, Rejected
from reconciler.core.resource import ResourceKey
from reconciler.core.schema import Schema, from_openapi
from tests.fakes.kinds import kind_of, named
from tests.fakes.wire import Asked, Reply, ScriptedWire, answer, refusal

CONFIG_MAP = named("ConfigMap")
KEY = ResourceKey("", "ConfigMap", "shop", "web")
PATH = "/api/v1/namespaces/shop/configmaps/web"
BODY: dict[str, Any] = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "web", "namespace": "shop"},
}
WIDGET = kind_of("g.example/v1", "Widget", "widgets")


def cluster(wire: ScriptedWire, monkeypatch: pytest.MonkeyPatch) -> KubeCluster:
    moments = iter(range(0, 100_000, 10))
    timing = Timing(wire.slept.append, lambda: float(next(moments)), lambda: 1.0)
    monkeypatch.setattr("reconciler.adapters.cluster.transport._wire_to", lambda _: wire)
    return KubeCluster(
        Access("https://api.example", FixedCredentials(), context="shop", namespace="web"),
        bundled=lambda: Schema({}),
        from_openapi=from_openapi,
        timing=timing,
    )


def test_it_says_which_cluster_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    ours = cluster(ScriptedWire({}), monkeypatch)
    assert (ours.address, ours.context, ours.namespace) == ("https://api.example", "shop", "web")
    assert ours.described == "context 'shop'"


@pytest.mark.parametrize("end", [refusal(404), answer({"metadata": {"uid": "another"}})])
def test_an_objects_absence_is_waited_for(end: Reply, monkeypatch: pytest.MonkeyPatch) -> None:
    wire = ScriptedWire({PATH: [answer({"metadata": {"uid": "u"}}), end]})
    cluster(wire, monkeypatch).await_absence(CONFIG_MAP, KEY, "u")
    assert wire.slept == [0.25]


def test_an_object_that_stays_names_its_finalizers(monkeypatch: pytest.MonkeyPatch) -> None:
    metadata = {"uid": "u", "finalizers": ["example/hold"]}
    wire = ScriptedWire({PATH: [answer({"metadata": metadata})]})
    with pytest.raises(ClusterError, match="ConfigMap shop/web is still there") as caught:
        cluster(wire, monkeypatch).await_absence(CONFIG_MAP, KEY, "u")
    assert "example/hold" in caught.value.message


def test_a_kind_is_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    served = {"resources": [{"name": "widgets", "kind": "Widget", "namespaced": True}]}
    wire = ScriptedWire({"/apis/g.example/v1": [refusal(404), answer(served)]})
    found = cluster(wire, monkeypatch).await_kind("g.example/v1", "Widget")
    assert found is not None
    assert found.plural == "widgets"


def test_a_right_is_asked_for_with_all_that_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    path = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"
    wire = ScriptedWire({path: [answer({"status": {"allowed": True}}, 201), answer({}, 201)]})
    ours = cluster(wire, monkeypatch)
    assert ours.allows("update", named("Deployment"), "shop")
    assert wire.asked[0].body["spec"]["resourceAttributes"] == {
        "verb": "update",
        "group": "apps",
        "version": "v1",
        "resource": "deployments",
        "namespace": "shop",
        "name": "",
    }
    assert not ours.allows("update", named("Deployment"), "shop")


def test_rights_that_cannot_be_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = ScriptedWire(lambda _: refusal(403))
    with pytest.raises(ClusterError, match="can't be asked for our rights"):
        cluster(wire, monkeypatch).allows("get", CONFIG_MAP, "")


def test_an_object_that_cannot_be_read_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    wire = ScriptedWire({PATH: [refusal(503)]})
    with pytest.raises(Rejected) as caught:
        cluster(wire, monkeypatch).get(CONFIG_MAP, KEY)
    assert caught.value.code == 503


def test_only_a_dry_run_says_that_it_is_one() -> None:
    wire = ScriptedWire(lambda _: answer(BODY))
    tally = Tally()
    for writer in (
        RealWriter(wire.transport(), tally),
        DryRunWriter(wire.transport(), tally),
    ):
        writer.create(CONFIG_MAP, BODY)
        writer.replace(CONFIG_MAP, BODY)
        writer.delete(CONFIG_MAP, KEY, uid="u", version="1")
    real, dry = wire.asked[:3], wire.asked[3:]
    assert all("dryRun" not in each.query and "dryRun" not in each.body for each in real)
    assert [each.query.get("dryRun") for each in dry[:2]] == ["All", "All"]
    # Of a DELETE with a body the server reads the body alone.
    assert dry[2].body["dryRun"] == ["All"]
    assert [each.method for each in real] == ["POST", "PUT", "DELETE"]
    assert {each.query["fieldManager"] for each in (*real[:2], *dry[:2])} == {"plumbline"}
    assert real[2].body["preconditions"] == {"uid": "u", "resourceVersion": "1"}
    assert (tally.requests.write, tally.requests.dry_run) == (3, 3)


def test_a_deletion_without_a_version_is_of_the_uid_alone() -> None:
    wire = ScriptedWire(lambda _: answer({}))
    RealWriter(wire.transport(), Tally()).delete(CONFIG_MAP, KEY, uid="u", version="")
    assert wire.asked[0].body["preconditions"] == {"uid": "u"}


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_whether_a_failed_write_was_done_is_unknown(code: int) -> None:
    wire = ScriptedWire(lambda _: refusal(code, "InternalError", "etcdserver: timed out"))
    with pytest.raises(ClusterError, match="whether it wrote is unknown") as caught:
        RealWriter(wire.transport(), Tally()).create(CONFIG_MAP, BODY)
    assert not isinstance(caught.value, Rejected)


def test_a_write_that_a_webhook_stopped_was_not_done() -> None:
    message = 'Internal error occurred: failed calling webhook "w": refused'
    wire = ScriptedWire(lambda _: refusal(500, "InternalError", message))
    with pytest.raises(Rejected):
        RealWriter(wire.transport(), Tally()).create(CONFIG_MAP, BODY)


def test_a_name_with_signs_in_it_stays_one_part_of_the_address() -> None:
    wire = ScriptedWire(lambda _: answer(BODY))
    body = {**BODY, "metadata": {"name": "system:a/../b?c", "namespace": "shop"}}
    DryRunWriter(wire.transport(), Tally()).replace(CONFIG_MAP, body)
    assert wire.asked[0].path == "/api/v1/namespaces/shop/configmaps/system%3Aa%2F..%2Fb%3Fc"


def openapi_wire(digest: str = "one", kept: list[str] | None = None) -> ScriptedWire:
    schema = {
        "type": "object",
        "x-kubernetes-group-version-kind": [
            {"group": "g.example", "version": "v1", "kind": "Widget"}
        ],
    }
    url = f"/openapi/v3/apis/g.example/v1?hash={digest}"
    index = {"paths": {"apis/g.example/v1": {"serverRelativeURL": url}}}

    def reply(asked: Asked) -> Reply:
        if asked.path == "/openapi/v3":
            return answer(index)
        if kept is not None:
            kept.append(asked.query["hash"])
        return answer({"components": {"schemas": {"widget": schema}}})

    return ScriptedWire(reply)


def openapi(wire: ScriptedWire, folder: Path | None, tally: Tally | None = None) -> OpenApi:
    return OpenApi(wire.transport(), tally or Tally(), from_openapi, folder)


def test_a_schema_is_asked_for_once(tmp_path: Path) -> None:
    tally = Tally()
    schemas = openapi(openapi_wire(), None, tally)
    assert set(schemas.nodes([WIDGET])) == {("g.example/v1", "Widget")}
    schemas.nodes([WIDGET])
    assert tally.requests.get == 2


def test_a_kept_schema_is_used_until_its_hash_changes(tmp_path: Path) -> None:
    fetched: list[str] = []
    for digest in ("one", "one", "two"):
        assert openapi(openapi_wire(digest, fetched), tmp_path / "kept").nodes([WIDGET])
    assert fetched == ["one", "two"]


def test_a_kept_schema_that_is_spoilt_is_fetched_again(tmp_path: Path) -> None:
    fetched: list[str] = []
    openapi(openapi_wire("one", fetched), tmp_path).nodes([WIDGET])
    [file] = tmp_path.glob("*.json")
    file.write_text("{")
    assert openapi(openapi_wire("one", fetched), tmp_path).nodes([WIDGET])
    assert fetched == ["one", "one"]


def test_a_folder_that_cannot_be_written_costs_only_requests(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    assert openapi(openapi_wire(), tmp_path / "file" / "folder").nodes([WIDGET])


@pytest.mark.parametrize(
    "reply",
    [
        refusal(404),
        answer({"paths": {}}),
        answer(["odd"]),
        answer({"paths": {"apis/g.example/v1": {"serverRelativeURL": "https://evil/?hash=1"}}}),
    ],
)
def test_a_schema_that_cannot_be_read_is_left_out(reply: Reply) -> None:
    wire = ScriptedWire(lambda _: reply)
    assert openapi(wire, None).nodes([WIDGET]) == {}
    assert [each.path for each in wire.asked] == ["/openapi/v3"]

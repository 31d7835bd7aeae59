"""Discovery documents of all ages, and groups that don't answer."""

from typing import Any

import pytest

from reconciler.adapters.cluster.discovery import Discovery
from reconciler.adapters.cluster.tally import Tally
from reconciler.core.errors import ClusterError
from reconciler.core.resource import Catalog
from tests.fakes.wire import Reply, ScriptedWire, answer, refusal


def resource(kind: str | None, plural: str, *verbs: str, scope: str = "Namespaced") -> Any:
    response = {"responseKind": {"group": "", "version": "", "kind": kind}} if kind else {}
    return {"resource": plural, "scope": scope, "verbs": verbs or ("list",), **response}


def aggregated(**groups: dict[str, Any]) -> Any:
    items = [
        {
            "metadata": {"name": name.replace("_", ".")} if name != "core" else {},
            "versions": [
                {"version": version, "resources": resources, "freshness": "Current"}
                if resources is not None
                else {"version": version, "freshness": "Stale"}
                for version, resources in versions.items()
            ],
        }
        for name, versions in groups.items()
    ]
    return {"kind": "APIGroupDiscoveryList", "items": items}


def catalog(named: Any, core: Any = None, **more: list[Reply]) -> tuple[Catalog, ScriptedWire]:
    wire = ScriptedWire(
        {
            "/version": [answer({"gitVersion": "v1.30.1"})],
            "/api": [answer(core or aggregated(core={"v1": [resource("Pod", "pods")]}))],
            "/apis": [named if isinstance(named, Exception) else answer(named)],
            **{path: list(replies) for path, replies in more.items()},
        }
    )
    return Discovery(wire.transport(), Tally()).catalog(), wire


def test_three_requests_say_everything() -> None:
    found, wire = catalog(
        aggregated(
            apps={"v1": [resource("Deployment", "deployments", "list", "update")]},
            storage_example={"v1": [resource("Disk", "disks", scope="Cluster")]},
        )
    )
    assert sorted(each.path for each in wire.asked) == ["/api", "/apis", "/version"]
    assert set(found.kinds) == {
        ("v1", "Pod"),
        ("apps/v1", "Deployment"),
        ("storage.example/v1", "Disk"),
    }
    assert found.kinds["apps/v1", "Deployment"].verbs == {"list", "update"}
    assert not found.kinds["storage.example/v1", "Disk"].namespaced
    assert found.server_version == "v1.30.1"


def test_the_first_version_that_has_a_kind_is_preferred() -> None:
    found, _ = catalog(
        aggregated(
            g_example={
                "v2": [resource("A", "as")],
                "v1": [resource("A", "as"), resource("B", "bs")],
            }
        )
    )
    assert found.preferred["g.example", "A"] == "g.example/v2"
    assert found.preferred["g.example", "B"] == "g.example/v1"
    assert found.find("g.example/v1", "A") is not None


def test_of_two_addresses_of_a_kind_the_one_that_is_listed_is_meant() -> None:
    listed, other = resource("A", "as", "list"), resource("A", "areviews", "create")
    for resources in ([listed, other], [other, listed]):
        found, _ = catalog(aggregated(g_example={"v1": resources}))
        assert found.kinds["g.example/v1", "A"].plural == "as"


def test_a_resource_that_is_there_for_its_subresources_only_is_no_kind() -> None:
    found, _ = catalog(aggregated(g_example={"v1": [resource(None, "scales")]}))
    assert set(found.kinds) == {("v1", "Pod")}


def test_a_group_that_does_not_answer_is_unreadable() -> None:
    found, _ = catalog(aggregated(metrics_example={"v1": None}, apps={"v1": []}))
    assert list(found.unreadable) == ["metrics.example/v1"]
    assert "kubectl get apiservice v1.metrics.example" in found.unreadable["metrics.example/v1"]


def test_a_stale_group_whose_kinds_are_known_is_readable() -> None:
    document = aggregated(g_example={"v1": [resource("A", "as")]})
    document["items"][0]["versions"][0]["freshness"] = "Stale"
    found, _ = catalog(document)
    assert found.unreadable == {}
    assert ("g.example/v1", "A") in found.kinds


CLASSIC_CORE = {"kind": "APIVersions", "versions": ["v1"]}
CLASSIC = {
    "kind": "APIGroupList",
    "groups": [
        {
            "name": "g.example",
            "versions": [{"version": "v1"}, {"version": "v2"}],
            "preferredVersion": {"version": "v2"},
        },
        {"name": "down.example", "versions": [{"version": "v1"}]},
    ],
}


def resources(*names: str) -> Any:
    return answer(
        {
            "kind": "APIResourceList",
            "resources": [
                {"name": name, "kind": name.partition("/")[0].title(), "namespaced": True}
                for name in names
            ],
        }
    )


def test_an_older_server_is_asked_group_by_group() -> None:
    found, _ = catalog(
        CLASSIC,
        CLASSIC_CORE,
        **{
            "/api/v1": [resources("pod", "pod/log")],
            "/apis/g.example/v1": [resources("a", "b")],
            "/apis/g.example/v2": [resources("a")],
            "/apis/down.example/v1": [refusal(503, "ServiceUnavailable", "s3cret")],
        },
    )
    assert set(found.kinds) == {
        ("v1", "Pod"),
        ("g.example/v1", "A"),
        ("g.example/v1", "B"),
        ("g.example/v2", "A"),
    }
    assert found.preferred["g.example", "A"] == "g.example/v2"
    assert found.preferred["g.example", "B"] == "g.example/v1"
    assert list(found.unreadable) == ["down.example/v1"]
    assert "s3cret" not in found.unreadable["down.example/v1"]


@pytest.mark.parametrize("document", [{"hello": "world"}, ["no", "map"]])
def test_what_is_no_api_server_is_an_error(document: Any) -> None:
    with pytest.raises(ClusterError, match=r"https://api\.example is no Kubernetes"):
        catalog(document)


def test_discovery_that_is_forbidden_is_an_error_with_the_right_to_grant() -> None:
    wire = ScriptedWire(lambda _: refusal(403, "Forbidden", "User x cannot get path /apis"))
    with pytest.raises(ClusterError) as caught:
        Discovery(wire.transport(), Tally()).catalog()
    assert "system:discovery" in caught.value.fix


def test_one_kind_can_be_asked_for() -> None:
    wire = ScriptedWire({"/apis/g.example/v1": [refusal(404), resources("a")]})
    discovery = Discovery(wire.transport(), Tally())
    assert discovery.kind("g.example/v1", "A") is None
    found = discovery.kind("g.example/v1", "A")
    assert found is not None
    assert found.api_version == "g.example/v1"
    assert discovery.kind("g.example/v1", "B") is None

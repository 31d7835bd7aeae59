"""LISTs: pages, snapshots that expire, and what can't be read."""

from collections.abc import Sequence

import pytest

from reconciler.adapters.cluster.listing import Lister
from reconciler.adapters.cluster.tally import Tally
from reconciler.adapters.cluster.wire import Answer, unconnected
from reconciler.core.errors import ClusterError
from reconciler.core.live import Listing, LiveState
from reconciler.core.report import Requests
from reconciler.core.resource import ResourceKey
from tests.fakes.kinds import named
from tests.fakes.wire import Asked, Reply, ScriptedWire, answer, refusal

CONFIG_MAP, NODE, SERVICE = named("ConfigMap"), named("Node"), named("Service")
ALL = "/api/v1/configmaps"
GONE = unconnected(ConnectionRefusedError())


def in_namespace(namespace: str) -> str:
    return f"/api/v1/namespaces/{namespace}/configmaps"


def page(*names: str, following: str = "", namespace: str = "shop") -> Answer:
    items = [{"metadata": {"name": name, "namespace": namespace}, "data": {}} for name in names]
    return answer({"items": items, "metadata": {"continue": following} if following else {}})


def read(wire: ScriptedWire, *listings: Listing) -> tuple[LiveState, Tally]:
    tally = Tally()
    return Lister(wire.transport(), tally, page=2).read(listings), tally


def names(state: LiveState) -> Sequence[str]:
    return [key.name for objects in state.objects.values() for key in objects]


def test_nothing_is_read_where_nothing_is_asked_for() -> None:
    state, tally = read(ScriptedWire({}))
    assert (state, tally.requests) == (LiveState({}), Requests())


def test_items_get_the_kind_that_their_list_leaves_out() -> None:
    state, _ = read(ScriptedWire({ALL: [page("a")]}), Listing(CONFIG_MAP))
    key = ResourceKey("", "ConfigMap", "shop", "a")
    body = {"apiVersion": "v1", "kind": "ConfigMap", "data": {}}
    assert state.objects["v1"] == {key: {**body, "metadata": {"name": "a", "namespace": "shop"}}}


def test_pages_follow_each_other_and_count_once() -> None:
    wire = ScriptedWire({ALL: [page("a", "b", following="t1"), page("c", following="t2"), page()]})
    state, tally = read(wire, Listing(CONFIG_MAP))
    assert names(state) == ["a", "b", "c"]
    asked = [dict(each.query) for each in wire.asked]
    assert asked == [
        {"limit": "2"},
        {"limit": "2", "continue": "t1"},
        {"limit": "2", "continue": "t2"},
    ]
    assert tally.requests.list == 1


def test_a_list_whose_snapshot_expired_begins_anew() -> None:
    pages = [page("a", following="t"), refusal(410, "Expired"), page("a", "b")]
    state, _ = read(ScriptedWire({ALL: pages}), Listing(CONFIG_MAP))
    assert names(state) == ["a", "b"]
    assert state.unread == ()


def test_a_list_that_expires_again_and_again_is_unread_not_half_read() -> None:
    def reply(asked: Asked) -> Reply:
        return refusal(410, "Expired") if "continue" in asked.query else page("a", following="t")

    state, _ = read(ScriptedWire(reply), Listing(CONFIG_MAP))
    assert names(state) == []
    assert "410 Expired" in state.unread[0].reason


def test_a_page_that_fails_makes_the_whole_list_unread() -> None:
    def reply(asked: Asked) -> Reply:
        return refusal(500) if "continue" in asked.query else page("a", following="t")

    state, _ = read(ScriptedWire(reply), Listing(CONFIG_MAP))
    assert names(state) == []
    assert state.why_unread(ResourceKey("", "ConfigMap", "shop", "a"))


def test_one_namespace_is_read_by_its_own_list() -> None:
    wire = ScriptedWire({in_namespace("shop"): [page("a")]})
    state, _ = read(wire, Listing(CONFIG_MAP, frozenset({"shop"})))
    assert names(state) == ["a"]


def test_several_namespaces_are_read_by_one_list_and_others_left_out() -> None:
    items = [{"metadata": {"name": n, "namespace": n}} for n in ("shop", "web", "other")]
    wire = ScriptedWire({ALL: [answer({"items": items, "metadata": {}})]})
    state, tally = read(wire, Listing(CONFIG_MAP, frozenset({"shop", "web"})))
    assert names(state) == ["shop", "web"]
    assert tally.requests.list == 1


def test_several_namespaces_are_read_one_by_one_where_all_are_forbidden() -> None:
    wire = ScriptedWire(
        {
            ALL: [refusal(403, "Forbidden", "User cannot list resource configmaps")],
            in_namespace("shop"): [page("a")],
            in_namespace("web"): [refusal(403, "Forbidden", "User cannot list resource there")],
        }
    )
    state, tally = read(wire, Listing(CONFIG_MAP, frozenset({"shop", "web"})))
    assert names(state) == ["a"]
    [unread] = state.unread
    assert (unread.kind, unread.namespace) == ("ConfigMap", "web")
    assert unread.reason.endswith("grant list on configmaps in namespace web")
    assert tally.requests.list == 3


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (refusal(403, "Forbidden", "User cannot list resource x"), "grant list on configmaps"),
        (refusal(403, "Forbidden", "s3cret"), "403 Forbidden"),
        (refusal(404, "NotFound"), "no longer serves v1 ConfigMap"),
        (refusal(405), "doesn't list"),
        (refusal(503, "ServiceUnavailable", "s3cret"), "503 ServiceUnavailable"),
        (answer({"kind": "SomethingElse"}), "isn't a list of objects"),
        (Answer(200, b"<html>"), "isn't a list of objects"),
    ],
)
@pytest.mark.parametrize("spaces", [frozenset({"shop", "web"}), frozenset({"shop"}), frozenset()])
def test_what_cannot_be_read_is_unread_in_every_namespace_asked_for(
    reply: Answer, said: str, spaces: frozenset[str]
) -> None:
    def script(asked: Asked) -> Reply:
        if asked.path.endswith("services"):
            return page()
        return reply

    state, _ = read(ScriptedWire(script), Listing(CONFIG_MAP, spaces), Listing(SERVICE))
    assert {unread.namespace for unread in state.unread} == (spaces or {""})
    for unread in state.unread:
        assert (unread.group, unread.kind) == ("", "ConfigMap")
        assert said in unread.reason
        assert "s3cret" not in unread.reason


def test_one_list_that_is_not_reached_is_unread() -> None:
    wire = ScriptedWire({ALL: [GONE], "/api/v1/nodes": [answer({"items": None, "metadata": {}})]})
    state, _ = read(wire, Listing(CONFIG_MAP), Listing(NODE))
    assert "refuses connections" in state.unread[0].reason


@pytest.mark.parametrize("spaces", [frozenset({"shop", "web"}), frozenset({"shop"})])
def test_a_server_that_is_not_reached_at_all_is_an_error(spaces: frozenset[str]) -> None:
    with pytest.raises(ClusterError, match="refuses connections"):
        read(ScriptedWire(lambda _: GONE), Listing(CONFIG_MAP, spaces), Listing(NODE))


def test_namespaces_mean_nothing_for_a_kind_without_them() -> None:
    wire = ScriptedWire(
        {"/api/v1/nodes": [answer({"items": [{"metadata": {"name": "n"}}], "metadata": {}})]}
    )
    state, _ = read(wire, Listing(NODE, frozenset({"shop"})))
    assert list(state.objects["v1"]) == [ResourceKey("", "Node", "", "n")]

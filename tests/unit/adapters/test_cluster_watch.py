"""One watch: what it keeps, when it begins anew, and when it says that it doesn't know."""

import itertools
import threading
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import pytest

from reconciler.adapters.cluster.access import Access
from reconciler.adapters.cluster.credentials import FixedCredentials
from reconciler.adapters.cluster.kept_objects import Scope
from reconciler.adapters.cluster.listing import Lister
from reconciler.adapters.cluster.streams import Streams
from reconciler.adapters.cluster.tally import Tally
from reconciler.adapters.cluster.transport import Timing
from reconciler.adapters.cluster.watch import Means, Watch
from reconciler.adapters.cluster.wire import broken, unconnected
from reconciler.core.errors import ClusterError
from reconciler.core.resource import ResourceKey
from tests.fakes.kinds import named
from tests.fakes.streams import Begin, Part, ScriptedStreamWire
from tests.fakes.wire import Reply, ScriptedWire, answer, refusal

CONFIG_MAP = named("ConfigMap")
ALL = "/api/v1/configmaps"
CUT = broken(ConnectionResetError())
GONE = unconnected(ConnectionRefusedError())


class World:
    """A watch with scripted answers, and a clock that only the test moves."""

    def __init__(
        self,
        lists: Sequence[Reply],
        streams: Sequence[Begin],
        scope: Scope | None = None,
        spaces: frozenset[str] = frozenset(),
        one: Reply | None = None,
    ) -> None:
        self.now = 1000.0
        self.moves = 0
        shop = "/api/v1/namespaces/shop/configmaps"
        self.lists = ScriptedWire({ALL: lists, shop: lists, f"{shop}/a": [one] if one else []})
        self.streams = ScriptedStreamWire(list(streams))
        access = Access("https://api.example", FixedCredentials(), context="test")
        timing = Timing(lambda _: None, lambda: self.now, lambda: 1.0)
        self.tally = Tally()
        means = Means(
            Lister(self.lists.transport(), self.tally),
            Streams(access, self.streams),
            threading.Semaphore(1),
            timing,
        )
        self.watch = Watch(scope or Scope(CONFIG_MAP), means, self._moved, spaces)

    def _moved(self) -> None:
        self.moves += 1

    def later(self, seconds: float) -> Callable[[], None]:
        def wait() -> None:
            self.now += seconds

        return wait

    def data(self) -> Mapping[str, str]:
        return {key.name: body["data"]["v"] for key, body in self.watch.seen().objects.items()}

    @property
    def unread(self) -> str:
        return self.watch.seen().unread

    @property
    def versions(self) -> list[str]:
        """The resourceVersions at which watches were begun."""
        return [asked.query["resourceVersion"] for asked in self.streams.asked]


def item(name: str, version: int, value: str = "1", namespace: str = "shop") -> dict[str, Any]:
    metadata = {"name": name, "namespace": namespace, "resourceVersion": str(version)}
    return {"metadata": metadata, "data": {"v": value}}


def listed(version: int, *items: dict[str, Any]) -> Reply:
    return answer({"metadata": {"resourceVersion": str(version)}, "items": list(items)})


def event(what: str, body: dict[str, Any]) -> Part:
    return {"type": what, "object": {"apiVersion": "v1", "kind": "ConfigMap", **body}}


def bookmark(version: int) -> Part:
    return {"type": "BOOKMARK", "object": {"metadata": {"resourceVersion": str(version)}}}


def failed(code: int, reason: str = "", **details: object) -> Part:
    status = {"kind": "Status", "code": code, "reason": reason, "details": details}
    return {"type": "ERROR", "object": status}


def test_a_watch_begins_where_its_list_ended() -> None:
    world = World([listed(7, item("a", 3))], [[]])
    world.watch.once()
    assert world.data() == {"a": "1"}
    [asked] = world.streams.asked
    assert asked.path == ALL
    assert asked.query == {
        "watch": "1",
        "allowWatchBookmarks": "true",
        "resourceVersion": "7",
        "timeoutSeconds": "3600",
    }
    assert (world.tally.requests.list, world.watch.requests) == (1, 1)


def test_objects_are_as_a_list_gives_them() -> None:
    world = World([listed(7, item("a", 3))], [[event("ADDED", item("b", 8))]])
    world.watch.once()
    objects = world.watch.seen().objects
    for name, version in (("a", 3), ("b", 8)):
        assert objects[ResourceKey("", "ConfigMap", "shop", name)] == {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            **item(name, version),
        }


def test_events_change_what_is_kept() -> None:
    world = World(
        [listed(7, item("a", 3), item("b", 4))],
        [
            [
                event("MODIFIED", item("a", 8, "2")),
                event("DELETED", item("b", 9)),
                event("ADDED", item("c", 10)),
            ]
        ],
    )
    world.watch.once()
    assert world.data() == {"a": "2", "c": "1"}
    assert world.moves == 4  # the list, and three events


def test_a_watch_that_the_server_ended_goes_on_where_it_was_without_a_list() -> None:
    world = World([listed(7)], [])
    world.streams.script = [[event("ADDED", item("a", 8)), bookmark(20), world.later(6)], []]
    assert world.watch.once() == 0.0
    world.watch.once()
    assert world.versions == ["7", "20"]
    assert world.tally.requests.list == 1
    assert world.moves == 1


def test_a_bookmark_is_no_news() -> None:
    world = World([listed(7)], [[bookmark(9)]])
    world.watch.once()
    assert world.moves == 0


@pytest.mark.parametrize("expired", [refusal(410, "Expired"), [failed(410, "Expired")]])
def test_what_is_gone_is_listed_anew(expired: Begin) -> None:
    world = World([listed(7, item("a", 3)), listed(30, item("a", 25, "2"))], [expired, []])
    assert 0 < world.watch.once() < 1
    assert world.unread == ""
    world.watch.once()
    assert world.data() == {"a": "2"}
    assert world.versions == ["7", "30"]


def test_a_list_after_which_all_is_as_before_is_no_news() -> None:
    same = item("a", 3)
    world = World([listed(7, same), listed(30, same)], [[failed(410)], []])
    world.watch.once()
    moves = world.moves
    world.watch.once()
    assert world.moves == moves


def test_a_store_that_was_put_back_to_an_earlier_time_is_believed() -> None:
    world = World([listed(700, item("a", 600)), listed(30, item("a", 20, "old"))], [[failed(410)]])
    world.watch.once()
    world.watch.once()
    assert world.data() == {"a": "old"}
    assert world.versions == ["700", "30"]


def test_a_watch_that_breaks_off_goes_on_where_it_was() -> None:
    world = World([listed(7)], [[event("ADDED", item("a", 8)), CUT], []])
    world.watch.once()
    assert world.data() == {"a": "1"}
    world.watch.once()
    assert world.versions == ["7", "8"]
    assert world.watch.faults == 1


def test_half_a_line_is_not_taken_for_one() -> None:
    whole = b'{"type":"ADDED","object":{"metadata":{"name":"a","namespace":"shop",'
    rest = b'"resourceVersion":"8"},"data":{"v":"1"}}}'
    world = World([listed(7)], [[whole, rest, CUT], [whole, rest, b"\n\n"]])
    world.watch.once()
    assert world.data() == {}
    world.watch.once()
    assert world.data() == {"a": "1"}
    assert world.versions == ["7", "7"]


def test_what_is_not_a_watch_is_an_error() -> None:
    world = World([listed(7)], [[b"<html>\n"]])
    world.watch.once()
    world.now += 61
    assert "isn't one" in world.unread


def test_a_broken_watch_answers_for_a_minute_and_not_longer() -> None:
    world = World([listed(7, item("a", 3))], [[CUT], GONE, GONE])
    world.watch.once()
    world.now += 59
    world.watch.once()
    assert world.data() == {"a": "1"}
    assert world.watch.age == 59
    world.now += 2
    assert "refuses connections" in world.unread
    assert world.watch.seen().objects == {}
    assert isinstance(world.watch.seen().unreachable, ClusterError)


def test_that_a_watch_went_stale_is_news_and_that_it_recovered_too() -> None:
    world = World([listed(7)], [[CUT], GONE, GONE, [bookmark(9)]])
    world.watch.once()
    moves = world.moves
    world.watch.once()
    assert world.moves == moves
    world.now += 61
    world.watch.once()
    assert world.moves == moves + 1
    world.watch.once()
    assert world.moves == moves + 2
    assert world.unread == ""


def test_a_long_quiet_watch_answers() -> None:
    world = World([listed(7, item("a", 3))], [])
    seen: list[Mapping[str, str]] = []
    world.streams.script = [[world.later(85), lambda: seen.append(world.data())]]
    world.watch.once()
    assert seen == [{"a": "1"}]


def test_what_an_open_watch_keeps_is_no_older_than_a_dead_server_can_stay_unnoticed() -> None:
    ages: list[float] = []
    world = World([listed(7, item("a", 3))], [])
    note = lambda: ages.append(world.watch.age)  # noqa: E731
    world.streams.script = [[world.later(10), note, world.later(600), note, CUT], GONE]
    world.watch.once()
    assert ages == [10, 25]
    world.now += 30
    world.watch.once()
    assert world.watch.age == 55
    assert world.data() == {"a": "1"}
    world.now += 10
    assert "refuses connections" in world.unread


def test_delays_grow_by_lot_and_begin_anew_after_a_good_watch() -> None:
    world = World([listed(7)], [[CUT], GONE, GONE])
    assert [world.watch.once() for _ in range(3)] == [0.2, 0.4, 0.8]
    world.streams.script = [[world.later(6)], [CUT]]
    assert [world.watch.once() for _ in range(2)] == [0.0, 0.2]


def test_a_delay_has_an_end() -> None:
    world = World([listed(7)], [GONE] * 30)
    assert [world.watch.once() for _ in range(30)][-1] == 30.0


def test_the_server_says_how_long_to_wait_within_reason() -> None:
    world = World(
        [listed(7)],
        [answer({}, 429, 5.0), answer({}, 429, 500.0), [failed(429, retryAfterSeconds=9)]],
    )
    assert [world.watch.once() for _ in range(3)] == [5.0, 30.0, 9.0]
    assert world.tally.requests.list == 1


def test_what_was_never_read_is_unread() -> None:
    world = World([GONE], [])
    assert world.unread == "it hasn't been read yet"
    assert not world.watch.await_answer(0)
    world.watch.once()
    assert world.watch.await_answer(0)
    assert "refuses connections" in world.unread


@pytest.mark.parametrize("code", [403, 404, 405])
def test_a_final_refusal_is_told_at_once_and_tried_again_seldom(code: int) -> None:
    world = World([listed(7, item("a", 3))], [[CUT], refusal(code), refusal(code)])
    world.watch.once()
    assert world.data() == {"a": "1"}
    assert world.watch.once() >= 5
    assert world.unread
    assert world.watch.seen().unreachable is None
    assert world.watch.is_forbidden == (code == 403)


def test_a_missing_right_is_named_by_its_verb() -> None:
    message = "User cannot watch resource configmaps"
    world = World([listed(7)], [refusal(403, "Forbidden", message)])
    world.watch.once()
    assert world.unread == f"{message}: grant watch on configmaps in the whole cluster"


def test_a_right_that_is_given_again_is_used() -> None:
    world = World([listed(7, item("a", 3))], [refusal(403), []])
    world.watch.once()
    world.watch.once()
    assert (world.unread, world.data()) == ("", {"a": "1"})


def test_what_the_server_will_never_take_is_not_sent_again() -> None:
    world = World([listed(7), listed(9)], [refusal(400, "BadRequest"), []])
    world.watch.once()
    world.watch.once()
    assert world.versions == ["7", "9"]


def test_a_stream_that_said_nothing_for_too_long_is_not_believed() -> None:
    def silent() -> None:
        try:
            raise TimeoutError
        except TimeoutError as error:
            raise broken(error) from error

    world = World([listed(7), listed(9)], [[silent], []])
    world.watch.once()
    world.watch.once()
    assert world.versions == ["7", "9"]


def test_a_fault_of_our_own_does_not_end_the_watch() -> None:
    world = World([listed(7), listed(9)], [ZeroDivisionError(), []])
    world.watch.once()
    world.now += 61
    assert "ZeroDivisionError" in world.unread
    world.watch.once()
    assert world.unread == ""
    assert world.versions == ["7", "9"]


def test_only_some_namespaces_are_kept_of_all() -> None:
    world = World(
        [listed(7, item("a", 3), item("b", 4, namespace="web"), item("c", 5, namespace="other"))],
        [[event("ADDED", item("d", 8, namespace="other")), event("ADDED", item("e", 9))]],
        spaces=frozenset({"shop", "web"}),
    )
    world.watch.once()
    assert sorted(world.data()) == ["a", "b", "e"]
    assert world.moves == 2


def test_more_namespaces_are_listed_anew() -> None:
    lists = [listed(7, item("a", 3), item("b", 4, namespace="web"))]
    world = World(lists, [], spaces=frozenset({"shop"}))
    world.watch.once()
    world.watch.widen(frozenset({"shop"}))
    assert world.watch.await_answer(0)
    world.watch.widen(frozenset({"web"}))
    assert not world.watch.await_answer(0)
    world.watch.once()
    assert sorted(world.data()) == ["a", "b"]
    world.watch.widen(frozenset())
    world.watch.widen(frozenset({"web"}))
    world.watch.once()
    assert world.tally.requests.list == 3


def test_one_namespace_is_watched_by_itself() -> None:
    world = World([listed(7, item("a", 3))], [], Scope(CONFIG_MAP, "shop"))
    world.watch.once()
    assert world.streams.asked[0].path == "/api/v1/namespaces/shop/configmaps"
    assert world.data() == {"a": "1"}


def test_of_versions_only_nothing_else_is_kept() -> None:
    scope = Scope(CONFIG_MAP, versions_only=True)
    world = World([listed(7, item("a", 3))], [[event("ADDED", item("b", 8))]], scope)
    world.watch.once()
    assert list(world.watch.seen().objects.values()) == [
        {"metadata": {"resourceVersion": "3"}},
        {"metadata": {"resourceVersion": "8"}},
    ]
    accepted = [
        asked.headers["Accept"] for asked in itertools.chain(world.lists.asked, world.streams.asked)
    ]
    assert accepted == [
        "application/json;as=PartialObjectMetadataList;g=meta.k8s.io;v=v1,application/json",
        "application/json;as=PartialObjectMetadata;g=meta.k8s.io;v=v1,application/json",
    ]


def test_a_refresh_shows_at_once_what_the_watch_tells_later() -> None:
    during: list[Mapping[str, str]] = []
    world = World([listed(7, item("a", 3)), listed(9, item("a", 9, "3"))], [])
    world.streams.script = [
        [
            lambda: world.watch.refresh(),
            lambda: during.append(world.data()),
            event("MODIFIED", item("a", 8, "2")),
            lambda: during.append(world.data()),
            event("MODIFIED", item("a", 9, "3")),
            event("MODIFIED", item("a", 10, "4")),
        ]
    ]
    world.watch.once()
    assert during == [{"a": "3"}, {"a": "3"}]
    assert world.data() == {"a": "4"}
    assert world.moves == 3


A = ResourceKey("", "ConfigMap", "shop", "a")


def known(version: int, value: str, uid: str = "u1") -> dict[str, Any]:
    body = item("a", version, value)
    body["metadata"]["uid"] = uid
    return body


def refreshing(now: Reply, *then: Part) -> tuple[World, list[Mapping[str, str]]]:
    """Gives a watch that reads one object anew, and what it told after that and each event."""
    during: list[Mapping[str, str]] = []
    world = World([listed(7, known(3, "1"), item("b", 4))], [], one=now)

    def note() -> None:
        during.append(world.data())

    steps: list[Part] = [lambda: world.watch.refresh([A]), note]
    for each in then:
        steps += [each, note]
    world.streams.script = [steps]
    world.watch.once()
    return world, during


def test_a_few_objects_are_read_one_by_one_and_what_the_watch_tells_later_is_no_news() -> None:
    world, during = refreshing(
        answer(known(10, "3")),
        event("MODIFIED", known(8, "2")),
        event("MODIFIED", item("b", 9, "2")),
        event("MODIFIED", known(10, "3")),
        event("MODIFIED", known(11, "4")),
    )
    assert [each["a"] for each in during] == ["3", "3", "3", "3", "4"]
    # One that isn't read anew is told of as ever.
    assert [each["b"] for each in during] == ["1", "1", "2", "2", "2"]
    assert world.moves == 4
    assert (world.tally.requests.list, world.tally.requests.get) == (1, 1)


def test_an_object_that_is_read_as_it_was_is_no_news() -> None:
    world, during = refreshing(answer(known(3, "1")))
    assert during == [{"a": "1", "b": "1"}]
    assert world.moves == 1


def test_an_object_that_is_gone_does_not_come_back_before_the_watch_has_told_so() -> None:
    world, during = refreshing(
        refusal(404, "NotFound", "not found"),
        event("MODIFIED", known(8, "2")),
        event("DELETED", known(9, "2")),
        event("ADDED", known(10, "5", "u2")),
    )
    assert during == [{"b": "1"}, {"b": "1"}, {"b": "1"}, {"a": "5", "b": "1"}]
    assert world.moves == 3


def test_an_object_that_was_made_anew_outlives_the_end_of_the_old_one() -> None:
    world, during = refreshing(
        answer(known(9, "5", "u2")),
        event("DELETED", known(8, "1")),
        event("ADDED", known(9, "5", "u2")),
        event("DELETED", known(10, "5", "u2")),
    )
    assert [each.get("a") for each in during] == ["5", "5", "5", None]
    assert world.moves == 3


def test_many_objects_are_read_by_a_list() -> None:
    world = World([listed(7), listed(9, item("a", 9))], [[]])
    world.watch.once()
    world.watch.refresh([ResourceKey("", "ConfigMap", "shop", str(n)) for n in range(21)])
    assert world.data() == {"a": "1"}
    assert (world.tally.requests.list, world.tally.requests.get) == (2, 0)


def test_an_object_that_cannot_be_read_anew_is_an_error() -> None:
    refused = refusal(403, "Forbidden", "User cannot get resource x")
    world = World([listed(7)], [[]], one=refused)
    world.watch.once()
    with pytest.raises(ClusterError, match="grant get on configmaps"):
        world.watch.refresh([A])


def test_a_refresh_that_is_refused_is_an_error() -> None:
    world = World([listed(7), refusal(403, "Forbidden", "User cannot list resource x")], [])
    world.watch.once()
    with pytest.raises(ClusterError, match="grant list on configmaps"):
        world.watch.refresh()


def test_a_stopped_watch_returns() -> None:
    world = World([listed(7)], [])
    world.streams.script = [[world.watch.stop, CUT]]
    world.watch.run()
    assert len(world.streams.asked) == 1
    assert world.watch.await_answer(0)
    world.watch.run()
    assert world.streams.closed == 1


def test_equal_field_sets_are_kept_once() -> None:
    def owned(name: str, version: int) -> dict[str, Any]:
        body = item(name, version)
        entry = {"manager": "kubectl", "fieldsV1": {"f:data": {"f:v": {}}}}
        body["metadata"]["managedFields"] = [entry]
        return body

    world = World([listed(7, owned("a", 3))], [[event("ADDED", owned("b", 8))]])
    world.watch.once()
    one, two = (
        body["metadata"]["managedFields"][0] for body in world.watch.seen().objects.values()
    )
    assert one == two
    assert one["fieldsV1"] is two["fieldsV1"]

"""Which replicas there are, and whose target is whose, by a clock that only the test moves."""

import threading
import time
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.cluster.lease import LeaseTimes
from reconciler.adapters.cluster.replicas import TARGETS, Replicas
from reconciler.adapters.cluster.transport import Timing
from reconciler.core.errors import PlumblineError
from reconciler.core.resource import JsonObject
from tests.fakes.wire import Asked, Reply, ScriptedWire, answer, refusal

NOW = datetime(2026, 11, 25, 3, 0, tzinfo=UTC)
TIMES = LeaseTimes(duration=15.0, deadline=10.0, retry=3.0)
NAMES = [f"target-{number}" for number in range(40)]


class Server:
    """Leases on a server, and a clock."""

    def __init__(self) -> None:
        self.now = 100.0
        self.leases: dict[str, JsonObject] = {}
        self.revision = 0
        self.fault: Callable[[Asked], Reply | None] = lambda _: None

    def replica(
        self,
        identity: str,
        targets: list[str] | None = None,
        heard: Callable[[str], None] = lambda _: None,
    ) -> Replicas:
        timing = Timing(lambda _: None, lambda: self.now, lambda: 1.0)
        return Replicas(
            ScriptedWire(self._reply).transport(),
            "plumbline",
            f"host_1_{identity}",
            NAMES if targets is None else targets,
            heard=heard,
            times=TIMES,
            timing=timing,
            clock=lambda: NOW,
        )

    def _reply(self, asked: Asked) -> Reply:
        reply = self.fault(asked)
        if reply is not None:
            return reply
        name = asked.path.rpartition("/")[2]
        if asked.method == "GET":
            assert asked.query["labelSelector"].endswith("component=replica")
            return answer({"items": list(self.leases.values())})
        if asked.method == "POST":
            name = asked.body["metadata"]["name"]
            return self._store(name, asked.body, 201)
        there = self.leases.get(name)
        if there is None:
            return refusal(404, "NotFound")
        version = there["metadata"]["resourceVersion"]
        if asked.method == "DELETE":
            if asked.body["preconditions"]["resourceVersion"] != version:
                return refusal(409, "Conflict")
            return answer(self.leases.pop(name))
        if asked.body["metadata"]["resourceVersion"] != version:
            return refusal(409, "Conflict")
        return self._store(name, asked.body)

    def _store(self, name: str, body: Any, status: int = 200) -> Reply:
        self.revision += 1
        body["metadata"]["resourceVersion"] = str(self.revision)
        self.leases[name] = body
        return answer(body, status)


def chosen(replicas: list[Replicas]) -> list[set[str]]:
    """Gives what each replica is to act for."""
    return [{name for name in NAMES if each.chosen(name)} for each in replicas]


def look(*replicas: Replicas) -> None:
    for _ in range(2):
        for each in replicas:
            each.look()


def test_before_others_were_seen_nobody_acts() -> None:
    assert chosen([Server().replica("one")]) == [set()]


def test_who_is_alone_acts_for_all() -> None:
    server = Server()
    one = server.replica("one")
    one.look()
    assert chosen([one]) == [set(NAMES)]
    assert one.present() == {"host_1_one"}
    (lease,) = server.leases.values()
    assert lease["metadata"]["annotations"][TARGETS] == " ".join(sorted(NAMES))


def test_every_target_is_one_replica_s_and_each_has_a_fair_part() -> None:
    server = Server()
    replicas = [server.replica(name) for name in ("one", "two", "three")]
    look(*replicas)
    parts = chosen(replicas)
    assert set().union(*parts) == set(NAMES)
    assert sum(map(len, parts)) == len(NAMES)
    assert min(map(len, parts)) >= 6


def test_who_comes_takes_only_what_is_its_own() -> None:
    server = Server()
    one, two = server.replica("one"), server.replica("two")
    look(one, two)
    before = chosen([one, two])
    three = server.replica("three")
    look(one, two, three)
    after = chosen([one, two, three])
    assert [old - new for old, new in zip(before, after, strict=False)] == [
        old & after[2] for old in before
    ]
    assert after[2]


def test_who_is_not_heard_of_for_long_is_gone_and_buried() -> None:
    server = Server()
    one, two = server.replica("one"), server.replica("two")
    look(one, two)
    for _ in range(6):
        server.now += 2.9
        one.look()
    assert one.present() == {"host_1_one", "host_1_two"}
    server.now += 2.9
    one.look()
    assert one.present() == {"host_1_one"}
    assert chosen([one]) == [set(NAMES)]
    assert len(server.leases) == 2
    server.now += 60
    one.look()
    one.look()
    assert list(server.leases) == ["plumbline-replica-one"]


def test_who_cannot_look_knows_what_it_knew_as_long_as_that_holds() -> None:
    server = Server()
    one, two = server.replica("one"), server.replica("two")
    look(one, two)
    before = chosen([one])
    server.fault = lambda _: refusal(403, "Forbidden", "no")
    with pytest.raises(PlumblineError):
        one.look()
    assert chosen([one]) == before
    server.now += 15
    # Nobody was heard of, oneself included: who can't say that it's there is not.
    assert chosen([one]) == [set()]


@pytest.mark.parametrize("method", ["GET", "POST"])
def test_what_the_server_refuses_is_said(method: str) -> None:
    server = Server()
    server.fault = lambda asked: (
        refusal(403, "Forbidden", "not allowed") if asked.method == method else None
    )
    with pytest.raises(PlumblineError, match="not allowed"):
        server.replica("one").look()


def test_a_lease_that_was_deleted_under_us_is_made_anew() -> None:
    server = Server()
    one = server.replica("one")
    one.look()
    server.leases.clear()
    one.look()
    assert one.present() == set()
    one.look()
    assert one.present() == {"host_1_one"}


def test_who_ends_says_so() -> None:
    server = Server()
    one, two = server.replica("one"), server.replica("two")
    one.start()
    two.start()
    one.close()
    assert list(server.leases) == ["plumbline-replica-two"]
    two.close()
    assert server.leases == {}


def test_a_target_goes_to_who_has_it() -> None:
    server = Server()
    one, two = server.replica("one", NAMES[:20]), server.replica("two", NAMES[20:])
    look(one, two)
    assert chosen([one, two]) == [set(NAMES[:20]), set(NAMES[20:])]


@given(st.sets(st.text("abcdef0123456789", min_size=4, max_size=12), min_size=1, max_size=6))
def test_all_agree_on_who_acts(identities: set[str]) -> None:
    server = Server()
    replicas = [server.replica(each) for each in sorted(identities)]
    look(*replicas)
    parts = chosen(replicas)
    assert sum(map(len, parts)) == len(set().union(*parts)) == len(NAMES)


def test_what_one_is_told_the_others_hear_once() -> None:
    server = Server()
    ears: dict[str, list[str]] = {"one": [], "two": []}
    one, two = (server.replica(name, heard=ears[name].append) for name in ears)
    look(one, two)
    assert ears == {"one": [], "two": []}
    one.tell("target-1")
    one.tell("target-2")
    one.tell("target-2")
    look(one, two)
    look(one, two)
    assert ears == {"one": [], "two": ["target-1", "target-2"]}
    one.tell("target-1")
    look(one, two)
    assert ears["two"] == ["target-1", "target-2", "target-1"]
    # Who comes later may have missed it.
    late: list[str] = []
    server.replica("three", heard=late.append).look()
    assert late == ["target-1", "target-2"]


def test_what_could_not_be_told_is_told_at_the_next_look() -> None:
    server = Server()
    heard: list[str] = []
    one, two = server.replica("one"), server.replica("two", heard=heard.append)
    look(one, two)
    one.tell("target-1")
    server.fault = lambda asked: refusal(409, "Conflict") if asked.method == "PUT" else None
    one.look()
    server.fault = lambda _: None
    look(one, two)
    assert heard == ["target-1"]


def test_who_is_told_tells_at_once() -> None:
    server = Server()
    heard = threading.Event()
    one, two = server.replica("one"), server.replica("two", heard=lambda _: heard.set())
    two.look()
    one.start()
    try:
        one.tell("target-1")
        deadline = time.monotonic() + 30
        while not heard.is_set():
            assert time.monotonic() < deadline
            two.look()
    finally:
        one.close()

"""The rules of a Lease, by a clock that only the test moves."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

import pytest

from reconciler.adapters.cluster.access import Access
from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.cluster.credentials import FixedCredentials
from reconciler.adapters.cluster.guarded import GuardedCluster, GuardedWriter
from reconciler.adapters.cluster.lease import (
    Leadership,
    LeaseTimes,
    lease_transport,
    new_identity,
    since_boot,
)
from reconciler.adapters.cluster.lease_record import LeaseRecord
from reconciler.adapters.cluster.proxied import ProxiedWire
from reconciler.adapters.cluster.transport import Timing
from reconciler.adapters.cluster.wire import DirectWire, broken, unconnected
from reconciler.core.errors import ClusterError, LeaseLostError
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.schema import Schema, from_openapi
from tests.fakes.cluster import FakeCluster
from tests.fakes.kinds import named
from tests.fakes.wire import Asked, Reply, ScriptedWire, answer, refusal

PATH = "/apis/coordination.k8s.io/v1/namespaces/plumbline/leases"
NOW = datetime(2026, 11, 25, 3, 0, 0, 123456, UTC)
CONFIG_MAP = named("ConfigMap")


class Server:
    """A Lease on a server, and a clock; faults are answers given in place of the right one."""

    def __init__(self) -> None:
        self.now = 100.0
        self.lease: JsonObject | None = None
        self.revision = 0
        self.faults: list[Reply | Callable[[Asked], Reply | None]] = []
        self.asked: list[str] = []

    def contender(self, identity: str, wanted: Callable[[], bool] = lambda: True) -> Leadership:
        timing = Timing(lambda _: None, lambda: self.now, lambda: 1.0)
        wire = ScriptedWire(self._reply)
        transport = wire.transport()
        return Leadership(
            transport,
            "plumbline",
            "shop",
            identity,
            timing=timing,
            clock=lambda: NOW,
            wanted=wanted,
        )

    def write(self, **spec: Any) -> None:
        """Writes the Lease as somebody else would."""
        self._store({"spec": {**(self.lease or {}).get("spec", {}), **spec}})

    @property
    def spec(self) -> JsonObject:
        assert self.lease is not None
        spec: JsonObject = self.lease["spec"]
        return spec

    def _reply(self, asked: Asked) -> Reply:
        self.asked.append(asked.method)
        if self.faults:
            fault = self.faults.pop(0)
            reply = fault(asked) if callable(fault) else fault
            if reply is not None:
                return reply
        if asked.method == "GET":
            return answer(self.lease) if self.lease else refusal(404, "NotFound")
        if asked.method == "POST":
            if self.lease is not None:
                return refusal(409, "AlreadyExists", "already exists")
            return self._store(asked.body, 201)
        if self.lease is None:
            return refusal(404, "NotFound")
        if asked.body["metadata"]["resourceVersion"] != str(self.revision):
            return refusal(409, "Conflict")
        return self._store(asked.body)

    def _store(self, body: JsonObject, code: int = 200) -> Reply:
        self.revision += 1
        metadata = {**body.get("metadata", {}), "resourceVersion": str(self.revision)}
        self.lease = {**body, "metadata": metadata}
        return answer(self.lease, code)


def test_a_lease_that_is_not_there_is_made() -> None:
    server = Server()
    one = server.contender("one")
    assert not one.held()
    one.contend()
    assert one.held()
    assert one.acquired.is_set()
    assert server.lease is not None
    assert server.lease["kind"] == "Lease"
    assert server.spec == {
        "holderIdentity": "one",
        "leaseDurationSeconds": 15,
        "acquireTime": "2026-11-25T03:00:00.123456Z",
        "renewTime": "2026-11-25T03:00:00.123456Z",
        "leaseTransitions": 0,
    }


def test_a_renewal_is_one_request_with_its_precondition() -> None:
    server = Server()
    one = server.contender("one")
    one.contend()
    del server.asked[:]
    server.now += 2
    assert one.contend() == pytest.approx(2.0)
    assert server.asked == ["PUT"]
    server.now += 9.9
    assert one.held()


def test_who_does_not_want_it_takes_it_from_nobody() -> None:
    server = Server()
    wanted: list[bool] = []
    two = server.contender("two", lambda: bool(wanted))
    two.contend()
    assert server.asked == ["GET"]
    one = server.contender("one")
    one.contend()
    one.release()
    two.contend()
    assert (two.held(), server.spec.get("holderIdentity")) == (False, None)
    wanted.append(True)
    two.contend()
    assert two.held()
    # Who holds it keeps it until it is handed over.
    wanted.clear()
    server.now += 5
    two.contend()
    assert two.held()


def test_what_is_handed_over_is_had_at_once_and_may_come_back() -> None:
    server = Server()
    one, two = server.contender("one"), server.contender("two")
    one.contend()
    two.contend()
    one.hand_over()
    assert not one.held()
    two.contend()
    assert two.held()
    asked = len(server.asked)
    one.hand_over()
    assert len(server.asked) == asked
    two.hand_over()
    one.contend()
    assert (one.held(), server.spec["holderIdentity"]) == (True, "one")


def test_who_cannot_say_that_it_hands_over_has_lost_it_all_the_same() -> None:
    server = Server()
    one = server.contender("one")
    one.contend()
    server.faults = [refusal(403, "Forbidden"), unconnected(OSError("gone"))]
    one.hand_over()
    assert not one.held()
    one.hand_over()
    assert not one.held()


def test_it_is_lost_when_the_deadline_has_passed() -> None:
    server = Server()
    one = server.contender("one")
    one.contend()
    server.now += 9.9
    assert one.held()
    server.now += 0.1
    assert not one.held()


def test_the_deadline_runs_from_before_the_request() -> None:
    server = Server()
    one = server.contender("one")

    def slow(_: Asked) -> None:
        server.now += 9

    server.faults = [lambda _: None, slow]
    one.contend()
    server.now += 0.9
    assert one.held()
    server.now += 0.1
    assert not one.held()


def test_somebody_else_s_is_taken_only_after_it_was_not_renewed_for_its_duration() -> None:
    server = Server()
    one, two = server.contender("one"), server.contender("two")
    one.contend()
    assert two.contend() == pytest.approx(2.0)
    server.now += 14
    one.contend()
    two.contend()
    server.now += 14.9
    two.contend()
    assert not two.held()
    server.now += 0.2
    two.contend()
    assert two.held()
    assert server.spec["leaseTransitions"] == 1
    one.contend()
    assert not one.held()


def test_times_written_into_it_say_nothing() -> None:
    server = Server()
    server.write(holderIdentity="x", leaseDurationSeconds=15, renewTime="1999-01-01T00:00:00Z")
    two = server.contender("two")
    two.contend()
    assert not two.held()


def test_the_duration_that_its_holder_was_told_counts_where_it_is_longer() -> None:
    server = Server()
    server.write(holderIdentity="x", leaseDurationSeconds=60)
    two = server.contender("two")
    two.contend()
    server.now += 59
    two.contend()
    assert not two.held()
    server.now += 2
    two.contend()
    assert two.held()


def test_of_two_that_take_it_at_once_one_gets_it() -> None:
    server = Server()
    server.write(holderIdentity="", leaseDurationSeconds=1)
    one, two = server.contender("one"), server.contender("two")

    def between(_: Asked) -> None:
        server.faults = []
        one.contend()

    server.faults = [lambda _: None, between]
    two.contend()
    assert one.held()
    assert not two.held()
    two.contend()
    assert not two.held()
    assert two.holder == "one"


def test_what_is_let_go_of_is_had_at_once() -> None:
    server = Server()
    one, two = server.contender("one"), server.contender("two")
    one.contend()
    two.contend()
    one.release()
    assert not one.held()
    assert one.lost.is_set()
    assert "holderIdentity" not in server.spec
    two.contend()
    assert two.held()


def test_what_somebody_else_has_is_not_let_go_of() -> None:
    server = Server()
    one, two = server.contender("one"), server.contender("two")
    one.contend()
    two.contend()
    two.release()
    assert server.spec["holderIdentity"] == "one"


def test_letting_go_while_the_server_is_away_is_no_error() -> None:
    server = Server()
    one = server.contender("one")
    one.contend()
    server.faults = [unconnected(ConnectionRefusedError())] * 9
    one.release()
    assert not one.held()


def test_whoever_is_named_in_it_holds_it() -> None:
    server = Server()
    one = server.contender("one")
    one.contend()
    server.write(holderIdentity="somebody")
    one.contend()
    assert not one.held()
    assert one.lost.is_set()
    assert not one.acquired.is_set()


def test_an_answer_that_never_came_renews_nothing_and_loses_nothing() -> None:
    server = Server()
    one = server.contender("one")
    one.contend()

    def unanswered(asked: Asked) -> Reply:
        server._store(asked.body)
        return broken(ConnectionResetError())

    server.now += 5
    server.faults = [unanswered]
    one.contend()
    assert "whether it wrote is unknown" in one.failure
    server.now += 4.9
    assert one.held()
    one.contend()  # its version is another than we know: looked at, found ours, renewed
    server.now += 9
    assert one.held()
    assert one.failure == ""


def test_what_could_not_be_renewed_is_tried_sooner_again() -> None:
    server = Server()
    leadership = server.contender("one")
    leadership._timing = Timing(monotonic=lambda: server.now, jitter=lambda: 0.0)
    leadership.contend()
    server.faults = [refusal(500)]
    assert leadership.contend() == pytest.approx(1.0)
    assert leadership.contend() == pytest.approx(1.8)


def test_the_watchdog_tells_of_a_loss_though_the_server_keeps_us_waiting() -> None:
    server = Server()
    leadership = server.contender("one")
    leadership._times = LeaseTimes(0.6, 0.2, 0.01)
    leadership._timing = Timing()
    stuck, going_on = threading.Event(), threading.Event()

    def hang(_: Asked) -> None:
        stuck.set()
        going_on.wait(20)

    def renew(_: Asked) -> None:
        server.faults = [hang]

    server.faults = [lambda _: None, lambda _: None, renew]
    leadership.start()
    assert leadership.acquired.wait(5)
    assert stuck.wait(5)
    assert leadership.lost.wait(5)
    assert not leadership.held()
    going_on.set()
    assert leadership.acquired.wait(5)
    leadership.release()
    assert leadership.lost.is_set()
    assert "holderIdentity" not in server.spec


def test_one_that_is_deleted_is_made_anew() -> None:
    server = Server()
    one = server.contender("one")
    one.contend()
    server.lease = None
    one.contend()
    assert one.held()
    assert server.spec["holderIdentity"] == "one"


def test_who_lost_it_may_have_it_again() -> None:
    server = Server()
    one = server.contender("one")
    one.contend()
    server.now += 60
    assert not one.held()
    one.contend()
    assert one.held()
    assert not one.lost.is_set()


@pytest.mark.parametrize(
    ("reply", "said"),
    [
        (refusal(403, "Forbidden", 'User "x" cannot get resource "leases"'), "cannot get resource"),
        (refusal(500), "the server answered 500"),
        (unconnected(ConnectionRefusedError()), "refuses connections"),
    ],
)
def test_why_it_cannot_be_had_is_told(reply: Reply, said: str) -> None:
    server = Server()
    one = server.contender("one")
    server.faults = [reply] * 4
    assert one.contend() <= 2
    assert said in one.failure
    assert not one.held()


@pytest.mark.parametrize("spec", [None, "odd", {"holderIdentity": None, "leaseTransitions": "x"}])
def test_a_lease_that_says_nothing_is_nobody_s(spec: object) -> None:
    record = LeaseRecord.of({"metadata": {"resourceVersion": "3"}, "spec": spec})
    assert record == LeaseRecord(version="3")


@pytest.mark.parametrize("times", [(10, 10, 2), (15, 2, 2), (15, 10, 0)])
def test_times_that_would_let_two_hold_it_are_refused(times: tuple[float, float, float]) -> None:
    with pytest.raises(ValueError, match="retry < deadline < duration"):
        LeaseTimes(*times)


def test_no_two_processes_have_the_same_name() -> None:
    assert new_identity() != new_identity()


def test_the_clock_goes_on() -> None:
    assert since_boot() <= since_boot()


def kube(wire: ScriptedWire, monkeypatch: pytest.MonkeyPatch, proxy: str = "") -> KubeCluster:
    monkeypatch.setattr("reconciler.adapters.cluster.transport._wire_to", lambda _: wire)
    moments = iter(range(0, 100_000, 10))
    return KubeCluster(
        Access("https://api.example", FixedCredentials(), context="shop", proxy=proxy),
        bundled=lambda: Schema({}),
        from_openapi=from_openapi,
        timing=Timing(wire.slept.append, lambda: float(next(moments)), lambda: 1.0),
    )


def test_a_lease_is_asked_for_with_less_patience(monkeypatch: pytest.MonkeyPatch) -> None:
    direct = lease_transport(kube(ScriptedWire({}), monkeypatch))._wire
    assert isinstance(direct, DirectWire)
    assert (direct.limits.connect, direct.limits.read) == (5.0, 5.0)
    proxied = lease_transport(kube(ScriptedWire({}), monkeypatch, "http://proxy:1"))._wire
    assert isinstance(proxied, ProxiedWire)
    assert proxied.limits == direct.limits


BODY = {
    "apiVersion": "v1",
    "kind": "ConfigMap",
    "metadata": {"name": "web", "namespace": "default"},
}
KEY = ResourceKey("", "ConfigMap", "default", "web")


def test_a_guarded_writer_writes_as_long_as_it_may() -> None:
    fake = FakeCluster()
    may = [True]
    writer = GuardedWriter(fake.writes, lambda: may[0])
    live = writer.create(CONFIG_MAP, BODY)
    live = writer.replace(CONFIG_MAP, {**live, "data": {"a": "1"}})
    may[0] = False
    where = {"uid": live["metadata"]["uid"], "version": live["metadata"]["resourceVersion"]}
    for write in (
        lambda: writer.create(CONFIG_MAP, {**BODY, "metadata": {"name": "x"}}),
        lambda: writer.replace(CONFIG_MAP, {**live, "data": {"a": "2"}}),
        lambda: writer.delete(CONFIG_MAP, KEY, **where),
    ):
        with pytest.raises(LeaseLostError) as caught:
            write()
        assert isinstance(caught.value, ClusterError)
    assert fake.objects() == {KEY: live}
    assert fake.requests.write == 2
    may[0] = True
    writer.delete(CONFIG_MAP, KEY, **where)
    assert fake.objects() == {}


def test_a_write_that_the_server_put_off_is_not_made_once_the_lease_is_lost(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    may = [True]

    def reply(_: Asked) -> Reply:
        may[0] = False
        return answer({}, 429, retry_after=10.0)

    wire = ScriptedWire(reply)
    guarded = GuardedCluster(kube(wire, monkeypatch), lambda: may[0])
    with pytest.raises(LeaseLostError):
        guarded.writes.replace(CONFIG_MAP, BODY)
    assert [asked.method for asked in wire.asked] == ["PUT"]


def test_all_else_is_the_cluster_s_own(monkeypatch: pytest.MonkeyPatch) -> None:
    def reply(asked: Asked) -> Reply:
        if asked.path.endswith("selfsubjectaccessreviews"):
            return answer({"status": {"allowed": True}}, 201)
        if asked.path.endswith("/web") and asked.method == "GET":
            return refusal(404)
        return answer(BODY)

    guarded = GuardedCluster(kube(ScriptedWire(reply), monkeypatch), lambda: False)
    assert guarded.get(CONFIG_MAP, KEY) is None
    guarded.await_absence(CONFIG_MAP, KEY, "u")
    assert guarded.await_kind("v1", "ConfigMap") is None
    assert guarded.allows("get", CONFIG_MAP, "default")
    assert guarded.dry_runs.replace(CONFIG_MAP, BODY) == BODY

"""The controller put together, over a real HTTP server with watches, and a real repository."""

import contextlib
import http.client
import io
import json
import logging
import re
import threading
import time
import weakref
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from reconciler.adapters.telemetry.endpoints import Endpoints, Health
from reconciler.adapters.telemetry.logs import Logs
from reconciler.assembly import Followed
from reconciler.controller import Target
from reconciler.core.cycle import Cycle, CycleResult
from reconciler.core.errors import ConfigError, HistoryError
from reconciler.core.history import Event, EventType, HistoryQuery
from reconciler.core.moments import rfc3339
from reconciler.core.suspension import Suspension, suspension_event
from reconciler.keeper import Keeper
from reconciler.leading import Seat
from reconciler.memory import open_history
from reconciler.service import _HUNG_AFTER, Service, _Standing, _tidy, build
from reconciler.settings import (
    ClusterSettings,
    HistorySettings,
    LeaseSettings,
    Mode,
    ScheduleSettings,
    ScopeSettings,
    ServeSettings,
    Settings,
    SourceSettings,
    TargetSettings,
)
from tests.fakes.history import FakeHistory
from tests.unit.cli.conftest import Shop
from tests.unit.cli.conftest import shop as shop  # the fixture

_PATIENCE = 60.0


def until(met: Callable[[], bool]) -> None:
    deadline = time.monotonic() + _PATIENCE
    while not met():
        assert time.monotonic() < deadline, "it never came to be"
        threading.Event().wait(0.01)


@pytest.fixture(autouse=True)
def root_logger() -> Iterator[None]:
    """Puts back what the controller's logs take over."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    root.handlers = []
    yield
    root.handlers, root.level = handlers, level


def settings(shop: Shop, mode: Mode = Mode.RESTORE, **more: Any) -> Settings:
    target = TargetSettings(
        "shop", SourceSettings(str(shop.repo)), "", ScopeSettings(("shop",)), mode=mode
    )
    made = Settings(
        targets=(target,),
        cluster=ClusterSettings(kubeconfig=str(shop.kubeconfig)),
        schedule=ScheduleSettings(interval="1h", jitter=""),
        serve=ServeSettings("127.0.0.1:0"),
        cache_dir=str(shop.folder / "cache"),
        state_dir=str(shop.folder / "state"),
    )
    return replace(made, **more)


@contextlib.contextmanager
def running(made: Settings) -> Iterator[Service]:
    service = build(made, made.targets)
    try:
        service.start()
        yield service
    finally:
        service.stop()


def events(made: Settings) -> list[EventType]:
    history = open_history(made)
    with contextlib.closing(history):
        return [event.type for event in history.find(HistoryQuery())]


def test_an_edit_is_restored_as_soon_as_it_is_made(
    shop: Shop, capfd: pytest.CaptureFixture[str]
) -> None:
    made = settings(shop)
    with running(made) as service:
        looked = service.followed[0].keeper.target.live
        until(lambda: looked.requests.list > 0)
        shop.recolour()
        until(lambda: shop.colour == "blue")
        until(lambda: EventType.GONE in events(made))
    assert shop.writes == 1
    told = [EventType.INTENDED, EventType.RESTORED, EventType.GONE]
    assert events(made) == [EventType.SEEN, EventType.DECIDED, *told]
    assert capfd.readouterr().out == ""


def test_an_edit_is_only_told_of_where_that_is_wanted(shop: Shop) -> None:
    made = settings(shop, Mode.OBSERVE)
    with running(made):
        shop.recolour()
        until(lambda: EventType.SEEN in events(made))
    assert shop.writes == 0
    assert shop.colour == "red"


def test_a_quiet_target_costs_nothing_but_its_watches(shop: Shop) -> None:
    made = settings(shop)
    service = build(made, made.targets)
    try:
        (followed,) = service.followed
        keeper, live = followed.keeper, followed.live
        assert live is not None
        assert keeper.cycle().result is CycleResult.DONE
        until(lambda: keeper.cycle().result is CycleResult.UNMOVED)
        before, watches = live.requests, live.watch_requests
        assert {keeper.cycle().result for _ in range(20)} == {CycleResult.UNMOVED}
        assert (live.requests, live.watch_requests) == (before, watches)
    finally:
        service.stop()


def test_without_watches_it_is_looked_at_each_time(shop: Shop) -> None:
    made = settings(shop, schedule=ScheduleSettings(interval="1h", watch=False))
    service = build(made, made.targets)
    try:
        (followed,) = service.followed
        keeper = followed.keeper
        assert followed.live is None
        shop.recolour()
        assert [keeper.cycle().result for _ in range(2)] == [CycleResult.DONE] * 2
        assert shop.colour == "blue"
    finally:
        service.stop()


def test_what_has_not_moved_is_not_read_from_files_again(shop: Shop) -> None:
    made = settings(shop)
    service = build(made, made.targets)
    try:
        keeper = service.followed[0].keeper
        shop.recolour()
        assert keeper.cycle().result is CycleResult.DONE
        asked = keeper.target.live.requests.dry_run
        assert asked
        # The rendered manifests, and what the server once answered.
        kept = [each for each in (shop.folder / "cache").rglob("*") if each.is_file()]
        assert {each.parent.name for each in kept} >= {"rendered", "answers"}
        for each in kept:
            each.unlink()
        shop.recolour()
        until(lambda: keeper.cycle().result is CycleResult.DONE and shop.colour == "blue")
        assert keeper.target.live.requests.dry_run == asked
        assert not list((shop.folder / "cache" / "rendered").iterdir())
    finally:
        service.stop()


class Knot:
    """Something that refers to itself."""

    def __init__(self) -> None:
        self.me = self


def test_garbage_that_refers_to_itself_is_collected_by_the_schedule(shop: Shop) -> None:
    made = settings(shop)
    knot = weakref.ref(Knot())
    with running(made):
        until(lambda: knot() is None)


def test_a_new_commit_is_rolled_out(shop: Shop) -> None:
    made = settings(shop, schedule=ScheduleSettings(interval="1s", jitter=""))
    with running(made):
        more = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more, namespace: shop}\n"
        shop.declare(more)
        until(lambda: any(key.name == "more" for key in shop.cluster.objects()))


def test_whoever_looks_late_for_the_first_time_sees_the_latest_commit(shop: Shop) -> None:
    made = settings(shop)
    service = build(made, made.targets)
    try:
        # Time enough for whatever might read Git before it is asked to, as when standing by.
        until(lambda: not [t for t in threading.enumerate() if t.name.startswith("source")])
        more = "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: more, namespace: shop}\n"
        shop.declare(more)
        (followed,) = service.followed
        assert followed.keeper.cycle().result is CycleResult.DONE
        assert any(key.name == "more" for key in shop.cluster.objects())
    finally:
        service.stop()


def served_by(monkeypatch: pytest.MonkeyPatch) -> list[Endpoints]:
    """Has the endpoints that a controller makes put into a list."""
    made: list[Endpoints] = []

    def endpoints(host: str, port: int, health: Health) -> Endpoints:
        made.append(Endpoints(host, port, health))
        return made[-1]

    monkeypatch.setattr("reconciler.service.Endpoints", endpoints)
    return made


def get(port: int, path: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    with contextlib.closing(connection):
        connection.request("GET", path)
        answer = connection.getresponse()
        return answer.status, answer.read().decode()


def test_it_answers_how_it_stands(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
    made = settings(shop)
    served = served_by(monkeypatch)
    with running(made):
        port = served[0].port
        until(lambda: get(port, "/readyz") == (200, "ok\n"))
        assert get(port, "/healthz") == (200, "ok\n")
        text = get(port, "/metrics")[1]
        assert re.search(r'^plumbline_cycles_total\{result="done",target="shop"\} ', text, re.M)
    with pytest.raises(OSError, match="refused"):
        get(port, "/healthz")


def test_it_answers_nowhere_where_no_address_is_given(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = settings(shop, serve=ServeSettings(""))
    served = served_by(monkeypatch)
    build(made, made.targets).stop()
    assert served == []


@pytest.mark.parametrize(
    ("more", "message"),
    [
        ({"serve": ServeSettings("localhost")}, "serve.address: 'localhost' has no port"),
        ({"schedule": ScheduleSettings(interval="0s")}, "schedule.interval must be longer"),
        ({"schedule": ScheduleSettings(interval="often")}, "schedule.interval: 'often'"),
        ({"schedule": ScheduleSettings(jitter="some")}, "schedule.jitter: 'some'"),
        ({"schedule": ScheduleSettings(workers=0)}, "schedule.workers must be at least 1"),
        ({"history": HistorySettings(retention="long")}, "history.retention: 'long'"),
        ({"cluster": ClusterSettings(kubeconfig="nowhere")}, "nowhere"),
    ],
)
def test_a_setting_that_cannot_be_is_named_before_anything_begins(
    shop: Shop, more: dict[str, Any], message: str
) -> None:
    made = settings(shop, **more)
    with pytest.raises(ConfigError, match=re.escape(message)):
        build(made, made.targets)


def test_who_has_no_lease_stands_by(shop: Shop) -> None:
    spec = {
        "holderIdentity": "somebody",
        "leaseDurationSeconds": 3600,
        "acquireTime": "2026-11-24T12:00:00.000000Z",
        "renewTime": "2026-11-24T12:00:00.000000Z",
        "leaseTransitions": 0,
    }
    metadata = {"name": "plumbline-shop", "namespace": "shop"}
    lease = {"apiVersion": "coordination.k8s.io/v1", "kind": "Lease", "metadata": metadata}
    shop.cluster.add({**lease, "spec": spec})
    made = settings(shop, lease=LeaseSettings("shop"))
    shop.recolour()
    service = build(made, made.targets)
    try:
        assert service.followed[0].keeper.cycle().result is CycleResult.STANDBY
        assert shop.colour == "red"
    finally:
        service.stop()


def standing(monkeypatch: pytest.MonkeyPatch) -> tuple[_Standing, list[float]]:
    now = [100.0]
    monkeypatch.setattr("reconciler.service.monotonic", lambda: now[0])
    return _Standing(["one", "two"], 60.0), now


def cycle(name: str, result: CycleResult = CycleResult.DONE) -> Cycle:
    return Cycle(name, result, 0.1)


def test_it_is_ready_once_every_target_has_been_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    stands, _ = standing(monkeypatch)
    assert stands.ready() == "could not be looked at: one, two"
    stands.saw(cycle("one"))
    stands.saw(cycle("two", CycleResult.FAILED))
    assert stands.ready() == "could not be looked at: two"
    stands.saw(cycle("two", CycleResult.STANDBY))
    assert stands.ready() == ""
    stands.saw(cycle("one", CycleResult.FAILED))
    assert stands.ready() == "could not be looked at: one"
    stands.saw(cycle("one", CycleResult.UNMOVED))
    assert stands.ready() == ""


def test_it_is_hung_where_no_cycle_ends_even_badly(monkeypatch: pytest.MonkeyPatch) -> None:
    stands, now = standing(monkeypatch)
    now[0] += 60.0 + _HUNG_AFTER
    assert stands.alive() == ""
    stands.saw(cycle("one", CycleResult.FAILED))
    now[0] += 1.0
    assert stands.alive() == "no cycle has ended for long: two"
    stands.saw(cycle("two"))
    assert stands.alive() == ""


def test_events_that_are_too_old_are_let_go() -> None:
    history = FakeHistory()
    now = datetime.now(UTC)
    for days in (3, 1):
        history.append([Event(rfc3339(now - timedelta(days=days)), "shop", EventType.SEEN)])
    stream = io.StringIO()
    _tidy(history, 2 * 86400.0, Logs(stream))
    assert len(history.events) == 1
    _tidy(history, 2 * 86400.0, Logs(stream))
    (line,) = map(json.loads, stream.getvalue().splitlines())
    assert (line["event"], line["events"]) == ("old events let go", 1)


def test_a_suspension_that_holds_is_not_let_go() -> None:
    history = FakeHistory()
    now = datetime.now(UTC)
    long_ago, lately = rfc3339(now - timedelta(days=9)), rfc3339(now - timedelta(days=3))
    seen = Event(long_ago, "shop", EventType.SEEN)
    held = suspension_event("shop", Suspension(by="jane"), lately)
    over = suspension_event("other", Suspension(until=now), long_ago)
    history.append([seen, over, held, replace(seen, time=lately)])
    logs = Logs(io.StringIO())
    _tidy(history, 86400.0, logs)
    assert history.events == [held, replace(seen, time=lately)]
    history.append([Event(rfc3339(now), "shop", EventType.RESUMED)])
    _tidy(history, 86400.0, logs)
    assert [each.type for each in history.events] == [EventType.RESUMED]


def test_a_history_that_is_away_is_tidied_another_time() -> None:
    class Away(FakeHistory):
        def forget(self, before: str) -> int:
            raise HistoryError("the database is away")

    stream = io.StringIO()
    _tidy(Away(), 60.0, Logs(stream))
    assert "the database is away" in stream.getvalue()


def test_old_events_are_let_go_while_it_runs(shop: Shop) -> None:
    made = settings(shop, history=HistorySettings(retention="24h"))
    with contextlib.closing(open_history(made)) as history:
        history.append([Event("2020-01-01T00:00:00Z", "shop", EventType.REJECTED)])
    with running(made):
        until(lambda: EventType.REJECTED not in events(made))


def test_news_that_nobody_looks_at_is_asked_for_once_a_second() -> None:
    results = [CycleResult.STANDBY, CycleResult.FAILED, CycleResult.DONE]
    calls: list[str] = []

    class Kept:
        name = "shop"

        def is_due(self) -> bool:
            return False

        def cycle(self) -> Cycle:
            calls.append("cycle")
            return cycle("shop", results[calls.count("cycle") - 1])

    class News:
        def wait(self, timeout: float) -> bool:
            if calls.count("cycle") == len(results):
                stopping.set()
                return False
            return True

    class Stopping(threading.Event):
        def wait(self, timeout: float | None = None) -> bool:
            calls.append(f"pause {timeout}")
            return False

    stopping = Stopping()
    service = Service([], None, contextlib.ExitStack(), None, stopping)  # type: ignore[arg-type]
    service._follow(Followed(Kept(), Seat("shop"), News(), None))  # type: ignore[arg-type]
    assert calls == ["cycle", "pause 1.0", "cycle", "pause 1.0", "cycle"]


def test_two_targets_share_what_they_both_watch(shop: Shop) -> None:
    made = settings(shop)
    twin = replace(made.targets[0], name="twin")
    service = build(made, [made.targets[0], twin])
    try:
        one, two = service.followed
        assert {each.keeper.cycle().result for each in (one, two)} == {CycleResult.DONE}
        assert one.live is not None
        assert two.live is not None
        before = one.live.watch_requests
        assert two.live.watch_requests == before
        alone = build(made, made.targets)
        try:
            assert alone.followed[0].keeper.cycle().result is CycleResult.DONE
            live = alone.followed[0].live
            assert live is not None
            until(lambda: live.watch_requests == before)
        finally:
            alone.stop()
    finally:
        service.stop()


def test_a_keeper_is_given_what_it_keeps(shop: Shop) -> None:
    made = settings(shop)
    service = build(made, made.targets)
    try:
        keeper = service.followed[0].keeper
        assert isinstance(keeper, Keeper)
        assert isinstance(keeper.target, Target)
        assert (keeper.name, keeper.policy.mode.value) == ("shop", "restore")
        assert keeper.leads()
    finally:
        service.stop()

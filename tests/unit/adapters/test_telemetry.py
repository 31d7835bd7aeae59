"""What the controller tells of itself: metrics, logs, health."""

import http.client
import io
import json
import logging
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client.parser import text_string_to_metric_families

from reconciler.adapters.telemetry import metrics as metrics_module
from reconciler.adapters.telemetry.endpoints import Endpoints, Health
from reconciler.adapters.telemetry.logs import Logs
from reconciler.adapters.telemetry.metrics import Metrics
from reconciler.core.cycle import Cycle, CycleResult
from reconciler.core.drift import Change, ChangeType, Drift, DriftType, Severity
from reconciler.core.errors import ConfigError, HistoryError
from reconciler.core.outcome import Outcome, OutcomeType
from reconciler.core.plan import Create, Plan
from reconciler.core.report import Comparison, Report, Requests, Summary
from reconciler.core.resource import ResourceKey

KEY = ResourceKey("", "ConfigMap", "shop", "web")
OTHER = ResourceKey("", "ConfigMap", "shop", "other")
CHANGE = Change(("data", "colour"), ChangeType.CHANGED, "a wanted value", "a live value")
DRIFT = Drift("d-1", DriftType.MODIFIED, Severity.HIGH, KEY, "v1", changes=(CHANGE,))


def report(*drifts: Drift, outcomes: tuple[Outcome, ...] = ()) -> Report:
    return Report(
        "shop",
        "4f0c",
        "2026-11-24T12:00:00Z",
        Comparison.SERVER,
        Summary(7, 6, len(drifts), 0, 2),
        Requests(),
        drifts,
        outcomes=outcomes,
    )


def done(*drifts: Drift, outcomes: tuple[Outcome, ...] = ()) -> Cycle:
    return Cycle("shop", CycleResult.DONE, 0.2, report(*drifts, outcomes=outcomes))


FAILED = Cycle("shop", CycleResult.FAILED, 0.1, error="the cluster is away")
UNMOVED = Cycle("shop", CycleResult.UNMOVED, 0.001)


def value(metrics: Metrics, name: str, **labels: str) -> float | None:
    return metrics.registry.get_sample_value(name, labels)


def drifts(metrics: Metrics, severity: str = "high") -> float | None:
    labels = {"target": "shop", "type": "Modified", "severity": severity}
    return metrics.registry.get_sample_value("plumbline_drifts", labels)


def test_drifts_are_counted_and_fall_to_zero_once_they_are_gone() -> None:
    metrics = Metrics()
    metrics.saw(done(DRIFT, replace(DRIFT, id="d-2")))
    assert (drifts(metrics), drifts(metrics, "low")) == (2, 0)
    assert value(metrics, "plumbline_resources", target="shop") == 7
    assert value(metrics, "plumbline_explained_differences", target="shop") == 2
    metrics.saw(done())
    assert drifts(metrics) == 0


def test_cycles_are_counted_by_how_they_ended() -> None:
    metrics = Metrics()
    for cycle in (done(), UNMOVED, UNMOVED, FAILED, replace(UNMOVED, result=CycleResult.STANDBY)):
        metrics.saw(cycle)
    counted = {
        each.value: value(metrics, "plumbline_cycles_total", target="shop", result=each.value)
        for each in CycleResult
    }
    assert counted == {"done": 1, "unmoved": 2, "standby": 1, "failed": 1}
    assert value(metrics, "plumbline_cycle_duration_seconds_count", target="shop") == 1
    assert value(metrics, "plumbline_cycle_duration_seconds_sum", target="shop") == 0.2


def test_what_failed_was_not_looked_at() -> None:
    metrics = Metrics()
    metrics.saw(FAILED)
    assert value(metrics, "plumbline_last_look_timestamp_seconds", target="shop") is None
    metrics.saw(UNMOVED)
    looked = value(metrics, "plumbline_last_look_timestamp_seconds", target="shop")
    assert looked is not None
    assert looked > 1e9


def test_a_failed_cycle_leaves_the_drifts_as_they_were_last_seen() -> None:
    metrics = Metrics()
    metrics.saw(done(DRIFT))
    metrics.saw(FAILED)
    assert drifts(metrics) == 1


def test_a_refused_commit_is_told_until_one_is_accepted() -> None:
    metrics, name = Metrics(), "plumbline_commit_refused"
    metrics.saw(replace(FAILED, refused=True))
    assert value(metrics, name, target="shop") == 1
    # Another replica's word is no news of the commit.
    metrics.saw(Cycle("shop", CycleResult.STANDBY, 0.1))
    assert value(metrics, name, target="shop") == 1
    metrics.saw(done())
    assert value(metrics, name, target="shop") == 0


def test_what_became_of_objects_is_counted() -> None:
    metrics = Metrics()
    restored, refused = Outcome(KEY, OutcomeType.RESTORED), Outcome(KEY, OutcomeType.REFUSED, "no")
    for _ in range(2):
        metrics.saw(done(outcomes=(restored, refused, restored)))
    name = "plumbline_restored_objects_total"
    assert value(metrics, name, target="shop", outcome="restored") == 4
    assert value(metrics, name, target="shop", outcome="refused") == 2


def test_leadership_is_told_as_it_is_when_asked() -> None:
    metrics, leads = Metrics(), {"shop": False, "web": True}
    for name in leads:
        metrics.watch_leadership(name, lambda name=name: leads[name])  # type: ignore[misc]
    assert value(metrics, "plumbline_leading", target="shop") == 0
    assert value(metrics, "plumbline_leading", target="web") == 1
    leads["shop"] = True
    assert value(metrics, "plumbline_leading", target="shop") == 1


def test_the_text_is_what_prometheus_reads() -> None:
    metrics = Metrics()
    metrics.saw(done(DRIFT))
    names = {each.name for each in text_string_to_metric_families(metrics.text().decode())}
    assert {"plumbline_drifts", "plumbline_cycles"} <= names
    assert all(name.startswith("plumbline_") for name in names)


@pytest.fixture
def stream() -> Iterator[io.StringIO]:
    """Where logs go; the root logger is put back afterwards."""
    root = logging.getLogger()
    handlers, level = list(root.handlers), root.level
    # Who forces a new configuration closes the old handlers: pytest's own must live on.
    root.handlers = []
    yield io.StringIO()
    root.handlers, root.level = handlers, level


def lines(stream: io.StringIO) -> list[dict[str, Any]]:
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def test_a_drift_is_told_when_it_comes_and_when_it_goes_and_no_value_of_it(
    stream: io.StringIO,
) -> None:
    logs = Logs(stream)
    for cycle in (done(DRIFT), done(DRIFT), UNMOVED, done(), done()):
        logs.saw(cycle)
    found, gone = lines(stream)
    assert found.pop("timestamp").endswith("Z")
    assert found == {
        "event": "drift found",
        "level": "warning",
        "target": "shop",
        "revision": "4f0c",
        "drift": "d-1",
        "type": "Modified",
        "severity": "high",
        "resource": str(KEY),
        "changes": 1,
        "action": "",
    }
    assert (gone["event"], gone["drift"], gone["level"]) == ("drift gone", "d-1", "info")
    assert "value" not in stream.getvalue()


def test_a_failed_cycle_is_an_error_and_no_drift_is_gone_by_it(stream: io.StringIO) -> None:
    logs = Logs(stream)
    for cycle in (done(DRIFT), FAILED, done(DRIFT)):
        logs.saw(cycle)
    _, failed = lines(stream)
    assert (failed["event"], failed["level"]) == ("cycle failed", "error")
    assert (failed["target"], failed["error"]) == ("shop", "the cluster is away")
    assert failed["revision"] == "4f0c"


def test_what_failed_before_anything_was_seen_names_no_revision(stream: io.StringIO) -> None:
    Logs(stream).saw(FAILED)
    assert [line["revision"] for line in lines(stream)] == [""]


def test_a_plan_that_waits_names_the_drifts_that_it_would_put_right(stream: io.StringIO) -> None:
    plan = Plan("shop", "4f0c", (Create(KEY, "v1", {}), Create(OTHER, "v1", {})), (), "digest")
    Logs(stream).saw(replace(done(DRIFT), waiting=plan))
    _, waits = lines(stream)
    assert (waits["target"], waits["revision"]) == ("shop", "4f0c")
    assert (waits["plan"], waits["writes"], waits["drifts"]) == ("digest", 2, ["d-1"])


def test_every_line_about_a_target_names_it_and_the_revision(stream: io.StringIO) -> None:
    logs = Logs(stream)
    refused = Outcome(KEY, OutcomeType.REFUSED, "forbidden")
    plan = Plan("shop", "4f0c", (Create(KEY, "v1", {}),), (), "digest")
    logs.saw(replace(done(outcomes=(refused,)), before=report(DRIFT), waiting=plan))
    logs.saw(FAILED)
    told = lines(stream)
    assert len(told) == 5
    assert {(line["target"], line["revision"]) for line in told} == {("shop", "4f0c")}
    about = [
        line for line in told if line["event"] in ("drift found", "not restored", "drift gone")
    ]
    assert {line["drift"] for line in about} == {"d-1"}


def test_what_became_of_a_plan_is_told(stream: io.StringIO) -> None:
    refused = Outcome(KEY, OutcomeType.REFUSED, "forbidden")
    Logs(stream).saw(done(outcomes=(Outcome(KEY, OutcomeType.RESTORED), refused)))
    told = [(line["event"], line["outcome"], line["reason"]) for line in lines(stream)]
    assert told == [("restored", "restored", ""), ("not restored", "refused", "forbidden")]


def test_what_was_found_and_restored_in_one_cycle_is_told_all_the_same(
    stream: io.StringIO,
) -> None:
    after = done(outcomes=(Outcome(KEY, OutcomeType.RESTORED),))
    Logs(stream).saw(replace(after, before=report(DRIFT)))
    told = [(line["event"], line["drift"]) for line in lines(stream)]
    assert told == [("drift found", "d-1"), ("restored", "d-1"), ("drift gone", "d-1")]


def test_a_plan_that_waits_for_a_person_is_told_of_once(stream: io.StringIO) -> None:
    logs = Logs(stream)
    plan = Plan("shop", "4f0c", (Create(KEY, "v1", {}),), (), "digest")
    for waiting in (plan, plan, None, plan):
        logs.saw(replace(done(), waiting=waiting))
    told = [(line["event"], line["plan"], line["writes"]) for line in lines(stream)]
    assert told == [("plan waits for approval", "digest", 1)] * 2


def test_two_targets_are_told_apart(stream: io.StringIO) -> None:
    logs = Logs(stream)
    logs.saw(done(DRIFT))
    other = replace(report(), target="web")
    logs.saw(Cycle("web", CycleResult.DONE, 0.1, other))
    assert [line["event"] for line in lines(stream)] == ["drift found"]


def test_what_libraries_say_comes_in_the_same_form(stream: io.StringIO) -> None:
    Logs(stream)
    logging.getLogger("apscheduler").error("a job\nof %s", "theirs")
    logging.getLogger("apscheduler").warning("nothing that matters")
    (line,) = lines(stream)
    assert (line["event"], line["logger"]) == ("library", "apscheduler")
    assert line["message"] == "a job\nof theirs"


class Stands:
    """How a controller stands, with levers."""

    def __init__(self) -> None:
        self.hung = ""
        self.waiting = "could not be looked at: shop"

    def health(self) -> Health:
        return Health(lambda: self.hung, lambda: self.waiting, lambda: b"plumbline_up 1\n")


@pytest.fixture
def stands() -> Stands:
    return Stands()


@pytest.fixture
def endpoints(stands: Stands) -> Iterator[Endpoints]:
    endpoints = Endpoints("127.0.0.1", 0, stands.health())
    endpoints.start()
    yield endpoints
    endpoints.close()


def get(endpoints: Endpoints, path: str, method: str = "GET") -> tuple[int, str, str]:
    connection = http.client.HTTPConnection("127.0.0.1", endpoints.port, timeout=30)
    try:
        connection.request(method, path)
        answer = connection.getresponse()
        return answer.status, answer.headers["Content-Type"], answer.read().decode()
    finally:
        connection.close()


def test_health_is_told_with_what_is_missing(endpoints: Endpoints, stands: Stands) -> None:
    text = "text/plain; charset=utf-8"
    assert get(endpoints, "/healthz") == (200, text, "ok\n")
    assert get(endpoints, "/readyz") == (503, text, "could not be looked at: shop\n")
    stands.hung, stands.waiting = "no cycle has ended for long: shop", ""
    assert get(endpoints, "/healthz?verbose") == (503, text, "no cycle has ended for long: shop\n")
    assert get(endpoints, "/readyz") == (200, text, "ok\n")


def test_metrics_are_given_as_prometheus_wants_them(endpoints: Endpoints) -> None:
    status, kind, text = get(endpoints, "/metrics")
    assert (status, text) == (200, "plumbline_up 1\n")
    assert kind == "text/plain; version=0.0.4; charset=utf-8"


def test_there_is_nothing_else(endpoints: Endpoints) -> None:
    assert get(endpoints, "/")[0] == 404
    assert get(endpoints, "/healthz", "POST")[0] == 501


def test_a_port_that_is_taken_is_named(endpoints: Endpoints, stands: Stands) -> None:
    with pytest.raises(ConfigError, match="can't be listened on") as raised:
        Endpoints("127.0.0.1", endpoints.port, stands.health())
    assert f"127.0.0.1:{endpoints.port}" in raised.value.message
    assert "serve.address" in raised.value.fix


def test_when_nodes_were_heard_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics_module, "_NODES", 2)
    monkeypatch.setattr(metrics_module, "time", lambda: 1_795_521_700.0)
    metrics, heard = Metrics(), dict[str, str]()

    def ask() -> dict[str, str]:
        if "away" in heard:
            raise HistoryError("the database is away")
        return heard

    def nodes(state: str) -> float | None:
        return value(metrics, "plumbline_nodes", state=state)

    assert b"plumbline_nodes{" not in metrics.text()
    heard |= {"a": "2026-11-24T12:01:00Z", "b": "2026-11-24T11:00:00Z", "c": "2026-11-24T12:01:30Z"}
    metrics.tell_nodes(ask, 300)
    assert (nodes("heard"), nodes("stale")) == (2, 1)
    name = "plumbline_node_word_timestamp_seconds"
    assert value(metrics, name, node="b") == 1_795_518_000
    # Those that are silent for longest.
    assert value(metrics, name, node="c") is None
    del heard["b"]
    metrics.tell_nodes(ask, 300)
    assert value(metrics, name, node="b") is None
    assert value(metrics, name, node="c") == 1_795_521_690
    heard["away"] = ""
    metrics.tell_nodes(ask, 300)
    assert nodes("heard") is None
    metrics.count_word("taken")
    assert value(metrics, "plumbline_agent_words_total", result="taken") == 1

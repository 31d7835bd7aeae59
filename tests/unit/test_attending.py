"""Node agents as they are configured: heard, told of in the log, forgotten."""

import datetime as dt
import http.client
import json
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.history.database import DatabaseHistory
from reconciler.adapters.observations.agent_receiver import WordResult
from reconciler.adapters.telemetry.metrics import Metrics
from reconciler.attending import Telling, agents_of, forget_gone, register_of, stale_after
from reconciler.core.containers import NodeLook, NodeReport
from reconciler.core.errors import ConfigError
from reconciler.core.node_words import whole, word_document
from reconciler.settings import AgentSettings
from tests.fakes.nodes import FakeNodeLooks
from tests.fakes.wire import ScriptedWire, refusal
from tests.tools.controlplane.certificates import Authority
from tests.tools.controlplane.servers import free_port
from tests.unit.adapters.test_cluster_token_reviews import EXTRA, NODE, REVIEW, TOKEN, review
from tests.unit.adapters.test_observations_agents import Register

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)


class Log:
    """Remembers what is said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, dict[str, object]]] = []

    def __call__(self, event: str, **fields: object) -> None:
        self.said.append((event, fields))


class Cluster:
    """A cluster over a script, as far as agents need it."""

    def __init__(self, script: dict[str, list[Any]]) -> None:
        self.wire = ScriptedWire(script)
        self.transport = self.wire.transport()


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def settings(tmp_path: Path) -> Iterator[AgentSettings]:
    authority = Authority("it", dt.datetime.now(dt.UTC))
    pair = authority.issue_server("it", ["localhost"], ["127.0.0.1"])
    for name, content in (
        ("ca.crt", authority.pair.certificate),
        ("tls.crt", pair.certificate),
        ("tls.key", pair.key),
    ):
        (tmp_path / name).write_bytes(content)
    yield AgentSettings(
        address=f"127.0.0.1:{free_port()}",
        certificate=str(tmp_path / "tls.crt"),
        key=str(tmp_path / "tls.key"),
    )


def test_an_agent_is_heard_through_the_door_that_is_configured(
    settings: AgentSettings, tmp_path: Path, log: Log
) -> None:
    cluster = Cluster(
        {REVIEW: [review(EXTRA | NODE)], "/api/v1/nodes/vm": [refusal(404, "NotFound")]}
    )
    metrics = Metrics()
    with ExitStack() as stack:
        history = DatabaseHistory.open(str(tmp_path / "history.db"))
        stack.callback(history.close)
        chores = agents_of(
            settings,
            lambda: cast("KubeCluster", cluster),
            history.nodes(),
            log,
            metrics,
            stack,
        )
        word = whole(NodeReport(NodeLook("vm", "2026-11-24T12:00:00Z", ()), ""))
        context = ssl.create_default_context(cafile=str(tmp_path / "ca.crt"))
        host, _, port = settings.address.partition(":")
        connection = http.client.HTTPSConnection(host, int(port), timeout=20, context=context)
        body = json.dumps(word_document(word))
        connection.request("POST", "/agents", body, {"Authorization": f"Bearer {TOKEN}"})
        assert connection.getresponse().status == 200
        connection.close()
        assert [each.look.node for each in history.nodes().latest()] == ["vm"]
        assert log.said == [("agent", {"result": "taken", "node": "vm"})]
        assert b'plumbline_agent_words_total{result="taken"} 1.0' in metrics.text()
        for _, _, do in chores:
            do()
        assert b'plumbline_nodes{state="heard"} 1.0' in metrics.text()
        # It was heard a moment ago.
        assert [each.look.node for each in history.nodes().latest()] == ["vm"]


def test_where_nobody_is_heard_nothing_is_opened(log: Log) -> None:
    def never() -> KubeCluster:
        raise AssertionError("the cluster is opened")

    with ExitStack() as stack:
        made = agents_of(AgentSettings(), never, FakeNodeLooks(), log, Metrics(), stack)
    assert list(made) == []


@pytest.mark.parametrize(
    ("wrong", "why"),
    [
        ({"certificate": ""}, "agents.address needs a certificate"),
        ({"key": ""}, "agents.address needs a certificate"),
        ({"key": "/nowhere"}, "no TLS server can be made of"),
        ({"address": "here"}, "agents.address: 'here' has no port"),
        ({"stale_after": "soon"}, "agents.stale_after: 'soon' is no duration"),
        ({"stale_after": ""}, "agents.stale_after must be longer than nothing"),
        ({"service_accounts": ("plumbline/agent",)}, "is no namespace:name"),
        ({"service_accounts": ("agent",)}, "is no namespace:name"),
        ({"service_accounts": ("a:b:c",)}, "is no namespace:name"),
    ],
)
def test_what_is_configured_wrong_is_named(
    settings: AgentSettings, log: Log, wrong: dict[str, Any], why: str
) -> None:
    cluster = cast("KubeCluster", Cluster({}))
    with ExitStack() as stack, pytest.raises(ConfigError, match=why):
        made = replace(settings, **wrong)
        agents_of(made, lambda: cluster, FakeNodeLooks(), log, Metrics(), stack)


def test_durations_and_accounts_are_read(settings: AgentSettings) -> None:
    assert stale_after(settings) == timedelta(minutes=5)
    cluster = Cluster({REVIEW: [review(EXTRA | NODE)]})
    register = register_of(settings, cast("KubeCluster", cluster))
    assert register.identify(TOKEN) is not None


def test_only_what_is_other_than_before_is_said(log: Log, monkeypatch: pytest.MonkeyPatch) -> None:
    counted: list[str] = []
    tell = Telling(log, counted.append)
    for result in (WordResult.TAKEN, WordResult.LACKING, WordResult.TAKEN, WordResult.BROKEN):
        tell(result, "vm", "no JSON" if result is WordResult.BROKEN else "")
    tell(WordResult.TAKEN, "vm", "")
    tell(WordResult.TAKEN, "other", "")
    for _ in range(2):
        tell(WordResult.REFUSED, "", "jane is no agent")
        tell(WordResult.REFUSED, "", "")
    assert [fields for _, fields in log.said] == [
        {"result": "taken", "node": "vm"},
        {"result": "broken", "node": "vm", "why": "no JSON"},
        {"result": "taken", "node": "vm"},
        {"result": "taken", "node": "other"},
        {"result": "refused", "why": "jane is no agent"},
    ]
    assert counted.count("refused") == 4
    monkeypatch.setattr("reconciler.attending._SAID", 3)
    tell(WordResult.TAKEN, "third", "")
    tell(WordResult.TAKEN, "vm", "")
    assert log.said[-1][1] == {"result": "taken", "node": "vm"}


def test_only_what_is_silent_and_gone_is_forgotten(log: Log) -> None:
    times = {"here": "2026-11-24T11:59:00Z", "gone": "2026-11-23T11:00:00Z"}
    store = FakeNodeLooks(*(NodeReport(NodeLook(n, at, ()), at) for n, at in times.items()))
    register = Register()
    forget_gone(store, register, log, NOW)
    # It is silent, but there: what happens on it is unknown, and is told as that.
    assert [each.look.node for each in store.latest()] == ["gone", "here"]
    register.is_away = True
    forget_gone(store, register, log, NOW)
    assert [each.look.node for each in store.latest()] == ["gone", "here"]
    [(event, _)] = log.said
    assert event == "silent nodes could not be let go"
    register.is_away = False
    register.has_it = False
    forget_gone(store, register, log, NOW)
    assert [each.look.node for each in store.latest()] == ["here"]
    assert log.said[-1] == ("nodes that are gone let go", {"nodes": ["gone"]})

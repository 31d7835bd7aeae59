"""Notifiers by their settings, and one of them in a running controller."""

import json
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from reconciler.core.drift import Severity
from reconciler.core.errors import ConfigError
from reconciler.core.report import Requests
from reconciler.notifying import notifiers_of, routes_of, telling_of
from reconciler.ports import Cluster
from reconciler.settings import (
    Mode,
    NotifySettings,
    RouteSettings,
    SilenceSettings,
    SlackChannelSettings,
    SlackSettings,
    WebhookSettings,
)
from tests.fakes.cluster import FakeCluster
from tests.tools.receiving import Receiver, receiving
from tests.unit.cli.conftest import Shop
from tests.unit.cli.conftest import shop as shop  # the fixture
from tests.unit.test_service import running, settings, until

PAYMENTS = SlackChannelSettings("payments", "C0PAY")
WEBHOOK = WebhookSettings("http://127.0.0.1:1/")


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


def no_cluster() -> Cluster:
    raise AssertionError("nothing is told in a cluster here")


def events(receiver: Receiver) -> list[dict[str, Any]]:
    return [json.loads(body) for body, _ in receiver.bodies]


def test_nobody_is_told_where_nobody_is_configured() -> None:
    with ExitStack() as stack:
        told = telling_of(NotifySettings(), [], None, lambda _: True, print, stack, no_cluster)  # type: ignore[arg-type]
    assert told is None
    assert notifiers_of(NotifySettings(), no_cluster) == {}


def test_without_a_route_all_is_told_to_everyone(tmp_path: Path) -> None:
    (tmp_path / "urls").write_text("# mine\n\njson://127.0.0.1:1/\n")
    made = NotifySettings(apprise_file=str(tmp_path / "urls"), webhook=WEBHOOK)
    names = list(notifiers_of(made, no_cluster))
    assert names == ["apprise", "webhook"]
    assert [(route.notifier, route.group_above) for route in routes_of(made, names)] == [
        ("apprise", 5),
        ("webhook", 5),
    ]


def test_each_channel_and_each_place_in_the_cluster_is_a_notifier(tmp_path: Path) -> None:
    (tmp_path / "bot").write_text("xoxb-1\n")
    slack = SlackSettings(str(tmp_path / "bot"), "C0OPS", (PAYMENTS,))
    made = NotifySettings(slack=slack, events=True, policy_reports=True)
    opened: list[FakeCluster] = []

    def cluster() -> Cluster:
        opened.append(FakeCluster())
        return opened[0]

    names = list(notifiers_of(made, cluster))
    assert names == ["slack", "slack/payments", "events", "policy_reports"]
    assert opened[0].requests == Requests()


def test_a_route_has_all_that_can_be_set() -> None:
    route = RouteSettings(
        "webhook", "medium", ("sh*",), ("prod-*",), ("Secret",), "24h", 3, resolved=False
    )
    (made,) = routes_of(NotifySettings(webhook=WEBHOOK, routes=(route,)), ["webhook"])
    assert made.matcher.severities == (Severity.HIGH, Severity.MEDIUM)
    assert (made.matcher.targets, made.matcher.namespaces) == (("sh*",), ("prod-*",))
    assert made.matcher.kinds == ("Secret",)
    assert (made.repeat, made.group_above, made.resolved) == (timedelta(days=1), 3, False)


@pytest.mark.parametrize(
    ("made", "message"),
    [
        (NotifySettings(routes=(RouteSettings("webhook"),)), "lead to nobody"),
        (NotifySettings(webhook=WEBHOOK, routes=(RouteSettings("slak"),)), "which isn't there"),
        (
            NotifySettings(webhook=WEBHOOK, routes=(RouteSettings("webhook", "worst"),)),
            r"notify.routes\[1\]: 'worst' is not a valid Severity",
        ),
        (
            NotifySettings(webhook=WEBHOOK, routes=(RouteSettings("webhook", repeat="often"),)),
            r"notify.routes\[1\].repeat: 'often' is no duration",
        ),
        (
            NotifySettings(webhook=WEBHOOK, routes=(RouteSettings("webhook", group_above=-1),)),
            "group_above is negative",
        ),
        (NotifySettings(webhook=WebhookSettings("nowhere")), "webhook"),
        (NotifySettings(apprise_file="there-is-none"), "notify.apprise_file: .* can't be read"),
        (NotifySettings(slack=SlackSettings(channel="C0OPS")), "names a channel, and no token"),
        (NotifySettings(slack=SlackSettings("bot")), "has a token, and names no channel"),
        (
            NotifySettings(slack=SlackSettings("there-is-none", "C0OPS")),
            "notify.slack.token_file: .* can't be read",
        ),
        (
            NotifySettings(slack=SlackSettings("bot", channels=(PAYMENTS, PAYMENTS))),
            "several slack/payments",
        ),
        (
            NotifySettings(webhook=replace(WEBHOOK, secret_file="there-is-none")),
            "notify.webhook.secret_file: .* can't be read",
        ),
    ],
)
def test_what_cannot_be_is_said(made: NotifySettings, message: str) -> None:
    with ExitStack() as stack, pytest.raises(ConfigError, match=message):
        telling_of(made, [], None, lambda _: True, print, stack, no_cluster)  # type: ignore[arg-type]


def test_a_drift_is_told_of_from_its_sighting_to_its_end(shop: Shop, receiver: Receiver) -> None:
    notify = NotifySettings(webhook=WebhookSettings(f"http://127.0.0.1:{receiver.port}/"))
    made = settings(shop, Mode.OBSERVE, notify=notify)
    with running(made):
        until(lambda: True)
        shop.recolour()
        until(lambda: len(receiver.bodies) >= 1)
        shop.recolour("blue")
        until(lambda: events(receiver)[-1]["data"]["over"])
    (first, *_, last) = events(receiver)
    assert first["data"]["episodes"][0]["resource"]["kind"] == "ConfigMap"
    assert first["data"]["subject"] == last["data"]["subject"]
    assert last["type"] == "dev.plumbline.drift.gone"


def test_what_is_silenced_is_told_to_nobody(shop: Shop, receiver: Receiver) -> None:
    until_then = datetime.now(UTC) + timedelta(hours=1)
    silence = SilenceSettings(until_then.replace(tzinfo=None), "a fair")
    notify = NotifySettings(
        webhook=WebhookSettings(f"http://127.0.0.1:{receiver.port}/"), silences=(silence,)
    )
    made = settings(shop, notify=notify)
    with running(made):
        shop.recolour()
        until(lambda: shop.colour == "blue")
    assert receiver.bodies == []

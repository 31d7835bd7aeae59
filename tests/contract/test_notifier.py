"""What every `ports.Notifier` does: one on a board, a webhook, an address of Apprise's, Slack."""

import hashlib
import hmac
import json
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from typing import Any, Protocol

import jsonschema
import pytest

from reconciler.adapters.notifiers.apprise import AppriseNotifier
from reconciler.adapters.notifiers.slack import SlackNotifier
from reconciler.adapters.notifiers.webhook import SIGNATURE, TIMESTAMP, WebhookNotifier
from reconciler.core.drift import DriftType, Severity
from reconciler.core.errors import ConfigError, NotifierError
from reconciler.core.notices import Episode, Standing, notice_of
from reconciler.core.resource import ResourceKey
from reconciler.ports import Notifier
from reconciler.render.json_schema import notice_schema
from tests.fakes.notices import Board
from tests.fakes.slack import BOT, CHANNEL, FakeSlack
from tests.tools.receiving import Receiver, receiving

KEY = ResourceKey("apps", "Deployment", "shop", "web")
EPISODE = Episode(
    "shop",
    "d-1",
    "2026-11-24T12:00:00Z",
    KEY,
    DriftType.MODIFIED,
    Severity.HIGH,
    actor="jane",
    before={"spec.replicas": 2},
    after={"spec.replicas": 3},
    standing=Standing.ASKED,
    plan="p-1",
)
NOTICE = notice_of([EPISODE])
OVER = notice_of([replace(EPISODE, standing=Standing.RESTORED, plan="")])
SECRET = b"It's a secret"
TOKEN = "t0ken-in-the-path"


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as made:
        yield made


class World(Protocol):
    @property
    def notifier(self) -> Notifier: ...

    def texts(self) -> list[str]:
        """All that was shown until now, as it was sent; a board has only its last state."""
        ...


@dataclass
class OnBoard:
    notifier: Board = field(default_factory=Board)

    def texts(self) -> list[str]:
        return [repr(notice) for notice in self.notifier.shown.values()]


@dataclass
class ByHttp:
    notifier: Notifier
    receiver: Receiver

    def texts(self) -> list[str]:
        return [body.decode() for body, _ in self.receiver.bodies]


@dataclass
class InSlack:
    notifier: Notifier
    slack: FakeSlack

    def texts(self) -> list[str]:
        return [json.dumps([each["text"], each["blocks"]]) for each in self.slack.posts]


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as made:
        yield made


@pytest.fixture(params=["board", "webhook", "apprise", "slack"])
def world(request: pytest.FixtureRequest, receiver: Receiver, slack: FakeSlack) -> World:
    if request.param == "board":
        return OnBoard()
    if request.param == "slack":
        return InSlack(SlackNotifier("slack", BOT, CHANNEL, base_url=slack.url), slack)
    if request.param == "webhook":
        return ByHttp(webhook(receiver), receiver)
    return ByHttp(apprise(receiver), receiver)


def webhook(receiver: Receiver) -> WebhookNotifier:
    url = f"http://127.0.0.1:{receiver.port}/{TOKEN}"
    return WebhookNotifier("webhook", url, SECRET, clock=lambda: 1_764_000_000.5)


def apprise(receiver: Receiver) -> AppriseNotifier:
    return AppriseNotifier("apprise", [f"json://127.0.0.1:{receiver.port}/{TOKEN}"])


def test_a_notice_is_shown_and_not_again(world: World) -> None:
    shown = world.notifier.show(NOTICE, "")
    assert shown
    assert len(world.texts()) == 1
    assert "web" in world.texts()[0]
    assert world.notifier.show(NOTICE, shown) == shown
    assert len(world.texts()) == 1


def test_its_end_is_shown_too(world: World) -> None:
    shown = world.notifier.show(NOTICE, "")
    world.notifier.show(OVER, shown)
    assert "estored" in world.texts()[-1]


def test_many_are_shown_in_one(world: World) -> None:
    many = [replace(EPISODE, drift=f"d-{n}", key=KEY._replace(name=f"w{n}")) for n in range(300)]
    world.notifier.show(notice_of(many), "")
    assert len(world.texts()) == 1


def test_what_is_hostile_harms_nobody(world: World) -> None:
    hostile = "\x1b[31m@everyone <script> ```\n" * 50
    episode = replace(EPISODE, note=hostile, actor=hostile, after={hostile: hostile})
    world.notifier.show(notice_of([episode]), "")
    if not isinstance(world, OnBoard):
        assert "\x1b" not in world.texts()[0]


@pytest.mark.parametrize("kind", [webhook, apprise])
@pytest.mark.parametrize(
    ("status", "lasting"), [(500, False), (503, False), (429, False), (404, True), (401, True)]
)
def test_a_refusal_says_whether_to_come_again_and_quotes_no_token(
    kind: Any, status: int, lasting: bool, receiver: Receiver
) -> None:
    receiver.status = status
    notifier = kind(receiver)
    with pytest.raises(NotifierError) as caught:
        notifier.show(NOTICE, "")
    assert caught.value.lasting is lasting
    assert TOKEN not in str(caught.value)
    receiver.status = 200
    assert notifier.show(NOTICE, "")


@pytest.mark.parametrize("kind", [webhook, apprise])
def test_who_is_away_is_said_without_a_token(kind: Any, receiver: Receiver) -> None:
    away = replace(receiver, port=1)
    with pytest.raises(NotifierError) as caught:
        kind(away).show(NOTICE, "")
    assert not caught.value.lasting
    assert TOKEN not in str(caught.value)


def test_a_webhook_gets_a_signed_event_as_the_schema_says(receiver: Receiver) -> None:
    webhook(receiver).show(NOTICE, "")
    ((body, headers),) = receiver.bodies
    assert headers[TIMESTAMP] == "1764000000"
    signed = hmac.digest(SECRET, b"1764000000." + body, hashlib.sha256).hex()
    assert headers[SIGNATURE] == f"sha256={signed}"
    event = json.loads(body)
    assert event["specversion"] == "1.0"
    assert event["type"] == "dev.plumbline.drift.asked"
    jsonschema.Draft202012Validator(notice_schema()).validate(event["data"])
    assert event["data"]["episodes"][0]["plan"] == "p-1"


def test_a_webhook_heeds_when_it_is_to_come_again(receiver: Receiver) -> None:
    receiver.status, receiver.headers = 429, {"Retry-After": "42"}
    with pytest.raises(NotifierError) as caught:
        webhook(receiver).show(NOTICE, "")
    assert caught.value.after == 42


def test_the_same_notice_is_the_same_event(receiver: Receiver) -> None:
    notifier = webhook(receiver)
    notifier.show(NOTICE, "")
    notifier.show(NOTICE, "")
    ids = {json.loads(body)["id"] for body, _ in receiver.bodies}
    assert len(ids) == 1


@pytest.mark.parametrize("url", ["ftp://host/x", "http://", "no address", "http://u:p@host/"])
def test_a_webhook_of_no_address_is_refused(url: str) -> None:
    with pytest.raises(ConfigError) as caught:
        WebhookNotifier("webhook", url, b"")
    assert "u:p" not in str(caught.value)


@pytest.mark.parametrize("urls", [[], ["nonsense"], ["json://one", "gopher://two"]])
def test_an_address_that_apprise_does_not_know_is_refused(urls: list[str]) -> None:
    with pytest.raises(ConfigError):
        AppriseNotifier("apprise", urls)


def test_apprise_tells_only_what_is_news(receiver: Receiver) -> None:
    notifier = apprise(receiver)
    shown = notifier.show(NOTICE, "")
    moved = replace(EPISODE, after={"spec.replicas": 4}, plan="p-2")
    assert notifier.show(notice_of([moved]), shown) == shown
    assert len(receiver.bodies) == 1
    worse = replace(moved, standing=Standing.FAILED)
    assert notifier.show(notice_of([worse]), shown) != shown
    assert len(receiver.bodies) == 2

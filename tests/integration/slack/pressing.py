"""What Slack sends when somebody presses a button, and who listens to it in tests."""

import json
import queue
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlencode

from slack_sdk.signature import SignatureVerifier

from reconciler.adapters.doors.slack_desk import DoorResult
from reconciler.core.words import Hearing, Word
from tests.fakes.slack import CHANNEL, SECRET, TEAM, FakeSlack

NOW = datetime(2026, 11, 24, 3, 30, tzinfo=UTC)
RESTORE = '["approve","shop","d-3f9a0c11b2de","p-35cdb6e3ef8aee1a"]'


@dataclass
class Ear:
    """Hears words, as the core would.

    Attributes:
        words: What was said.
        results: What the door said became of it, in order.
        answer: What is answered; an exception is raised.
        free: Until it is set, nothing is heard to its end.
    """

    words: list[Word] = field(default_factory=list)
    results: "queue.Queue[tuple[DoorResult, str]]" = field(default_factory=queue.Queue)
    answer: Hearing | Exception = field(default_factory=lambda: Hearing(True, "it is approved"))
    free: threading.Event = field(default_factory=threading.Event)

    def __post_init__(self) -> None:
        self.free.set()

    def hear(self, word: Word) -> Hearing:
        self.words.append(word)
        assert self.free.wait(60)
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer

    def told(self, result: DoorResult, why: str) -> None:
        self.results.put((result, why))

    def result(self) -> DoorResult:
        return self.results.get(timeout=30)[0]


def press(slack: FakeSlack, value: str = RESTORE, number: int = 1, **more: Any) -> dict[str, Any]:
    """Gives a payload as docs.slack.dev shows it: what is read of it, and some of what isn't."""
    action = {
        "type": "button",
        "block_id": "aBc",
        "action_id": "plumbline:approve:p-35cdb6e3ef8aee1a",
        "value": value,
        "action_ts": f"1795489999.{number:06}",
    }
    return {
        "type": "block_actions",
        "user": {"id": "U0JO", "username": "jo", "name": "jo", "team_id": TEAM},
        "api_app_id": "A02",
        "token": "Shh_its_a_seekrit",
        "container": {"type": "message", "message_ts": "1795489931.0", "channel_id": CHANNEL},
        "trigger_id": f"12466734323.1395872398.{number}",
        "team": {"id": TEAM, "domain": "example"},
        "enterprise": None,
        "channel": {"id": CHANNEL, "name": "ops"},
        "message": {"type": "message", "text": "…", "ts": "1795489931.0"},
        "response_url": slack.url.replace("/api/", f"/response/{number}"),
        "actions": [action],
        **more,
    }


def signed(
    payload: object, *, secret: str = SECRET, at: datetime = NOW
) -> tuple[bytes, dict[str, str | bytes]]:
    """Gives a request's body and headers as Slack makes them."""
    body = urlencode({"payload": json.dumps(payload)}).encode()
    return body, proof(body, secret, at)


def proof(body: bytes, secret: str = SECRET, at: datetime = NOW) -> dict[str, str | bytes]:
    timestamp = str(int(at.timestamp()))
    made = SignatureVerifier(secret).generate_signature(timestamp=timestamp, body=body)
    assert made is not None
    kind = "application/x-www-form-urlencoded"
    return {
        "Content-Type": kind,
        "X-Slack-Request-Timestamp": timestamp,
        "X-Slack-Signature": made,
    }


def post(port: int, body: bytes, headers: Mapping[str, str | bytes], path: str = "/slack") -> int:
    connection = HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        connection.request("POST", path, body, dict(headers))
        return connection.getresponse().status
    finally:
        connection.close()

"""What people press in Slack, through both doors, by Slack's own client and signature check."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

from reconciler.adapters.doors.slack_desk import DoorResult
from reconciler.adapters.doors.slack_http import SlackHttp
from reconciler.adapters.doors.slack_socket import SlackSocket
from reconciler.core.errors import ConfigError, HistoryError
from reconciler.core.words import Hearing, Speaker, Word, WordType
from tests.fakes.slack import APP, BOT, CHANNEL, SECRET, Failure, FakeSlack
from tests.fakes.slack_server import envelope
from tests.integration.slack.pressing import NOW, RESTORE, Ear, post, press, proof, signed

JO = Speaker("slack:U0JO", "Jo Doe", frozenset({"slack:S0ADMIN", f"slack:{CHANNEL}"}))


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as made:
        yield made


@pytest.fixture
def ear() -> Ear:
    return Ear()


class ByHttp:
    """The door that Slack can reach."""

    def __init__(self, slack: FakeSlack, ear: Ear) -> None:
        self.door = SlackHttp(
            ("127.0.0.1", 0),
            SECRET,
            BOT,
            ear.hear,
            told=ear.told,
            clock=lambda: NOW,
            base_url=slack.url,
        )
        self.door.start()

    def send(self, payload: object) -> None:
        """Sends a payload; it is acknowledged before this returns."""
        assert post(self.door.port, *signed(payload)) == 200


class BySocket:
    """The door that goes to Slack."""

    def __init__(self, slack: FakeSlack, ear: Ear) -> None:
        self.door = SlackSocket(
            APP, BOT, ear.hear, told=ear.told, clock=lambda: NOW, base_url=slack.url
        )
        self.server = slack.server
        self.door.start()
        self.connection = slack.server.connection()
        self._sent = 0

    def send(self, payload: object, kind: str = "interactive") -> None:
        self._sent += 1
        number = f"e-{self._sent}"
        self.connection.send(envelope(number, payload, kind))
        assert self.server.acks.get(timeout=30) == number


@pytest.fixture(params=[ByHttp, BySocket])
def way(request: pytest.FixtureRequest, slack: FakeSlack, ear: Ear) -> Iterator[Any]:
    made = request.param(slack, ear)
    yield made
    made.door.stop()


@contextmanager
def http(slack: FakeSlack, ear: Ear) -> Iterator[ByHttp]:
    made = ByHttp(slack, ear)
    try:
        yield made
    finally:
        made.door.stop()


# --- what is said, by both doors


def test_a_word_is_heard_and_answered_to_the_speaker_alone(
    way: Any, slack: FakeSlack, ear: Ear
) -> None:
    way.send(press(slack))
    assert ear.result() is DoorResult.HEEDED
    way.door.stop()
    said = Word(WordType.APPROVE, JO, "shop", "d-3f9a0c11b2de", "p-35cdb6e3ef8aee1a")
    assert ear.words == [said]
    [(where, answer)] = slack.answers
    assert (where, answer["response_type"], answer["replace_original"]) == ("1", "ephemeral", False)
    assert answer["text"] == "✅ it is approved"


def test_an_end_of_ignoring_is_counted_from_now(way: Any, slack: FakeSlack, ear: Ear) -> None:
    chosen = {"selected_option": {"value": '["ignore","shop","d-1","",8]'}, "action_ts": "1.1"}
    way.send(press(slack, actions=[{"action_id": "plumbline:more", **chosen}]))
    assert ear.result() is DoorResult.HEEDED
    assert ear.words == [Word(WordType.IGNORE, JO, "shop", "d-1", until=NOW + timedelta(hours=8))]


def test_whatever_hearing_takes_slack_has_its_acknowledgement(
    way: Any, slack: FakeSlack, ear: Ear
) -> None:
    ear.free.clear()
    for number in range(40):  # more than are heard at the same time
        way.send(press(slack, f'["explain","shop","d-{number}"]', number))
    busy = [ear.result() for _ in range(8)]
    assert busy == [DoorResult.BUSY] * 8
    ear.free.set()
    assert [ear.result() for _ in range(32)] == [DoorResult.HEEDED] * 32


def test_what_was_heard_is_not_heard_again(way: Any, slack: FakeSlack, ear: Ear) -> None:
    way.send(press(slack))
    assert ear.result() is DoorResult.HEEDED
    way.send(press(slack))
    assert ear.result() is DoorResult.REPEATED
    way.send(press(slack, trigger_id="another"))
    assert ear.result() is DoorResult.REPEATED
    assert len(ear.words) == 1


def test_a_double_click_says_one_thing(way: Any, slack: FakeSlack, ear: Ear) -> None:
    ear.free.clear()
    way.send(press(slack, number=1))
    way.send(press(slack, number=2))
    assert ear.result() is DoorResult.REPEATED
    ear.free.set()
    assert ear.result() is DoorResult.HEEDED
    assert len(ear.words) == 1


def test_nobody_but_people_of_the_workspace_is_heard(way: Any, slack: FakeSlack, ear: Ear) -> None:
    slack.users |= {
        "U0BOT": {"is_bot": True},
        "U0GONE": {"deleted": True},
        "U0GUEST": {"is_stranger": True},
    }
    strangers: list[dict[str, Any]] = [
        {"team": {"id": "T0EVIL"}},
        {"user": {"id": "U0JO", "team_id": "T0EVIL"}},
        *({"user": {"id": user}} for user in ("U0BOT", "U0GONE", "U0GUEST")),
    ]
    for number, more in enumerate(strangers):
        way.send(press(slack, number=number, **more))
        assert ear.result() is DoorResult.STRANGER, more
    way.door.stop()
    assert ear.words == []
    answers = [answer["text"] for _, answer in slack.answers]
    assert answers == ["🚫 Only people of this workspace can say that."] * len(strangers)


def test_what_is_not_for_us_is_acknowledged_and_ignored(
    way: Any, slack: FakeSlack, ear: Ear
) -> None:
    strange: list[Any] = [
        {},
        {"type": "view_submission"},
        {"type": "block_actions"},
        {"type": "block_actions", "actions": [7], "user": {"id": "U1"}, "team": {"id": "T1"}},
        {"type": "block_actions", "actions": [{"action_id": "other"}], "user": 1, "team": 2},
        press(slack, user={"id": "<@U0JO>"}),
        press(slack, actions=[{"action_id": "another app's", "value": RESTORE}]),
        *(
            press(slack, value)
            for value in ("", "x", '["delete","shop"]', '["ignore","a","","",9]')
        ),
    ]
    # The SDK knows no payload that isn't an object.
    strange += [None, ["x"]] if isinstance(way, ByHttp) else []
    for payload in strange:
        way.send(payload)
        assert ear.result() is DoorResult.IGNORED, payload
    assert ear.words == []


def test_a_person_is_told_when_it_was_not_taken_down(way: Any, slack: FakeSlack, ear: Ear) -> None:
    cases: list[tuple[Hearing | Exception, DoorResult, str]] = [
        (Hearing(False, "jo may not say yes"), DoorResult.DECLINED, "🚫 jo may not say yes"),
        (HistoryError("the database is away"), DoorResult.FAILED, "the database is away"),
        (RuntimeError("s3cret"), DoorResult.FAILED, "that is a bug"),
    ]
    whys = []
    for number, (answer, result, _) in enumerate(cases):
        ear.answer = answer
        way.send(press(slack, number=number))
        became, why = ear.results.get(timeout=30)
        assert became is result
        whys.append(why)
    way.door.stop()
    told = {where: answer["text"] for where, answer in slack.answers}
    assert all(part in told[str(number)] for number, (_, _, part) in enumerate(cases))
    assert whys[2].startswith("a bug in Plumbline: RuntimeError at ")
    assert "s3cret" not in str(slack.answers) + str(whys)


# --- who says it


def test_groups_are_asked_for_again_and_fail_closed(slack: FakeSlack, ear: Ear) -> None:
    with http(slack, ear) as way:
        slack.fail("usergroups.list", Failure(error="fatal_error"))
        way.send(press(slack))
        assert ear.result() is DoorResult.FAILED
        way.send(press(slack, number=2))
        assert ear.result() is DoorResult.HEEDED
        way.send(press(slack, number=3))
        assert ear.result() is DoorResult.HEEDED
    assert ear.words == ear.words[:1] * 2
    assert [len(slack.made(each)) for each in ("auth.test", "users.info")] == [1, 1]
    assert len(slack.made("usergroups.list")) == 2


def test_a_workspace_without_user_groups_has_none(slack: FakeSlack, ear: Ear) -> None:
    slack.scopes = set()
    slack.users["U0JO"]["real_name"] = "Jo\n\u202eDoe" + "x" * 200
    with http(slack, ear) as way:
        way.send(press(slack, channel={}))
        assert ear.result() is DoorResult.HEEDED
    [word] = ear.words
    assert word.speaker.groups == {f"slack:{CHANNEL}"}
    assert word.speaker.name == ("Jo Doe" + "x" * 200)[:80]


def test_an_answer_goes_only_to_slack(slack: FakeSlack, ear: Ear) -> None:
    unsendable = slack.url.replace("/api/", "/response/a b")
    urls = ["http://evil.example/x", "https://slack.com.evil/x", "http://[", "", unsendable]
    with http(slack, ear) as way:
        for number, url in enumerate(urls):
            way.send(press(slack, number=number, response_url=url))
            assert ear.result() is DoorResult.HEEDED
    told = [(how, sent["user"], sent["channel"]) for how, sent in slack.answers]
    assert told == [("ephemeral", "U0JO", CHANNEL)] * len(urls)


def test_who_cannot_be_answered_is_told_of(slack: FakeSlack, ear: Ear) -> None:
    with http(slack, ear) as way:
        way.send(press(slack, response_url="", channel={"id": "C0NONE"}))
        assert [ear.result(), ear.result()] == [DoorResult.HEEDED, DoorResult.UNANSWERED]


# --- forgeries


def test_a_forged_request_is_refused(slack: FakeSlack, ear: Ear) -> None:
    body, good = signed(press(slack))
    stamp, sign = "X-Slack-Request-Timestamp", "X-Slack-Signature"
    now = int(NOW.timestamp())
    forged: list[dict[str, str | bytes]] = [
        {},
        {stamp: good[stamp]},
        {sign: good[sign]},
        {**good, sign: "v0=" + "0" * 64},
        {**good, sign: "é"},
        {**good, sign: ""},
        {**good, stamp: str(now + 1)},
        {**good, stamp: "soon"},
        {**good, stamp: "9" * 400},
        proof(body, "another secret"),
        proof(body, at=NOW - timedelta(seconds=301)),
        proof(body, at=NOW + timedelta(seconds=301)),
        proof(body + b" "),
    ]
    with http(slack, ear) as way:
        for headers in forged:
            encoded = {name: str(value).encode() for name, value in headers.items()}
            assert post(way.door.port, body, encoded) == 401, headers
            assert ear.result() is DoorResult.REFUSED
        assert post(way.door.port, b"\xff", proof(b"x")) == 401
        assert ear.result() is DoorResult.REFUSED
        for seconds, result in ((-299, DoorResult.HEEDED), (299, DoorResult.REPEATED)):
            good = proof(body, at=NOW + timedelta(seconds=seconds))
            assert post(way.door.port, body, good) == 200
            assert ear.result() is result
        assert post(way.door.port, body, good, "/other") == 404
    assert len(ear.words) == 1


@pytest.mark.parametrize(
    "body", [b"", b"payload=", b"payload=%7B", b"payload=" + b"[" * 9000, b"a"]
)
def test_what_is_genuine_and_no_payload_is_ignored(slack: FakeSlack, ear: Ear, body: bytes) -> None:
    with http(slack, ear) as way:
        assert post(way.door.port, body, proof(body)) == 200
        assert ear.result() is DoorResult.IGNORED


def test_without_secrets_there_is_no_door(ear: Ear) -> None:
    with pytest.raises(ConfigError, match="anybody"):
        SlackHttp(("127.0.0.1", 0), " ", BOT, ear.hear, told=ear.told)
    for tokens in (("", BOT), (APP, "")):
        with pytest.raises(ConfigError, match="token"):
            SlackSocket(*tokens, ear.hear, told=ear.told)


# --- Socket Mode's connection


def test_an_envelope_that_comes_again_is_heard_once(slack: FakeSlack, ear: Ear) -> None:
    way = BySocket(slack, ear)
    try:
        for number in (1, 2):
            way.connection.send(envelope("same", press(slack, number=number)))
            assert slack.server.acks.get(timeout=30) == "same"
            assert ear.result() is (DoorResult.HEEDED if number == 1 else DoorResult.REPEATED)
        way.send({"type": "event_callback"}, kind="events_api")
        assert ear.result() is DoorResult.IGNORED
    finally:
        way.door.stop()
    assert not way.door.is_connected


@pytest.mark.parametrize("how", ["asked to", "closed"])
def test_a_connection_that_ends_is_made_again(slack: FakeSlack, ear: Ear, how: str) -> None:
    way = BySocket(slack, ear)
    try:
        if how == "closed":
            way.connection.close()
        else:
            way.connection.send(json.dumps({"type": "disconnect", "reason": "refresh_requested"}))
        way.connection = slack.server.connection()
        way.send(press(slack))
        assert ear.result() is DoorResult.HEEDED
    finally:
        way.door.stop()


def test_slack_that_is_away_at_first_is_tried_again(slack: FakeSlack, ear: Ear) -> None:
    slack.fail("apps.connections.open", Failure(status=503), Failure(error="invalid_auth"))
    way = BySocket(slack, ear)
    try:
        assert [ear.result(), ear.result()] == [DoorResult.FAILED, DoorResult.FAILED]
        way.send(press(slack))
        assert ear.result() is DoorResult.HEEDED
    finally:
        way.door.stop()


def test_a_door_that_never_found_slack_closes_all_the_same(ear: Ear) -> None:
    door = SlackSocket(APP, BOT, ear.hear, told=ear.told, base_url="http://127.0.0.1:1/")
    door.stop()
    door = SlackSocket(APP, BOT, ear.hear, told=ear.told, base_url="http://127.0.0.1:1/")
    door.start()
    assert ear.result() is DoorResult.FAILED
    assert not door.is_connected
    door.stop()

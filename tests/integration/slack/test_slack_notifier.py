"""Notices in a Slack of the tests' own, by Slack's own client."""

import json
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from reconciler.adapters.notifiers.slack import SlackNotifier
from reconciler.core.errors import ConfigError, NotifierError
from reconciler.core.notices import Notice, Standing, notice_of
from tests.fakes.slack import BOT, CHANNEL, Failure, FakeSlack
from tests.unit.render.slack import (
    ASKED,
    CHANGED,
    CONF,
    DECIDED,
    HOSTILE,
    OVER,
    RESTORED,
    SEEN,
    refusal,
)

NOTICE = notice_of([ASKED])
CHANGED_ONCE = notice_of([replace(ASKED, life=(SEEN, DECIDED, CHANGED), after={"a": 7})])
DONE = replace(notice_of([OVER]), subject=NOTICE.subject)


@pytest.fixture
def slack() -> Iterator[FakeSlack]:
    with FakeSlack() as made:
        yield made


def notifier(slack: FakeSlack, **more: Any) -> SlackNotifier:
    """Gives a notifier as after a start of the process."""
    given = {"name": "ops", "token": BOT, "channel": CHANNEL, "base_url": slack.url, **more}
    return SlackNotifier(**given)


def blocks(message: dict[str, Any]) -> str:
    return json.dumps(message["blocks"], ensure_ascii=False)


def test_a_notice_is_one_message_brought_up_to_date_with_its_history_in_the_thread(
    slack: FakeSlack,
) -> None:
    ours = notifier(slack)
    shown = ours.show(NOTICE, "")
    [post] = slack.posts
    assert (post["unfurl_links"], post["link_names"], post["parse"]) == (False, False, "none")
    assert "Restore" in blocks(post)
    assert slack.replies == []

    assert ours.show(NOTICE, shown) == shown
    assert slack.made("chat.update") == []

    shown = ours.show(CHANGED_ONCE, shown)
    assert [each["thread_ts"] for each in slack.replies] == [post["ts"]]
    assert "Changed again" in blocks(slack.replies[0])

    shown = ours.show(DONE, shown)
    assert len(slack.posts) == 1
    assert "actions" not in {each["type"] for each in slack.posts[0]["blocks"]}
    assert "✅ Deployment shop/web is restored" in blocks(slack.posts[0])
    said = [blocks(each) for each in slack.replies]
    assert ["Changed" in said[0], "Approved" in said[1], "Restored" in said[2]] == [True] * 3
    assert ours.show(DONE, shown) == shown
    assert len(slack.messages) == 4
    assert BOT not in shown


def test_after_a_restart_nothing_is_said_twice(slack: FakeSlack) -> None:
    shown = notifier(slack).show(CHANGED_ONCE, "")
    notifier(slack).show(DONE, shown)
    notifier(slack).show(DONE, shown)  # the answer of the call before was lost
    assert len(slack.posts) == 1
    assert ["Approved" in blocks(each) for each in slack.replies].count(True) == 1
    assert len(slack.replies) == 3


@pytest.mark.parametrize("lost", ["chat.postMessage", "conversations.replies"])
def test_what_was_posted_by_a_call_whose_answer_was_lost_is_found_again(
    slack: FakeSlack, lost: str
) -> None:
    slack.fail(lost, Failure(status=500, done=True))
    with pytest.raises(NotifierError):
        notifier(slack).show(CHANGED_ONCE, "")
    for notice in (CHANGED_ONCE, DONE):
        notifier(slack).show(notice, "")  # each in a new process, which knows nothing of it
    assert len(slack.posts) == 1
    assert "is restored" in blocks(slack.posts[0])
    past, *news = map(blocks, slack.replies)
    assert "What happened before" in past
    assert ["Approved" in news[0], "Restored" in news[1], len(news)] == [True, True, 2]


def test_an_outage_in_the_middle_of_a_thread_repeats_nothing_even_where_we_may_not_read(
    slack: FakeSlack,
) -> None:
    slack.scopes = set()
    ours = notifier(slack)
    shown = ours.show(NOTICE, "")
    busy = Failure(status=429, headers={"Retry-After": "7"})
    slack.fail("chat.postMessage", Failure(done=True), busy)
    with pytest.raises(NotifierError) as caught:
        ours.show(DONE, shown)
    assert (caught.value.after, caught.value.lasting) == (7.0, False)
    assert len(slack.replies) == 1
    ours.show(DONE, shown)
    assert len(slack.replies) == 3
    assert len(slack.made("conversations.history")) == 1


def test_a_message_that_somebody_deleted_is_posted_anew(slack: FakeSlack) -> None:
    ours = notifier(slack)
    shown = ours.show(NOTICE, "")
    slack.messages.clear()
    again = ours.show(CHANGED_ONCE, shown)
    assert len(slack.posts) == 1
    assert json.loads(again)["ts"] == slack.posts[0]["ts"]
    assert "What happened before" in blocks(slack.replies[0])


def test_many_pages_are_looked_through(slack: FakeSlack) -> None:
    ours = notifier(slack)
    ours.show(NOTICE, "")
    ours_message = slack.messages.pop()
    slack.messages += [{**ours_message, "metadata": None, "ts": "1795489931.1"}] * 450
    slack.messages.append(ours_message)
    notifier(slack).show(NOTICE, "")
    assert len(slack.made("conversations.history")) == 1 + 3
    assert len(slack.made("chat.postMessage")) == 1


def test_a_reminder_is_a_reply_that_the_channel_sees_once(slack: FakeSlack) -> None:
    ours = notifier(slack)
    shown = ours.show(NOTICE, "")
    reminded = replace(NOTICE, reminder=1)
    ours.show(reminded, shown)
    shown = notifier(slack).show(reminded, shown)
    [reply] = slack.replies
    assert reply["reply_broadcast"] is True
    assert "Reminder: Deployment shop/web" in blocks(reply)
    assert json.loads(shown)["reminder"] == 1


def test_what_is_too_long_is_a_file_in_the_thread_once_and_nothing_hostile_calls(
    slack: FakeSlack,
) -> None:
    ours = notifier(slack)
    hostile = notice_of([HOSTILE])
    shown = ours.show(hostile, "")
    ours.show(hostile, shown)
    [file] = slack.files
    assert "x" * 100_000 in file["text"]
    assert file["thread_ts"] == slack.posts[0]["ts"]
    assert "<!channel>" not in slack.posts[0]["text"]
    assert "mrkdwn" not in {each.get("type") for each in slack.posts[0]["blocks"]}


def test_a_link_takes_the_files_place(slack: FakeSlack) -> None:
    ours = notifier(slack, link="https://plumbline.example/{target}/{drift}")
    ours.show(notice_of([replace(HOSTILE, target="a/b")]), "")
    assert slack.files == []
    assert "https://plumbline.example/a%2Fb/d-3f9a0c11b2de" in blocks(slack.posts[0])


def test_many_objects_are_one_message_and_replies_name_them(slack: FakeSlack) -> None:
    ours = notifier(slack)
    many = notice_of([ASKED, *(replace(CONF, drift=f"d-{n}") for n in range(300))])
    shown = ours.show(many, "")
    done = [replace(each, standing=Standing.GONE, plan="") for each in many.episodes]
    done[0] = replace(done[0], life=(*done[0].life, RESTORED))
    ours.show(replace(many, episodes=tuple(done)), shown)
    assert len(slack.posts) == 1
    [reply] = slack.replies
    assert "Deployment shop/web" in blocks(reply)
    assert refusal(slack.posts[0]["text"], slack.posts[0]["blocks"]) == ""


@pytest.mark.parametrize(
    ("failure", "after", "lasting", "part"),
    [
        (Failure(status=429, headers={"Retry-After": "30"}), 30.0, False, "refuses"),
        (Failure(error="ratelimited", headers={"retry-after": "5"}), 5.0, False, "ratelimited"),
        (Failure(status=429), 0.0, False, "status 429"),
        (Failure(status=503, body="<html>gone</html>"), 0.0, False, "status 503"),
        (Failure(body="<html>a proxy's page</html>"), 0.0, False, "status 200"),
        (Failure(body="[]"), 0.0, False, "chat.postMessage"),
        (Failure(error="internal_error"), 0.0, False, "internal_error"),
        (Failure(error="invalid_auth"), 0.0, True, "xoxb-…"),
        (Failure(error="token_revoked"), 0.0, True, "xoxb-…"),
        (Failure(error="not_in_channel"), 0.0, True, "/invite"),
        (Failure(error="is_archived"), 0.0, True, "archived"),
        (Failure(error="msg_blocks_too_long"), 0.0, True, "msg_blocks_too_long"),
        (
            Failure(body='{"ok":false,"error":"missing_scope","needed":"chat:write"}'),
            0.0,
            True,
            "the scope chat:write",
        ),
    ],
)
def test_a_refusal_says_whether_to_come_again_and_what_to_do(
    slack: FakeSlack, failure: Failure, after: float, lasting: bool, part: str
) -> None:
    slack.fail("chat.postMessage", failure)
    ours = notifier(slack)
    with pytest.raises(NotifierError) as caught:
        ours.show(NOTICE, "")
    assert (caught.value.after, caught.value.lasting) == (after, lasting)
    assert part in str(caught.value)
    assert BOT not in str(caught.value)
    assert "html" not in str(caught.value)
    assert ours.show(NOTICE, "")
    assert len(slack.posts) == 1


def test_a_wrong_token_and_a_wrong_channel_last(slack: FakeSlack) -> None:
    for given, part in ({"token": "xoxb-other"}, "bot token"), ({"channel": "C0NONE"}, "/invite"):
        with pytest.raises(NotifierError, match=part) as caught:
            notifier(slack, **given).show(NOTICE, "")
        assert caught.value.lasting
        assert "xoxb-other" not in str(caught.value)


def test_who_is_away_is_tried_again(slack: FakeSlack) -> None:
    ours = notifier(slack, base_url="http://127.0.0.1:1/api/")
    with pytest.raises(NotifierError, match="can't be reached") as caught:
        ours.show(NOTICE, "")
    assert not caught.value.lasting


@pytest.mark.parametrize("given", [{"channel": "#ops"}, {"channel": ""}, {"token": " "}])
def test_what_can_never_work_is_said_at_once(slack: FakeSlack, given: dict[str, str]) -> None:
    with pytest.raises(ConfigError, match="ops"):
        notifier(slack, **given)


def test_a_time_that_is_none_does_no_harm(slack: FakeSlack) -> None:
    strange = Notice("s", "shop", (replace(ASKED, first_seen="once", life=()),))
    assert notifier(slack).show(strange, "")
    assert slack.made("conversations.history")[0]["oldest"] == "0.000000"

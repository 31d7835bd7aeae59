"""Notices as Slack messages: within its limits, true, and nothing that calls anybody."""

import json
from dataclasses import replace
from itertools import product

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reconciler.core.drift import DriftType, Severity
from reconciler.core.history import WHOLE, Event, EventType
from reconciler.core.notices import Episode, Standing, notice_of
from reconciler.core.words import Hearing, WordType
from reconciler.render.slack import SlackMessage, message_of
from reconciler.render.slack_choices import IGNORABLE, Choice, read, written
from reconciler.render.slack_fields import field_lines, short_lines
from reconciler.render.slack_text import cut, plain, units, when, words
from reconciler.render.slack_thread import (
    answer_of,
    earlier_of,
    reminder_of,
    replies_of,
    reply_of,
)
from tests.unit.render.slack import (
    APPROVED,
    ASKED,
    CHANGED,
    CONF,
    DECIDED,
    HOSTILE,
    NOTICES,
    OVER,
    PLAN,
    SEEN,
    STRAY,
    refusal,
    texts,
    walked,
)
from tests.unit.render.strategies import KEYS, TEXT, TIMES, VALUES

#: Everything that is shown but plain text is one of these, none of which Slack reads markup in.
HARMLESS = {
    "rich_text",
    "rich_text_section",
    "rich_text_preformatted",
    "text",
    "date",
    "header",
    "actions",
    "button",
    "static_select",
    "plain_text",
}

FIELDS = st.none() | st.dictionaries(TEXT | st.just(WHOLE), VALUES, max_size=4)
EVENTS = st.builds(
    Event,
    TIMES,
    TEXT,
    st.sampled_from(EventType),
    TEXT,
    st.none() | KEYS,
    TEXT,
    TEXT,
    TEXT,
    TEXT | st.just("x" * 5000),
    FIELDS,
    FIELDS,
)
EPISODES = st.builds(
    Episode,
    target=TEXT,
    drift=TEXT,
    first_seen=TIMES,
    key=KEYS,
    type=st.sampled_from(DriftType),
    severity=st.sampled_from(Severity),
    note=TEXT | st.just("<!here>" * 500),
    actor=TEXT | st.just("&" * 500),
    revision=TEXT,
    before=FIELDS,
    after=FIELDS,
    standing=st.sampled_from(Standing) | st.just(Standing.ASKED),
    action=st.sampled_from(["", "observe", "propose", "approve", "restore", "wait"]),
    reason=TEXT | st.just("🔴" * 500),
    plan=TEXT,
    life=st.lists(EVENTS, max_size=3).map(tuple),
)


def shown(message: SlackMessage) -> str:
    """Gives all that is seen of a message."""
    return "\n".join(each["text"] for each in texts(message.blocks))


def assert_taken(message: SlackMessage) -> None:
    assert refusal(message.text, message.blocks) == ""
    assert {each["type"] for each in walked(list(message.blocks)) if "type" in each} <= HARMLESS
    plains = [e["text"] for e in texts(message.blocks) if e.get("type") == "plain_text"]
    for text in (message.text, *plains):
        assert not set("<>") & set(text)
        assert "&" not in text.replace("&amp;", "").replace("&lt;", "").replace("&gt;", "")


@settings(deadline=None)  # a machine that is busy takes its time with a dozen objects
@given(st.lists(EPISODES, min_size=1, max_size=12), st.integers(0, 1))
def test_every_notice_is_within_slacks_limits_and_calls_nobody(
    episodes: list[Episode], reminder: int
) -> None:
    notice = replace(notice_of(episodes), reminder=reminder)
    assert_taken(message_of(notice))
    assert_taken(reminder_of(notice))
    events = replies_of(notice)
    for event, named in product(events, (False, True)):
        assert_taken(reply_of(event, named=named))
    if events:
        assert_taken(earlier_of(events, named=True))


@given(TEXT | st.lists(st.text("a <&>\n\x1b", max_size=900)).map("\n".join), st.booleans())
def test_every_answer_is_within_slacks_limits(text: str, heeded: bool) -> None:
    assert_taken(answer_of(Hearing(heeded, text)))


@given(st.text(), st.integers(5, 60))
def test_a_cut_text_is_never_too_long_and_never_less_than_it_must(text: str, limit: int) -> None:
    made = cut(text, limit)
    assert units(made) <= limit
    assert made == cut(made, limit)


def test_a_reader_sees_what_who_since_when_what_next_and_which_button() -> None:
    message = message_of(NOTICES["asked"])
    assert message.text == "Deployment shop/web differs from Git (high): waits for a yes"
    assert message.whole == ""
    text = shown(message)
    for part in (
        "🔴 Deployment shop/web differs from Git",
        "jane with kubectl-edit",
        "shop",
        "4f0c12a",
        PLAN,
        "spec.replicas\n- 3\n+ 5",
        "(a1b2 → c3d4)",
        "Waits for a person: Restore makes it what Git says, Adopt makes Git say this",
        ": production is restored by hand",
        "Restore",
        "Adopt (pull request)",
        "Ignore…",
        "Explain",
    ):
        assert part in text
    date = next(each for each in walked(list(message.blocks)) if each.get("type") == "date")
    assert (date["timestamp"], date["fallback"]) == (1795489920, "2026-11-24T03:12:00Z")


def choices(message: SlackMessage) -> list[Choice | None]:
    values = [each["value"] for each in walked(list(message.blocks)) if "value" in each]
    return [read(value) for value in values]


def test_the_controls_say_what_they_stand_for() -> None:
    target, drift = ASKED.target, ASKED.drift
    ignores = [Choice(WordType.IGNORE, target, drift, hours=hours) for hours in IGNORABLE]
    assert choices(message_of(NOTICES["asked"])) == [
        Choice(WordType.APPROVE, target, drift, PLAN),
        Choice(WordType.ADOPT, target, drift),
        *ignores,
        Choice(WordType.EXPLAIN, target, drift),
    ]
    confirm = message_of(NOTICES["asked"]).blocks[-1]["elements"][0]["confirm"]
    assert PLAN in confirm["text"]["text"]
    assert "Deployment shop/web" in confirm["text"]["text"]


@pytest.mark.parametrize("standing", [each for each in Standing if each is not Standing.ASKED])
def test_where_nobody_is_asked_there_are_no_controls(standing: Standing) -> None:
    for other in (replace(ASKED, standing=standing), replace(ASKED, plan="")):
        assert not choices(message_of(notice_of([other])))
        assert not choices(message_of(notice_of([other, replace(other, drift="d-2")])))


def test_what_is_over_is_struck_and_looks_so() -> None:
    message = message_of(NOTICES["restored"])
    assert "✅ Deployment shop/web is restored" in shown(message)
    struck = [e for e in texts(message.blocks) if e.get("style", {}).get("strike")]
    assert "+ 5" in struck[0]["text"]
    group = message_of(notice_of([OVER, replace(CONF, standing=Standing.GONE, plan="")]))
    assert "✅ 2 objects of shop have no drift any more" in shown(group)
    some = message_of(notice_of([OVER, CONF]))
    assert "1 of 2 objects of shop drifted" in shown(some)


def test_many_objects_are_in_one_message_the_worst_first() -> None:
    message = message_of(NOTICES["group"])
    assert message.text == "3 objects of shop drifted (high): waits for a yes"
    text = shown(message)
    assert text.index("Deployment shop/web") < text.index("ConfigMap shop/conf")
    assert text.index("ConfigMap shop/conf") < text.index("Pod shop/debug")
    assert "by \nnobody known" in text
    restores = [c for c in choices(message) if c and c.type is WordType.APPROVE]
    assert [(c.drift, c.plan) for c in restores] == [("", CONF.plan), ("", PLAN)]
    together = message_of(notice_of([ASKED, replace(CONF, plan=PLAN), STRAY]))
    assert "Restore 2 objects" in shown(together)
    many = notice_of([replace(ASKED, drift=f"d-{n}") for n in range(20)])
    assert "… and 12 more objects, none of them worse." in shown(message_of(many))


def test_what_is_cut_is_said_and_is_in_a_file_or_behind_a_link() -> None:
    message = message_of(NOTICES["hostile"])
    assert "All of it is in the thread." in shown(message)
    assert "x" * 100_000 in message.whole
    linked = message_of(NOTICES["hostile"], "https://plumbline.example/d")
    assert linked.whole == ""
    link = next(each for each in walked(list(linked.blocks)) if each.get("type") == "link")
    assert link["url"] == "https://plumbline.example/d"
    huge = replace(HOSTILE, after={"a": "y" * 2_000_000})
    whole = message_of(notice_of([huge])).whole
    assert len(whole) < 1_000_100
    assert whole.endswith("… cut\n")


def test_a_hostile_object_cannot_speak_for_us() -> None:
    message = message_of(NOTICES["hostile"])
    assert_taken(message)
    assert "&lt;!channel&gt;" in message.text
    fence = next(e for e in texts(message.blocks) if "```" in e["text"] and "\n" in e["text"])
    assert "<!channel>" in fence["text"]  # as it is, in an element in which Slack reads nothing
    assert set(fence) == {"type", "text"}


def test_no_secret_is_shown() -> None:
    for notice in NOTICES.values():
        assert "s3cr3t" not in json.dumps(message_of(notice).blocks) + message_of(notice).whole
    assert "***" in shown(message_of(NOTICES["asked"]))


def test_states_read_as_sentences() -> None:
    for action, text in (("propose", "A pull request"), ("restore", "put right"), ("", "Nothing")):
        episode = replace(ASKED, standing=Standing.FOUND, action=action, plan="", note="see this")
        assert text in shown(message_of(notice_of([episode])))
        assert "see this" in shown(message_of(notice_of([episode])))


def test_a_field_is_shown_in_full_or_cut_and_said_so() -> None:
    lines, is_cut = short_lines(ASKED, 3000)
    assert lines == field_lines(ASKED)
    assert not is_cut
    long = replace(ASKED, before={"a": None}, after={"a": [f"v{n}" for n in range(40)]})
    lines, is_cut = short_lines(long, 3000)
    assert (lines[-1], is_cut) == ("… 27 more lines", True)
    assert len(field_lines(long)) == 41
    many = replace(ASKED, before=None, after={f"f{n}": n for n in range(400)})
    lines, is_cut = short_lines(many, 200)
    assert is_cut
    assert sum(units(line) + 1 for line in lines) <= 200
    assert lines[-1].endswith("more fields")
    elided = replace(ASKED, before={"a": "x" * 150 + "1"}, after={"a": "x" * 150 + "2"})
    assert short_lines(elided, 3000)[1]


def test_what_became_the_same_again_is_left_out() -> None:
    event = replace(CHANGED, before={"a": 1, WHOLE: None}, after={"a": 1, WHOLE: "x\ny\n"})
    assert field_lines(event) == ["the whole object", "+ x", "+ y"]
    gone = replace(CHANGED, before={"a": {"b": 1}}, after={"a": None})
    assert field_lines(gone) == ["a", "- b: 1"]


def test_replies_tell_each_event_once_in_order() -> None:
    intended = replace(APPROVED, type=EventType.INTENDED)
    notice = notice_of([replace(OVER, life=(*OVER.life, intended)), replace(ASKED, life=(SEEN,))])
    assert replies_of(notice)[:3] == (SEEN, DECIDED, SEEN)
    assert intended not in replies_of(notice)
    assert replies_of(notice)[-1].type is EventType.RESTORED


def test_a_reply_says_what_who_when_and_why() -> None:
    text = shown(reply_of(APPROVED, named=False))
    for part in ("👍 Approved", "by Jo (slack:U0JO)", PLAN, ": not ours"):
        assert part in text
    assert "web" not in text
    assert "Deployment shop/web" in shown(reply_of(APPROVED, named=True))
    assert "- 5\n+ 7" in shown(reply_of(CHANGED, named=False))
    bare = replace(CHANGED, key=None, actor="", reason="", before=None, after=None)
    assert shown(reply_of(bare, named=True)) == "🔁 Changed again\n, "
    earlier = shown(earlier_of([DECIDED] * 20, named=False))
    assert "… 5 older events" in earlier
    assert earlier.count("Decided") == 15
    assert "older" not in shown(earlier_of([DECIDED], named=False))
    assert shown(reminder_of(replace(NOTICES["asked"], reminder=1))).startswith("Reminder: ")


def test_answers_are_sentences_or_lines() -> None:
    assert shown(answer_of(Hearing(True, "done\nand more"))) == "✅ done\n\n\nand more"
    assert shown(answer_of(Hearing(False, ""))) == "🚫 Not done"
    assert shown(answer_of(Hearing(True, " "))) == "✅ Done"
    long = shown(answer_of(Hearing(True, "\n".join(f"line {n} " + "z" * 90 for n in range(200)))))
    assert long.startswith("✅ line 0")
    assert long.endswith("more lines")
    assert "more lines" not in shown(answer_of(Hearing(True, "a\nb\nc\nd")))


@given(
    st.builds(Choice, st.sampled_from(WordType), TEXT, TEXT, TEXT).filter(
        lambda choice: choice.type is not WordType.IGNORE and choice.target
    )
    | st.builds(Choice, st.just(WordType.IGNORE), TEXT, TEXT, TEXT, st.sampled_from([*IGNORABLE]))
)
def test_a_choice_comes_back_as_it_was(choice: Choice) -> None:
    value = written(choice)
    assert value.isascii()
    assert not set("<>&") & set(value)
    assert read(value) == choice


@pytest.mark.parametrize(
    "value",
    [
        None,
        7,
        "",
        "x",
        "[" * 1999,
        "{}",
        "[]",
        '["approve"]',
        '["approve",1]',
        '["delete","shop"]',
        '["ignore","shop","d"]',
        '["ignore","shop","d","",2]',
        '["approve","shop","d","p",8]',
        '["approve","shop","d",""," "]',
        '["approve","' + "x" * 2000 + '"]',
    ],
)
def test_what_is_no_choice_of_ours_is_none(value: object) -> None:
    assert read(value) is None


def test_a_target_whose_name_slack_could_not_give_back_has_no_menus() -> None:
    named = replace(ASKED, target="t" * 200)
    types = [each.type for each in choices(message_of(notice_of([named]))) if each]
    assert types == [WordType.APPROVE, WordType.ADOPT, WordType.EXPLAIN]
    both = [each for each in choices(message_of(notice_of([named, named]))) if each]
    assert [each.type for each in both] == [WordType.APPROVE]


def test_pieces_are_never_empty() -> None:
    assert words("") == []
    assert plain("")["text"] == "…"
    assert when("some day") == words("some day")

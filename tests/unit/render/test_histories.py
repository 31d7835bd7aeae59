import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.history import Event, EventType, Verification
from reconciler.core.resource import ResourceKey
from reconciler.render.histories import (
    history_document,
    history_text,
    verification_document,
    verification_text,
)
from reconciler.render.serialized import json_text
from reconciler.render.terminal import Style
from tests.unit.render import strategies as some
from tests.unit.render.test_harmless import WIDTHS, _check_text, harmful, slow

PLAIN = Style(colour=False, width=80)
FULL = Style(colour=False, width=0, full=True)
WEB = ResourceKey("apps", "Deployment", "shop", "web")
NOON = "2026-11-24T12:00:00Z"


def event(type_: EventType = EventType.SEEN, **fields: object) -> Event:
    return Event(NOON, "shop", type_, key=WEB, **fields)  # type: ignore[arg-type]


def lines(*events: Event, style: Style = PLAIN) -> list[str]:
    return history_text(events, style).splitlines()


def test_a_drifts_life_reads_as_a_story() -> None:
    seen = event(
        drift="d-3f9a01bc22dd",
        actor="jane with kubectl-edit",
        revision="4f0c1d2e3f405162738495a6b7c8d9e0f1a2b3c4",
        reason="Modified (high)",
        before={"spec.replicas": 3, "spec.paused": None},
        after={"spec.replicas": 5, "spec.paused": True},
    )
    restored = event(
        EventType.RESTORED,
        drift="d-3f9a01bc22dd",
        actor="plumbline",
        plan="p-0123456789abcdef",
        reason="replace",
        before={"spec.replicas": 5, "spec.paused": True},
        after={"spec.replicas": 3, "spec.paused": None},
    )
    assert history_text([seen, restored], PLAIN) == (
        "2026-11-24 12:00:00Z  seen        Deployment shop/web  by jane with kubectl-edit\n"
        "    Modified (high)  d-3f9a01bc22dd  @ 4f0c1d2\n"
        "    ~ spec.replicas  3 → 5\n"
        "    + spec.paused  true\n"
        "2026-11-24 12:00:00Z  restored    Deployment shop/web  by plumbline\n"
        "    replace  d-3f9a01bc22dd  plan p-0123456789abcdef\n"
        "    ~ spec.replicas  5 → 3\n"
        "    - spec.paused  was true\n"
        "\n"
        "2 events\n"
    )


def test_no_event_is_said() -> None:
    assert history_text([], PLAIN) == "no such event\n"


def test_an_event_of_a_target_names_it() -> None:
    suspended = Event(NOON, "shop", EventType.SUSPENDED, actor="jane", reason="a fair")
    assert lines(suspended)[:2] == [
        "2026-11-24 12:00:00Z  suspended   target shop  by jane",
        "    a fair",
    ]


def test_of_several_targets_each_is_named() -> None:
    other = Event(NOON, "bank", EventType.GONE, key=WEB, reason="no longer found")
    assert "    no longer found  in bank" in lines(event(), other)
    assert "    no longer found" in lines(other, other)


def test_a_time_that_is_none_is_shown_as_it_is() -> None:
    assert lines(Event("soon", "shop", EventType.GONE, key=WEB))[0].startswith("soon ")


def test_what_changed_is_shown_and_nothing_else() -> None:
    changed = event(
        EventType.CHANGED,
        before={"spec.a": 1, "spec.b": 1, "spec.c": 1},
        after={"spec.a": 1, "spec.b": 2, "spec.d": 4},
    )
    assert lines(changed)[1:-2] == [
        "    ~ spec.b  1 → 2",
        "    - spec.c  was 1  differs no longer",
        "    + spec.d  4  differs now too",
    ]


def test_a_masked_value_shows_that_it_changed() -> None:
    changed = event(
        EventType.CHANGED,
        before={"data.a": "***", "data.b": "***", "***": {"data.a": "aaaa1", "data.b": "cccc"}},
        after={"data.a": "***", "data.b": "***", "***": {"data.a": "bbbb1", "data.b": "cccc"}},
    )
    assert lines(changed)[1:-2] == ["    ~ data.a  *** → ***  (aaaa → bbbb)"]
    (field, same) = history_document([changed])["events"][0]["fields"]
    assert field == {
        "path": "data.a",
        "before": "***",
        "after": "***",
        "digest": {"before": "aaaa1", "after": "bbbb1"},
    }
    assert same["digest"] == {"before": "cccc", "after": "cccc"}


def test_what_is_gone_is_shown_only_in_full() -> None:
    gone = event(EventType.GONE, reason="no longer found", before={"spec.a": 1})
    assert "    - spec.a  was 1" not in lines(gone)
    assert "    - spec.a  was 1" in lines(gone, style=FULL)


def test_a_whole_object_is_shown_only_in_full() -> None:
    created = event(EventType.RESTORED, before={"": None}, after={"": {"kind": "Deployment"}})
    assert lines(created)[1] == "    + the whole object"
    assert "          kind: Deployment" not in lines(created)
    assert lines(created, style=FULL)[1:3] == [
        "    + the whole object",
        "          kind: Deployment",
    ]


def test_long_values_are_cut_unless_all_is_asked_for() -> None:
    long = {f"k{number:02}": number for number in range(30)}
    added = event(before={"spec.map": None}, after={"spec.map": long})
    shown = lines(added)
    assert shown[2] == "          k00: 0"
    assert shown[-3] == "          … (14 more lines)"
    assert "          k29: 29" in lines(added, style=FULL)
    removed = event(before={"spec.map": {"a": 1}}, after={"spec.map": None})
    assert lines(removed)[1:3] == ["    - spec.map", "          a: 1"]
    differs = event(before={"spec.map": {"a": 1, "b": 2}}, after={"spec.map": {"a": 1, "b": 3}})
    assert lines(differs)[2:5] == ["           a: 1", "          -b: 2", "          +b: 3"]


def test_long_texts_stand_below() -> None:
    value = "x" * 121
    shown = lines(event(before={"a": value}, after={"a": "z"}), style=FULL)
    assert shown[1:4] == ["    ~ a", f"          -{value}", "          +z"]


def test_a_document_has_null_where_there_is_nothing() -> None:
    suspended = Event(NOON, "shop", EventType.SUSPENDED)
    role = ResourceKey("rbac.authorization.k8s.io", "ClusterRole", "", "reader")
    seen = Event(NOON, "shop", EventType.SEEN, "d-1", role, "jane", "4f0c", "p-1", "why",
                 {"a": 1}, {"a": float("inf")}, "x")  # fmt: skip
    assert history_document([suspended, seen]) == {
        "schema": "plumbline.dev/history/v1",
        "events": [
            {
                "time": NOON,
                "target": "shop",
                "type": "suspended",
                "drift": None,
                "resource": None,
                "actor": None,
                "revision": None,
                "plan": None,
                "reason": None,
                "fields": [],
            },
            {
                "time": NOON,
                "target": "shop",
                "type": "seen",
                "drift": "d-1",
                "resource": {
                    "group": "rbac.authorization.k8s.io",
                    "kind": "ClusterRole",
                    "namespace": None,
                    "name": "reader",
                },
                "actor": "jane",
                "revision": "4f0c",
                "plan": "p-1",
                "reason": "why",
                "fields": [{"path": "a", "before": 1, "after": "inf"}],
            },
        ],
    }


SOUND = Verification(1200, 1, 1200, "ab" * 32)
BROKEN = Verification(2, 31, 40, "ab" * 32, 33, "event 33 is missing")


@pytest.mark.parametrize(
    ("verification", "text"),
    [
        (SOUND, f"✓ 1,200 events, all as written\n  head: event 1200, {'ab' * 32}\n"),
        (
            BROKEN,
            (
                "✗ event 33 is missing\n  2 events before it as written\n"
                f"  30 older events let go\n  head: event 40, {'ab' * 32}\n"
            ),
        ),
        (
            Verification(0, 0, 0, "", problem="its head record is missing"),
            "✗ its head record is missing\n  0 events before it as written\n",
        ),
    ],
)
def test_a_verification_says_what_is_wrong(verification: Verification, text: str) -> None:
    assert verification_text(verification, Style(colour=False, width=100)) == text


def test_a_verification_as_a_document() -> None:
    assert verification_document(SOUND) == {
        "schema": "plumbline.dev/verification/v1",
        "sound": True,
        "checked": 1200,
        "first": 1,
        "last": 1200,
        "head": "ab" * 32,
        "brokenAt": None,
        "problem": None,
    }
    broken = verification_document(BROKEN)
    assert (broken["sound"], broken["brokenAt"], broken["problem"]) == (
        False,
        33,
        "event 33 is missing",
    )


SIDES = st.none() | st.dictionaries(some.TEXT.filter(lambda text: text != "***"), some.VALUES)
EVENTS = st.lists(
    st.builds(
        Event,
        time=some.TIMES,
        target=some.TEXT,
        type=st.sampled_from(EventType),
        drift=some.TEXT,
        key=st.none() | some.KEYS,
        actor=some.TEXT,
        revision=some.TEXT,
        plan=some.TEXT,
        reason=some.TEXT,
        before=SIDES,
        after=SIDES,
    ),
    max_size=3,
)


@slow
@given(EVENTS, WIDTHS, st.booleans())
def test_a_history_is_harmless_and_keeps_its_width(
    events: list[Event], width: int, full: bool
) -> None:
    _check_text(lambda style: history_text(events, style), width, full)
    text = json_text(history_document(events))
    assert not harmful(text)
    assert json.loads(text) == history_document(events)


@slow
@given(st.builds(Verification, st.integers(0), st.integers(0), st.integers(0), some.TEXT,
                 st.integers(0), some.TEXT), WIDTHS)  # fmt: skip
def test_a_verification_is_harmless_and_keeps_its_width(
    verification: Verification, width: int
) -> None:
    _check_text(lambda style: verification_text(verification, style), width, False)

"""Notices as titles, plain text, Markdown and JSON: short, true, harmless."""

import json
from dataclasses import replace

import jsonschema
import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.drift import ChangeType, DriftType, Severity
from reconciler.core.history import DIGESTS, WHOLE, Event, EventType
from reconciler.core.notices import Episode, Notice, Standing, notice_of
from reconciler.core.resource import ResourceKey
from reconciler.render.json_schema import notice_schema
from reconciler.render.notice_documents import notice_document
from reconciler.render.notices import (
    changes_of,
    notice_markdown,
    notice_text,
    notice_title,
    pressing,
)
from tests.unit.render.cases import HOSTILE_TEXT, NEW_CONF, OLD_CONF

KEY = ResourceKey("apps", "Deployment", "shop", "web")
SEEN = Event("2026-11-24T12:00:00Z", "shop", EventType.SEEN, "d-1", KEY, "jane", reason="x")
EPISODE = Episode(
    target="shop",
    drift="d-1",
    first_seen="2026-11-24T12:00:00Z",
    key=KEY,
    type=DriftType.MODIFIED,
    severity=Severity.HIGH,
    note="look at this",
    actor="jane with kubectl-edit",
    revision="4f0c12a9d1b7e6c05f3a8d2b9c4e7f1a2b3c4d5e",
    before={"spec.replicas": 2, "data.conf": OLD_CONF, "spec.gone": ["a"]},
    after={"spec.replicas": 3, "data.conf": NEW_CONF, "spec.new": {"a": [1, 2]}},
    standing=Standing.ASKED,
    action="approve",
    reason="a person looks first",
    plan="p-35cdb6e3ef8aee1a",
    life=(SEEN,),
)


def notice(*episodes: Episode, **more: object) -> Notice:
    made = notice_of(episodes or (EPISODE,))
    return replace(made, **more)  # type: ignore[arg-type]


def many(count: int, **more: object) -> Notice:
    made = [
        replace(EPISODE, drift=f"d-{n}", key=KEY._replace(name=f"w{n}"), **more)  # type: ignore[arg-type]
        for n in range(count)
    ]
    return notice(*made)


def test_a_title_says_what_how_bad_and_whether_to_act() -> None:
    assert notice_title(notice()) == (
        "Deployment shop/web differs from Git (high): waits for a yes"
    )
    assert notice_title(notice(replace(EPISODE, standing=Standing.FOUND))) == (
        "Deployment shop/web differs from Git (high)"
    )
    assert notice_title(many(3)) == "3 objects of shop drifted (high): waits for a yes"
    assert notice_title(notice(reminder=2)).startswith("Reminder: Deployment")
    over = notice(replace(EPISODE, standing=Standing.GONE), reminder=2)
    assert notice_title(over) == "Deployment shop/web differs from Git (high): over"


@pytest.mark.parametrize("type_", DriftType)
def test_every_type_reads_as_a_sentence(type_: DriftType) -> None:
    title = notice_title(notice(replace(EPISODE, type=type_)))
    assert title.startswith("Deployment shop/web ")


@pytest.mark.parametrize("standing", Standing)
def test_every_standing_is_said(standing: Standing) -> None:
    made = notice(replace(EPISODE, standing=standing, plan=""))
    assert "a person looks first" in notice_text(made)
    assert "a person looks first" in notice_markdown(made)
    assert pressing(made) is standing


def test_what_asks_most_of_a_person_counts() -> None:
    others = [replace(EPISODE, drift=s.value, standing=s) for s in Standing]
    assert pressing(notice(*others)) is Standing.ASKED


def test_a_text_has_all_that_a_person_needs() -> None:
    text = notice_text(notice())
    assert text.splitlines()[:4] == [
        "Deployment shop/web differs from Git (high)",
        "Target shop, Git at 4f0c12a, since 2026-11-24 12:00 UTC",
        "By jane with kubectl-edit",
        "Note: look at this",
    ]
    assert "  ~ spec.replicas: 2 → 3" in text
    assert "Waits for a yes: a person looks first" in text
    assert "To restore: plumbline approve p-35cdb6e3ef8aee1a" in text
    assert "option_4 = 40" in text
    markdown = notice_markdown(notice())
    assert "`Deployment shop/web` **differs from Git** (high)" in markdown
    assert "by `jane with kubectl-edit`" in markdown
    assert "**Waits for a yes**: `a person looks first`" in markdown


def test_what_is_not_known_is_left_out() -> None:
    bare = replace(
        EPISODE,
        note="",
        actor="",
        revision="",
        before=None,
        after=None,
        reason="",
        plan="",
        first_seen="soon",
        standing=Standing.FOUND,
        action="restore",
    )
    assert notice_text(notice(bare)).splitlines() == [
        "Deployment shop/web differs from Git (high)",
        "Target shop, since soon",
        "To be restored",
    ]
    assert "**To be restored**" in notice_markdown(notice(bare))
    assert "Found" in notice_text(notice(replace(bare, action="")))


def test_several_plans_are_not_told_one_by_one() -> None:
    two = notice(EPISODE, replace(EPISODE, drift="d-2", plan="p-2"))
    assert "2 plans wait for a yes" in notice_text(two)


def test_what_is_too_much_is_counted() -> None:
    text = notice_text(many(40))
    assert len(text) <= 4000
    assert "more objects" in text
    fields = {f"spec.f{number}": number for number in range(30)}
    wide = replace(EPISODE, before=None, after=fields)
    assert "… and 18 more fields" in notice_text(notice(wide))
    small = notice_text(notice(wide), 370)
    assert "  30 fields" in small
    assert "spec.f0" not in small
    assert "more lines)" in notice_text(
        notice(replace(EPISODE, before=None, after={"data.conf": OLD_CONF}))
    )
    gone = replace(EPISODE, before={"data.conf": OLD_CONF}, after={})
    assert "option_1 = 1" in notice_text(notice(gone))


def test_a_limit_that_nothing_fits_is_kept_all_the_same() -> None:
    assert notice_text(notice(), 10) == "waits for…"
    assert notice_text(notice(replace(EPISODE, standing=Standing.FOUND)), 3) == "dr…"


def test_changes_are_seen_from_git_to_live_with_their_digests() -> None:
    masked = replace(
        EPISODE,
        before={"data.a": "***", "data.b": "***", DIGESTS: {"data.a": "1f07"}},
        after={"data.a": "***", WHOLE: {"kind": "Secret"}, DIGESTS: {"data.a": "437f"}},
    )
    found = dict(changes_of(masked))
    assert {path: change.change for path, change in found.items()} == {
        "data.a": ChangeType.CHANGED,
        "data.b": ChangeType.REMOVED,
        WHOLE: ChangeType.ADDED,
    }
    assert found["data.a"].masked is not None
    assert found["data.b"].masked is None
    text = notice_text(notice(masked))
    assert "1f07 → 437f" in text
    assert "the whole object" in text


@given(st.integers(2, 400), st.integers(1, 12))
def test_no_limit_is_ever_passed(limit: int, count: int) -> None:
    made = many(count, note=HOSTILE_TEXT, actor=HOSTILE_TEXT, reason=HOSTILE_TEXT)
    for write in (notice_title, notice_text, notice_markdown):
        assert len(write(made, limit)) <= limit


def test_nothing_foreign_is_more_than_text() -> None:
    hostile = replace(
        EPISODE,
        key=ResourceKey("", "ConfigMap", "shop", HOSTILE_TEXT),
        note=HOSTILE_TEXT,
        actor=HOSTILE_TEXT,
        reason=HOSTILE_TEXT,
        plan=HOSTILE_TEXT,
        revision=HOSTILE_TEXT,
        first_seen=HOSTILE_TEXT,
        before={HOSTILE_TEXT: HOSTILE_TEXT},
        after={HOSTILE_TEXT: {HOSTILE_TEXT: [HOSTILE_TEXT]}},
    )
    made = notice(hostile)
    for text in (notice_title(made), notice_text(made), notice_markdown(made)):
        assert "\x1b" not in text
        assert "\u202e" not in text
        assert "\r" not in text
    assert "\n<script" not in notice_markdown(made)


SCHEMA = notice_schema()


@pytest.mark.parametrize("values", [True, False])
def test_a_document_is_as_its_schema_says(*, values: bool) -> None:
    masked = replace(EPISODE, before=None, after={"a": "***", DIGESTS: {"a": "1f07"}})
    nowhere = replace(EPISODE, key=KEY._replace(namespace=""), note="", actor="", plan="")
    for made in (notice(), many(3), notice(masked), notice(nowhere)):
        document = notice_document(made, values=values)
        jsonschema.Draft202012Validator(SCHEMA).validate(document)
    text = json.dumps(notice_document(notice(), values=values))
    assert ("option_4 = 40" in text) is values


def test_a_document_of_too_much_says_what_is_missing() -> None:
    document = notice_document(many(5), most=2)
    assert (len(document["episodes"]), document["leftOut"]) == (2, 3)
    assert notice_document(many(5))["leftOut"] == 0

"""What every `ports.NoticeStore` does: the fake, and ours in both kinds of databases."""

from collections.abc import Iterator
from dataclasses import replace
from datetime import datetime
from pathlib import Path

import pytest

from reconciler.core.telling import Told
from reconciler.ports import NoticeStore
from tests.contract.conftest import opened_history
from tests.fakes.notices import FakeNoticeStore

TOLD = Told(
    "slack",
    "shop/d-1/2026-11-24T12:00:00Z",
    ("shop/d-1/2026-11-24T12:00:00Z", "shop/d-2/2026-11-24T12:00:00Z"),
    '{"channel": "C1", "ts": "1.2"}',
    "0123",
    datetime.fromisoformat("2026-11-24T12:00:00.123456+00:00"),
    is_over=True,
    reminder=2,
)


@pytest.fixture(params=["fake", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NoticeStore]:
    if request.param == "fake":
        yield FakeNoticeStore()
        return
    with opened_history(request, tmp_path) as history:
        other = history.notices("other")
        other.save(TOLD)
        other.set_until("slack", "2026-11-24T12:00:00Z")
        yield history.notices("shop")
        assert other.load("slack") == [TOLD]
        assert other.until("slack") == "2026-11-24T12:00:00Z"


def test_nothing_was_told_before_anything_was(store: NoticeStore) -> None:
    assert list(store.load("slack")) == []
    assert store.until("slack") == ""
    store.forget("slack", ["x"])


def test_what_is_told_now_takes_the_place_of_what_was(store: NoticeStore) -> None:
    other = replace(TOLD, subject="another", is_over=False, episodes=())
    for told in (replace(TOLD, shown=""), TOLD, other, replace(TOLD, notifier="mail")):
        store.save(told)
    assert sorted(store.load("slack"), key=lambda told: told.subject) == [other, TOLD]
    assert list(store.load("mail")) == [replace(TOLD, notifier="mail")]
    store.forget("slack", [TOLD.subject, "there is none"])
    assert list(store.load("slack")) == [other]
    assert len(store.load("mail")) == 1


def test_until_when_is_remembered_by_notifier(store: NoticeStore) -> None:
    store.set_until("slack", "2026-11-24T12:00:00Z")
    store.set_until("slack", "2026-11-24T13:00:00Z")
    store.set_until("mail", "2026-11-24T11:00:00Z")
    assert store.until("slack") == "2026-11-24T13:00:00Z"
    assert store.until("mail") == "2026-11-24T11:00:00Z"

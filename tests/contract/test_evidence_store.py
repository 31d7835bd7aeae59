"""What every `ports.EvidenceStore` does: the fake, and ours in both kinds of databases."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.core.evidence import AskedEvidence, Evidence
from reconciler.ports import EvidenceStore
from tests.contract.conftest import opened_history
from tests.fakes.evidence import FakeEvidenceStore

AT, LATER = "2026-11-24T12:00:05Z", "2026-11-24T12:01:05Z"
KEPT = Evidence("u1", "a" * 64, 1 << 33, LATER)


@pytest.fixture(params=["fake", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[EvidenceStore]:
    if request.param == "fake":
        yield FakeEvidenceStore()
        return
    with opened_history(request, tmp_path) as history:
        yield history.evidence()


def test_what_is_asked_for_is_wanted_until_its_own_agent_has_kept_it(store: EvidenceStore) -> None:
    assert (store.asked(["u1"]), list(store.wanted("n1"))) == ({}, [])
    store.ask({"u1": "n1", "u2": "n2", "u3": "n1"}, AT)
    store.ask({"u1": "n9"}, LATER)
    assert store.asked(["u1", "u9"]) == {"u1": AskedEvidence("n1", AT)}
    assert list(store.wanted("n1")) == ["u1", "u3"]

    stranger = Evidence("u9", "b" * 64, 1, LATER)
    store.keep("n2", [KEPT, stranger])
    assert store.asked(["u1", "u9"]) == {"u1": AskedEvidence("n1", AT)}
    store.keep("n1", [stranger, KEPT])
    assert store.asked(["u1", "u9"]) == {"u1": AskedEvidence("n1", AT, KEPT)}
    assert list(store.wanted("n1")) == ["u3"]
    assert list(store.wanted("n2")) == ["u2"]


def test_what_was_asked_for_long_ago_is_let_go(store: EvidenceStore) -> None:
    store.ask({"u1": "n1"}, AT)
    store.ask({"u2": "n1"}, LATER)
    store.ask({}, LATER)
    store.forget(LATER)
    assert list(store.wanted("n1")) == ["u2"]

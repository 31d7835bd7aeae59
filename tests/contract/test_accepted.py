"""What every `ports.AcceptedRevision` does: in a file, and in the history that replicas share."""

from collections.abc import Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.adapters.history.accepted import AcceptedFile, SharedAccepted
from reconciler.adapters.history.database import DatabaseHistory
from reconciler.core.errors import ConfigError
from reconciler.ports import AcceptedRevision

NOW = datetime(2026, 11, 24, 12, tzinfo=UTC)
FIRST, SECOND = "a" * 40, "b" * 64


@pytest.fixture(params=["file", "shared"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[AcceptedRevision]:
    if request.param == "file":
        yield AcceptedFile(tmp_path / "state" / "accepted")
        return
    with closing(DatabaseHistory.open(str(tmp_path / "history.db"), b"a key of ours")) as history:
        SharedAccepted(history.notices("other"), lambda: NOW).save("c" * 40)
        yield SharedAccepted(history.notices("shop"), lambda: NOW)


def test_the_last_one_counts(store: AcceptedRevision) -> None:
    assert store.load() == ""
    for revision in (FIRST, SECOND, FIRST):
        store.save(revision)
        assert store.load() == revision


def test_what_cannot_be_read_is_not_taken_for_nothing(tmp_path: Path) -> None:
    file = tmp_path / "accepted"
    file.write_bytes(b"\xff")
    with pytest.raises(ConfigError, match="it is damaged"):
        AcceptedFile(file).load()
    with pytest.raises(ConfigError, match="can't be read"):
        AcceptedFile(tmp_path).load()
    with pytest.raises(ConfigError, match="can't be written"):
        AcceptedFile(file / "below").save(FIRST)

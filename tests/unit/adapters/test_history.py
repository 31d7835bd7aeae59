from dataclasses import replace
from pathlib import Path
from typing import Any

import orjson
import pytest

from reconciler.adapters.files import read_json, write_private
from reconciler.adapters.history.answers import AnswerFile, HeldAnswers, NoAnswers
from reconciler.adapters.history.inventory import InventoryFile
from reconciler.adapters.history.key import installation_key
from reconciler.adapters.history.sightings import KnownSightings, SightingFile
from reconciler.core.errors import ConfigError
from reconciler.core.history import Event, EventType
from reconciler.core.inventory import Inventory
from reconciler.core.path import Item
from reconciler.core.resource import ResourceKey
from reconciler.ports import KeptAnswer
from tests.fakes.history import FakeHistory

WEB = ResourceKey("apps", "Deployment", "shop", "web")
NOON, LATER = "2026-11-24T12:00:00Z", "2026-11-24T13:00:00Z"
DB = ResourceKey("", "ConfigMap", "shop", "db")
ASKED = KeptAnswer(
    "q",
    "7",
    {"kind": "Deployment"},
    "d",
    (("spec", Item((("name", "web"), ("port", 80))), 3),),
    "a note",
    immutable=True,
)


@pytest.fixture
def unwritable(tmp_path: Path) -> Path:
    """A folder that can't be made: a file is in its way, for root too."""
    (tmp_path / "file").write_text("in the way")
    return tmp_path / "file" / "state.json"


def test_answers_come_back_as_they_were_kept(tmp_path: Path) -> None:
    store = AnswerFile(tmp_path / "deep" / "answers.json")
    assert store.load() == {}
    answers = {WEB: ASKED, DB: KeptAnswer("q2", "9")}
    store.save(answers)
    assert store.load() == answers
    answers = {
        WEB: replace(ASKED, content="c", earlier=("b", "a")),
        DB: KeptAnswer("q2", "9", content="c", earlier_body={"kind": "ConfigMap"}),
    }
    store.save(answers)
    assert store.load() == answers
    store.save({DB: KeptAnswer("q3")})
    assert store.load() == {DB: KeptAnswer("q3")}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"no JSON",
        b"[]",
        b"7",
        b'{"format": 0, "answers": []}',
        b'{"format": 1}',
        b'{"format": 1, "answers": 7}',
        b'{"format": 1, "answers": [[]]}',
        b'{"format": 1, "answers": [[["a"], "q", ""]]}',
        b'{"format": 1, "answers": [[["a", "b", "c", "d"], "q", "7", null]]}',
        b'{"format": 1, "answers": [[["a", "b", "c", "d"], "q", "7", {}, "d", 7, "", true]]}',
    ],
)
def test_damaged_answers_are_as_good_as_none(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "answers.json"
    path.write_bytes(content)
    assert AnswerFile(path).load() == {}


def test_answers_that_cannot_be_kept_cost_only_requests(unwritable: Path) -> None:
    store = AnswerFile(unwritable)
    store.save({WEB: ASKED})
    assert store.load() == {}


def test_of_many_answers_only_those_that_are_others_are_written_anew(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    store, same = AnswerFile(path), KeptAnswer("q2", "9")
    for web in (ASKED, replace(ASKED, note="another"), ASKED):
        store.save({WEB: web, DB: same})
        assert AnswerFile(path).load() == {WEB: web, DB: same}
    store.save({WEB: same, DB: ASKED})
    assert AnswerFile(path).load() == {WEB: same, DB: ASKED}


def test_held_answers_are_read_once_and_kept_all_the_same(tmp_path: Path) -> None:
    path = tmp_path / "answers.json"
    AnswerFile(path).save({WEB: ASKED})
    store = HeldAnswers(AnswerFile(path))
    assert store.load() == {WEB: ASKED}
    path.unlink()
    assert store.load() == {WEB: ASKED}
    store.save({DB: ASKED})
    assert store.load() == AnswerFile(path).load() == {DB: ASKED}


def test_nothing_is_kept_where_nothing_is_to_be_kept() -> None:
    store = NoAnswers()
    store.save({WEB: ASKED})
    assert store.load() == {}


def test_an_inventory_comes_back_as_it_was_kept(tmp_path: Path) -> None:
    store = InventoryFile(tmp_path / "inventory.json")
    assert store.load() == Inventory()
    store.save(Inventory(frozenset({WEB, DB})))
    assert store.load() == Inventory(frozenset({WEB, DB}))


@pytest.mark.parametrize("content", [b"", b"{", b"7", b'[["a"]]', b'[[["x"], "a", "b", "c"]]'])
def test_by_a_damaged_inventory_nothing_is_pruned(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "inventory.json"
    path.write_bytes(content)
    assert InventoryFile(path).load() == Inventory()


def test_an_inventory_that_cannot_be_kept_is_an_error_with_its_fix(unwritable: Path) -> None:
    with pytest.raises(ConfigError, match=r"can't be written.*\n.*--state-dir"):
        InventoryFile(unwritable).save(Inventory(frozenset({WEB})))


def test_a_drift_is_dated_from_its_first_sighting_until_it_is_gone(tmp_path: Path) -> None:
    path = tmp_path / "sightings.json"
    assert SightingFile(path).first_seen(["a"], "1") == {"a": "1"}
    assert SightingFile(path).first_seen(["a", "b"], "2") == {"a": "1", "b": "2"}
    assert SightingFile(path).first_seen(["b"], "3") == {"b": "2"}
    assert SightingFile(path).first_seen(["a", "b"], "4") == {"a": "4", "b": "2"}


@pytest.mark.parametrize("content", [b"", b"[]", b'{"a": null}'])
def test_damaged_sightings_begin_anew(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "sightings.json"
    path.write_bytes(content)
    assert SightingFile(path).first_seen(["a"], "1") == {"a": "1"}


def test_sightings_that_cannot_be_kept_cost_only_the_times(unwritable: Path) -> None:
    store = SightingFile(unwritable)
    assert store.first_seen(["a"], "1") == {"a": "1"}
    assert store.first_seen(["a"], "2") == {"a": "2"}


def test_sightings_that_did_not_change_are_not_written_again(tmp_path: Path) -> None:
    path = tmp_path / "sightings.json"
    SightingFile(path).first_seen(["a"], "1")
    before = path.stat().st_ino
    SightingFile(path).first_seen(["a"], "2")
    assert path.stat().st_ino == before


def test_an_installation_has_one_key(tmp_path: Path) -> None:
    path = tmp_path / "state" / "digest.key"
    key = installation_key(path)
    assert len(key) == 32
    assert installation_key(path) == key
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.parent.stat().st_mode & 0o777 == 0o700
    path.write_bytes(b"cut short")
    assert installation_key(path) not in (key, b"cut short")


def test_where_a_key_cannot_be_kept_each_run_has_its_own(unwritable: Path) -> None:
    assert installation_key(unwritable) != installation_key(unwritable)


def test_a_file_is_replaced_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "state.json"
    write_private(path, b'{"a": 1}')
    assert read_json(path) == {"a": 1}

    def broken(*_: Any) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(Path, "replace", broken)
    with pytest.raises(OSError, match="disk full"):
        write_private(path, orjson.dumps({"a": 2}))
    assert read_json(path) == {"a": 1}
    assert list(tmp_path.iterdir()) == [path]


def test_the_history_knows_since_when_a_drift_is_seen() -> None:
    history = FakeHistory()
    key = ResourceKey("", "ConfigMap", "shop", "one")
    history.append([Event(NOON, "shop", EventType.SEEN, "d-1", key)])
    seen = KnownSightings(history, "shop").first_seen(["d-1", "d-2"], LATER)
    assert seen == {"d-1": NOON, "d-2": LATER}
    assert KnownSightings(history, "other").first_seen(["d-1"], LATER) == {"d-1": LATER}
    assert len(history.events) == 1

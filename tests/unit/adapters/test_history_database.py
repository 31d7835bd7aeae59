"""The history in SQLite: what shows, what is refused, what is never lost."""

import sqlite3
import stat
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
import sqlalchemy
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy.exc import OperationalError

from reconciler.adapters.history import opening
from reconciler.adapters.history.database import DatabaseHistory
from reconciler.adapters.history.opening import NEWEST, database_url, foreign_errors, place_of
from reconciler.adapters.history.tables import METADATA
from reconciler.core.containers import ContainerLook, ContainerRef, NodeLook, NodeReport
from reconciler.core.errors import ConfigError, HistoryError
from reconciler.core.history import Event, EventType, HistoryQuery
from reconciler.core.resource import ResourceKey

WEB = ResourceKey("apps", "Deployment", "shop", "web")
KEY = b"the key of this installation"


def event(number: int, actor: str = "", reason: str = "") -> Event:
    time = f"2026-11-24T12:00:{number:02}Z"
    seen = EventType.SEEN
    return Event(time, "shop", seen, f"d-{number}", WEB, actor=actor, reason=reason)


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "state" / "history.db"


@pytest.fixture
def history(path: Path) -> Iterator[DatabaseHistory]:
    with closing(DatabaseHistory.open(str(path), KEY)) as opened:
        opened.append([event(number) for number in range(1, 6)])
        yield opened


def tamper(path: Path, *statements: str) -> None:
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()


def test_only_its_owner_can_read_it(path: Path, history: DatabaseHistory) -> None:
    files = list(path.parent.iterdir())
    assert {file.name for file in files} >= {"history.db", "history.db-wal"}
    assert {stat.S_IMODE(file.stat().st_mode) for file in files} == {0o600}
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700


def test_a_file_that_others_can_read_is_closed_to_them(path: Path) -> None:
    path.parent.mkdir()
    path.touch(0o644)
    DatabaseHistory.open(str(path)).close()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("statements", "broken_at", "problem"),
    [
        (["UPDATE events SET actor = 'nobody' WHERE number = 3"], 3, "isn't as it was written"),
        (["UPDATE events SET actor = x'00ff' WHERE number = 3"], 3, "isn't as it was written"),
        (["UPDATE events SET hash = 'é' WHERE number = 3"], 3, "isn't as it was written"),
        (["DELETE FROM events WHERE number = 3"], 3, "event 3 is missing"),
        (["DELETE FROM events WHERE number = 1"], 1, "event 1 is missing"),
        (["DELETE FROM events WHERE number = 5"], 5, "missing at the end: every event from 5 to 5"),
        (["DELETE FROM events WHERE number > 3"], 4, "missing at the end: every event from 4 to 5"),
        (["DELETE FROM events"], 1, "every event from 1 to 5"),
        (
            ["UPDATE events SET number = 9 WHERE number = 3",
             "UPDATE events SET number = 3 WHERE number = 4",
             "UPDATE events SET number = 4 WHERE number = 9"],
            3,
            "isn't as it was written",
        ),
        (["DELETE FROM ends WHERE end = 'head'"], 0, "its head record is missing"),
        (["DELETE FROM ends"], 0, "its head record is missing"),
        (["DELETE FROM ends WHERE end = 'base'"], 0, "its base record is missing"),
        (["UPDATE ends SET number = 4 WHERE end = 'head'"], 0, "its head record"),
        (["UPDATE ends SET number = 2 WHERE end = 'base'", "DELETE FROM events WHERE number < 3"],
         0, "its base record"),
        # The head is put back to an event that it once told of, without the seal of then.
        (["DELETE FROM events WHERE number = 5",
          "UPDATE ends SET number = 4 WHERE end = 'head'",
          "UPDATE ends SET hash = (SELECT hash FROM events WHERE number = 4) WHERE end = 'head'"],
         0, "its head record"),
    ],
)  # fmt: skip
def test_what_was_changed_shows(
    path: Path, history: DatabaseHistory, statements: list[str], broken_at: int, problem: str
) -> None:
    assert history.verify().sound
    tamper(path, *statements)
    found = history.verify()
    assert not found.sound
    assert found.broken_at == broken_at
    assert problem in found.problem


def test_events_behind_the_head_show(path: Path, history: DatabaseHistory) -> None:
    tamper(path, "CREATE TABLE kept AS SELECT * FROM ends")
    history.append([event(6)])
    # The database's owner has put the head back that was there before, seal and all.
    tamper(path, "DELETE FROM ends", "INSERT INTO ends SELECT * FROM kept")
    found = history.verify()
    assert (found.broken_at, found.problem) == (6, "event 6 was added behind the end")


def test_another_last_event_than_the_heads_shows(path: Path) -> None:
    with closing(DatabaseHistory.open(str(path))) as history:
        history.append([event(1)])
        tamper(path, "CREATE TABLE kept AS SELECT * FROM events", "DELETE FROM events",
               "CREATE TABLE ends_kept AS SELECT * FROM ends",
               "UPDATE ends SET number = 0, hash = (SELECT hash FROM ends WHERE end = 'base'), "
               "seal = 'x' WHERE end = 'head'")  # fmt: skip
        # Without a key everybody can compute a chain that fits; not with the head that was kept.
        seal = history._chain.seal("head", 0, "0" * 64)
        tamper(path, f"UPDATE ends SET seal = '{seal}' WHERE end = 'head'")  # noqa: S608
        history.append([event(2)])
        tamper(path, "DELETE FROM ends", "INSERT INTO ends SELECT * FROM ends_kept")
        found = history.verify()
    assert found.broken_at == 1
    assert "isn't the one that the head record tells of" in found.problem


def test_another_key_does_not_fit_and_adds_nothing(path: Path, history: DatabaseHistory) -> None:
    with closing(DatabaseHistory.open(str(path), b"another key")) as other:
        assert not other.verify().sound
        with pytest.raises(HistoryError, match="with another key"):
            other.append([event(6)])
        assert len(other.find(HistoryQuery())) == 5
    assert history.verify().sound


@pytest.mark.parametrize(
    "statement",
    ["DELETE FROM ends", "UPDATE ends SET number = 4 WHERE end = 'head'"],
)
def test_nothing_is_added_to_an_end_that_was_changed(
    path: Path, history: DatabaseHistory, statement: str
) -> None:
    tamper(path, statement)
    with pytest.raises(HistoryError, match="nothing was written"):
        history.append([event(6)])
    # Nor is a new end made of it by opening it again.
    with (
        closing(DatabaseHistory.open(str(path), KEY)) as again,
        pytest.raises(HistoryError, match="nothing was written"),
    ):
        again.append([event(6)])
    assert len(history.find(HistoryQuery())) == 5


@pytest.mark.parametrize(
    ("statement", "message"),
    [
        ("UPDATE events SET actor = 'nobody' WHERE number = 2", "event 2 isn't as it was written"),
        ("DELETE FROM events WHERE number IN (2, 3)", "event 2 is missing"),
        ("DELETE FROM events WHERE number = 3", "event 3 is missing"),
    ],
)
def test_nothing_is_let_go_that_was_changed(
    path: Path, history: DatabaseHistory, statement: str, message: str
) -> None:
    tamper(path, statement)
    with pytest.raises(HistoryError, match=message):
        history.forget("2026-11-24T12:00:04Z")
    assert history.verify().broken_at in (2, 3)


def test_a_row_that_this_program_did_not_write_is_an_error(
    path: Path, history: DatabaseHistory
) -> None:
    tamper(path, "UPDATE events SET type = 'invented' WHERE number = 2")
    with pytest.raises(HistoryError, match="a row that this program didn't write"):
        history.find(HistoryQuery())
    tamper(path, "UPDATE drifts SET live = '7'")
    with pytest.raises(HistoryError, match="a row that this program didn't write"):
        history.known("shop")


def test_a_full_disk_is_one_clear_error_and_nothing_is_lost(
    path: Path, history: DatabaseHistory
) -> None:
    def limited(connection: sqlite3.Connection, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 40")

    sqlalchemy.event.listen(history._engine, "connect", limited)
    history._engine.dispose()
    big = [event(number, reason="x" * 4000) for number in range(10, 60)]
    with pytest.raises(HistoryError, match="disk is full") as raised:
        history.append(big)
    assert "make room" in raised.value.fix
    assert "xxx" not in str(raised.value)
    sqlalchemy.event.remove(history._engine, "connect", limited)
    history._engine.dispose()
    assert len(history.find(HistoryQuery())) == 5
    assert set(history.known("shop")) == {f"d-{number}" for number in range(1, 6)}
    history.append(big)
    assert history.verify().checked == 55


def test_several_threads_and_openers_write_one_chain(path: Path) -> None:
    def write(writer: int) -> None:
        with closing(DatabaseHistory.open(str(path), KEY)) as mine:
            for number in range(20):
                mine.append([event(number, actor=f"writer {writer}")])

    threads = [threading.Thread(target=write, args=(writer,)) for writer in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    with closing(DatabaseHistory.open(str(path), KEY)) as history:
        found = history.verify()
        assert (found.sound, found.checked) == (True, 80)
        assert len(history.find(HistoryQuery(actor="writer 2"))) == 20


def test_a_file_that_another_holds_is_a_clear_error(
    path: Path, history: DatabaseHistory, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "_PATIENCE", 0)
    with (
        history._writing(),
        pytest.raises(HistoryError, match="database is locked") as raised,
    ):
        DatabaseHistory.open(str(path), KEY)
    assert "which other process" in raised.value.fix


def test_what_is_no_history_is_an_error(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("these are notes of somebody's\n" * 100)
    with pytest.raises(HistoryError, match="not a database") as raised:
        DatabaseHistory.open(str(path))
    assert "keep the file" in raised.value.fix
    assert path.read_text().startswith("these are notes")


def test_a_folder_that_cannot_be_made_is_an_error(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(HistoryError, match="can't be written"):
        DatabaseHistory.open(str(tmp_path / "file" / "history.db"))


def test_a_history_that_is_not_there_is_only_made_where_it_may_be(path: Path) -> None:
    with pytest.raises(HistoryError, match="there is no history in"):
        DatabaseHistory.open(str(path), create=False)
    assert not path.parent.exists()
    path.parent.mkdir()
    path.touch()
    with pytest.raises(HistoryError, match="there is no history in"):
        DatabaseHistory.open(str(path), create=False)
    DatabaseHistory.open(str(path)).close()
    DatabaseHistory.open(str(path), create=False).close()


def test_a_reader_leaves_another_versions_tables_alone(path: Path) -> None:
    DatabaseHistory.open(str(path)).close()
    tamper(path, "UPDATE alembic_version SET version_num = '0000'")
    with pytest.raises(HistoryError, match="another version of Plumbline"):
        DatabaseHistory.open(str(path), create=False)


def test_the_tables_can_be_taken_away_again(path: Path) -> None:
    engine = opening.open_engine(database_url(str(path)))
    with opening.writing(engine) as connection:
        opening.migrate(connection)
        config = Config(attributes={"connection": connection})
        config.set_main_option("script_location", str(opening._MIGRATIONS))
        config.set_main_option("path_separator", "os")
        command.downgrade(config, "base")
        assert sqlalchemy.inspect(connection).get_table_names() == ["alembic_version"]
    engine.dispose()


def test_a_missing_driver_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "psycopg", None)
    with pytest.raises(ConfigError, match="the driver for PostgreSQL isn't installed") as raised:
        DatabaseHistory.open("postgresql://db/x")
    assert "plumbline[postgres]" in raised.value.fix


def test_a_history_of_a_newer_program_is_left_alone(path: Path) -> None:
    DatabaseHistory.open(str(path)).close()
    tamper(path, "UPDATE alembic_version SET version_num = '9999'")
    before = path.read_bytes()
    with pytest.raises(HistoryError, match="newer version"):
        DatabaseHistory.open(str(path))
    assert path.read_bytes() == before


def test_the_folder_of_the_program_may_have_any_name(
    path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    odd = tmp_path / "100% of it"
    odd.symlink_to(opening._MIGRATIONS, target_is_directory=True)
    monkeypatch.setattr(opening, "_MIGRATIONS", odd)
    with closing(DatabaseHistory.open(str(path))) as history:
        assert history.verify().sound


def test_the_migrations_make_the_tables_that_the_program_uses(
    path: Path, history: DatabaseHistory
) -> None:
    engine = sqlalchemy.create_engine(f"sqlite:///{path}")
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        assert compare_metadata(context, METADATA) == []
        assert context.get_current_revision() == NEWEST
    engine.dispose()
    config = Config()
    config.set_main_option("script_location", str(opening._MIGRATIONS))
    config.set_main_option("path_separator", "os")
    assert ScriptDirectory.from_config(config).get_heads() == [NEWEST]


@pytest.mark.parametrize(
    ("database", "url"),
    [
        ("/var/lib/history.db", "sqlite:////var/lib/history.db"),
        ("with space?.db", "sqlite:///with space%3F.db"),
        ("sqlite:////var/lib/history.db", "sqlite:////var/lib/history.db"),
        ("postgres://u:p@db/x", "postgresql+psycopg://u:p@db/x"),
        ("postgresql://u:p@db/x?sslmode=require", "postgresql+psycopg://u:p@db/x?sslmode=require"),
    ],
)
def test_a_database_is_named_by_url_or_path(database: str, url: str) -> None:
    assert database_url(database).render_as_string(hide_password=False) == url


@pytest.mark.parametrize(
    "database",
    ["mysql://root:hunter2@db/x", "sqlite://", "sqlite:///x?mode=ro", "nonsense://[hunter2",
     "postgresql://u:hunter2@db:port/x"],
)  # fmt: skip
def test_what_names_no_database_is_refused_without_its_password(database: str) -> None:
    with pytest.raises(ConfigError) as raised:
        database_url(database)
    assert "hunter2" not in str(raised.value)


@pytest.mark.parametrize(
    ("database", "place"),
    [
        ("postgresql://u:hunter2@db:5433/x?password=hunter2", "postgresql://db:5433/x"),
        ("postgresql:///x", "postgresql://localhost/x"),
        ("/var/lib/history.db", "/var/lib/history.db"),
    ],
)
def test_a_place_is_named_without_user_and_password(database: str, place: str) -> None:
    assert place_of(database_url(database)) == place


@pytest.mark.parametrize(
    ("cause", "fix"),
    [
        ("could not extend file: No space left on device", "make room"),
        ("database is locked", "which other process"),
        ("canceling statement due to lock timeout", "which other process"),
        ("database disk image is malformed", "keep the file"),
        ("connection refused, hunter2", "lets this user in"),
    ],
)
def test_each_fault_has_its_fix_and_no_password(cause: str, fix: str) -> None:
    def fail() -> None:
        raise OperationalError("INSERT", {"actor": "jane"}, Exception(f"{cause}\nDETAIL: jane"))

    with pytest.raises(HistoryError) as raised:
        _under(fail)
    assert fix in raised.value.fix
    assert "hunter2" not in str(raised.value)
    assert "jane" not in str(raised.value)


def _under(fail: Callable[[], None]) -> None:
    with foreign_errors(database_url("postgresql://u:hunter2@db/x")):
        fail()


def test_a_look_that_cannot_be_read_is_unknown(tmp_path: Path) -> None:
    look = ContainerLook(ContainerRef("shop", "web", "u", "app", "c1", node="vm"))
    said = NodeReport(NodeLook("vm", "2026-11-24T12:00:00Z", (look,)), "2026-11-24T12:00:05Z")
    with closing(DatabaseHistory.open(str(tmp_path / "history.db"), KEY)) as history:
        history.nodes().save(said)
        with sqlite3.connect(tmp_path / "history.db") as database:
            database.execute("UPDATE node_containers SET look = '{}', digest = 'x'")
        database.close()
        [report] = history.nodes().latest()
        [unread] = report.look.looks
        assert unread.container == ContainerRef("", "", "", "", "c1", node="vm")
        assert unread.unknown == (
            "what its agent said can't be read: look.container: it is missing",
        )

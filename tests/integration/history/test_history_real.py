"""A history on a real PostgreSQL and on a real disk: several writers, crashes, faults."""

import os
import resource
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import psycopg
import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext

from reconciler.adapters.history import opening
from reconciler.adapters.history.database import DatabaseHistory
from reconciler.adapters.history.opening import database_url
from reconciler.adapters.history.tables import METADATA
from reconciler.core.errors import HistoryError
from reconciler.core.history import Event, EventType, HistoryQuery
from reconciler.core.resource import ResourceKey
from tests.tools.postgres import PostgresServer

WEB = ResourceKey("apps", "Deployment", "shop", "web")
KEY = b"the key of this installation"

#: Appends three events at a time, for ever or so often, and says each time that it did.
WRITER = """
import sys
from reconciler.adapters.history.database import DatabaseHistory
from reconciler.core.history import Event, EventType
from reconciler.core.resource import ResourceKey
web = ResourceKey("apps", "Deployment", "shop", "web")
history = DatabaseHistory.open(sys.argv[1], b"the key of this installation")
for number in range(int(sys.argv[3])):
    seen = EventType.SEEN
    drifts = [f"d-{sys.argv[2]}-{number}-{each}" for each in range(3)]
    events = [Event("2026-11-24T12:00:00Z", "shop", seen, drift, web, reason="x" * 500)
              for drift in drifts]
    history.append(events)
    print(number, flush=True)
"""


@pytest.fixture(scope="module")
def postgres() -> Iterator[PostgresServer]:
    with PostgresServer() as server:
        yield server


@pytest.fixture(params=["sqlite", "postgres"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return str(tmp_path / "history.db")
    url: str = request.getfixturevalue("postgres").database()
    return url


def event(number: int) -> Event:
    return Event(f"2026-11-24T12:00:{number:02}Z", "shop", EventType.SEEN, f"d-{number}", WEB)


def writer(database: str, name: str, count: int) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", WRITER, database, name, str(count)]
    return subprocess.Popen(command, stdout=subprocess.PIPE, text=True)


def written(process: subprocess.Popen[str]) -> int:
    assert process.stdout is not None
    with process.stdout:
        return len(process.stdout.read().split())


def test_several_processes_begin_and_write_one_chain(database: str) -> None:
    writers = [writer(database, str(number), 10) for number in range(3)]
    counts = [written(each) for each in writers]
    assert [each.wait(60) for each in writers] == [0] * 3
    assert counts == [10] * 3
    with closing(DatabaseHistory.open(database, KEY)) as history:
        found = history.verify()
        assert (found.sound, found.checked) == (True, 3 * 10 * 3)
        assert len(history.known("shop")) == 3 * 10 * 3
        events = history.find(HistoryQuery())
    # What was added at once stands together.
    assert all(
        len({each.drift.rpartition("-")[0] for each in events[start : start + 3]}) == 1
        for start in range(0, len(events), 3)
    )


@pytest.mark.parametrize("after", [1, 7, 20])
def test_a_killed_writer_loses_nothing_that_it_had_written(database: str, after: int) -> None:
    process = writer(database, "killed", 1_000_000)
    assert process.stdout is not None
    for _ in range(after):
        process.stdout.readline()
    # Somewhere in the next append.
    time.sleep(after / 1000)
    process.kill()
    said = after + written(process)
    assert process.wait(10) == -signal.SIGKILL
    with closing(DatabaseHistory.open(database, KEY)) as history:
        found = history.verify()
        assert found.sound, found.problem
        # All of an append or nothing of it, and perhaps one more than was said.
        assert found.checked % 3 == 0
        assert said <= found.checked // 3 <= said + 1
        assert len(history.known("shop")) == found.checked
        history.append([event(1)])
        assert history.verify().sound


def test_a_disk_that_takes_no_more_loses_nothing(tmp_path: Path) -> None:
    path = tmp_path / "history.db"
    with closing(DatabaseHistory.open(str(path), KEY)) as history:
        history.append([event(1), event(2)])
    program = (
        "import sys\n"
        "from reconciler.core.errors import HistoryError\n"
        f"sys.argv = ['writer', {str(path)!r}, 'full', '100000']\n"
        f"try:\n    exec({WRITER!r})\n"
        "except HistoryError as error:\n    print('refused', error.message)\n"
    )

    def limit() -> None:
        # Python ignores SIGXFSZ: writing beyond this fails.
        resource.setrlimit(resource.RLIMIT_FSIZE, (300_000, resource.RLIM_INFINITY))

    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
        preexec_fn=limit,
    )
    *numbers, last = done.stdout.splitlines()
    assert last.startswith("refused the history in")
    with closing(DatabaseHistory.open(str(path), KEY)) as history:
        found = history.verify()
        assert found.sound, found.problem
        assert found.checked == 2 + 3 * len(numbers)
        history.append([event(3)])


def test_a_server_that_goes_away_and_comes_back_loses_nothing(postgres: PostgresServer) -> None:
    with closing(DatabaseHistory.open(postgres.database(), KEY)) as history:
        history.append([event(1)])
        postgres.stop()
        try:
            with pytest.raises(HistoryError) as raised:
                history.append([event(2)])
            assert "s3cret" not in str(raised.value)
            assert "127.0.0.1" in raised.value.message
            with pytest.raises(HistoryError):
                history.find(HistoryQuery())
        finally:
            postgres.start()
        history.append([event(2)])
        assert history.verify().checked == 2


def test_connections_that_are_cut_are_made_anew(postgres: PostgresServer) -> None:
    url = postgres.database()
    with closing(DatabaseHistory.open(url, KEY)) as history:
        history.append([event(1)])
        with psycopg.connect(postgres.url("postgres"), autocommit=True) as connection:
            name = database_url(url).database
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s", [name]
            )
        history.append([event(2)])
        assert history.verify().checked == 2


def test_a_wrong_password_or_database_is_a_clear_error(postgres: PostgresServer) -> None:
    good = sqlalchemy.make_url(postgres.url("postgres"))
    for bad in (good.set(password="hunter2"), good.set(database="nowhere")):
        with pytest.raises(HistoryError) as raised:
            DatabaseHistory.open(bad.render_as_string(hide_password=False))
        assert "hunter2" not in str(raised.value)
        assert str(good.password) not in str(raised.value)


def test_a_reader_does_not_begin_a_history(postgres: PostgresServer) -> None:
    url = postgres.database()
    with pytest.raises(HistoryError, match="there is no history"):
        DatabaseHistory.open(url, b"another key", create=False)
    with closing(DatabaseHistory.open(url, KEY)) as history:
        history.append([event(1)])
    with closing(DatabaseHistory.open(url, KEY, create=False)) as reader:
        assert reader.verify().checked == 1


def test_a_writer_that_stands_still_holds_others_up_only_so_long(
    postgres: PostgresServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = postgres.database()
    with (
        closing(DatabaseHistory.open(url, KEY)) as history,
        closing(DatabaseHistory.open(url, KEY)) as other,
    ):
        monkeypatch.setattr(opening, "_PATIENCE", 1)
        with history._writing(), pytest.raises(HistoryError, match="lock timeout") as raised:
            other.append([event(1)])
        assert "which other process" in raised.value.fix
        other.append([event(1)])
        assert other.verify().checked == 1


def test_what_was_changed_on_the_server_shows(postgres: PostgresServer) -> None:
    url = postgres.database()
    with closing(DatabaseHistory.open(url, KEY)) as history:
        history.append([event(number) for number in range(1, 6)])
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("UPDATE events SET actor = 'nobody' WHERE number = 4")
        assert history.verify().broken_at == 4
        with psycopg.connect(url, autocommit=True) as connection:
            connection.execute("UPDATE events SET actor = '' WHERE number = 4")
            connection.execute("DELETE FROM events WHERE number = 5")
        found = history.verify()
        assert (found.broken_at, found.checked) == (5, 4)


def test_the_migrations_make_the_tables_that_the_program_uses(postgres: PostgresServer) -> None:
    url = postgres.database()
    DatabaseHistory.open(url).close()
    engine = sqlalchemy.create_engine(database_url(url))
    with engine.connect() as connection:
        assert compare_metadata(MigrationContext.configure(connection), METADATA) == []
    engine.dispose()


def test_a_verification_sees_one_state_while_others_write(database: str) -> None:
    process = writer(database, "busy", 1_000_000)
    assert process.stdout is not None
    process.stdout.readline()
    try:
        with closing(DatabaseHistory.open(database, KEY)) as history:
            counts: list[int] = []
            deadline = time.monotonic() + 90
            while len(counts) < 5 or counts[-1] == counts[0]:
                assert time.monotonic() < deadline, "the writer writes nothing"
                found = history.verify()
                assert found.sound, found.problem
                counts.append(found.checked)
    finally:
        os.kill(process.pid, signal.SIGKILL)
        written(process)
        process.wait(10)
    assert counts == sorted(counts)
    assert counts[-1] > counts[0]

"""Opens the history's database: SQLite in a file of its own, or PostgreSQL by its URL."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from sqlalchemy import Connection, Engine, create_engine, event, inspect, text
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError, SQLAlchemyError

from reconciler.core.errors import ConfigError, HistoryError

_MIGRATIONS = Path(__file__).parent / "migrations"

#: The newest migration; where a database is at it, Alembic isn't imported.
NEWEST: Final = "0003"

#: How many seconds a writer waits for another one.
_PATIENCE = 30

#: Of PostgreSQL's advisory locks (one space of 64-bit numbers a database): "plumblin" in ASCII.
_LOCK: Final = int.from_bytes(b"plumblin")

#: Marks the engine whose transactions write.
_WRITES = "plumbline_writes"


def database_url(database: str) -> URL:
    """Reads what names a database: a PostgreSQL URL, or an SQLite URL or path.

    Raises:
        ConfigError: It is neither.
    """
    if "://" not in database:
        return URL.create("sqlite", database=database)
    fix = "write postgresql://USER@HOST/DATABASE, or a file's path for SQLite"
    try:
        url = make_url(database)
    except (ArgumentError, ValueError):
        # Not quoted: it may hold a password.
        raise ConfigError("the history's database URL can't be read", fix=fix) from None
    system = url.drivername.partition("+")[0]
    if system in ("postgresql", "postgres"):
        return url.set(drivername="postgresql+psycopg")
    if system == "sqlite" and url.database and not url.query:
        return URL.create("sqlite", database=url.database)
    raise ConfigError(f"the history can't be kept in {system}", fix=fix)


def place_of(url: URL) -> str:
    """Names a database to people, without user and password."""
    if url.get_backend_name() == "sqlite":
        return str(url.database)
    port = f":{url.port}" if url.port else ""
    return f"{url.get_backend_name()}://{url.host or 'localhost'}{port}/{url.database or ''}"


def open_engine(url: URL) -> Engine:
    """Makes the engine; an SQLite file is made where there is none. Connects to nothing yet.

    Raises:
        ConfigError: The driver isn't installed.
        HistoryError: The file can't be made.
    """
    if url.get_backend_name() == "sqlite":
        _make_file(Path(str(url.database)))
        engine = create_engine(url, hide_parameters=True, connect_args={"timeout": _PATIENCE})
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine
    try:
        return create_engine(
            url,
            hide_parameters=True,
            pool_pre_ping=True,
            # A prepared statement lives in one session, which a pooler such as PgBouncer shares.
            connect_args={"connect_timeout": 10, "prepare_threshold": None},
        )
    except (ImportError, NoSuchModuleError) as error:
        raise ConfigError(
            "the driver for PostgreSQL isn't installed", fix="pip install 'plumbline[postgres]'"
        ) from error


def _make_file(path: Path) -> None:
    try:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        # SQLite gives its write-ahead log the permissions of the file itself.
        os.close(os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600))
        if path.stat().st_mode & 0o077:
            path.chmod(0o600)
    except OSError as error:
        raise HistoryError(
            f"the history {path} can't be written: {error.strerror}",
            fix="name a folder that can be, with --state-dir or PLUMBLINE_STATE_DIR",
        ) from error


def _prepare_sqlite(connection: Any, _record: object) -> None:
    # The driver would begin transactions by itself, and too late: see `_begin_sqlite`.
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    # In WAL mode NORMAL, the usual choice, may lose the last events when the power fails.
    connection.execute("PRAGMA synchronous = FULL")


def _begin_sqlite(connection: Connection) -> None:
    writes = connection.get_execution_options().get(_WRITES)
    # A transaction that reads before it writes must have the lock when it reads.
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writes else "BEGIN")


@contextmanager
def writing(engine: Engine) -> Iterator[Connection]:
    """Gives a transaction that is the only writer; leaving it commits."""
    with engine.execution_options(**{_WRITES: True}).begin() as connection:
        if connection.dialect.name == "postgresql":
            # A writer that stands still, or whose machine does, holds up others only so long.
            connection.execute(text(f"SET LOCAL lock_timeout = '{_PATIENCE}s'"))
            connection.execute(
                text(f"SET LOCAL idle_in_transaction_session_timeout = '{2 * _PATIENCE}s'")
            )
            connection.execute(text("SELECT pg_advisory_xact_lock(:lock)"), {"lock": _LOCK})
        yield connection


@contextmanager
def reading(engine: Engine) -> Iterator[Connection]:
    """Gives a transaction that sees one state of the database, whoever writes meanwhile."""
    options = {} if engine.dialect.name == "sqlite" else {"isolation_level": "REPEATABLE READ"}
    with engine.execution_options(**options).begin() as connection:
        yield connection


def migrate(connection: Connection) -> None:
    """Brings the tables to their newest form, in the transaction that is given.

    Raises:
        HistoryError: They are of a newer program.
    """
    if _version(connection) == NEWEST:
        return
    # Late: a history that is up to date doesn't need it.
    from alembic import command
    from alembic.config import Config
    from alembic.util.exc import CommandError

    config = Config(attributes={"connection": connection})
    # A percent sign would begin an interpolation.
    config.set_main_option("script_location", str(_MIGRATIONS).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise HistoryError(
            "the history was written by a newer version of Plumbline",
            fix="upgrade this one, or name another history",
        ) from error


def require_newest(connection: Connection, url: URL) -> None:
    """Makes sure that the tables are there, in their newest form; changes nothing.

    Raises:
        HistoryError: They aren't.
    """
    version = _version(connection)
    if version is None:
        raise no_history(url)
    if version != NEWEST:
        raise HistoryError(
            f"the history in {place_of(url)} was written by another version of Plumbline",
            fix="read it with the version that runs there",
        )


def no_history(url: URL) -> HistoryError:
    """Says that nothing was begun there."""
    return HistoryError(
        f"there is no history in {place_of(url)} yet",
        fix="`plumbline run` begins one; or name another with --config or --state-dir",
    )


def _version(connection: Connection) -> str | None:
    """Gives the migration that the tables are at, or None where there are no tables."""
    if not inspect(connection).has_table("alembic_version"):
        return None
    version: str | None = connection.scalar(text("SELECT version_num FROM alembic_version"))
    return version


@contextmanager
def foreign_errors(url: URL) -> Iterator[None]:
    """Turns a database's errors into ours.

    Raises:
        HistoryError: The database is away, full, damaged, or held by another one for too long.
    """
    try:
        yield
    except SQLAlchemyError as error:
        orig = error.orig if isinstance(error, DBAPIError) else None
        cause = _cause(orig or error, url)
        raise HistoryError(
            f"the history in {place_of(url)} can't be read or written: {cause}", fix=_fix(cause)
        ) from None
    except ValueError as error:
        raise HistoryError(
            f"the history in {place_of(url)} holds a row that this program didn't write",
            fix="`plumbline history verify` says which",
        ) from error


def _cause(error: BaseException, url: URL) -> str:
    # The first line: what follows quotes values of rows.
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return lines[0].replace(url.password, "***") if url.password else lines[0]


def _fix(cause: str) -> str:
    if "disk is full" in cause or "No space left" in cause:
        fix = "make room on its disk"
    elif "locked" in cause or "lock timeout" in cause:
        fix = "see which other process holds it"
    elif "malformed" in cause or "not a database" in cause:
        return "keep the file, put a backup in its place, or let a new one be made"
    else:
        fix = "see that the database is there and lets this user in"
    return f"{fix}; what was written before is not lost"

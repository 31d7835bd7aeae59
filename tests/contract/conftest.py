"""The databases in which what is remembered is kept: both kinds, one server for all of a worker."""

from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import pytest

from reconciler.adapters.history.database import DatabaseHistory
from tests.tools.postgres import PostgresServer


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """A real PostgreSQL."""
    with PostgresServer() as server:
        yield server


@contextmanager
def opened_history(request: pytest.FixtureRequest, folder: Path) -> Iterator[DatabaseHistory]:
    """Opens a new database of the kind that a fixture's parameter names: sqlite or postgres."""
    if request.param == "sqlite":
        database = str(folder / "history.db")
    else:
        database = request.getfixturevalue("postgres").database()
    with closing(DatabaseHistory.open(database, b"a key of these tests' own")) as history:
        yield history

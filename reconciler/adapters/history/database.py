"""The history in a database: appended to, chained by hashes, verified."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Self

from sqlalchemy import Connection, Select, delete, func, insert, select, update
from sqlalchemy.engine import URL

from reconciler.adapters.history.chain import GENESIS, Chain, Walk
from reconciler.adapters.history.nodes import NodeTable
from reconciler.adapters.history.notices import NoticeTable
from reconciler.adapters.history.opening import (
    database_url,
    foreign_errors,
    migrate,
    no_history,
    open_engine,
    place_of,
    reading,
    require_newest,
    writing,
)
from reconciler.adapters.history.queries import selected_events
from reconciler.adapters.history.records import (
    column_text,
    drift_of,
    drift_row,
    event_of,
    event_row,
)
from reconciler.adapters.history.shared_inventory import SharedInventory
from reconciler.adapters.history.tables import DRIFTS, ENDS, EVENTS
from reconciler.core.errors import HistoryError
from reconciler.core.history import Event, HistoryQuery, KnownDrift, Verification, remembered

#: How many rows are fetched at once.
_BATCH = 500


class DatabaseHistory:
    """See `ports.History`. Several processes may use one database at the same time."""

    def __init__(self, url: URL, key: bytes) -> None:
        """See `open`."""
        self._url = url
        self._chain = Chain(key)
        self._engine = open_engine(url)
        self._nodes = NodeTable(url, self._engine)

    @classmethod
    def open(cls, database: str, key: bytes = b"", *, create: bool = True) -> Self:
        """Opens a history.

        Args:
            database: A PostgreSQL URL, or an SQLite URL or path.
            key: The secret key of the chain, the same for all that write to this history.
            create: Whether to begin one where there is none, and to bring its tables to their
                newest form. Who only reads must not: older writers couldn't go on, and a history
                that is begun with another key than theirs would refuse them.

        Raises:
            ConfigError: This names no database that a history can be kept in.
            HistoryError: It can't be reached, or isn't one of this program's.
        """
        url = database_url(database)
        is_file = url.get_backend_name() == "sqlite"
        if is_file and not create and not Path(str(url.database)).exists():
            raise no_history(url)
        history = cls(url, key)
        try:
            if create:
                with history._writing() as connection:
                    migrate(connection)
                    history._begin(connection)
            else:
                with history._reading() as connection:
                    require_newest(connection, url)
        except BaseException:
            history.close()
            raise
        return history

    def close(self) -> None:
        """Closes all connections."""
        self._engine.dispose()

    def inventory(self, target: str) -> SharedInventory:
        """Gives what is kept beside the events: what a target has declared."""
        return SharedInventory(self._url, self._engine, target)

    def notices(self, target: str) -> NoticeTable:
        """Gives what is kept beside the events: what people were told of a target."""
        return NoticeTable(self._url, self._engine, target)

    def nodes(self) -> NodeTable:
        """Gives what is kept beside the events: what node agents said last."""
        return self._nodes

    def append(self, events: Sequence[Event]) -> None:
        """Adds events behind all that are there, all of them or none.

        Raises:
            HistoryError: See `ports.History`; also where the chain's end isn't as it was written:
                to go on from there would hide that.
        """
        if not events:
            return
        with self._writing() as connection:
            head = self._end(connection, "head")
            number, hash_ = head["number"], head["hash"]
            rows = []
            for event in events:
                number += 1
                row = event_row(event, number)
                hash_ = self._chain.link(hash_, row)
                rows.append({**row, "hash": hash_})
            connection.execute(insert(EVENTS), rows)
            self._set_end(connection, "head", number, hash_)
            for target in dict.fromkeys(event.target for event in events):
                _remember(connection, target, [e for e in events if e.target == target])

    def known(self, target: str) -> Mapping[str, KnownDrift]:
        """Gives the drifts of a target that are known by its events, by id."""
        with self._reading() as connection:
            return _known(connection, target)

    def find(self, query: HistoryQuery) -> Sequence[Event]:
        """Gives the events that a query asks for, in the order in which they were added."""
        found: list[Event] = []
        with self._reading() as connection, _streamed(connection, selected_events(query)) as rows:
            for row in rows:
                event = event_of(row)
                if query.matches(event):
                    found.append(event)
                if query.limit and len(found) == query.limit:
                    break
        return found[::-1]

    def forget(self, before: str) -> int:
        """Lets go of the events that are older than a time (RFC 3339), and says how many.

        Raises:
            HistoryError: See `ports.History`; also where these events aren't as they were
                written: to let go of them would hide that.
        """
        with self._writing() as connection:
            base, head = self._end(connection, "base"), self._end(connection, "head")
            # Of several writers one's clock may be behind: what follows a newer event stays.
            first = connection.scalar(
                select(func.min(EVENTS.c.number)).where(EVENTS.c.time >= before)
            )
            last = head["number"] if first is None else first - 1
            if last <= base["number"]:
                return 0
            walk = self._walk(connection, base, last)
            if walk.problem or walk.number != last:
                raise HistoryError(
                    f"nothing was let go: {walk.problem or f'event {walk.number + 1} is missing'}",
                    fix="`plumbline history verify` says more; keep this history as evidence",
                )
            connection.execute(delete(EVENTS).where(EVENTS.c.number <= last))
            self._set_end(connection, "base", last, walk.hash)
            return walk.checked

    def verify(self) -> Verification:
        """Says whether all is as it was written."""
        with self._reading() as connection:
            ends = {row["end"]: row for row in _all(connection, select(ENDS))}
            head, base = ends.get("head"), ends.get("base")
            if head is None or base is None:
                return Verification(0, 0, 0, "", problem=_unsealed("base" if head else "head"))
            walk = self._walk(connection, base)
        broken_at, problem = self._judged(walk, base, head)
        first = base["number"] + 1
        return Verification(walk.checked, first, head["number"], head["hash"], broken_at, problem)

    def _judged(
        self, walk: Walk, base: Mapping[str, Any], head: Mapping[str, Any]
    ) -> tuple[int, str]:
        """Says where a chain is broken first, and how; 0 and nothing where it isn't."""
        if not self._chain.is_sealed(base):
            return 0, _unsealed("base")
        if walk.problem:
            return walk.broken_at, walk.problem
        if not self._chain.is_sealed(head):
            return 0, _unsealed("head")
        last = head["number"]
        if walk.number < last:
            first = walk.number + 1
            return first, f"missing at the end: every event from {first} to {last}"
        if walk.number > last:
            return last + 1, f"event {last + 1} was added behind the end"
        if walk.hash != head["hash"]:
            return last, f"event {last} isn't the one that the head record tells of"
        return 0, ""

    def _begin(self, connection: Connection) -> None:
        """Makes the ends of a new history; one that has events had them once."""
        if connection.scalar(select(func.count()).select_from(ENDS)):
            return
        if connection.scalar(select(EVENTS.c.number).limit(1)) is not None:
            return
        for end in ("base", "head"):
            seal = self._chain.seal(end, 0, GENESIS)
            connection.execute(insert(ENDS).values(end=end, number=0, hash=GENESIS, seal=seal))

    def _end(self, connection: Connection, end: str) -> Mapping[str, Any]:
        found = _all(connection, select(ENDS).where(ENDS.c.end == end))
        if not found or not self._chain.is_sealed(found[0]):
            raise HistoryError(
                f"nothing was written to the history in {place_of(self._url)}: {_unsealed(end)}",
                fix="give the key that it was begun with; if that isn't it, keep this history as "
                "evidence and name another",
            )
        return found[0]

    def _set_end(self, connection: Connection, end: str, number: int, hash_: str) -> None:
        seal = self._chain.seal(end, number, hash_)
        connection.execute(
            update(ENDS).where(ENDS.c.end == end).values(number=number, hash=hash_, seal=seal)
        )

    def _walk(
        self, connection: Connection, base: Mapping[str, Any], last: int | None = None
    ) -> Walk:
        selected = select(EVENTS).order_by(EVENTS.c.number)
        if last is not None:
            selected = selected.where(EVENTS.c.number <= last)
        with _streamed(connection, selected) as rows:
            return self._chain.walk(base["number"], base["hash"], rows)

    @contextmanager
    def _writing(self) -> Iterator[Connection]:
        with foreign_errors(self._url), writing(self._engine) as connection:
            yield connection

    @contextmanager
    def _reading(self) -> Iterator[Connection]:
        with foreign_errors(self._url), reading(self._engine) as connection:
            yield connection


def _unsealed(end: str) -> str:
    return f"its {end} record is missing, isn't as it was written, or was written with another key"


def _all(connection: Connection, query: Select[Any]) -> list[Mapping[str, Any]]:
    return [row._asdict() for row in connection.execute(query)]


@contextmanager
def _streamed(connection: Connection, query: Select[Any]) -> Iterator[Iterator[Mapping[str, Any]]]:
    """Gives rows while they are fetched: a history may be larger than the memory."""
    with connection.execute(query, execution_options={"yield_per": _BATCH}) as result:
        yield (row._asdict() for row in result)


def _known(
    connection: Connection, target: str, drifts: Sequence[str] | None = None
) -> Mapping[str, KnownDrift]:
    """Gives a target's known drifts; of many, only those of some ids."""
    selected = select(DRIFTS).where(DRIFTS.c.target == column_text(target))
    if drifts is not None:
        selected = selected.where(DRIFTS.c.drift.in_(drifts))
    return {row["drift"]: drift_of(row) for row in _all(connection, selected)}


def _remember(connection: Connection, target: str, events: Sequence[Event]) -> None:
    """Brings a target's known drifts up to date with events of it."""
    told: dict[str, list[Event]] = {}
    for event in events:
        if event.drift:
            told.setdefault(event.drift, []).append(event)
    # A statement takes so many values and no more.
    for start in range(0, len(told), _BATCH):
        ids = list(told)[start : start + _BATCH]
        known = _known(connection, target, ids)
        after = remembered(known, (event for each in ids for event in told[each]))
        if known:
            connection.execute(
                delete(DRIFTS).where(
                    DRIFTS.c.target == column_text(target), DRIFTS.c.drift.in_(list(known))
                )
            )
        if after:
            rows = [drift_row(target, each, drift) for each, drift in after.items()]
            connection.execute(insert(DRIFTS), rows)

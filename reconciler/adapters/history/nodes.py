"""Remembers what node agents said last, in the database that all replicas share."""

import json
import threading
from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence

from sqlalchemy import Connection, Engine, Table, delete, insert, select
from sqlalchemy.engine import URL

from reconciler.adapters.history.opening import foreign_errors, reading, writing
from reconciler.adapters.history.records import column_text
from reconciler.adapters.history.tables import NODE_CONTAINERS, NODES
from reconciler.core.containers import ContainerLook, ContainerRef, NodeReport
from reconciler.core.node_words import NodeWord, look_of, look_text, report_of, whole

#: A statement takes so many values and no more.
_BATCH = 500
#: Stands for a look that isn't known.
_NONE = ("", None)


class NodeTable:
    """See `ports.NodeStore`. What a container's look was before costs nothing to keep."""

    def __init__(self, url: URL, engine: Engine) -> None:
        """Asks nothing yet.

        Args:
            url: Names the database in errors.
            engine: Connects to it.
        """
        self._url = url
        self._engine = engine
        self._lock = threading.Lock()
        self._looks: dict[tuple[str, str], tuple[str, ContainerLook]] = {}

    def latest(self) -> Sequence[NodeReport]:
        """Gives what each node's agent said last, by the nodes' names.

        Looks that are the same as at the last call aren't read again: most are.
        """
        columns = NODE_CONTAINERS.c
        with foreign_errors(self._url), reading(self._engine) as connection:
            rows = connection.execute(select(columns.node, columns.container, columns.digest))
            held = {(node, container): digest for node, container, digest in rows}
            with self._lock:
                known = {key: self._looks[key] for key in held.keys() & self._looks.keys()}
            moved = {key[0] for key, digest in held.items() if known.get(key, _NONE)[0] != digest}
            for node in sorted(moved):
                known |= _looks_of(connection, node)
            nodes = connection.execute(select(NODES).order_by(NODES.c.node)).all()
            with self._lock:
                self._looks = known
            looks: dict[str, dict[str, ContainerLook]] = defaultdict(dict)
            for (node, container), (_, look) in known.items():
                looks[node][container] = look
            return [
                report_of(
                    row.node,
                    row.checked_at,
                    row.received_at,
                    tuple(json.loads(row.notes)),
                    looks[row.node],
                )
                for row in nodes
            ]

    def save(self, report: NodeReport) -> None:
        """Remembers what a node's agent said, in place of what it said before."""
        self.take(whole(report), report.received_at)

    def forget(self, nodes: Collection[str]) -> None:
        """Lets go of what some nodes' agents said."""
        with foreign_errors(self._url), writing(self._engine) as connection:
            for node in nodes:
                for table in (NODE_CONTAINERS, NODES):
                    connection.execute(delete(table).where(table.c.node == column_text(node)))

    def take(self, word: NodeWord, received_at: str) -> Collection[str]:
        """Remembers a word; writes only what is new in it."""
        node = column_text(word.node)
        with foreign_errors(self._url), writing(self._engine) as connection:
            held = _digests(connection, node)
            said = {column_text(each.container_id): each for each in word.containers}
            lacking = [
                each.container_id
                for name, each in said.items()
                if each.look is None and held.get(name) != each.digest
            ]
            if lacking:
                return lacking
            rows = [
                {
                    "node": node,
                    "container": name,
                    "digest": each.digest,
                    "look": look_text(each.look),
                }
                for name, each in said.items()
                if each.look is not None and held.get(name) != each.digest
            ]
            stale = [name for name in held if name not in said] + [row["container"] for row in rows]
            _replace(connection, node, stale, rows)
            connection.execute(delete(NODES).where(NODES.c.node == node))
            connection.execute(
                insert(NODES).values(
                    node=node,
                    checked_at=word.checked_at,
                    received_at=received_at,
                    notes=json.dumps(list(word.notes)),
                )
            )
        return ()

    def heard(self) -> Mapping[str, str]:
        """Gives when each node was heard last, RFC 3339."""
        with foreign_errors(self._url), reading(self._engine) as connection:
            rows = connection.execute(select(NODES.c.node, NODES.c.received_at))
            return {row.node: row.received_at for row in rows}


def _looks_of(
    connection: Connection, node: str
) -> dict[tuple[str, str], tuple[str, ContainerLook]]:
    """Reads a node's looks, with their digests, by node and container."""
    columns = NODE_CONTAINERS.c
    selected = select(columns.container, columns.digest, columns.look).where(columns.node == node)
    return {
        (node, container): (digest, _look_of(node, container, look))
        for container, digest, look in connection.execute(selected)
    }


def _look_of(node: str, container: str, text: str) -> ContainerLook:
    """Reads a look; one that can't be read, as of a newer version, is unknown."""
    try:
        return look_of(text)
    except ValueError as error:
        ref = ContainerRef("", "", "", "", container, node=node)
        return ContainerLook(ref, unknown=(f"what its agent said can't be read: {error}",))


def _digests(connection: Connection, node: str) -> Mapping[str, str]:
    columns = NODE_CONTAINERS.c
    selected = select(columns.container, columns.digest).where(columns.node == node)
    return {row.container: row.digest for row in connection.execute(selected)}


def _replace(
    connection: Connection, node: str, stale: Sequence[str], rows: Sequence[Mapping[str, str]]
) -> None:
    table: Table = NODE_CONTAINERS
    for start in range(0, len(stale), _BATCH):
        batch = stale[start : start + _BATCH]
        mine = (table.c.node == node) & table.c.container.in_(batch)
        connection.execute(delete(table).where(mine))
    for start in range(0, len(rows), _BATCH):
        connection.execute(insert(table), rows[start : start + _BATCH])

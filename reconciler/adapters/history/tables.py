"""The history's tables, as the newest migration leaves them; tested against that."""

from typing import Final

from sqlalchemy import BigInteger, Boolean, Column, Index, MetaData, String, Table, Text

METADATA: Final = MetaData()

#: One row an event, numbered without a gap. Nothing here is ever changed, and only the oldest
#: rows are ever deleted.
EVENTS: Final = Table(
    "events",
    METADATA,
    Column("number", BigInteger, primary_key=True, autoincrement=False),
    Column("time", String(20), nullable=False),
    Column("target", Text, nullable=False),
    Column("type", String(16), nullable=False),
    Column("drift", Text, nullable=False),
    # The object; `kind` is empty where there is none.
    Column("group", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("actor", Text, nullable=False),
    Column("revision", Text, nullable=False),
    Column("plan", Text, nullable=False),
    Column("reason", Text, nullable=False),
    # JSON text; `null` where nothing is told.
    Column("before", Text, nullable=False),
    Column("after", Text, nullable=False),
    Column("digest", Text, nullable=False),
    # Covers the row and the hash of the row before it; see `chain`.
    Column("hash", String(64), nullable=False),
    Index("events_by_target", "target", "number"),
    Index("events_by_object", "name", "number"),
    Index("events_by_time", "time"),
    Index("events_by_type", "target", "type", "number"),
)

#: Two rows: the `head`, which is the last event's number and hash, and the `base`, that of the
#: last event that was let go (0 where none was). Each carries a seal, so that neither the newest
#: nor the oldest events can be taken away unnoticed.
ENDS: Final = Table(
    "ends",
    METADATA,
    Column("end", String(4), primary_key=True),
    Column("number", BigInteger, nullable=False),
    Column("hash", String(64), nullable=False),
    Column("seal", String(64), nullable=False),
)

#: The drifts that are known by the events; see `core.history.remembered`.
DRIFTS: Final = Table(
    "drifts",
    METADATA,
    Column("target", Text, primary_key=True),
    Column("drift", Text, primary_key=True),
    Column("group", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("namespace", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("first_seen", String(20), nullable=False),
    Column("digest", Text, nullable=False),
    Column("decision", Text, nullable=False),
    Column("live", Text, nullable=False),
)

#: What targets have declared, for replicas that share no folder; see `core.inventory`.
INVENTORY: Final = Table(
    "inventory",
    METADATA,
    Column("target", Text, primary_key=True),
    Column("group", Text, primary_key=True),
    Column("kind", Text, primary_key=True),
    Column("namespace", Text, primary_key=True),
    Column("name", Text, primary_key=True),
)

#: What people were told; see `core.telling.Told`. `episodes` is a JSON list.
TOLD: Final = Table(
    "told",
    METADATA,
    Column("target", Text, primary_key=True),
    Column("notifier", Text, primary_key=True),
    Column("subject", Text, primary_key=True),
    Column("episodes", Text, nullable=False),
    Column("shown", Text, nullable=False),
    Column("digest", Text, nullable=False),
    Column("at", String(32), nullable=False),
    Column("over", Boolean, nullable=False),
    Column("reminder", BigInteger, nullable=False),
)

#: Until when each notifier was told of all that happened to a target.
TOLD_UNTIL: Final = Table(
    "told_until",
    METADATA,
    Column("target", Text, primary_key=True),
    Column("notifier", Text, primary_key=True),
    Column("time", String(20), nullable=False),
)

#: What each node's agent said last; see `core.node_words`. `notes` is a JSON list.
NODES: Final = Table(
    "nodes",
    METADATA,
    Column("node", Text, primary_key=True),
    Column("checked_at", Text, nullable=False),
    Column("received_at", String(20), nullable=False),
    Column("notes", Text, nullable=False),
)

#: The containers of these nodes, each with its look as JSON and the digest that its agent gave it.
NODE_CONTAINERS: Final = Table(
    "node_containers",
    METADATA,
    Column("node", Text, primary_key=True),
    Column("container", Text, primary_key=True),
    Column("digest", String(64), nullable=False),
    Column("look", Text, nullable=False),
)

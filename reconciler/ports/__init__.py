"""All that this program needs from outside: one Protocol each, one module a concern."""

from reconciler.ports.memory import (
    AcceptedRevision,
    AnswerStore,
    History,
    InventoryStore,
    KeptAnswer,
    NoticeStore,
    Sightings,
)
from reconciler.ports.people import (
    Branches,
    Forge,
    Notifier,
    Observer,
    Witnesses,
)
from reconciler.ports.sides import (
    Cluster,
    Comparer,
    Live,
    Source,
    Writer,
)

__all__ = [
    "AcceptedRevision",
    "AnswerStore",
    "Branches",
    "Cluster",
    "Comparer",
    "Forge",
    "History",
    "InventoryStore",
    "KeptAnswer",
    "Live",
    "NoticeStore",
    "Notifier",
    "Observer",
    "Sightings",
    "Source",
    "Witnesses",
    "Writer",
]

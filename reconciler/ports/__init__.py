"""All that this program needs from outside: one Protocol each, one module a concern."""

from reconciler.ports.edits import ENCRYPTED, Draft, Editor, Making, Written
from reconciler.ports.images import Registry
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
    Trials,
    Writer,
)

__all__ = [
    "ENCRYPTED",
    "AcceptedRevision",
    "AnswerStore",
    "Branches",
    "Cluster",
    "Comparer",
    "Draft",
    "Editor",
    "Forge",
    "History",
    "InventoryStore",
    "KeptAnswer",
    "Live",
    "NoticeStore",
    "Making",
    "Notifier",
    "Observer",
    "Registry",
    "Sightings",
    "Source",
    "Trials",
    "Witnesses",
    "Writer",
    "Written",
]

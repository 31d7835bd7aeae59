"""All that this program needs from outside: one Protocol each, one module a concern."""

from reconciler.ports.edits import ENCRYPTED, Draft, Editor, Making, Written
from reconciler.ports.evidence import EvidenceStore
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
from reconciler.ports.nodes import Agent, AgentRegister, NodeLooks, NodeStore, Stranger
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
    "Agent",
    "AgentRegister",
    "AnswerStore",
    "Branches",
    "Cluster",
    "Comparer",
    "Draft",
    "Editor",
    "EvidenceStore",
    "Forge",
    "History",
    "InventoryStore",
    "KeptAnswer",
    "Live",
    "NoticeStore",
    "Making",
    "NodeLooks",
    "NodeStore",
    "Notifier",
    "Observer",
    "Registry",
    "Sightings",
    "Source",
    "Stranger",
    "Trials",
    "Witnesses",
    "Writer",
    "Written",
]

"""The words in which every drift is told, be it of an object or of what is in a container."""

from enum import StrEnum


class ChangeType(StrEnum):
    """How something differs, seen from what is declared to what is there."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Severity(StrEnum):
    """How much a drift matters, the worst first in every listing."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


class PodAnswer(StrEnum):
    """What is done with a pod that drifted."""

    EVICT = "evict"  # it goes, and its controller makes a new one
    QUARANTINE = "quarantine"  # it is kept without labels and network, and a new one is made

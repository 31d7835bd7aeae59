"""What a watcher of containers tells: what is new, what changed, what is gone."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.containers import ContainerDrift, ContainerRef


class Occurrence(StrEnum):
    """What became of something between two looks."""

    NEW = "new"  # it wasn't there before
    CHANGED = "changed"  # it was there, and is other than before
    GONE = "gone"  # it was there, and was looked for and not found
    UNKNOWN = "unknown"  # what couldn't be told of a container is other than before
    REFUSED = "refused"  # it was to be executed, and that was refused
    WOULD_REFUSE = "would-refuse"  # it was executed, which a rule would have refused


@dataclass(frozen=True, slots=True)
class Sighting:
    """One thing that is told.

    Attributes:
        occurrence: What became of it.
        at: When that was seen, RFC 3339.
        container: In which container.
        drift: As it is, or as it last was; None where only the unknown is told. Of an execution
            that was refused: the process that asked for it, and what it asked for.
        first_seen: When this watcher first saw it, RFC 3339.
        unknown: What can't be told of the container by now, and why; none where all is told again.
        note: What a reader must know.
    """

    occurrence: Occurrence
    at: str
    container: ContainerRef
    drift: ContainerDrift | None = None
    first_seen: str = ""
    unknown: tuple[str, ...] = ()
    note: str = ""

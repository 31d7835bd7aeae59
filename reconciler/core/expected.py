"""What a comparer says of each declared object that is live."""

from dataclasses import dataclass
from typing import TypeAlias

from reconciler.core.path import Path
from reconciler.core.resource import JsonObject


@dataclass(frozen=True, slots=True)
class InSync:
    """The live object was proven to be what the server would make of the declaration.

    Attributes:
        hidden: How many of its fields a controller set, whose job that is.
    """

    hidden: int = 0


@dataclass(frozen=True, slots=True)
class Expected:
    """What the server would make of the declaration alone; the live object differs from it.

    Attributes:
        body: The expected object, without status and server-set metadata.
        carried: Fields that Git doesn't mention and that were taken over from the live object,
            such as a node port. They are drift where a manager owns them.
        unproven: Fields of which local reasoning couldn't tell, each with the reason.
        note: What a reader must know, such as that another comparison had to be used.
        immutable: Whether the server refuses to change the live object into this one.
        hidden: How many of the carried fields a controller set, whose job that is.
        pending: Whether the live object is exactly what an earlier declaration asked for: nobody
            edited it, Git has moved on.
        earlier: What the server made of an earlier declaration, where that was never all that was
            live: it is pending where rules explain how the live object differs from this.
    """

    body: JsonObject
    carried: tuple[Path, ...] = ()
    unproven: tuple[tuple[Path, str], ...] = ()
    note: str = ""
    immutable: bool = False
    hidden: int = 0
    pending: bool = False
    earlier: JsonObject | None = None


@dataclass(frozen=True, slots=True)
class Untold:
    """No comparer could tell; the object's state is unknown.

    Attributes:
        reason: Why, in a sentence without secrets.
    """

    reason: str


Answer: TypeAlias = InSync | Expected | Untold

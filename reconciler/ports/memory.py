"""What is remembered from run to run."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from reconciler.core.inventory import Inventory
from reconciler.core.path import Path
from reconciler.core.resource import JsonObject, ResourceKey

if TYPE_CHECKING:
    # Only the controller and `history` need these, and a check imports no more than it must.
    from reconciler.core.history import Event, HistoryQuery, KnownDrift, Verification
    from reconciler.core.telling import Told


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """What was once found out about a declared object, kept between runs.

    Attributes:
        question: What the answer depends on: the declaration's digest and namespace, the live
            object's uid, the server's version. It holds as long as these are the same.
        in_sync_at: The resourceVersion at which the live object was proven in sync; empty where
            it wasn't. While the live object is still at it, nothing is compared.
        body: The server's answer; None where the server wasn't asked, and for a Secret.
        digest: Keyed digest of the server's answer; empty where the server wasn't asked.
        carried: As `Expected.carried`, each path as a list of names, indexes and merge keys.
        note: As `Expected.note`.
        immutable: As `Expected.immutable`.
        hidden: As `InSync.hidden`.
        content: Keyed digest of what the declaration asks for: the server's answer, or the live
            object as it was proven in sync; kept where the resourceVersion doesn't tell it, since
            a status moves that too.
        earlier: The same of earlier declarations, the latest first, while the live object isn't
            in sync: if it is one of these, nobody has edited it.
        earlier_body: As `Expected.earlier`; None once the live object has what moved since.
    """

    question: str
    in_sync_at: str = ""
    body: JsonObject | None = None
    digest: str = ""
    carried: tuple[Path, ...] = ()
    note: str = ""
    immutable: bool = False
    hidden: int = 0
    content: str = ""
    earlier: tuple[str, ...] = ()
    earlier_body: JsonObject | None = None


class AnswerStore(Protocol):
    """Keeps the server's answers between runs. Losing it costs requests, never truth."""

    def load(self) -> Mapping[ResourceKey, KeptAnswer]:
        """Gives what was kept; empty where nothing was, or where it can't be read."""
        ...

    def save(self, answers: Mapping[ResourceKey, KeptAnswer]) -> None:
        """Keeps these answers, in place of all earlier ones; failing to is not an error."""
        ...


class InventoryStore(Protocol):
    """Remembers what a target has declared, on which cluster."""

    def load(self) -> Inventory:
        """Gives what was declared once; empty where nothing was kept."""
        ...

    def save(self, inventory: Inventory) -> None:
        """Keeps it, in place of the earlier one.

        Raises:
            ConfigError: The folder can't be written: an inventory that is lost can't be got again.
        """
        ...


class Sightings(Protocol):
    """Remembers since when each drift of a target has been seen."""

    def first_seen(self, ids: Sequence[str], now: str) -> Mapping[str, str]:
        """Gives the time of the first sighting of each id (now, for new ones) and keeps it.

        Ids that aren't among these are forgotten: their drift is gone.
        """
        ...


class History(Protocol):
    """Remembers what happened, so that a change of it is noticed. Every method may raise this.

    Raises:
        HistoryError: The database is away, full, or not as this program left it. What was written
            before stays, and nothing is ever written half.
    """

    def append(self, events: Sequence["Event"]) -> None:
        """Adds events behind all that are there, all of them or none."""
        ...

    def known(self, target: str) -> Mapping[str, "KnownDrift"]:
        """Gives the drifts of a target that are known by its events, by id."""
        ...

    def find(self, query: "HistoryQuery") -> Sequence["Event"]:
        """Gives the events that a query asks for, in the order in which they were added."""
        ...

    def forget(self, before: str) -> int:
        """Lets go of the events that are older than a time (RFC 3339), and says how many.

        What is left can still be verified, and known drifts stay known.
        """
        ...

    def verify(self) -> "Verification":
        """Says whether all is as it was written."""
        ...


class AcceptedRevision(Protocol):
    """Remembers the commit that a target was last compared with. May raise `PlumblineError`."""

    def load(self) -> str:
        """Gives the commit's full hash; empty before the first."""
        ...

    def save(self, revision: str) -> None:
        """Remembers a commit in place of the earlier one."""
        ...


class NoticeStore(Protocol):
    """Remembers what people were told of one target. Every method may raise `HistoryError`."""

    def load(self, notifier: str) -> "Sequence[Told]":
        """Gives what a notifier showed last under each subject."""
        ...

    def save(self, told: "Told") -> None:
        """Remembers what a notifier shows now under a subject, in place of what it did."""
        ...

    def forget(self, notifier: str, subjects: Sequence[str]) -> None:
        """Lets go of what nobody will ask for again."""
        ...

    def until(self, notifier: str) -> str:
        """Gives until when a notifier was told of everything, RFC 3339; empty before the first."""
        ...

    def set_until(self, notifier: str, time: str) -> None:
        """Remembers until when a notifier was told of everything."""
        ...

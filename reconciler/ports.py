"""All that this program needs from outside, on one page."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from reconciler.core.desired import DesiredState, Rendered
from reconciler.core.expected import Answer
from reconciler.core.inventory import Inventory
from reconciler.core.live import Listing, LiveState
from reconciler.core.path import Path
from reconciler.core.report import Comparison, Requests
from reconciler.core.resource import Catalog, JsonObject, ResourceKey, ResourceKind
from reconciler.core.schema import Schema

if TYPE_CHECKING:
    # Only the controller and `history` need these, and a check imports no more than it must.
    from reconciler.core.actors import AuditEvent
    from reconciler.core.cycle import Cycle
    from reconciler.core.history import Event, HistoryQuery, KnownDrift, Verification
    from reconciler.core.notices import Notice
    from reconciler.core.pull_requests import BranchContent, PullRequest
    from reconciler.core.telling import Told


class Source(Protocol):
    """The desired side: a repository, rendered at one pinned revision."""

    def fetch(self) -> Rendered:
        """Pins the revision and renders its manifests.

        Raises:
            SourceError: The repository or a renderer couldn't be reached or read.
            ManifestError: What it holds can't be taken as a desired state.
            ConfigError: The path, the ref or the renderer asked for isn't there.
        """
        ...


class Live(Protocol):
    """The live side, read only: a cluster, or a dump of one."""

    def catalog(self) -> Catalog:
        """Gives all kinds that the server knows; read once a run.

        Raises:
            ClusterError: The server couldn't be reached at all.
        """
        ...

    def read(self, listings: Sequence[Listing]) -> LiveState:
        """Reads all objects of these kinds; what can't be read is in `unread`, never absent.

        Raises:
            ClusterError: The server couldn't be reached at all.
        """
        ...

    def schema(self, kinds: Collection[ResourceKind]) -> Schema:
        """Gives what is known of these kinds' fields, custom ones included.

        What can't be read is left out: such a kind has no node in the schema.

        Raises:
            ClusterError: The server couldn't be reached at all.
        """
        ...

    @property
    def requests(self) -> Requests:
        """How many requests were made until now."""
        ...


class Writer(Protocol):
    """Writes to a cluster: real ones, or dry runs of them, by which writer it is."""

    def create(self, kind: ResourceKind, body: JsonObject) -> JsonObject:
        """Creates an object and gives the server's answer.

        Raises:
            Rejected: The server refused.
            ClusterError: It couldn't be reached; whether it wrote is unknown.
        """
        ...

    def replace(self, kind: ResourceKind, body: JsonObject) -> JsonObject:
        """Replaces an object; `metadata.resourceVersion`, if given, is the precondition.

        Raises:
            Rejected: The server refused; code 409 where the precondition failed.
            ClusterError: It couldn't be reached; whether it wrote is unknown.
        """
        ...

    def delete(self, kind: ResourceKind, key: ResourceKey, *, uid: str, version: str) -> None:
        """Deletes the object of this uid at this resourceVersion, its dependents in background.

        Raises:
            Rejected: The server refused; code 409 where the precondition failed.
            ClusterError: It couldn't be reached; whether it wrote is unknown.
        """
        ...


class Cluster(Live, Protocol):
    """A real cluster."""

    def get(self, kind: ResourceKind, key: ResourceKey) -> JsonObject | None:
        """Reads one object; None where there is none.

        Raises:
            Rejected: The server refused.
            ClusterError: It couldn't be reached.
        """
        ...

    def await_kind(self, api_version: str, kind: str) -> ResourceKind | None:
        """Waits until the server serves a kind whose definition was just made.

        Returns:
            The kind, or None where it isn't served within seconds.

        Raises:
            ClusterError: It couldn't be asked.
        """
        ...

    def await_absence(self, kind: ResourceKind, key: ResourceKey, uid: str) -> None:
        """Waits until the object of this uid is gone.

        Raises:
            ClusterError: It is still there after its time: something holds it, such as a finalizer.
        """
        ...

    def allows(self, verb: str, kind: ResourceKind, namespace: str, name: str = "") -> bool:
        """Asks the server whether we may do this (SelfSubjectAccessReview), with one object or any.

        Raises:
            ClusterError: It couldn't be asked.
        """
        ...

    @property
    def writes(self) -> Writer:
        """The writer that really writes."""
        ...

    @property
    def dry_runs(self) -> Writer:
        """The writer that asks what a write would do."""
        ...


class Comparer(Protocol):
    """Says of declared objects that are live what the server would make of them."""

    @property
    def comparison(self) -> Comparison:
        """Which of the two comparisons this is."""
        ...

    def compare(
        self, desired: DesiredState, live: LiveState, catalog: Catalog
    ) -> Mapping[ResourceKey, Answer]:
        """Gives an answer for every declared object that is live.

        Raises:
            ClusterError: The server couldn't be reached at all.
        """
        ...


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


class Witnesses(Protocol):
    """Tell who sent the requests that changed an object: an audit log, a webhook, or several."""

    def learn(self, catalog: Catalog) -> None:
        """Learns by which words the kinds go in requests; without it they are guessed."""
        ...

    def events_of(self, key: ResourceKey) -> "Sequence[AuditEvent]":
        """Gives what was witnessed of an object, in any order; empty where nothing was.

        Deletions of whole collections that it may have been in are among them.
        """
        ...


class Observer(Protocol):
    """Tells of cycles: in logs, in metrics."""

    def saw(self, cycle: "Cycle") -> None:
        """Tells of a finished cycle. Must not raise."""
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


class Notifier(Protocol):
    """Tells people, in one place: a Slack channel, a mailbox, a webhook."""

    def show(self, notice: "Notice", shown: str) -> str:
        """Shows a notice, or brings what it shows of it up to date.

        Called again with the same `shown` where the last call's answer was lost: better twice
        than never, and once wherever the other side can tell.

        Args:
            notice: What is to be seen.
            shown: What the last call for this subject returned; empty before the first one.

        Returns:
            What must be known to bring it up to date later: any text, nothing secret.

        Raises:
            NotifierError: It couldn't be shown.
        """
        ...


class Forge(Protocol):
    """Where pull requests of one repository are: GitHub, GitLab, Gitea or Forgejo."""

    def find(self, branch: str) -> "PullRequest | None":
        """Gives the latest pull request from a branch, whatever its state; None for none.

        Raises:
            ForgeError: The forge can't be asked.
        """
        ...

    def open(self, branch: str, base: str, title: str, body: str) -> "PullRequest":
        """Opens a pull request from a branch that was pushed, into another one.

        Raises:
            ForgeError: The forge refuses, or can't be asked.
        """
        ...

    def update(self, number: int, title: str, body: str) -> None:
        """Says otherwise what a pull request is about.

        Raises:
            ForgeError: The forge refuses, or can't be asked.
        """
        ...

    def close(self, number: int, comment: str) -> None:
        """Closes a pull request without merging it, and says why.

        Raises:
            ForgeError: The forge refuses, or can't be asked.
        """
        ...

    def mark(self, commit: str, *, good: bool, description: str) -> None:
        """Shows on a commit whether the cluster is as it says (a commit status).

        Raises:
            ForgeError: The forge refuses, or can't be asked.
        """
        ...


class Branches(Protocol):
    """Writes branches of one repository, and nothing else in it."""

    def push(self, branch: str, content: "BranchContent") -> str:
        """Makes a branch exactly its base and one commit, in place of what it was.

        Returns:
            The commit; the one that is there already where it has the same content.

        Raises:
            SourceError: The repository can't be reached, or refuses.
        """
        ...

    def delete(self, branch: str) -> None:
        """Takes a branch away; one that isn't there is fine.

        Raises:
            SourceError: The repository can't be reached, or refuses.
        """
        ...

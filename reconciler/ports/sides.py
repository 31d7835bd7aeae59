"""The two sides that are compared, and what says what the server would make of one."""

from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Protocol

from reconciler.core.desired import DesiredState, Rendered
from reconciler.core.expected import Answer
from reconciler.core.live import Listing, LiveState
from reconciler.core.report import Comparison, Requests
from reconciler.core.resource import Catalog, JsonObject, ResourceKey, ResourceKind
from reconciler.core.schema import Schema

if TYPE_CHECKING:
    # Only the guard needs these, and a check imports no more than it must.
    from reconciler.core.guard.subjects import Sender
    from reconciler.core.guard.trials import Tried


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

    def evict(self, kind: ResourceKind, key: ResourceKey, *, uid: str) -> None:
        """Has the pod of this uid go, if its disruption budget allows.

        Raises:
            Rejected: The server refused; code 409 where it is another pod by now, 429 where its
                disruption budget allows none to go now.
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

        Of a subresource, the kind's plural has it behind a slash, such as `pods/eviction`.

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


class Trials(Protocol):
    """Asks by dry runs what writes of others would come to."""

    def whoami(self) -> "Sender":
        """Says who we are to the server.

        Raises:
            ClusterError: It couldn't be asked.
        """
        ...

    def tried(self, sender: "Sender", verb: str, kind: ResourceKind, body: JsonObject) -> "Tried":
        """Asks what a write of somebody else would come to; writes nothing.

        Args:
            sender: Who would write; of his groups at most one counts that isn't any account's.
            verb: `create`, `update` or `delete`.
            kind: Of which kind.
            body: What would be sent, or is to be deleted.

        Raises:
            Rejected: We may not act as others.
            ClusterError: It couldn't be asked.
        """
        ...

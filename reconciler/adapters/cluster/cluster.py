"""A real cluster, put together from its parts."""

from collections.abc import Callable, Collection, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.cluster.access import Access, ServiceAccount
from reconciler.adapters.cluster.addresses import object_path
from reconciler.adapters.cluster.discovery import Discovery
from reconciler.adapters.cluster.kubeconfig import find_access
from reconciler.adapters.cluster.listing import PAGE, Lister
from reconciler.adapters.cluster.openapi import NodeReader, OpenApi
from reconciler.adapters.cluster.rejection import Attempt, rejected, why_refused
from reconciler.adapters.cluster.tally import Tally
from reconciler.adapters.cluster.transport import Permit, Timing, Transport
from reconciler.adapters.cluster.writer import DryRunWriter, RealWriter
from reconciler.core.errors import ClusterError
from reconciler.core.live import Listing, LiveState
from reconciler.core.report import Requests
from reconciler.core.resource import Catalog, JsonObject, ResourceKey, ResourceKind, metadata_of
from reconciler.core.schema import Schema
from reconciler.ports import Writer

if TYPE_CHECKING:
    from reconciler.adapters.cluster.impersonation import Trials

_NOT_FOUND = 404
#: Seconds within which the server serves a kind whose definition was just made; it takes one or
#: two, since the definition's names are looked at first.
_KIND_SECONDS = 15.0
#: Seconds that a deletion may take: longer than the 30 that a pod has to end by itself.
_ABSENCE_SECONDS = 60.0
_POLL_SECONDS = 0.25
_REVIEW = "/apis/authorization.k8s.io/v1/selfsubjectaccessreviews"


class KubeCluster:
    """A cluster over its API; implements `ports.Cluster`. Safe to use from many threads.

    Attributes:
        address: The server's address.
        namespace: For manifests that name none; empty where the kubeconfig names none either.
        context: The kubeconfig's context; empty for a pod's own account.
        described: What the user calls it, such as `context 'shop'`.
    """

    def __init__(
        self,
        access: Access,
        *,
        bundled: Callable[[], Schema],
        from_openapi: NodeReader,
        cache: Path | None = None,
        timing: Timing | None = None,
        page: int = PAGE,
    ) -> None:
        """Makes no request yet.

        Args:
            access: Which server, and who we are to it.
            bundled: Gives what is known of built-in kinds without asking; called only if needed.
            from_openapi: Reads a kind's node out of an OpenAPI v3 document.
            cache: Where the schemas of custom kinds are kept; None for nowhere.
            timing: How to wait; real time if None.
            page: Objects a page of a LIST.
        """
        self.address = access.address
        self.namespace = access.namespace
        self.context = access.context
        self.described = access.described
        self._timing = timing or Timing()
        self._tally = Tally()
        self._transport = Transport(access, self._timing)
        self._discovery = Discovery(self._transport, self._tally)
        self._lister = Lister(self._transport, self._tally, page)
        self._bundled = bundled
        self._openapi = OpenApi(self._transport, self._tally, from_openapi, cache)
        self._writes = RealWriter(self._transport, self._tally)
        self._dry_runs = DryRunWriter(self._transport, self._tally)

    @classmethod
    def connect(
        cls,
        kubeconfig: str | None,
        context: str | None,
        *,
        search: Sequence[Path],
        bundled: Callable[[], Schema],
        from_openapi: NodeReader,
        cache: Path | None = None,
        account: ServiceAccount | None = None,
    ) -> "KubeCluster":
        """Finds the cluster that the user means; makes no request yet.

        Args:
            kubeconfig: The file that the user named, if any.
            context: The context that the user named, if any.
            search: The files of `$KUBECONFIG`, or `~/.kube/config`.
            bundled: As in the constructor.
            from_openapi: As in the constructor.
            cache: As in the constructor.
            account: Where a pod finds its own account; the usual place if None.

        Raises:
            ConfigError: There is none, or the kubeconfig lacks something.
        """
        access = find_access(kubeconfig, context, search, account)
        return cls(access, bundled=bundled, from_openapi=from_openapi, cache=cache)

    def close(self) -> None:
        """Closes all connections."""
        self._transport.close()

    @property
    def transport(self) -> Transport:
        """Makes its requests; for those who make other ones, such as watches and Leases."""
        return self._transport

    @property
    def lister(self) -> Lister:
        """Makes its LISTs."""
        return self._lister

    def forget_schemas(self) -> None:
        """Asks for the schemas of custom kinds anew: their definitions have changed."""
        self._openapi.forget()

    def catalog(self) -> Catalog:
        """Reads which kinds are served; see `ports.Live`."""
        return self._discovery.catalog()

    def read(self, listings: Sequence[Listing]) -> LiveState:
        """Reads whole kinds; see `ports.Live`."""
        return self._lister.read(listings)

    def schema(self, kinds: Collection[ResourceKind]) -> Schema:
        """Gives what is known of these kinds; see `ports.Live`."""
        if not kinds:
            return Schema({})
        bundled = self._bundled()
        custom = {kind for kind in kinds if bundled.node(kind.api_version, kind.kind) is None}
        return bundled.extended(self._openapi.nodes(custom)) if custom else bundled

    def get(self, kind: ResourceKind, key: ResourceKey) -> JsonObject | None:
        """Reads one object; see `ports.Cluster`."""
        self._tally.got()
        answer = self._transport.get(object_path(kind, key.namespace, key.name))
        if answer.status == _NOT_FOUND:
            return None
        body = answer.json()
        if not answer.ok or not isinstance(body, dict):
            raise rejected(Attempt("get", kind, key), answer)
        return body

    def await_kind(self, api_version: str, kind: str) -> ResourceKind | None:
        """Waits until a kind is served; see `ports.Cluster`."""
        deadline = self._timing.monotonic() + _KIND_SECONDS
        while True:
            found = self._discovery.kind(api_version, kind)
            if found is not None or self._timing.monotonic() >= deadline:
                return found
            self._timing.sleep(_POLL_SECONDS)

    def await_absence(self, kind: ResourceKind, key: ResourceKey, uid: str) -> None:
        """Waits until an object is gone; see `ports.Cluster`."""
        deadline = self._timing.monotonic() + _ABSENCE_SECONDS
        while True:
            live = self.get(kind, key)
            if live is None or metadata_of(live).get("uid") != uid:
                return
            if self._timing.monotonic() >= deadline:
                held = ", ".join(map(str, metadata_of(live).get("finalizers") or ()))
                raise ClusterError(
                    f"{key} is still there {_ABSENCE_SECONDS:.0f} s after its deletion"
                    + (f", held by its finalizers: {held}" if held else ""),
                    fix="see that the controllers of its finalizers run, then look again",
                )
            self._timing.sleep(_POLL_SECONDS)

    def allows(self, verb: str, kind: ResourceKind, namespace: str, name: str = "") -> bool:
        """Asks whether we may do this; see `ports.Cluster`."""
        resource, _, subresource = kind.plural.partition("/")
        attributes = {
            "verb": verb,
            "group": kind.group,
            "version": kind.version,
            "resource": resource,
            **({"subresource": subresource} if subresource else {}),
            "namespace": namespace,
            "name": name,
        }
        review = {
            "apiVersion": "authorization.k8s.io/v1",
            "kind": "SelfSubjectAccessReview",
            "spec": {"resourceAttributes": attributes},
        }
        self._tally.got()
        answer = self._transport.ask("POST", _REVIEW, None, review)
        body = answer.json()
        if not answer.ok or not isinstance(body, dict):
            raise ClusterError(
                f"the server can't be asked for our rights: {why_refused(answer)}",
                fix="bind the ClusterRole system:basic-user to this user",
            )
        return bool((body.get("status") or {}).get("allowed"))

    @property
    def writes(self) -> Writer:
        """The writer that really writes."""
        return self._writes

    def permitted_writes(self, permit: Permit) -> Writer:
        """Gives a writer that really writes, and asks before every single attempt whether it may.

        Args:
            permit: Raises where it may not.
        """
        return RealWriter(self._transport, self._tally, permit)

    @property
    def dry_runs(self) -> Writer:
        """The writer that asks what a write would do."""
        return self._dry_runs

    def trials(self) -> "Trials":
        """Gives what asks for others; see `ports.Trials`."""
        from reconciler.adapters.cluster.impersonation import Trials  # only the guard asks

        return Trials(self._transport.access, self._timing, self._tally)

    @property
    def requests(self) -> Requests:
        """How many requests were made until now."""
        return self._tally.requests

"""Asks the API server which kinds it serves: in three requests, or in one a group version.

Aggregated discovery (kubernetes.io/docs/concepts/overview/kubernetes-api, stable since 1.30,
served since 1.26) has everything in two documents; an older server answers the same addresses
with the classic lists of groups.
"""

from collections.abc import Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Any

from reconciler.adapters.cluster.addresses import group_version_path
from reconciler.adapters.cluster.rejection import why_refused
from reconciler.adapters.cluster.tally import Tally
from reconciler.adapters.cluster.transport import Transport
from reconciler.adapters.cluster.wire import Answer
from reconciler.core.errors import ClusterError
from reconciler.core.resource import Catalog, ResourceKind

_ACCEPT = ",".join(
    (
        "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList",
        "application/json;g=apidiscovery.k8s.io;v=v2beta1;as=APIGroupDiscoveryList",
        "application/json",
    )
)
_WORKERS = 8


@dataclass(frozen=True, slots=True)
class GroupVersion:
    """What discovery said of one group version.

    Attributes:
        group: The API group, empty for the core group.
        version: Such as `v1`.
        kinds: What it serves.
        failure: Why that isn't known; empty where it is.
    """

    group: str
    version: str
    kinds: tuple[ResourceKind, ...] = ()
    failure: str = ""

    @property
    def api_version(self) -> str:
        """As manifests write it."""
        return f"{self.group}/{self.version}" if self.group else self.version


class Discovery:
    """Reads what a server serves."""

    def __init__(self, transport: Transport, tally: Tally) -> None:
        self._transport = transport
        self._tally = tally

    def catalog(self) -> Catalog:
        """Reads everything.

        Raises:
            ClusterError: The server couldn't be reached, or refuses discovery altogether.
        """
        with ThreadPoolExecutor(3, "discovery") as pool:
            core = pool.submit(self._get, "/api", _ACCEPT)
            named = pool.submit(self._get, "/apis", _ACCEPT)
            version = self._get("/version")
            answers = core.result(), named.result()
        found: list[GroupVersion] = []
        for answer in answers:
            document = self._document(answer)
            if document.get("kind") == "APIGroupDiscoveryList":
                found.extend(_aggregated(document))
            else:
                found.extend(self._classic(document))
        about = version.json()
        server_version = about.get("gitVersion") if isinstance(about, Mapping) else ""
        return catalog_of(found, str(server_version or ""))

    def kind(self, api_version: str, kind: str) -> ResourceKind | None:
        """Asks for one kind; None where its group version doesn't serve it (yet).

        Raises:
            ClusterError: The server couldn't be reached.
        """
        group, _, version = api_version.rpartition("/")
        found = self._group_version(group, version)
        return next((each for each in found.kinds if each.kind == kind), None)

    def _get(self, path: str, accept: str = "application/json") -> Answer:
        self._tally.got()
        return self._transport.get(path, accept=accept)

    def _document(self, answer: Answer) -> Mapping[str, Any]:
        document = answer.json()
        if not answer.ok:
            raise ClusterError(
                f"the kinds that the cluster serves can't be read: {why_refused(answer)}",
                fix="bind the ClusterRole system:discovery to this user",
            )
        if not isinstance(document, Mapping) or "kind" not in document:
            raise ClusterError(
                f"what answers at {self._transport.access.address} is no Kubernetes API server",
                fix="check server of this context's cluster",
            )
        return document

    def _classic(self, document: Mapping[str, Any]) -> list[GroupVersion]:
        """Asks for each group version that a classic list names."""
        wanted = [("", str(version)) for version in document.get("versions") or ()]
        for group in document.get("groups") or ():
            versions = [str(each.get("version")) for each in group.get("versions") or ()]
            preferred = (group.get("preferredVersion") or {}).get("version")
            # The others stay in the server's order.
            versions = [v for v in versions if v == preferred] + [
                v for v in versions if v != preferred
            ]
            wanted += [(str(group.get("name")), version) for version in versions]
        with ThreadPoolExecutor(_WORKERS, "discovery") as pool:
            return list(pool.map(lambda pair: self._group_version(*pair), wanted))

    def _group_version(self, group: str, version: str) -> GroupVersion:
        api_version = f"{group}/{version}" if group else version
        answer = self._get(group_version_path(api_version))
        document = answer.json()
        if not answer.ok or not isinstance(document, Mapping):
            reason = f"{api_version} can't be read: {why_refused(answer)}"
            return GroupVersion(group, version, failure=reason)
        kinds = (
            _kind(
                group,
                version,
                kind=entry.get("kind"),
                plural=entry.get("name"),
                namespaced=bool(entry.get("namespaced")),
                entry=entry,
            )
            for entry in document.get("resources") or ()
            if "/" not in str(entry.get("name"))  # a subresource
        )
        return GroupVersion(group, version, tuple(kind for kind in kinds if kind))


def catalog_of(found: Iterable[GroupVersion], server_version: str) -> Catalog:
    """Puts group versions together; of each group the preferred one comes first."""
    kinds: dict[tuple[str, str], ResourceKind] = {}
    preferred: dict[tuple[str, str], str] = {}
    unreadable: dict[str, str] = {}
    for each in found:
        if each.failure:
            unreadable[each.api_version] = each.failure
        for kind in each.kinds:
            place = (kind.api_version, kind.kind)
            # Two addresses may give the same kind; the one that can be listed is meant.
            if place not in kinds or ("list" in kind.verbs and "list" not in kinds[place].verbs):
                kinds[place] = kind
            preferred.setdefault((kind.group, kind.kind), kind.api_version)
    return Catalog(server_version, kinds, preferred, unreadable)


def _aggregated(document: Mapping[str, Any]) -> Iterable[GroupVersion]:
    for item in document.get("items") or ():
        group = str((item.get("metadata") or {}).get("name") or "")
        for entry in item.get("versions") or ():
            yield _aggregated_version(group, entry)


def _aggregated_version(group: str, entry: Mapping[str, Any]) -> GroupVersion:
    version = str(entry.get("version"))
    resources = entry.get("resources") or ()
    kinds = (
        _kind(
            group,
            version,
            kind=(resource.get("responseKind") or {}).get("kind"),
            plural=resource.get("resource"),
            namespaced=resource.get("scope") == "Namespaced",
            entry=resource,
        )
        for resource in resources
    )
    failure = ""
    if entry.get("freshness") == "Stale" and not resources:
        name = f"{group}/{version}" if group else version
        failure = (
            f"the server that serves {name} doesn't answer "
            f"(`kubectl get apiservice {version}.{group}` says why)"
        )
    return GroupVersion(group, version, tuple(kind for kind in kinds if kind), failure)


def _kind(
    group: str,
    version: str,
    *,
    kind: object,
    plural: object,
    namespaced: bool,
    entry: Mapping[str, Any],
) -> ResourceKind | None:
    if not kind or not plural:
        return None  # only there for its subresources
    return ResourceKind(
        group=group,
        version=version,
        kind=str(kind),
        plural=str(plural),
        namespaced=namespaced,
        verbs=frozenset(entry.get("verbs") or ()),
        short_names=tuple(entry.get("shortNames") or ()),
    )

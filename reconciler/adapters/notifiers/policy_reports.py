"""Notices as policy reports, so that pages which show those show drift, too.

There is one report of ours in each namespace, and one for cluster-scoped objects; each drift that
isn't over is one result in it, and all that a notice tells of one pod is one. A report without
results is deleted. Two formats are known, which differ in their names only: that of the Kubernetes
policy working group (PolicyReport, github.com/kubernetes-sigs/wg-policy-prototypes) and that of
OpenReports (Report, github.com/openreports/reports-api).
"""

import hashlib
import json
from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any, Final

from reconciler.adapters.notifiers.objects import LABELS, Objects, api_version_of, is_ours
from reconciler.core.drift import DriftType
from reconciler.core.errors import NotifierError
from reconciler.core.moments import moment_of
from reconciler.core.notices import Episode, Notice
from reconciler.core.resource import Catalog, JsonObject, ResourceKey, ResourceKind
from reconciler.core.telling import by_pod, name_of
from reconciler.ports import Cluster
from reconciler.render.notice_lines import episode_line

#: The formats, each with its kinds in a namespace and in none. The first one that is served is
#: written; what is left in the other is taken away.
_FORMATS: Final = (
    ("wgpolicyk8s.io/v1alpha2", "PolicyReport", "ClusterPolicyReport"),
    ("openreports.io/v1alpha1", "Report", "ClusterReport"),
)

#: Our reports' name.
NAME: Final = "plumbline"

#: In a result, which episode it is of.
_EPISODE: Final = "episode"

#: How many bytes a result's message may have, and how many results a report: an object of more
#: than 1.5 MB is refused (etcd's --max-request-bytes).
_MESSAGE: Final = 500
_RESULTS: Final = 1000

#: How often a report is read anew where somebody else wrote it meanwhile.
_TRIES: Final = 5

_OUTCOMES: Final = {DriftType.UNREADABLE: "error", DriftType.PENDING: "warn"}
_SUMMARY: Final = ("pass", "fail", "warn", "error", "skip")


class PolicyReports:
    """Keeps policy reports of what drifts; implements `ports.Notifier`.

    Ends must be told, or they stay in the reports: a route to it has `resolved`. Needs the rights
    to get, create, update and delete the reports.
    """

    def __init__(self, name: str, cluster: Cluster) -> None:
        """Writes nothing yet.

        Args:
            name: What the user calls it, for messages.
            cluster: Where the reports are, beside what drifts.
        """
        self._name = name
        self._objects = Objects(name, cluster)

    def show(self, notice: Notice, shown: str) -> str:
        """Brings the results of a notice's drifts up to date; see `ports.Notifier`."""
        # A reminder writes, though nothing is new: what somebody deleted comes back.
        told = [_result([each], "") for each in notice.episodes]
        state = _digest([told, notice.reminder])
        if state != shown:
            catalog = self._objects.catalog()
            written, *others = self._formats(catalog)
            for namespace in sorted({episode.key.namespace for episode in notice.episodes}):
                mine = [each for each in notice.episodes if each.key.namespace == namespace]
                names = frozenset(map(name_of, mine))
                self._bring(written[bool(namespace)], namespace, mine, catalog)
                for other in others:
                    self._change(other[bool(namespace)], namespace, names, ())
        return state

    def _formats(self, catalog: Catalog) -> list[tuple[ResourceKind, ResourceKind]]:
        """Gives the kinds of the formats that are served: for no namespace, and for one."""
        found = []
        for api_version, namespaced, cluster in _FORMATS:
            everywhere = catalog.find(api_version, cluster)
            inside = catalog.find(api_version, namespaced)
            if everywhere is not None and inside is not None:
                found.append((everywhere, inside))
        if not found:
            known = " or ".join(f"{version} {kind}" for version, kind, _ in _FORMATS)
            raise NotifierError(
                f"the notifier {self._name!r}: the server doesn't serve {known}",
                fix="install their definitions, or take the notifier out",
                lasting=True,
            )
        return found

    def _bring(
        self, kind: ResourceKind, namespace: str, episodes: Sequence[Episode], catalog: Catalog
    ) -> None:
        left = [episode for episode in episodes if not episode.is_over]
        results = [_result(part, api_version_of(part[0].key, catalog)) for part in by_pod(left)]
        try:
            self._change(kind, namespace, frozenset(map(name_of, episodes)), results)
        except NotifierError:
            if not self._objects.is_going(namespace):
                raise

    def _change(
        self,
        kind: ResourceKind,
        namespace: str,
        names: frozenset[str],
        results: Sequence[JsonObject],
    ) -> None:
        """Puts results in place of those of some episodes."""
        key = ResourceKey(kind.group, kind.kind, namespace, NAME)
        for _ in range(_TRIES):
            found = self._objects.get(kind, key)
            if found is not None and not is_ours(found):
                raise NotifierError(
                    f"the notifier {self._name!r}: {key} isn't ours",
                    fix="rename it, or label it app.kubernetes.io/managed-by=plumbline",
                    lasting=True,
                )
            before = list((found or {}).get("results") or ())
            others = [each for each in before if _episode_of(each) not in names]
            after = sorted([*others, *results], key=_episode_of)
            if after == before:
                return
            self._must_fit(key, after)
            if self._written(kind, key, found, after):
                return
        raise NotifierError(
            f"the notifier {self._name!r}: somebody else writes {key}, too",
            fix="let only one Plumbline look at these objects",
        )

    def _must_fit(self, key: ResourceKey, results: Sequence[JsonObject]) -> None:
        if len(results) > _RESULTS:
            raise NotifierError(
                f"the notifier {self._name!r}: {key} can't hold more than {_RESULTS:,} results",
                fix="restore or ignore what drifts, or send less of it there by a route",
                lasting=True,
            )

    def _written(
        self,
        kind: ResourceKind,
        key: ResourceKey,
        found: JsonObject | None,
        results: Sequence[JsonObject],
    ) -> bool:
        """Writes a report, or deletes it; says False where somebody else wrote it meanwhile."""
        if found is None:
            return self._objects.create(kind, _report(kind, key, results))
        if not results:
            return self._objects.delete(kind, key, found)
        return self._objects.replace(
            kind, {**found, "results": results, "summary": _summary(results)}
        )


def _report(kind: ResourceKind, key: ResourceKey, results: Sequence[JsonObject]) -> JsonObject:
    metadata: JsonObject = {"name": key.name, "labels": dict(LABELS)}
    if key.namespace:
        metadata["namespace"] = key.namespace
    return {
        "apiVersion": kind.api_version,
        "kind": kind.kind,
        "metadata": metadata,
        "results": results,
        "summary": _summary(results),
    }


def _summary(results: Sequence[JsonObject]) -> dict[str, int]:
    counts = Counter(str(each.get("result")) for each in results)
    return {outcome: counts[outcome] for outcome in _SUMMARY}


def _result(episodes: Sequence[Episode], api_version: str) -> JsonObject:
    """Makes the result of one drift, or of all that drifted in one pod, the worst first."""
    episode = episodes[0]
    key = episode.key
    resource = {"apiVersion": api_version, "kind": key.kind, "name": key.name}
    if key.namespace:
        resource["namespace"] = key.namespace
    result: JsonObject = {
        "source": "Plumbline",
        "category": "Drift",
        "policy": "drift",
        "rule": episode.type.value,
        "severity": episode.severity.value,
        "result": _OUTCOMES.get(episode.type, "fail"),
        "scored": True,
        "message": _message(episodes),
        "resources": [resource],
        "properties": dict(_properties(episode)),
    }
    then = moment_of(episode.first_seen)
    if then is not None:
        result["timestamp"] = {"seconds": int(then.timestamp()), "nanos": 0}
    return result


def _message(episodes: Sequence[Episode]) -> str:
    if len(episodes) == 1:
        return episode_line(episodes[0], _MESSAGE)
    head = f"{len(episodes):,} drifts in the pod; the worst: "
    return head + episode_line(episodes[0], _MESSAGE - len(head))


def _properties(episode: Episode) -> Iterator[tuple[str, str]]:
    yield _EPISODE, name_of(episode)
    yield "target", episode.target
    yield "drift", episode.drift
    yield "firstSeen", episode.first_seen
    yield "standing", episode.standing.value


def _episode_of(result: JsonObject) -> str:
    properties: Any = result.get("properties")
    return str(properties.get(_EPISODE, "")) if isinstance(properties, dict) else ""


def _digest(value: object) -> str:
    text = json.dumps(value).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(text, digest_size=8).hexdigest()

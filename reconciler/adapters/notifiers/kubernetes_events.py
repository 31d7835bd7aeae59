"""Notices as Kubernetes Events on the drifted objects, where `kubectl describe` shows them.

There is one Event for each way in which a drift stands, by a name that follows from that: what is
told again raises its count, as for any Event. The server lets go of Events after an hour, unless
it was told otherwise (kube-apiserver's --event-ttl).
"""

import hashlib
import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from reconciler.adapters.notifiers.objects import LABELS, Objects, api_version_of
from reconciler.core.drift import DriftType
from reconciler.core.errors import NotifierError
from reconciler.core.notices import Episode, Notice, Standing
from reconciler.core.resource import Catalog, JsonObject, ResourceKey, ResourceKind, metadata_of
from reconciler.core.telling import name_of
from reconciler.ports import Cluster
from reconciler.render.notice_lines import episode_line
from reconciler.render.notices import changes_of

_API_VERSION: Final = "events.k8s.io/v1"

#: Who reports: a qualified name (k8s.io/api/events/v1, Event.reportingController).
CONTROLLER: Final = "plumbline.dev/plumbline"

#: In an Event, of which drift it tells, and what it told last: that is counted only once.
_DRIFT: Final = "plumbline.dev/drift"
_TOLD: Final = "plumbline.dev/told"

#: How many bytes an Event's note and the name of who reports may have
#: (k8s.io/kubernetes/pkg/apis/core/validation/events.go).
_NOTE: Final = 1024
_INSTANCE: Final = 128

#: Where Events on cluster-scoped objects are (the same).
_CLUSTER_HOME: Final = "default"

#: The reason and the action of an Event, for programs to look for.
_REASONS: Final = {
    Standing.FOUND: ("DriftFound", "Compare"),
    Standing.WAITS: ("DriftWaits", "Compare"),
    Standing.ASKED: ("DriftWaitsForApproval", "Compare"),
    Standing.REFUSED: ("RestoreRefused", "Compare"),
    Standing.APPROVED: ("RestoreApproved", "Restore"),
    Standing.FAILED: ("RestoreFailed", "Restore"),
    Standing.RESTORED: ("DriftRestored", "Restore"),
    Standing.GONE: ("DriftGone", "Compare"),
}
#: Not a warning.
_NORMAL: Final = frozenset({Standing.APPROVED, Standing.RESTORED, Standing.GONE})


def _now() -> datetime:
    return datetime.now(UTC)


class KubernetesEvents:
    """Writes Events on drifted objects; implements `ports.Notifier`.

    Needs the rights to create, get and update Events of events.k8s.io in the namespaces of what
    drifts, and in `default` for cluster-scoped objects.
    """

    def __init__(
        self, name: str, cluster: Cluster, instance: str, clock: Callable[[], datetime] = _now
    ) -> None:
        """Writes nothing yet.

        Args:
            name: What the user calls it, for messages.
            cluster: Where the objects are.
            instance: Which replica this is, such as its pod's name.
            clock: Tells the time, with its zone.
        """
        self._name = name
        self._objects = Objects(name, cluster)
        self._instance = instance[:_INSTANCE]
        self._clock = clock

    def show(self, notice: Notice, shown: str) -> str:
        """Writes the Events of what stands otherwise than before; see `ports.Notifier`."""
        states = {_state(episode, notice.reminder): episode for episode in notice.episodes}
        had = frozenset(shown.split())
        left = [episode for state, episode in states.items() if state not in had]
        if left:
            catalog = self._objects.catalog()
            kind = catalog.find(_API_VERSION, "Event")
            if kind is None:
                raise NotifierError(
                    f"the notifier {self._name!r}: the server doesn't serve {_API_VERSION}",
                    fix="see that the API server's discovery works, or take the notifier out",
                )
            for episode in left:
                self._write(kind, episode, notice.reminder, catalog)
        return " ".join(sorted(states))

    def _write(self, kind: ResourceKind, episode: Episode, reminder: int, catalog: Catalog) -> None:
        namespace = episode.key.namespace or _CLUSTER_HOME
        key = ResourceKey(kind.group, kind.kind, namespace, _event_name(episode))
        try:
            self._record(kind, key, episode, f"{len(episode.life)}.{reminder}", catalog)
        except NotifierError:
            if not self._objects.is_going(namespace):
                raise

    def _record(
        self, kind: ResourceKind, key: ResourceKey, episode: Episode, told: str, catalog: Catalog
    ) -> None:
        found = self._objects.get(kind, key)
        if found is None:
            body = self._event(key, episode, told, self._regarding(episode, catalog))
            if self._objects.create(kind, body):
                return
            found = self._objects.get(kind, key)
        if found is None or _told_by(found) == told:
            return
        if not self._objects.replace(kind, self._counted(found, told)):
            raise NotifierError(
                f"the notifier {self._name!r}: somebody else writes {key}, too",
                fix="let only one Plumbline look at these objects",
            )

    def _event(
        self, key: ResourceKey, episode: Episode, told: str, regarding: JsonObject
    ) -> JsonObject:
        reason, action = _REASONS[episode.standing]
        return {
            "apiVersion": _API_VERSION,
            "kind": "Event",
            "metadata": {
                "name": key.name,
                "namespace": key.namespace,
                "labels": dict(LABELS),
                "annotations": {_DRIFT: episode.drift, _TOLD: told},
            },
            "eventTime": self._time(),
            "reportingController": CONTROLLER,
            "reportingInstance": self._instance,
            "action": action,
            "reason": reason,
            "type": "Normal" if episode.standing in _NORMAL else "Warning",
            "regarding": regarding,
            "note": episode_line(episode, _NOTE),
        }

    def _regarding(self, episode: Episode, catalog: Catalog) -> JsonObject:
        """Refers to the object; by its uid, too, for which `kubectl describe` looks."""
        key = episode.key
        api_version = api_version_of(key, catalog)
        reference = {"apiVersion": api_version, "kind": key.kind, "name": key.name}
        if key.namespace:
            reference["namespace"] = key.namespace
        kind = catalog.find(api_version, key.kind)
        if kind is not None and episode.type is not DriftType.UNREADABLE:
            live = self._objects.glance(kind, key)
            reference["uid"] = str(metadata_of(live).get("uid")) if live else ""
        return reference

    def _counted(self, event: JsonObject, told: str) -> JsonObject:
        """Gives an Event that has happened once more; nothing else of it can be changed."""
        metadata = metadata_of(event)
        annotations = metadata.get("annotations") or {}
        count = int((event.get("series") or {}).get("count") or 1)
        return {
            **event,
            "metadata": {**metadata, "annotations": {**annotations, _TOLD: told}},
            "series": {"count": count + 1, "lastObservedTime": self._time()},
        }

    def _time(self) -> str:
        """Gives the time as a MicroTime has it."""
        return self._clock().astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _told_by(event: JsonObject) -> str:
    return str((metadata_of(event).get("annotations") or {}).get(_TOLD, ""))


def _event_name(episode: Episode) -> str:
    """Names the Event of a drift as it stands: the same, whoever asks."""
    paths = sorted(path for path, _ in changes_of(episode))
    about = [name_of(episode), episode.standing.value, episode.type.value, paths]
    return f"plumbline.{_digest(about, 16)}"


def _state(episode: Episode, reminder: int) -> str:
    return _digest([_event_name(episode), 0 if episode.is_over else reminder], 6)


def _digest(value: object, size: int) -> str:
    text = json.dumps(value).encode("utf-8", "backslashreplace")
    return hashlib.blake2b(text, digest_size=size).hexdigest()

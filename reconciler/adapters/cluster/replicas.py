"""Which replicas there are, by one Lease each, and which of them is to act for which target.

A target's own Lease decides who acts; this only spreads the targets over the replicas. Each target
goes to the replica that rendezvous hashing gives it (Thaler and Ravishankar 1996): when a replica
comes or goes, only the targets move that it takes or leaves.
"""

import contextlib
import hashlib
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final

from reconciler.adapters.cluster.addresses import collection_path, object_path
from reconciler.adapters.cluster.lease import LeaseTimes, since_boot
from reconciler.adapters.cluster.lease_record import LEASE, LeaseRecord
from reconciler.adapters.cluster.rejection import Attempt, rejected
from reconciler.adapters.cluster.transport import Timing, Transport
from reconciler.core.errors import PlumblineError
from reconciler.core.resource import JsonObject, ResourceKey, metadata_of

#: Who looks at a replica's Lease shall know what it is.
_LABELS: Final = {
    "app.kubernetes.io/managed-by": "plumbline",
    "app.kubernetes.io/component": "replica",
}
_SELECTOR: Final = ",".join(f"{name}={value}" for name, value in _LABELS.items())
#: Names the targets of a replica: others may be configured otherwise.
TARGETS: Final = "plumbline.dev/targets"
#: Says how often a replica was told to look at a target that another one acts for.
TOLD: Final = "plumbline.dev/told"
#: Slower than a target's Lease: nothing is unsafe while this is out of date.
TIMES: Final = LeaseTimes(duration=15.0, deadline=10.0, retry=3.0)
#: A dead replica's Lease is deleted after so many times its duration.
_BURIED_AFTER = 4
_CONFLICT = 409
_NOT_FOUND = 404
_CLOSE_SECONDS = 1.0
_FIRST_LOOK_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class _Member:
    """A replica as it was seen.

    Attributes:
        record: Its Lease.
        targets: What it is configured to keep true.
        at: Since when the Lease is as it is, on our clock.
        told: What it was told to have looked at, as `target=times`.
    """

    record: LeaseRecord
    targets: frozenset[str]
    at: float
    told: frozenset[str] = frozenset()


class Replicas:
    """Tells the other replicas that we are here, and sees them. Safe to use from many threads.

    Attributes:
        identity: Our own.
    """

    def __init__(
        self,
        transport: Transport,
        namespace: str,
        identity: str,
        targets: Sequence[str],
        *,
        heard: Callable[[str], None] = lambda _: None,
        times: LeaseTimes = TIMES,
        timing: Timing | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
    ) -> None:
        """Asks nothing yet.

        Args:
            transport: Makes the requests; one of its own, see `lease.lease_transport`.
            namespace: Where the Leases are.
            identity: Our own, as no other process is named; its last part (after `_`) is part of
                a Lease's name.
            targets: What we are configured to keep true.
            heard: Is called with each target that another replica was told to have looked at;
                must return at once.
            times: How long what takes.
            timing: The clock by which others are seen to be there, and chance.
            clock: The time of day that is written into the Lease, for people.
        """
        self.identity = identity
        self._name = f"plumbline-replica-{identity.rpartition('_')[2]}"
        self._transport = transport
        self._namespace = namespace
        self._targets = frozenset(targets)
        self._heard = heard
        self._told: Mapping[str, int] = {}
        self._telling = threading.Lock()
        self._times = times
        self._timing = timing or Timing(monotonic=since_boot)
        self._clock = clock
        self._members: Mapping[str, _Member] = {}
        self._has_looked = threading.Event()
        self._stopping = threading.Event()
        self._early = threading.Event()
        self._thread = threading.Thread(target=self._run, name="replicas", daemon=True)

    def start(self) -> None:
        """Is one of the replicas from now on, until `close`; waits a moment to see the others."""
        self._thread.start()
        self._has_looked.wait(_FIRST_LOOK_SECONDS)

    def close(self) -> None:
        """Is no replica any more, and tells the others."""
        self._stopping.set()
        self._early.set()
        if self._thread.ident is not None:
            self._thread.join(self._times.retry + _CLOSE_SECONDS)
        mine = self._members.get(self._name)
        if mine is not None:
            # Who can't say so is missed all the same, a few seconds later.
            with contextlib.suppress(PlumblineError):
                self._delete(self._name, mine.record)
        self._transport.close()

    def present(self) -> frozenset[str]:
        """Gives the identities of those that are there, ours among them once it was seen."""
        return frozenset(member.record.holder for member in self._living())

    def chosen(self, target: str) -> bool:
        """Whether we are the one that is to act for a target; nobody is, before others are seen."""
        able = [each.record.holder for each in self._living() if target in each.targets]
        return bool(able) and max(able, key=lambda each: _rank(each, target)) == self.identity

    def tell(self, target: str) -> None:
        """Has the others hear that a target is to be looked at, at their next look."""
        with self._telling:
            # Another one in its place: it may be read at this moment.
            self._told = {**self._told, target: self._told.get(target, 0) + 1}
        self._early.set()

    def look(self) -> None:
        """Renews our own Lease, and looks at the others'.

        Raises:
            PlumblineError: That can't be done now.
        """
        mine = self._members.get(self._name)
        self._renew(mine.record if mine else LeaseRecord())
        seen = {str(metadata_of(body).get("name")): body for body in self._list()}
        now = self._timing.monotonic()
        members = {name: self._seen(name, body, now) for name, body in seen.items()}
        before, self._members = self._members, members
        for name, member in members.items():
            if now - member.at > _BURIED_AFTER * self._lasts(member):
                self._delete(name, member.record)
        for target in self._news(before):
            self._heard(target)

    def _news(self, before: Mapping[str, _Member]) -> Sequence[str]:
        """Gives the targets that others were told of since."""
        others = [each for each in self._members.items() if each[0] != self._name]
        told = {
            each
            for name, member in others
            for each in member.told - (before[name].told if name in before else frozenset())
        }
        return sorted({each.rpartition("=")[0] for each in told})

    def _run(self) -> None:
        while True:
            self._early.clear()
            if self._stopping.is_set():
                return
            # What was seen before still holds as long as the others' Leases do.
            with contextlib.suppress(PlumblineError):
                self.look()
                self._has_looked.set()
            self._early.wait(self._times.retry * (0.9 + self._timing.jitter() / 10))

    def _living(self) -> list[_Member]:
        now = self._timing.monotonic()
        members = self._members.values()
        return [each for each in members if now - each.at < self._lasts(each)]

    def _lasts(self, member: _Member) -> float:
        return max(member.record.duration, self._times.duration)

    def _seen(self, name: str, body: JsonObject, now: float) -> _Member:
        record = LeaseRecord.of(body)
        annotations = metadata_of(body).get("annotations") or {}
        targets, told = (str(annotations.get(each) or "").split() for each in (TARGETS, TOLD))
        known = self._members.get(name)
        at = known.at if known is not None and known.record == record else now
        return _Member(record, frozenset(targets), at, frozenset(told))

    def _renew(self, record: LeaseRecord) -> None:
        record = record.taken(self.identity, math.ceil(self._times.duration), self._clock())
        body = record.body(self._namespace, self._name, _LABELS)
        told = " ".join(f"{target}={times}" for target, times in sorted(self._told.items()))
        annotations = {TARGETS: " ".join(sorted(self._targets)), TOLD: told}
        body["metadata"]["annotations"] = annotations
        if record.version:
            path = object_path(LEASE, self._namespace, self._name)
            answer = self._transport.write("PUT", path, None, body)
            verb = "update"
        else:
            path = collection_path(LEASE, self._namespace)
            answer = self._transport.write("POST", path, None, body)
            verb = "create"
        if answer.status in (_CONFLICT, _NOT_FOUND):
            # Written before its answer was lost, or deleted under us: the next look knows.
            return
        if not answer.ok:
            raise rejected(Attempt(verb, LEASE, self._key(self._name)), answer)

    def _list(self) -> Sequence[JsonObject]:
        query = {"labelSelector": _SELECTOR}
        answer = self._transport.get(collection_path(LEASE, self._namespace), query)
        body = answer.json()
        if not answer.ok or not isinstance(body, dict):
            raise rejected(Attempt("list", LEASE, self._key("")), answer)
        return [each for each in body.get("items") or () if isinstance(each, dict)]

    def _delete(self, name: str, record: LeaseRecord) -> None:
        options = {
            "apiVersion": "v1",
            "kind": "DeleteOptions",
            "preconditions": {"resourceVersion": record.version},
        }
        path = object_path(LEASE, self._namespace, name)
        # Somebody else may be quicker, or it lives after all.
        self._transport.write("DELETE", path, None, options)

    def _key(self, name: str) -> ResourceKey:
        return ResourceKey(LEASE.group, LEASE.kind, self._namespace, name)


def _rank(identity: str, target: str) -> bytes:
    return hashlib.blake2b(f"{identity}\0{target}".encode()).digest()

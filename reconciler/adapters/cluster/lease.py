"""One writer at a time, by a Lease (coordination.k8s.io/v1).

The rules are those of client-go's leader election (tools/leaderelection/leaderelection.go): a
Lease that nobody was seen to renew for its duration may be taken, by our own clock; who can't
renew it within a shorter time has lost it. One is stricter here: our time runs from before the
request was sent, not from when its answer came.
"""

import contextlib
import math
import os
import socket
import threading
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime

from reconciler.adapters.cluster.addresses import collection_path, object_path
from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.cluster.lease_record import LEASE, LeaseRecord
from reconciler.adapters.cluster.rejection import Attempt, rejected
from reconciler.adapters.cluster.transport import Timing, Transport
from reconciler.adapters.cluster.wire import Answer, DirectWire, Limits
from reconciler.core.errors import PlumblineError
from reconciler.core.resource import JsonObject, ResourceKey

_NOT_FOUND = 404
_CONFLICT = 409
#: Nothing but ours is written to it; who looks at the Lease shall know.
_LABELS = {"app.kubernetes.io/managed-by": "plumbline"}
_CLOSE_SECONDS = 1.0


@dataclass(frozen=True, slots=True)
class LeaseTimes:
    """How long what takes, in seconds; client-go's own defaults (LeaderElectionConfig).

    Attributes:
        duration: After so long without a renewal somebody else takes the Lease.
        deadline: After so long without a renewal its holder has lost it.
        retry: From one renewal to the next; who waits looks at least as often.
    """

    duration: float = 15.0
    deadline: float = 10.0
    retry: float = 2.0

    def __post_init__(self) -> None:
        if not 0 < self.retry < self.deadline < self.duration:
            raise ValueError("a Lease needs 0 < retry < deadline < duration")


def since_boot() -> float:
    """Gives a clock's seconds that go on while the machine is suspended, where there is one."""
    clock = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)
    return time.clock_gettime(clock)


def new_identity() -> str:
    """Names this process as no other, even one before it on the same host, is named."""
    return f"{socket.gethostname()}_{os.getpid()}_{uuid.uuid4().hex[:12]}"


class Leadership:
    """Contends for a Lease, and keeps it. Safe to use from many threads.

    Attributes:
        name: The Lease's name.
        identity: Under which name we hold it.
        lost: Set when it was held and isn't any more; cleared when it is held again.
        acquired: Set as long as it is held; `held` is the one that is exact.
    """

    def __init__(
        self,
        transport: Transport,
        namespace: str,
        name: str,
        identity: str,
        *,
        times: LeaseTimes | None = None,
        timing: Timing | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        wanted: Callable[[], bool] = lambda: True,
    ) -> None:
        """Asks nothing yet.

        Args:
            transport: Makes the requests; one of its own (see `lease_transport`), since an
                ordinary one waits for longer than a Lease lasts.
            namespace: Where the Lease is.
            name: Its name.
            identity: Under which name we hold it; no other process may have the same.
            times: How long what takes.
            timing: The clock by which we hold it, and chance.
            clock: The time of day that is written into it, for people.
            wanted: Whether it is to be taken if it can be had; who holds it goes on all the same.
        """
        self.name = name
        self.identity = identity
        self.lost = threading.Event()
        self.acquired = threading.Event()
        self._transport = transport
        self._namespace = namespace
        self._times = times or LeaseTimes()
        self._timing = timing or Timing(monotonic=since_boot)
        self._clock = clock
        self._wanted = wanted
        self._turn = threading.Lock()
        self._key = ResourceKey(LEASE.group, LEASE.kind, namespace, name)
        self._news = threading.Condition()
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._seen = LeaseRecord()
        self._seen_at = 0.0
        self._until = float("-inf")
        self._is_told = False
        self._failure = ""

    @property
    def failure(self) -> str:
        """Why the Lease couldn't be looked at or renewed the last time; empty where it could."""
        return self._failure

    @property
    def holder(self) -> str:
        """Who was seen to hold it last; empty for nobody."""
        return self._seen.holder

    def held(self) -> bool:
        """Whether it is ours at this very moment."""
        return self._timing.monotonic() < self._until

    def start(self) -> None:
        """Contends from now on, until `release`."""
        runs = {"lease": self._run, "lease-watchdog": self._watch_over}
        self._threads = [
            threading.Thread(target=run, name=f"{name}-{self.name}", daemon=True)
            for name, run in runs.items()
        ]
        for thread in self._threads:
            thread.start()

    def release(self) -> None:
        """Lets go of it, so that somebody else has it at once; contends no more.

        Whoever writes must have come to an end before.
        """
        self._stopping.set()
        self._hold_until(float("-inf"))
        for thread in self._threads:
            thread.join(self._times.retry + _CLOSE_SECONDS)
        self._let_go()
        self._transport.close()

    def hand_over(self) -> None:
        """Lets go of it, and contends again once it is wanted.

        Whoever writes must have come to an end before.
        """
        with self._turn:
            self._hold_until(float("-inf"))
            self._let_go()

    def _let_go(self) -> None:
        if self._seen.holder != self.identity:
            return
        # Who can't say so has lost it all the same, a few seconds later.
        with contextlib.suppress(PlumblineError):
            answer = self._put(self._seen.released(self._clock()))
            if answer.ok:
                self._note(LeaseRecord.of(answer.json()))

    def contend(self) -> float:
        """Renews it, or looks whether it can be had.

        Returns:
            After how many seconds it is to be called again.
        """
        try:
            with self._turn:
                self._try()
            self._failure = ""
        except PlumblineError as error:
            self._failure = error.message
        if self.held() and not self._failure:
            return self._times.retry * (0.9 + self._timing.jitter() / 10)
        # More often than client-go does: a Lease that was let go of is had in a second, and one
        # that is about to be lost is renewed as soon as that is possible again.
        return self._times.retry * (0.5 + self._timing.jitter() / 2)

    def _run(self) -> None:
        while not self._stopping.is_set():
            delay = self.contend()
            self._stopping.wait(delay)

    def _try(self) -> None:
        # As client-go does: who holds it needn't look, the precondition does.
        if self.held() and self._take(self._seen):
            return
        answer = self._transport.get(object_path(LEASE, self._namespace, self.name))
        if answer.status == _NOT_FOUND:
            if self._wanted():
                self._take(LeaseRecord())
            return
        self._note(LeaseRecord.of(self._read(answer, "get")))
        if self._may_be_taken():
            self._take(self._seen)

    def _take(self, record: LeaseRecord) -> bool:
        """Takes or renews it; False where it isn't any more what it was seen to be."""
        began = self._timing.monotonic()
        duration = math.ceil(self._times.duration)
        answer = self._put(record.taken(self.identity, duration, self._clock()))
        if answer.status == _CONFLICT or (answer.status == _NOT_FOUND and record.version):
            return False
        verb = "update" if record.version else "create"
        self._note(LeaseRecord.of(self._read(answer, verb)))
        if not self._stopping.is_set():
            self._hold_until(began + self._times.deadline)
        return True

    def _may_be_taken(self) -> bool:
        seen = self._seen
        if not self._wanted():
            return False
        if seen.holder in ("", self.identity):
            return True
        # What it says of itself counts: its holder may have been told other times than we.
        duration = max(seen.duration, self._times.duration)
        return self._timing.monotonic() >= self._seen_at + duration

    def _note(self, record: LeaseRecord) -> None:
        if record != self._seen:
            self._seen, self._seen_at = record, self._timing.monotonic()
        if record.holder != self.identity:
            # Somebody else's word is enough, were it an administrator's.
            self._hold_until(float("-inf"))

    def _put(self, record: LeaseRecord) -> Answer:
        body = record.body(self._namespace, self.name, _LABELS)
        if record.version:
            path = object_path(LEASE, self._namespace, self.name)
            return self._transport.write("PUT", path, None, body)
        return self._transport.write("POST", collection_path(LEASE, self._namespace), None, body)

    def _read(self, answer: Answer, verb: str) -> JsonObject:
        body = answer.json()
        if not answer.ok or not isinstance(body, dict):
            raise rejected(Attempt(verb, LEASE, self._key), answer)
        return body

    def _hold_until(self, until: float) -> None:
        with self._news:
            self._until = until
            self._tell()
            self._news.notify_all()

    def _watch_over(self) -> None:
        """Tells of the loss at the moment it happens, whatever the other thread waits for."""
        with self._news:
            while not self._stopping.is_set():
                self._tell()
                left = self._until - self._timing.monotonic()
                self._news.wait(left if left > 0 else None)

    def _tell(self) -> None:
        is_held = self.held()
        if is_held == self._is_told:
            return
        self._is_told = is_held
        if is_held:
            self.lost.clear()
            self.acquired.set()
        else:
            self.acquired.clear()
            self.lost.set()


def lease_transport(cluster: KubeCluster, times: LeaseTimes | None = None) -> Transport:
    """Gives a transport for a Lease: half its deadline is the longest that anything may take."""
    times = times or LeaseTimes()
    limits = Limits(connect=times.deadline / 2, read=times.deadline / 2)

    def pause(seconds: float) -> None:
        time.sleep(min(seconds, times.retry / 2))

    access = cluster.transport.access
    if access.proxy:
        from reconciler.adapters.cluster.proxied import ProxiedWire  # urllib3 takes its time

        return Transport(access, Timing(sleep=pause), ProxiedWire(access, limits))
    return Transport(access, Timing(sleep=pause), DirectWire(access, limits))

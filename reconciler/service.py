"""The controller, put together: every target with its watches, its Lease, its history."""

import gc
import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from time import monotonic

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.telemetry.endpoints import Endpoints, Health
from reconciler.adapters.telemetry.logs import Logs
from reconciler.adapters.telemetry.metrics import Metrics
from reconciler.adopter import Adopter
from reconciler.assembly import Assembly, Followed
from reconciler.attending import agents_of
from reconciler.bootstrap import open_cluster
from reconciler.controller import Look
from reconciler.conversation import Conversation
from reconciler.core.cycle import Cycle, CycleResult
from reconciler.core.drift import Drift
from reconciler.core.errors import ConfigError, PlumblineError
from reconciler.core.history import HistoryQuery
from reconciler.core.moments import rfc3339
from reconciler.core.suspension import SUSPENSION_TYPES, suspended_since
from reconciler.core.words import Hearing
from reconciler.doors import open_doors
from reconciler.images.watching import image_interval, watch_images
from reconciler.leading import Seats
from reconciler.memory import open_history, state_folder
from reconciler.notifying import telling_of
from reconciler.ports import History, Observer
from reconciler.schedule import Schedule
from reconciler.settings import Settings, TargetSettings
from reconciler.settings.addresses import address_of
from reconciler.settings.durations import seconds_of
from reconciler.tracing import traces_of
from reconciler.waking import Others, hooks_of, telling
from reconciler.witnessing import witnesses_of

#: After its interval, how long a target may go without a finished cycle before the process is
#: called hung: a cycle waits for what is slow, but every wait has a limit.
_HUNG_AFTER = 900.0
#: Seconds between two looks at whether the service shall end, where nothing moves.
_POLL = 1.0
#: Seconds from one look for events that are too old to keep to the next.
_TIDY = 3600.0
#: Seconds from one collection of garbage that refers to itself, be it ever so old, to the next.
_COLLECT = 300.0

_LOOKED = frozenset({CycleResult.DONE, CycleResult.UNMOVED})


@dataclass(slots=True)
class Service:
    """The running controller.

    Attributes:
        followed: One a target.
        schedule: When each is looked at.
        stack: What must be closed in the end.
        logs: Tells what happens.
    """

    followed: Sequence[Followed]
    schedule: Schedule
    stack: ExitStack
    logs: Logs
    _stopping: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begins to look."""
        self.logs.say("started", targets=[each.keeper.name for each in self.followed])
        self.schedule.start()
        for each in self.followed:
            name = f"follow-{each.keeper.name}"
            thread = threading.Thread(target=self._follow, args=(each,), name=name)
            thread.start()
            self.stack.callback(thread.join)

    def stop(self) -> None:
        """Lets what is under way finish, hands the Leases over, closes all connections."""
        self._stopping.set()
        self.schedule.stop()
        self.stack.close()
        self.logs.say("stopped")

    def _follow(self, target: Followed) -> None:
        """Has a target looked at as soon as there is a reason to, and left to whom it is for."""
        keeper, seat, live = target.keeper, target.seat, target.live
        while not self._stopping.is_set():
            moved = live.wait(_POLL) if live is not None else self._stopping.wait(_POLL)
            if seat.is_to_leave():
                with keeper.between_cycles():
                    seat.leave()
            told = target.news is not None and target.news.is_new()
            if (moved or told or keeper.is_due()) and keeper.cycle().result not in _LOOKED:
                # News that nobody looks at would be news again at once.
                self._stopping.wait(_POLL)


class _Standing:
    """See `ports.Observer`: remembers how each target stands, for `/healthz` and `/readyz`."""

    def __init__(self, names: Sequence[str], interval: float) -> None:
        self._finished = dict.fromkeys(names, monotonic())
        self._answered: set[str] = set()
        self._names = tuple(names)
        self._allowed = interval + _HUNG_AFTER

    def saw(self, cycle: Cycle) -> None:
        self._finished[cycle.target] = monotonic()
        if cycle.result is CycleResult.FAILED:
            self._answered.discard(cycle.target)
        else:
            self._answered.add(cycle.target)

    def alive(self) -> str:
        hung = [n for n, at in self._finished.items() if monotonic() - at > self._allowed]
        return f"no cycle has ended for long: {', '.join(hung)}" if hung else ""

    def ready(self) -> str:
        waiting = [name for name in self._names if name not in self._answered]
        return f"could not be looked at: {', '.join(waiting)}" if waiting else ""


def build(settings: Settings, targets: Sequence[TargetSettings]) -> Service:
    """Puts the controller together. Reads the kubeconfig, opens the history, binds the port.

    Raises:
        ConfigError: A setting isn't as it must be.
        HistoryError: The history can't be opened.
    """
    interval = seconds_of("schedule.interval", settings.schedule.interval)
    jitter = seconds_of("schedule.jitter", settings.schedule.jitter)
    retention = seconds_of("history.retention", settings.history.retention)
    if interval <= 0:
        raise ConfigError("schedule.interval must be longer than nothing", fix="write it as 3m")
    if settings.schedule.workers < 1:
        raise ConfigError("schedule.workers must be at least 1", fix="leave it out for 4")
    names = [target.name for target in targets]
    logs, metrics, standing = Logs(), Metrics(), _Standing(names, interval)
    with ExitStack() as stack:
        history = open_history(settings)
        stack.callback(history.close)
        bound = threading.BoundedSemaphore(settings.schedule.workers)
        witnesses = witnesses_of(settings.witnesses, state_folder(settings), stack)
        told: tuple[Observer, ...] = (logs, metrics, standing)
        seats = Seats(settings.lease.namespace, names, stack)
        cluster = _Cluster(settings, stack)
        people = telling_of(settings.notify, names, history, seats.held, logs.say, stack, cluster)
        told = (*told, people) if people is not None else told
        traces = traces_of(settings.traces, stack)
        told = (*told, traces) if traces is not None else told
        assembly = Assembly(
            settings, stack, told, history, witnesses, metrics, bound, seats, logs.say, traces
        )
        followed = [assembly.followed(target) for target in targets]
        keepers = [each.keeper for each in followed]
        cycles = {each.name: each.cycle for each in keepers}
        others = Others(seats.tell, seats.listen)
        hooks_of(settings.hooks, targets, cycles, telling(logs, metrics), stack, others)
        conversation = Conversation(
            {each.name: each for each in keepers},
            history,
            lambda: datetime.now(UTC),
            _adopters(settings, targets, followed),
        )
        open_doors(settings.notify.slack, conversation.hear, logs, metrics, stack)
        nodes, evidence = history.nodes(), history.evidence()
        chores = agents_of(settings.agents, cluster, nodes, evidence, logs.say, metrics, stack)
        _serve(settings, stack, Health(standing.alive, standing.ready, metrics.text))
        schedule = Schedule(
            keepers, interval=interval, jitter=jitter, workers=settings.schedule.workers
        )
        schedule.also("garbage", _COLLECT, gc.collect)
        if every := image_interval(settings.images):
            for each in followed:
                watch = watch_images(settings, each.keeper, each.opened, logs.say)
                schedule.also(f"images of {each.keeper.name}", every, watch.refresh)
        for chore in chores:
            schedule.also(*chore)
        if retention:
            schedule.also("retention", _TIDY, lambda: _tidy(history, retention, logs))
        return Service(followed, schedule, stack.pop_all(), logs)
    raise AssertionError("an ExitStack suppresses nothing here")


def _adopters(
    settings: Settings, targets: Sequence[TargetSettings], followed: Sequence[Followed]
) -> dict[str, Callable[[Look, Drift], Hearing]]:
    if not (settings.forge.token_file or settings.forge.app.id):
        return {}
    pairs = zip(targets, followed, strict=True)
    return {one.name: Adopter(settings, one, each.opened).adopt for one, each in pairs}


class _Cluster:
    """Opens the cluster that notifiers write to and agents are known to, once, and if wanted."""

    def __init__(self, settings: Settings, stack: ExitStack) -> None:
        self._settings = settings
        self._stack = stack
        self._opened: KubeCluster | None = None

    def __call__(self) -> KubeCluster:
        if self._opened is None:
            opened = open_cluster(self._settings)
            self._stack.callback(opened.close)
            self._opened = opened
        return self._opened


def _tidy(history: History, retention: float, logs: Logs) -> None:
    """Lets go of the events that are too old, and of none since the oldest suspension that holds.

    The chain begins later then, but has no gap: what is kept of it is kept whole.
    """
    now = datetime.now(UTC)
    try:
        holds_since = suspended_since(history.find(HistoryQuery(types=SUSPENSION_TYPES)), now)
        before = rfc3339(now - timedelta(seconds=retention))
        gone = history.forget(min(before, holds_since or before))
    except PlumblineError as error:
        logs.say("old events could not be let go", error=str(error))
        return
    if gone:
        logs.say("old events let go", events=gone)


def _serve(settings: Settings, stack: ExitStack, health: Health) -> None:
    address = settings.serve.address
    if not address:
        return
    host, port = address_of("serve.address", address)
    endpoints = Endpoints(host, port, health)
    endpoints.start()
    stack.callback(endpoints.close)

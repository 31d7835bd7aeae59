"""The controller, put together: every target with its watches, its Lease, its history."""

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from time import monotonic

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.cluster.guarded import GuardedCluster
from reconciler.adapters.cluster.lease import Leadership, lease_transport, new_identity
from reconciler.adapters.cluster.refreshed import Refreshed
from reconciler.adapters.cluster.watched import WatchedLive
from reconciler.adapters.sources.peeked import Peeked
from reconciler.adapters.telemetry.endpoints import Endpoints, Health
from reconciler.adapters.telemetry.logs import Logs
from reconciler.adapters.telemetry.metrics import Metrics
from reconciler.bootstrap import How, open_history, open_target, state_folder
from reconciler.controller import Target
from reconciler.core.cycle import Cycle, CycleResult
from reconciler.core.errors import ConfigError, PlumblineError
from reconciler.core.moments import rfc3339
from reconciler.core.plan import Plan
from reconciler.keeper import Keeper
from reconciler.policies import policy_of
from reconciler.ports import History, Observer, Witnesses
from reconciler.schedule import Schedule
from reconciler.settings import Settings, TargetSettings
from reconciler.settings.addresses import address_of
from reconciler.settings.durations import seconds_of
from reconciler.witnessing import witnesses_of

#: After its interval, how long a target may go without a finished cycle before the process is
#: called hung: a cycle waits for what is slow, but every wait has a limit.
_HUNG_AFTER = 900.0
#: Seconds between two looks at whether the service shall end, where nothing moves.
_POLL = 1.0
#: Seconds from one look for events that are too old to keep to the next.
_TIDY = 3600.0

_LOOKED = frozenset({CycleResult.DONE, CycleResult.UNMOVED})


@dataclass(slots=True)
class Service:
    """The running controller.

    Attributes:
        keepers: One a target.
        schedule: When each looks.
        stack: What must be closed in the end.
        logs: Tells what happens.
        watched: By target, what tells that something moved.
    """

    keepers: Sequence[Keeper]
    schedule: Schedule
    stack: ExitStack
    logs: Logs
    watched: dict[str, WatchedLive]
    _stopping: threading.Event = field(default_factory=threading.Event)

    def start(self) -> None:
        """Begins to look."""
        self.logs.say("started", targets=[keeper.name for keeper in self.keepers])
        self.schedule.start()
        for keeper in self.keepers:
            live = self.watched.get(keeper.name)
            if live is not None:
                thread = threading.Thread(
                    target=self._follow, args=(keeper, live), name=f"news-{keeper.name}"
                )
                thread.start()
                self.stack.callback(thread.join)

    def stop(self) -> None:
        """Lets what is under way finish, hands the Leases over, closes all connections."""
        self._stopping.set()
        self.schedule.stop()
        self.stack.close()
        self.logs.say("stopped")

    def _follow(self, keeper: Keeper, live: WatchedLive) -> None:
        """Has a target looked at as soon as something in the cluster moved."""
        while not self._stopping.is_set():
            if live.wait(_POLL) and keeper.cycle().result not in _LOOKED:
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
        told = (logs, metrics, standing)
        maker = _Maker(settings, stack, told, history, witnesses, metrics, bound)
        keepers = [maker.keeper(target) for target in targets]
        _serve(settings, stack, Health(standing.alive, standing.ready, metrics.text))
        schedule = Schedule(
            keepers, interval=interval, jitter=jitter, workers=settings.schedule.workers
        )
        if retention:
            schedule.also("retention", _TIDY, lambda: _tidy(history, retention, logs))
        return Service(keepers, schedule, stack.pop_all(), logs, maker.watched)
    raise AssertionError("an ExitStack suppresses nothing here")


def _tidy(history: History, retention: float, logs: Logs) -> None:
    """Lets go of the events that are too old."""
    try:
        gone = history.forget(rfc3339(datetime.now(UTC) - timedelta(seconds=retention)))
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


@dataclass(slots=True)
class _Maker:
    """Makes keepers, and remembers what must be closed."""

    settings: Settings
    stack: ExitStack
    observers: Sequence[Observer]
    history: History
    witnesses: Witnesses | None
    metrics: Metrics
    bound: threading.BoundedSemaphore
    watched: dict[str, WatchedLive] = field(default_factory=dict)

    def keeper(self, target: TargetSettings) -> Keeper:
        """Makes one target's keeper.

        Raises:
            ConfigError: The kubeconfig, or a folder, isn't as it must be.
        """
        opened = self.stack.enter_context(open_target(self.settings, target, How()))
        if opened.cluster is None:
            raise ConfigError("there is no cluster to watch", fix="name one with --kubeconfig")
        leads = self._leads(target.name, opened.cluster)
        source = Peeked(opened.target.source)
        made = replace(opened.target, source=source)
        stamp: Callable[[], object | None] = _never_the_same
        verifying: Callable[[Target, Plan], Target] = _as_it_is
        if self.settings.schedule.watch:
            live = WatchedLive(opened.cluster)
            self.stack.callback(live.close)
            self.watched[target.name] = live
            made = replace(made, live=live)
            stamp = _stamp(source, live, made.clock)
            verifying = _refreshing(live)
        return Keeper(
            target=made,
            cluster=GuardedCluster(opened.cluster, leads),
            policy=policy_of(target),
            history=self.history,
            witnesses=self.witnesses,
            leads=leads,
            stamp=stamp,
            verifying=verifying,
            observers=self.observers,
            monotonic=monotonic,
            bound=self.bound,
        )

    def _leads(self, name: str, cluster: KubeCluster) -> Callable[[], bool]:
        namespace = self.settings.lease.namespace
        if not namespace:
            return _always
        leadership = Leadership(
            lease_transport(cluster), namespace, f"plumbline-{name}", new_identity()
        )
        leadership.start()
        self.stack.callback(leadership.release)
        self.metrics.watch_leadership(name, leadership.held)
        return leadership.held


def _always() -> bool:
    return True


def _never_the_same() -> None:
    return None


def _as_it_is(target: Target, plan: Plan) -> Target:
    return target


def _stamp(
    source: Peeked, live: WatchedLive, clock: Callable[[], datetime]
) -> Callable[[], object]:
    """Tells whether either side moved; the day, too, since rules end with one."""
    return lambda: (source.peek().revision, live.version, clock().date())


def _refreshing(live: WatchedLive) -> Callable[[Target, Plan], Target]:
    """Has a fresh comparison see what a plan wrote, before the watches tell of it."""

    def verifying(target: Target, plan: Plan) -> Target:
        catalog = live.catalog()
        found = {catalog.find(action.api_version, action.key.kind) for action in plan.actions}
        return replace(target, live=Refreshed(live, {kind for kind in found if kind is not None}))

    return verifying

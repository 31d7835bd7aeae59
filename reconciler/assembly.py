"""One target put together for the controller: its keeper, and what tells it to look."""

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack, nullcontext
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from time import monotonic
from typing import TYPE_CHECKING

from reconciler.adapters.cluster.cluster import KubeCluster
from reconciler.adapters.cluster.guarded import GuardedCluster
from reconciler.adapters.cluster.refreshed import Refreshed
from reconciler.adapters.cluster.watched import WatchedLive
from reconciler.adapters.cluster.watches import Watches
from reconciler.adapters.history.database import DatabaseHistory
from reconciler.adapters.sources.peeked import Peeked
from reconciler.adapters.telemetry.metrics import Metrics
from reconciler.attending import stale_after
from reconciler.bootstrap import How, Opened, open_target
from reconciler.controller import Target
from reconciler.core.errors import ConfigError
from reconciler.core.plan import Plan
from reconciler.forging import follower_of
from reconciler.keeper import Keeper
from reconciler.leading import Seat, Seats
from reconciler.node_news import NodeNews
from reconciler.policies import policy_of
from reconciler.ports import Cluster, NodeLooks, Observer, Witnesses
from reconciler.settings import Settings, TargetSettings

if TYPE_CHECKING:
    from reconciler.adapters.telemetry.traces import Traces


@dataclass(frozen=True, slots=True)
class Followed:
    """A target, with what tells that it is to be looked at before its time.

    Attributes:
        keeper: Looks at it.
        seat: This replica's part in it.
        live: Tells that something moved; None where nobody watches.
        opened: The target as it was opened.
        news: Tells that node agents say something new; None where none are heard.
    """

    keeper: Keeper
    seat: Seat
    live: WatchedLive | None
    opened: Opened
    news: NodeNews | None = None


@dataclass(slots=True)
class Assembly:
    """Makes keepers, and remembers what must be closed.

    Attributes:
        settings: For everything but the target.
        stack: What must be closed in the end.
        observers: Tell of cycles.
        history: Remembers what happened.
        witnesses: Tell who sent the requests; None where nobody saw them.
        metrics: Tell who leads.
        bound: How many keepers may be busy at the same time.
        seats: This replica's part in each target.
        say: Tells what happens, in the log.
        traces: See what a cycle waits for; None where nobody does.
    """

    settings: Settings
    stack: ExitStack
    observers: Sequence[Observer]
    history: DatabaseHistory
    witnesses: Witnesses | None
    metrics: Metrics
    bound: threading.BoundedSemaphore
    seats: Seats
    say: Callable[..., None]
    traces: "Traces | None" = None
    _watches: Watches | None = None
    _nodes: NodeLooks | None = None

    def followed(self, target: TargetSettings) -> Followed:
        """Makes one target's keeper, and what tells it to look.

        Raises:
            ConfigError: The kubeconfig, or a folder, isn't as it must be.
        """
        opened = self.stack.enter_context(open_target(self.settings, target, How(), self.history))
        if opened.cluster is None:
            raise ConfigError("there is no cluster to watch", fix="name one with --kubeconfig")
        seat = self.seats.seat(target.name, opened.cluster)
        if seat.leadership is not None:
            self.metrics.watch_leadership(target.name, seat.held)
        source = Peeked(opened.target.source)
        made = replace(opened.target, source=source, pods=self.settings.agents.looks_into_pods)
        news = self._news()
        if news is not None:
            made = replace(made, nodes=news.nodes, stale_after=news.stale_after)
        stamp: Callable[[], object | None] = _never_the_same
        verifying: Callable[[Target, Plan], Target] = _as_it_is
        live: WatchedLive | None = None
        if self.settings.schedule.watch:
            live = WatchedLive(opened.cluster, self._shared_watches(opened.cluster))
            self.stack.callback(live.close)
            made = replace(made, live=live)
            stamp = _stamp(source, live, made.clock, news)
            verifying = _refreshing(live)
        cluster: Cluster = GuardedCluster(opened.cluster, seat.held)
        if self.traces is not None:
            made, cluster = self._seen(made, self.traces), self.traces.cluster(cluster)
        policy = policy_of(self.settings, target)
        follower = follower_of(
            self.settings, target, policy, self.history, made.redaction, seat.held, self.say
        )
        keeper = Keeper(
            target=made,
            cluster=cluster,
            policy=policy,
            history=self.history,
            witnesses=self.witnesses,
            leads=seat.held,
            stamp=stamp,
            verifying=verifying,
            observers=(*self.observers, follower) if follower else self.observers,
            monotonic=monotonic,
            bound=self.bound,
            evidence=self.history.evidence() if self.settings.agents.address else None,
            span=self.traces.cycle if self.traces is not None else nullcontext,
        )
        if follower is not None:
            follower.start(lambda: keeper.last)
            self.stack.callback(follower.stop)
        return Followed(keeper, seat, live, opened, news)

    def _news(self) -> NodeNews | None:
        """Gives what tells a target whether agents say something new; None where none are heard."""
        if not self.settings.agents.address:
            return None
        # What all targets read is kept once.
        self._nodes = self._nodes or self.history.nodes()
        silence = stale_after(self.settings.agents)
        return NodeNews(self._nodes, silence, lambda: datetime.now(UTC), monotonic)

    @staticmethod
    def _seen(target: Target, traces: "Traces") -> Target:
        return replace(
            target,
            source=traces.source(target.source),
            live=traces.live(target.live),
            comparer=traces.comparer(target.comparer),
        )

    def _shared_watches(self, cluster: KubeCluster) -> Watches:
        """Gives the watches of the one cluster: what two targets want is watched once."""
        if self._watches is None:
            self._watches = Watches(cluster)
            self.stack.callback(self._watches.close)
        return self._watches


def _never_the_same() -> None:
    return None


def _as_it_is(target: Target, plan: Plan) -> Target:
    return target


def _stamp(
    source: Peeked, live: WatchedLive, clock: Callable[[], datetime], news: NodeNews | None
) -> Callable[[], object]:
    """Tells whether a side moved, or what agents say; the day, too, since rules end with one."""
    said: Callable[[], object] = news.stamp if news is not None else _never_the_same
    return lambda: (source.peek().revision, live.version, clock().date(), said())


def _refreshing(live: WatchedLive) -> Callable[[Target, Plan], Target]:
    """Has a fresh comparison see what a plan wrote, before the watches tell of it."""

    def verifying(target: Target, plan: Plan) -> Target:
        catalog = live.catalog()
        found = {catalog.find(action.api_version, action.key.kind) for action in plan.actions}
        kinds = {kind for kind in found if kind is not None}
        return replace(target, live=Refreshed(live, kinds, {each.key for each in plan.actions}))

    return verifying

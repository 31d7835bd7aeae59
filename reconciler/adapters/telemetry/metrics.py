"""Prometheus metrics of the controller, named by Prometheus' own conventions."""

from collections import Counter as Tally
from collections.abc import Callable, Mapping
from time import time
from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from reconciler.core.cycle import Cycle, CycleResult
from reconciler.core.drift import DriftType, Severity
from reconciler.core.errors import PlumblineError
from reconciler.core.moments import moment_of
from reconciler.core.outcome import OutcomeType

#: So many nodes have a series of their own: those that were silent for longest.
_NODES: Final = 500


class Metrics:
    """See `keeper.Observer`. One registry a process, so that tests can have their own."""

    def __init__(self) -> None:
        self.registry = CollectorRegistry()
        self._drifts = self._gauge(
            "plumbline_drifts", "Drifts that the last look found.", "target", "type", "severity"
        )
        self._resources = self._gauge(
            "plumbline_resources", "Objects that the last look looked at.", "target"
        )
        self._hidden = self._gauge(
            "plumbline_explained_differences",
            "Differences that rules explain, in the last look.",
            "target",
        )
        self._cycles = self._counter(
            "plumbline_cycles", "Cycles, by how they ended.", "target", "result"
        )
        self._seconds = Histogram(
            "plumbline_cycle_duration_seconds",
            "How long cycles took that looked.",
            ("target",),
            buckets=(0.01, 0.05, 0.1, 0.5, 1, 5, 10, 30, 60, 120),
            registry=self.registry,
        )
        self._looked = self._gauge(
            "plumbline_last_look_timestamp_seconds",
            "When the target was last looked at, or known not to have moved.",
            "target",
        )
        self._refused = self._gauge(
            "plumbline_commit_refused",
            "1 where the commit may not be acted on: not signed as it must be, or set back.",
            "target",
        )
        self._restores = self._counter(
            "plumbline_restored_objects",
            "Objects that were to be restored, by what became of them.",
            "target",
            "outcome",
        )
        self._hooks = self._counter(
            "plumbline_hooks", "Hooks that came from forges, by what became of them.", "result"
        )
        self._presses = self._counter(
            "plumbline_slack_presses",
            "What people pressed in Slack, by what became of it.",
            "result",
        )

        self._words = self._counter(
            "plumbline_agent_words", "What node agents said, by what became of it.", "result"
        )
        self._nodes = self._gauge(
            "plumbline_nodes",
            "Nodes whose agents were heard, by whether that is long ago.",
            "state",
        )
        self._node_words = self._gauge(
            "plumbline_node_word_timestamp_seconds",
            "When a node's agent was heard last; of the most silent nodes.",
            "node",
        )

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(name, meaning, labels, registry=self.registry)

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(name, meaning, labels, registry=self.registry)

    def count_word(self, result: str) -> None:
        """Counts something that an agent said, by what became of it."""
        self._words.labels(result).inc()

    def tell_nodes(self, heard: Callable[[], Mapping[str, str]], stale_after: float) -> None:
        """Tells when nodes were heard. To be called now and then: what asks a database may wait.

        Args:
            heard: Gives that moment by node, RFC 3339.
            stale_after: A node that was silent for so many seconds is stale.
        """
        self._nodes.clear()
        self._node_words.clear()
        try:
            moments = {node: moment_of(at) for node, at in heard().items()}
        except PlumblineError:
            # What can't be read isn't told as it was: no series says so.
            return
        known = sorted((at.timestamp(), node) for node, at in moments.items() if at is not None)
        stale = sum(at < time() - stale_after for at, _ in known)
        self._nodes.labels("heard").set(len(known) - stale)
        self._nodes.labels("stale").set(stale)
        for at, node in known[:_NODES]:
            self._node_words.labels(node).set(at)

    def count_press(self, result: str) -> None:
        """Counts something that came through a door for Slack, by what became of it."""
        self._presses.labels(result).inc()

    def count_hook(self, result: str) -> None:
        """Counts a hook by what became of it."""
        self._hooks.labels(result).inc()

    def watch_leadership(self, target: str, leads: Callable[[], bool]) -> None:
        """Tells whether this replica leads a target, whenever it's asked."""
        if not hasattr(self, "_leading"):
            self._leading = self._gauge(
                "plumbline_leading", "1 where this replica acts for the target.", "target"
            )
        self._leading.labels(target).set_function(lambda: float(leads()))

    def saw(self, cycle: Cycle) -> None:
        """Counts a finished cycle."""
        target = cycle.target
        self._cycles.labels(target, cycle.result.value).inc()
        if cycle.result is not CycleResult.STANDBY:
            self._refused.labels(target).set(float(cycle.refused))
        if cycle.result in (CycleResult.DONE, CycleResult.UNMOVED):
            self._looked.labels(target).set_to_current_time()
        if cycle.report is None:
            return
        self._seconds.labels(target).observe(cycle.seconds)
        report = cycle.report
        self._resources.labels(target).set(report.summary.resources)
        self._hidden.labels(target).set(report.summary.hidden)
        counts = Tally((drift.type, drift.severity) for drift in report.drifts)
        for kind in DriftType:
            for severity in Severity:
                # All of them, so that a series of a drift that is gone falls to zero.
                count = counts[kind, severity]
                self._drifts.labels(target, kind.value, severity.value).set(count)
        for outcome in report.outcomes:
            self._restores.labels(target, OutcomeType(outcome.outcome).value).inc()

    def text(self) -> bytes:
        """Gives all metrics in Prometheus' text format."""
        return generate_latest(self.registry)

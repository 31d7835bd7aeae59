"""Keeps one target true: looks, decides, restores, remembers; one cycle after the other."""

import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reconciler.controller import Look, Target, check
from reconciler.core.cycle import Cycle, CycleResult
from reconciler.core.errors import PlumblineError
from reconciler.core.events import events_of_look, events_of_outcomes
from reconciler.core.moments import rfc3339
from reconciler.core.plan import Plan
from reconciler.core.planning import Permissions
from reconciler.core.report import Report
from reconciler.execution import carry_out
from reconciler.ports import Cluster, History, Observer
from reconciler.restoration import plan_restore, verify
from reconciler.settings import Mode

#: Who restores, where no person does.
_ACTOR = "plumbline"


@dataclass(slots=True)
class Keeper:
    """Keeps one target true.

    Attributes:
        target: What to keep true.
        cluster: What is written to; it refuses where another replica leads.
        mode: What is done about drift.
        permissions: What a restore may do.
        history: Remembers what happened.
        leads: Whether this replica is the one that acts.
        stamp: Gives something that is the same as long as neither side moved; None where that
            can't be told.
        verifying: Gives the target as it is looked at after a plan was carried out.
        observers: Tell of cycles.
        monotonic: A clock that never goes back, in seconds.
        bound: How many keepers may be busy at the same time.
    """

    target: Target
    cluster: Cluster
    mode: Mode
    permissions: Permissions
    history: History
    leads: Callable[[], bool]
    stamp: Callable[[], object | None]
    verifying: Callable[[Target, Plan], Target]
    observers: Sequence[Observer]
    monotonic: Callable[[], float]
    bound: threading.BoundedSemaphore
    _busy: threading.Lock = field(default_factory=threading.Lock)
    _stamp: object | None = None

    @property
    def name(self) -> str:
        """The target's name."""
        return self.target.name

    def cycle(self) -> Cycle:
        """Runs one cycle; never raises what is one target's trouble."""
        with self._busy, self.bound:
            began = self.monotonic()
            try:
                result, report = self._cycle()
                error = ""
            except PlumblineError as trouble:
                result, report, error = CycleResult.FAILED, None, str(trouble)
                self._stamp = None
            except Exception as bug:  # a bug in one target's cycle must not end the others'
                result, report, error = CycleResult.FAILED, None, _place(bug)
                self._stamp = None
            cycle = Cycle(self.name, result, self.monotonic() - began, report, error)
        for observer in self.observers:
            observer.saw(cycle)
        return cycle

    def _cycle(self) -> tuple[CycleResult, Report | None]:
        if not self.leads():
            return CycleResult.STANDBY, None
        stamp = self.stamp()
        if stamp is not None and stamp == self._stamp:
            return CycleResult.UNMOVED, None
        look = check(self.target)
        self._remember(look)
        plan = plan_restore(self.target, look, self.permissions)
        if not plan.actions or self.mode is not Mode.RESTORE:
            self._stamp = stamp
            return CycleResult.DONE, look.report
        # Only now: what is written moves the live side, which is looked at once more.
        self._stamp = None
        return CycleResult.DONE, self._restored(look, plan)

    def _remember(self, look: Look) -> None:
        now = look.report.checked_at
        events, _ = events_of_look(self.history.known(self.name), look.report, look.sides, now)
        if events:
            self.history.append(events)

    def _restored(self, look: Look, plan: Plan) -> Report:
        written = carry_out(plan, self.cluster, look.sides.catalog)
        told = (look.report, look.sides, _ACTOR)
        try:
            after = verify(self.verifying(self.target, plan), plan, written)
        except PlumblineError:
            # What was written is known, though nobody can say now what came of it.
            now = rfc3339(self.target.clock())
            self.history.append(events_of_outcomes(plan, written, *told, now, verified=False))
            raise
        report, now = after.report, after.report.checked_at
        known = self.history.known(self.name)
        events, _ = events_of_look(known, report, after.sides, now)
        self.history.append(
            (*events_of_outcomes(plan, report.outcomes, *told, now, verified=True), *events)
        )
        return report


def _place(bug: Exception) -> str:
    """Says where a bug is; what its message quotes may be secret."""
    last = traceback.extract_tb(bug.__traceback__)[-1]
    return f"a bug in Plumbline: {type(bug).__name__} at {last.filename}:{last.lineno}"

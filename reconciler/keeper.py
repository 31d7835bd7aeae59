"""Keeps one target true: looks, decides, restores, remembers; one cycle after the other."""

import threading
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from reconciler.controller import Look, Target, check
from reconciler.core.attribution import with_actors
from reconciler.core.cycle import Cycle, CycleResult
from reconciler.core.deciding import Policy
from reconciler.core.drift import DecisionAction
from reconciler.core.errors import PlumblineError
from reconciler.core.events import events_of_look, events_of_outcomes
from reconciler.core.history import EventType
from reconciler.core.moments import rfc3339
from reconciler.core.plan import Plan
from reconciler.core.report import Report
from reconciler.deliberation import Deliberation, deliberate, with_drifts
from reconciler.execution import carry_out
from reconciler.ports import Cluster, History, Observer, Witnesses
from reconciler.restoration import verify

#: Who restores, where no person does.
_ACTOR = "plumbline"


@dataclass(slots=True)
class Keeper:
    """Keeps one target true.

    Attributes:
        target: What to keep true.
        cluster: What is written to; it refuses where another replica leads.
        policy: What is to be done about drift.
        history: Remembers what happened.
        witnesses: Tell who sent the requests; None where nobody saw them.
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
    policy: Policy
    history: History
    witnesses: Witnesses | None
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
                result, report, done = self._cycle()
                error = ""
            except PlumblineError as trouble:
                result, report, done, error = CycleResult.FAILED, None, None, str(trouble)
                self._stamp = None
            except Exception as bug:  # a bug in one target's cycle must not end the others'
                result, report, done, error = CycleResult.FAILED, None, None, _place(bug)
                self._stamp = None
            waiting = done.asked if done is not None and done.waits_for_person else None
            seconds = self.monotonic() - began
            before = done.look.report if done is not None and done.plan.actions else None
            cycle = Cycle(self.name, result, seconds, report, error, before, waiting)
        for observer in self.observers:
            observer.saw(cycle)
        return cycle

    def _cycle(self) -> tuple[CycleResult, Report | None, Deliberation | None]:
        if not self.leads():
            return CycleResult.STANDBY, None, None
        stamp = self.stamp()
        if stamp is not None and stamp == self._stamp:
            return CycleResult.UNMOVED, None, None
        look = self._attributed(check(self.target))
        # Not before the look: what it has just seen for the first time would lie in the future.
        now = self.target.clock()
        done = deliberate(self.target, look, self.policy, self.history, now)
        self._remember(done.look)
        if not done.plan.actions:
            # What waits, waits for the clock or a person, and both move by themselves.
            self._stamp = None if _waits(done.look) or done.waits_for_person else stamp
            return CycleResult.DONE, done.look.report, done
        # Only now: what is written moves the live side, which is looked at once more.
        self._stamp = None
        return CycleResult.DONE, self._restored(done), done

    def _attributed(self, look: Look) -> Look:
        """Adds who did it, where somebody saw the requests."""
        if self.witnesses is None:
            return look
        self.witnesses.learn(look.sides.catalog)
        drifts = look.report.drifts
        seen = {drift.key: self.witnesses.events_of(drift.key) for drift in drifts}
        return with_drifts(look, with_actors(drifts, seen))

    def _remember(self, look: Look) -> None:
        now = look.report.checked_at
        events, _ = events_of_look(self.history.known(self.name), look.report, look.sides, now)
        if events:
            self.history.append(events)

    def _restored(self, done: Deliberation) -> Report:
        look, plan = done.look, done.plan
        told = (look.report, look.sides, done.approved or _ACTOR)
        written = carry_out(plan, self.cluster, look.sides.catalog)
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
        # What is left is decided about by the next look.
        gone = [event for event in events if event.type is EventType.GONE]
        self.history.append(
            (*events_of_outcomes(plan, report.outcomes, *told, now, verified=True), *gone)
        )
        return report


def _waits(look: Look) -> bool:
    waiting = (DecisionAction.WAIT, DecisionAction.RESTORE)
    decisions = (drift.decision for drift in look.report.drifts)
    # A fight ends as its restores grow old.
    return any(d is not None and (d.action in waiting or d.rule == "fight") for d in decisions)


def _place(bug: Exception) -> str:
    """Says where a bug is; what its message quotes may be secret."""
    last = traceback.extract_tb(bug.__traceback__)[-1]
    return f"a bug in Plumbline: {type(bug).__name__} at {last.filename}:{last.lineno}"

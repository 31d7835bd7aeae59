"""Keeps one target true: looks, decides, restores, remembers; one cycle after the other."""

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass, field, replace
from datetime import timedelta

from reconciler.awaiting import Awaited, awaited, last_word, witness_due
from reconciler.bugs import place_of
from reconciler.controller import Look, Target, check
from reconciler.core.attribution import with_actors
from reconciler.core.cycle import Cycle, CycleResult
from reconciler.core.deciding import Policy
from reconciler.core.drift import DecisionAction, Drift
from reconciler.core.emergencies import events_of_glass, next_end
from reconciler.core.errors import PlumblineError, UnverifiedError
from reconciler.core.events import events_of_look
from reconciler.core.history import Event, EventType, HistoryQuery
from reconciler.core.intents import INTENT_TYPES, open_intents, settled
from reconciler.core.moments import rfc3339
from reconciler.core.outcome import OutcomeType
from reconciler.core.plan import Plan
from reconciler.core.plan_events import events_of_intent, events_of_outcomes
from reconciler.core.refusals import events_of_refusal
from reconciler.core.report import PROGRAMS, Report
from reconciler.core.resource import ResourceKey
from reconciler.deliberation import Deliberation, deliberate, with_drifts
from reconciler.execution import carry_out
from reconciler.hearing import hear_annotations
from reconciler.ports import Cluster, EvidenceStore, History, Observer, Witnesses
from reconciler.restoration import verify
from reconciler.rounds import BackOff
from reconciler.securing import evidence_due, secured

#: Who restores, where no person does.
_ACTOR = "plumbline"
#: Seconds after a look or a restore that failed, doubled each time, up to the longest.
_FIRST_PAUSE = 5.0
_LONGEST_PAUSE = 300.0


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
        evidence: Remembers what agents are asked to keep of pods before they are replaced; None
            where none are heard.
        span: Surrounds a cycle of a target, by its name: its trace.
        last: What the last look led to; None before the first, and while another replica leads.
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
    evidence: EvidenceStore | None = None
    span: Callable[[str], AbstractContextManager[object]] = nullcontext
    last: Deliberation | None = None
    _busy: threading.Lock = field(default_factory=threading.Lock)
    _stamp: object | None = None
    _awaited: Awaited = field(default_factory=Awaited)
    #: Whether all that was ever intended for this target has been told of.
    _is_settled: bool = False
    _stands_by: bool = False
    _back_off: BackOff = field(default_factory=lambda: BackOff(_FIRST_PAUSE, _LONGEST_PAUSE))
    #: When the last look began, and when each drifting object was last seen as declared.
    _looked_at: str = ""
    _in_sync_at: dict[ResourceKey, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        """The target's name."""
        return self.target.name

    @contextmanager
    def between_cycles(self) -> Iterator[None]:
        """Lets a cycle that is under way finish, and begins none meanwhile."""
        with self._busy:
            yield

    def is_due(self) -> bool:
        """Whether what the last cycle left undone may be done now, though nothing moved."""
        if self._stands_by:
            return self.leads()
        return self._awaited.has_come(self.name, self.history, self.target.clock())

    def judged(self) -> Deliberation:
        """Looks anew, for what a person says to be weighed against what is there now.

        Writes nothing and remembers nothing; any replica may ask, whoever leads.

        Raises:
            PlumblineError: A side can't be read, or the history.
        """
        with self._busy, self.bound:
            look = self._attributed(check(self.target))
            now = self.target.clock()
            return deliberate(self.target, look, self.policy, self.history, now)

    def cycle(self) -> Cycle:
        """Runs one cycle; never raises what is one target's trouble."""
        with self.span(self.name):
            cycle = self._guarded()
            for observer in self.observers:
                observer.saw(cycle)
        return cycle

    def _guarded(self) -> Cycle:
        with self._busy, self.bound:
            began = self.monotonic()
            error, refused = "", False
            try:
                result, report, done = self._cycle()
            except PlumblineError as trouble:
                result, report, done, error = CycleResult.FAILED, None, None, str(trouble)
                refused = isinstance(trouble, UnverifiedError)
                self._fails()
            except Exception as bug:  # a bug in one target's cycle must not end the others'
                result, report, done, error = CycleResult.FAILED, None, None, place_of(bug)
                self._fails()
            waiting = done.asked if done is not None and done.waits_for_person else None
            seconds = self.monotonic() - began
            before = done.look.report if done is not None and done.plan.actions else None
            return Cycle(self.name, result, seconds, report, error, before, waiting, refused)

    def _cycle(self) -> tuple[CycleResult, Report | None, Deliberation | None]:
        if not self.leads():
            # Whoever leads meanwhile may leave something in the middle.
            self._stamp, self._awaited, self._is_settled = None, Awaited(), False
            self._stands_by, self.last = True, None
            return CycleResult.STANDBY, None, None
        self._stands_by = False
        with self._telling_refusals():
            # Where both sides are watched, this reads the commit.
            stamp = self.stamp()
        if stamp is not None and stamp == self._stamp:
            return CycleResult.UNMOVED, None, None
        began = rfc3339(self.target.clock())
        with self._telling_refusals():
            look = self._attributed(check(self.target))
        self._in_sync_at, self._looked_at = self._seen_in_sync(look.report.drifts), began
        # Not before the look: what it has just seen for the first time would lie in the future.
        now = self.target.clock()
        word = last_word(self.name, self.history, now)
        done = deliberate(self.target, look, self.policy, self.history, now)
        if hear_annotations(done, self.policy, self.history, now):
            done = deliberate(self.target, look, self.policy, self.history, now)
        late = witness_due(done, now) if self.witnesses is not None else None
        done = secured(done, self.evidence, self.policy, now)
        ends = (late, next_end(look.sides, now), evidence_due(done, now))
        self._awaited, self.last = awaited(done, word, *ends), done
        self._remember(done.look)
        if not done.plan.actions:
            self._back_off.note(failed=False)
            # What waits, waits for the clock or a person, and both move by themselves.
            waits = self._awaited.until is not None or done.waits_for_person
            self._stamp = None if waits or _waits(done.look) else stamp
            return CycleResult.DONE, done.look.report, done
        # Only now: what is written moves the live side, which is looked at once more.
        self._stamp = None
        report = self._restored(done)
        if all(each.outcome is OutcomeType.RESTORED for each in report.outcomes):
            self._back_off.note(failed=False)
        else:
            self._fails()
        return CycleResult.DONE, report, done

    @contextmanager
    def _telling_refusals(self) -> Iterator[None]:
        """Has people told of a commit that may not be acted on."""
        try:
            yield
        except UnverifiedError as refusal:
            now, known = rfc3339(self.target.clock()), self.history.known(self.name)
            why = f"{refusal.message}; {refusal.fix}"
            events = events_of_refusal(known, self.name, refusal.commit, why, now)
            if events:
                self.history.append(events)
            raise

    def _fails(self) -> None:
        """Has what could not be done tried again soon, and less often each time."""
        self._stamp = None
        pause = timedelta(seconds=self._back_off.pause)
        self._back_off.note(failed=True)
        now = self.target.clock()
        waits = self._awaited.until
        until = min(waits, now + pause) if waits is not None and waits > now else now + pause
        self._awaited = replace(self._awaited, until=until)

    def _attributed(self, look: Look) -> Look:
        """Adds who did it, where somebody saw the requests."""
        if self.witnesses is None:
            return look
        self.witnesses.learn(look.sides.catalog)
        drifts = look.report.drifts
        seen = {drift.key: self.witnesses.events_of(drift.key) for drift in drifts}
        look = with_drifts(look, with_actors(drifts, seen, self._seen_in_sync(drifts)))
        notes = tuple(note for note in look.report.notes if note != PROGRAMS)
        return replace(look, report=replace(look.report, notes=notes))

    def _seen_in_sync(self, drifts: Sequence[Drift]) -> dict[ResourceKey, str]:
        """Says when objects that drifted now were last seen as declared, where they were."""
        since = {each.key: self._in_sync_at.get(each.key, self._looked_at) for each in drifts}
        return {key: time for key, time in since.items() if time}

    def _remember(self, look: Look) -> None:
        now = look.report.checked_at
        known = self.history.known(self.name)
        events, _ = events_of_look(known, look.report, look.sides, now)
        left = () if self._is_settled else self._left_open()
        broken = events_of_glass(known, self.name, look.sides, self.target.clock())
        events = (*settled(left, look.report, look.sides, now), *events, *broken)
        if events:
            self.history.append(events)
        self._is_settled = True

    def _left_open(self) -> Sequence[Event]:
        """Gives what was intended by a process that ended before it could say what came of it."""
        query = HistoryQuery(target=self.name, types=frozenset({EventType.INTENDED}), limit=1)
        last = self.history.find(query)
        if not last:
            return ()
        # Only the last plan can be open: nothing is intended before all is settled.
        query = HistoryQuery(target=self.name, types=INTENT_TYPES, plan=last[0].plan)
        return open_intents(self.history.find(query))

    def _restored(self, done: Deliberation) -> Report:
        look, plan = done.look, done.plan
        told = (look.report, look.sides, done.approved or _ACTOR)
        # What can't be remembered is not written, and who is killed in the middle leaves a trace.
        self._is_settled = False
        self.history.append(events_of_intent(plan, *told, rfc3339(self.target.clock())))
        written = carry_out(plan, self.cluster, look.sides.catalog)
        try:
            after = verify(self.verifying(self.target, plan), plan, written)
        except PlumblineError:
            # What was written is known, though nobody can say now what came of it.
            now = rfc3339(self.target.clock())
            self.history.append(events_of_outcomes(plan, written, *told, now, verified=False))
            self._is_settled = True
            raise
        report, now = after.report, after.report.checked_at
        known = self.history.known(self.name)
        events, _ = events_of_look(known, report, after.sides, now)
        # What is left is decided about by the next look.
        gone = [event for event in events if event.type is EventType.GONE]
        # Where its annotations were drift, they are gone with it.
        gone += events_of_glass(known, self.name, after.sides, self.target.clock())
        self.history.append(
            (*events_of_outcomes(plan, report.outcomes, *told, now, verified=True), *gone)
        )
        self._is_settled = True
        return report


def _waits(look: Look) -> bool:
    waiting = (DecisionAction.WAIT, DecisionAction.RESTORE)
    decisions = (drift.decision for drift in look.report.drifts)
    # A fight ends as its restores grow old.
    return any(d is not None and (d.action in waiting or d.rule == "fight") for d in decisions)

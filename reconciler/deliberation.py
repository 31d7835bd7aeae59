"""What is to be done about a look's drifts: by itself, and once a person has agreed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from reconciler.controller import Look, Target
from reconciler.core.annotated import annotated_yes, why_void
from reconciler.core.approving import VERDICTS, Concerned, weigh
from reconciler.core.deciding import Circumstances, Policy, decisions, labels_of
from reconciler.core.drift import Decision, DecisionAction, Drift
from reconciler.core.fights import restores_of
from reconciler.core.history import HistoryQuery
from reconciler.core.moments import rfc3339
from reconciler.core.plan import Action, Plan, subject_of
from reconciler.core.planning import Permissions
from reconciler.core.rails import railed
from reconciler.core.resource import ResourceKey
from reconciler.core.suspension import SUSPENSION_TYPES, suspensions_of
from reconciler.core.windows import closed
from reconciler.ports import History
from reconciler.restoration import plan_restore

_BY_ITSELF = frozenset({DecisionAction.RESTORE})
_PROPOSED = frozenset({DecisionAction.PROPOSE})
_ASKED = frozenset({DecisionAction.APPROVE, DecisionAction.PROPOSE})
_ONCE_AGREED = _BY_ITSELF | _ASKED


@dataclass(frozen=True, slots=True)
class Deliberation:
    """What a look leads to.

    Attributes:
        look: The look, each of its drifts with its decision.
        plan: What is carried out now; all that was agreed to, once it was.
        asked: What would be carried out if a person agreed to all of it.
        proposed: The part of that which a pull request proposes.
        each: By a drift's id, the plan for it alone, where it waits for a person.
        approved: Who agreed to `plan`; empty where it is carried out unasked.
        missing: What each of these plans lacks yet to be approved, by its digest.
        deferred: What is left out of `plan` until the evidence of it is kept.
    """

    look: Look
    plan: Plan
    asked: Plan
    proposed: Plan
    each: Mapping[str, Plan] = field(default_factory=dict)
    approved: str = ""
    missing: Mapping[str, str] = field(default_factory=dict)
    deferred: tuple[Action, ...] = ()

    @property
    def waits_for_person(self) -> bool:
        """Whether a yes would have more carried out."""
        return len(self.asked.actions) > len(self.plan.actions) + len(self.deferred)

    @property
    def plans(self) -> tuple[Plan, ...]:
        """All that a person may judge, the widest first; none that does nothing."""
        plans = (self.asked, self.proposed, *self.each.values())
        return tuple(plan for plan in plans if plan.actions)

    def find(self, digest: str) -> Plan | None:
        """Gives the plan of a digest that a person may judge; None where there is none."""
        return next((plan for plan in self.plans if plan.digest == digest), None)


def deliberate(
    target: Target, look: Look, policy: Policy, history: History, now: datetime
) -> Deliberation:
    """Decides about each drift of a look, and plans.

    Raises:
        HistoryError: What was restored, approved or suspended before can't be told.
    """
    look = with_drifts(
        look, decisions(look.report.drifts, policy, _around(target, look, policy, history, now))
    )
    asked = _plan(target, look, policy, look.report.drifts, _ONCE_AGREED)
    by_itself = _plan(target, look, policy, look.report.drifts, _BY_ITSELF)
    unasked = railed(by_itself, look.sides.desired, approved=False)
    if by_itself.actions and not unasked.actions:
        look = _asking(look, unasked)
    each = _each(target, look, policy)
    look = _with_plans(look, each)
    proposed = _plan(target, look, policy, look.report.drifts, _PROPOSED)
    done = Deliberation(look, unasked, asked, proposed, each)
    done = replace(done, look=_with_notes(done, policy))
    agreed, by, missing = _agreed(done, policy, history, now)
    # A person may agree at any time; what was agreed to is done when a window is open.
    if agreed is not None and closed(policy.windows, now) is None:
        plan = railed(agreed, look.sides.desired, approved=True)
        return replace(done, plan=plan, approved=by, missing=missing)
    return replace(done, missing=missing)


def _each(target: Target, look: Look, policy: Policy) -> Mapping[str, Plan]:
    """Gives the plan for each drift alone that waits for a person; one pod's drifts share one."""
    plans: dict[tuple[ResourceKey, bool], Plan] = {}
    each: dict[str, Plan] = {}
    for drift in look.report.drifts:
        if drift.decision is None or drift.decision.action not in _ASKED:
            continue
        if drift.subject not in plans:
            plans[drift.subject] = _plan(target, look, policy, [drift], _ONCE_AGREED)
        if plans[drift.subject].actions:
            each[drift.id] = plans[drift.subject]
    return each


def _around(
    target: Target, look: Look, policy: Policy, history: History, now: datetime
) -> Circumstances:
    since = rfc3339(now - policy.fights.within)
    restores = restores_of(history.find(HistoryQuery(target=target.name, since=since)))
    said = history.find(HistoryQuery(target=target.name, types=SUSPENSION_TYPES))
    return Circumstances(
        now,
        look.sides,
        target.inventory.load(),
        suspensions=suspensions_of(said, target.name),
        restores=restores,
    )


def _asking(look: Look, held: Plan) -> Look:
    """Says of what would be restored unasked, were it not so much, that it waits for a person."""
    reasons = {each.key: each.reason for each in held.held}

    def asked(drift: Drift) -> Drift:
        decision = drift.decision
        if decision is None or decision.action is not DecisionAction.RESTORE:
            return drift
        reason = reasons.get(drift.key, decision.reason)
        return replace(drift, decision=Decision(DecisionAction.APPROVE, "rails", reason))

    return with_drifts(look, tuple(asked(drift) for drift in look.report.drifts))


def _with_plans(look: Look, each: Mapping[str, Plan]) -> Look:
    """Says of each drift that waits for a person what that person is to agree to."""

    def planned(drift: Drift) -> Drift:
        if drift.decision is None or drift.id not in each:
            return drift
        return replace(drift, decision=replace(drift.decision, plan=each[drift.id].digest))

    return with_drifts(look, tuple(planned(drift) for drift in look.report.drifts))


def _with_notes(done: Deliberation, policy: Policy) -> Look:
    """Says of each annotation that agrees to something why it doesn't, where it doesn't."""

    def noted(drift: Drift) -> Drift:
        live = done.look.sides.live.find(drift.api_version, drift.key)
        said, decision = annotated_yes(drift, live), drift.decision
        void = why_void(said, done.find(said.plan) is not None) if said else ""
        if not void or decision is None:
            return drift
        return replace(drift, decision=decision.with_note(void))

    if not policy.annotations:
        return done.look
    return with_drifts(done.look, tuple(noted(drift) for drift in done.look.report.drifts))


def _agreed(
    done: Deliberation, policy: Policy, history: History, now: datetime
) -> tuple[Plan | None, str, Mapping[str, str]]:
    """Gives the first plan that is approved, by whom, and what the others lack."""
    if not done.plans:
        return None, "", {}
    since = rfc3339(now - policy.approvals.lasts)
    query = HistoryQuery(target=done.asked.target, types=VERDICTS, since=since)
    said = history.find(query)
    missing: dict[str, str] = {}
    for plan in done.plans:
        concerned = concerned_by(done.look, plan)
        words = [event for event in said if event.plan == plan.digest]
        weighed = weigh(concerned, words, policy.approvals, now)
        if weighed.approvers:
            return plan, ", ".join(weighed.approvers), missing
        missing[plan.digest] = weighed.missing
    return None, "", missing


def concerned_by(look: Look, plan: Plan) -> tuple[Concerned, ...]:
    """Gives the drifts of a look that a plan puts right."""
    subjects = {subject_of(action) for action in plan.actions}
    drifts = (drift for drift in look.report.drifts if drift.subject in subjects)
    return tuple(Concerned(drift, labels_of(drift, look.sides)) for drift in drifts)


def with_drifts(look: Look, drifts: tuple[Drift, ...]) -> Look:
    """Gives a look with its drifts as somebody has judged them."""
    report = replace(look.report, drifts=drifts)
    return replace(look, detection=replace(look.detection, drifts=drifts), report=report)


def _plan(
    target: Target,
    look: Look,
    policy: Policy,
    drifts: Sequence[Drift],
    actions: frozenset[DecisionAction],
) -> Plan:
    wanted = tuple(
        drift for drift in drifts if drift.decision is not None and drift.decision.action in actions
    )
    todo = replace(look, detection=replace(look.detection, drifts=wanted))
    return plan_restore(target, todo, Permissions(prune=policy.prune, answer=policy.answer))

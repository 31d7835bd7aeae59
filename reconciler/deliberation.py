"""What is to be done about a look's drifts: by itself, and once a person has agreed."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from reconciler.controller import Look, Target
from reconciler.core.deciding import Circumstances, Policy, decisions
from reconciler.core.drift import DecisionAction, Drift
from reconciler.core.fights import restores_of
from reconciler.core.history import EventType, HistoryQuery
from reconciler.core.moments import moment_of, rfc3339
from reconciler.core.plan import Plan
from reconciler.core.planning import Permissions
from reconciler.core.rails import Approval, railed, still_approved
from reconciler.core.windows import closed
from reconciler.ports import History
from reconciler.restoration import plan_restore

#: For so long a yes counts, if nothing moves meanwhile.
APPROVAL_LASTS = timedelta(hours=24)

_BY_ITSELF = frozenset({DecisionAction.RESTORE})
_ONCE_AGREED = frozenset({DecisionAction.RESTORE, DecisionAction.APPROVE})


@dataclass(frozen=True, slots=True)
class Deliberation:
    """What a look leads to.

    Attributes:
        look: The look, each of its drifts with its decision.
        plan: What is carried out now; all of `asked` once that is approved.
        asked: What would be carried out if a person agreed.
        approved: Who agreed to `asked`; empty where nobody has.
    """

    look: Look
    plan: Plan
    asked: Plan
    approved: str = ""

    @property
    def waits_for_person(self) -> bool:
        """Whether a yes would have more carried out."""
        return len(self.asked.actions) > len(self.plan.actions)


def deliberate(
    target: Target, look: Look, policy: Policy, history: History, now: datetime
) -> Deliberation:
    """Decides about each drift of a look, and plans.

    Raises:
        HistoryError: What was restored or approved before can't be told.
    """
    since = rfc3339(now - policy.fights.within)
    restores = restores_of(history.find(HistoryQuery(target=target.name, since=since)))
    around = Circumstances(now, look.sides, target.inventory.load(), restores=restores)
    look = with_drifts(look, decisions(look.report.drifts, policy, around))
    asked = _plan(target, look, policy, _ONCE_AGREED)
    approval = _approval(target.name, asked, history, now)
    desired = look.sides.desired
    # A person may agree at any time; what was agreed to is done when a window is open.
    if approval is not None and closed(policy.windows, now) is None:
        return Deliberation(look, railed(asked, desired, approved=True), asked, approval.by)
    by_itself = _plan(target, look, policy, _BY_ITSELF)
    return Deliberation(look, railed(by_itself, desired, approved=False), asked)


def with_drifts(look: Look, drifts: tuple[Drift, ...]) -> Look:
    """Gives a look with its drifts as somebody has judged them."""
    report = replace(look.report, drifts=drifts)
    return replace(look, detection=replace(look.detection, drifts=drifts), report=report)


def _plan(target: Target, look: Look, policy: Policy, actions: frozenset[DecisionAction]) -> Plan:
    drifts = tuple(
        drift
        for drift in look.report.drifts
        if drift.decision is not None and drift.decision.action in actions
    )
    todo = replace(look, detection=replace(look.detection, drifts=drifts))
    return plan_restore(target, todo, Permissions(prune=policy.prune))


def _approval(target: str, plan: Plan, history: History, now: datetime) -> Approval | None:
    """Gives the yes to exactly this plan that still counts; the last verdict is the one."""
    if not plan.actions:
        return None
    verdicts = frozenset({EventType.APPROVED, EventType.REJECTED})
    said = history.find(HistoryQuery(target=target, plan=plan.digest, types=verdicts))
    if not said or said[-1].type is not EventType.APPROVED:
        return None
    at = moment_of(said[-1].time)
    if at is None:
        return None
    approval = Approval(target, plan.digest, said[-1].actor, at, at + APPROVAL_LASTS)
    return approval if still_approved(approval, plan, now) else None

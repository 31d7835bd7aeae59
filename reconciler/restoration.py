"""Puts a target right: plans, carries the plan out, and verifies what came of it."""

from collections.abc import Sequence
from dataclasses import replace

from reconciler.controller import Look, Target, check
from reconciler.core.drift import Drift
from reconciler.core.live import LiveState
from reconciler.core.outcome import Outcome, OutcomeType
from reconciler.core.plan import Action, Create, Delete, Evict, Plan, Quarantine, Recreate
from reconciler.core.planning import Permissions, live_digest, make_plan
from reconciler.core.quarantine import serves
from reconciler.core.report import Report
from reconciler.execution import carry_out
from reconciler.ports import Cluster


def plan_restore(target: Target, look: Look, permissions: Permissions) -> Plan:
    """Says what would have to be written to put a look's drifts right."""
    sides = look.sides
    return make_plan(
        target.name,
        look.detection.drifts,
        sides.desired,
        sides.live,
        sides.answers,
        sides.catalog,
        target.inventory.load(),
        permissions,
    )


def restore(target: Target, cluster: Cluster, look: Look, plan: Plan) -> Report:
    """Carries out a plan, and verifies by a fresh comparison what came of it.

    Returns:
        The report of the fresh comparison, with the plan's outcomes.

    Raises:
        PlumblineError: The fresh comparison couldn't be made; what was written stays written.
    """
    return verify(target, plan, carry_out(plan, cluster, look.sides.catalog)).report


def verify(target: Target, plan: Plan, written: Sequence[Outcome]) -> Look:
    """Says by a fresh comparison what came of a plan that was carried out.

    Args:
        target: What to look at.
        plan: What was carried out.
        written: What became of each action, as far as who wrote can tell.

    Returns:
        The fresh look; its report has the plan's outcomes.

    Raises:
        PlumblineError: The fresh comparison couldn't be made.
    """
    fresh = check(target)
    left = {drift.key: drift for drift in fresh.detection.drifts if not drift.is_in_pod}
    unread = fresh.sides.live.why_unread
    pods = {each.key: each for each in plan.actions if isinstance(each, Evict | Quarantine)}
    unwritten = {action.key for action in plan.actions if _is_untouched(action, fresh.sides.live)}

    def judged(outcome: Outcome) -> Outcome:
        key = outcome.key
        if key in unwritten and outcome.outcome is OutcomeType.UNVERIFIED:
            return _refused(outcome)
        if key in pods:
            return _replaced(outcome, pods[key], fresh.sides.live)
        return _verified(outcome, left.get(key), unread(key))

    outcomes = tuple(judged(outcome) for outcome in written)
    restored = {each.key for each in outcomes if each.outcome is OutcomeType.RESTORED}
    gone = {action.key for action in plan.actions if isinstance(action, Delete | Recreate)}
    gone = gone & restored - set(fresh.sides.desired.resources)
    target.inventory.save(target.inventory.load().without(gone))
    return replace(fresh, report=replace(fresh.report, outcomes=outcomes))


def _replaced(outcome: Outcome, pod: Evict | Quarantine, live: LiveState) -> Outcome:
    """Calls a pod replaced once it is out of service: it may take its time to go."""
    if outcome.outcome not in (OutcomeType.RESTORED, OutcomeType.UNVERIFIED):
        return outcome
    body, unread = live.find(pod.api_version, pod.key), live.why_unread(pod.key)
    if unread is not None:
        reason = f"it could not be read afterwards: {unread}"
    elif body is not None and serves(body, pod.uid):
        reason = "a fresh look still finds it in service"
    else:
        return Outcome(outcome.key, OutcomeType.RESTORED)
    return Outcome(outcome.key, OutcomeType.UNVERIFIED, outcome.reason or reason)


def _is_untouched(action: Action, live: LiveState) -> bool:
    """Whether a write's object is just as the plan was made for: nothing was written to it."""
    if live.why_unread(action.key) is not None:
        return False
    body = live.find(action.api_version, action.key)
    if isinstance(action, Create):
        return body is None
    if body is None:
        return False
    if isinstance(action, Evict | Quarantine):
        return serves(body, action.uid)
    return live_digest(body, sealed=action.sealed) == action.live_digest


def _refused(outcome: Outcome) -> Outcome:
    """Says of a write of which nobody knew whether it was done that it wasn't.

    It is no restore then: a server that can't write for a while is no rival who writes back.
    """
    reason = f"{outcome.reason}; a fresh comparison finds that nothing was written"
    return Outcome(outcome.key, OutcomeType.REFUSED, reason)


def _verified(outcome: Outcome, left: Drift | None, unread: str | None) -> Outcome:
    """Calls restored only what a fresh comparison finds in sync."""
    if outcome.outcome not in (OutcomeType.RESTORED, OutcomeType.UNVERIFIED):
        return outcome
    if left is None and unread is None:
        return Outcome(outcome.key, OutcomeType.RESTORED)
    if left is None:
        reason = f"it could not be read afterwards: {unread}"
    else:
        reason = left.note or f"a fresh comparison still finds it {left.type.lower()}"
    return Outcome(outcome.key, OutcomeType.UNVERIFIED, outcome.reason or reason)

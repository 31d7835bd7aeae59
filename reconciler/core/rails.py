"""Safety rails of plans (DESIGN, section 8): what stops for a person, whatever policy says."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

from reconciler.core.desired import DesiredState
from reconciler.core.plan import Action, Delete, Held, Plan, Recreate

#: To delete one of these is to delete all that is in it, or of it.
_HOLDERS: Final = frozenset({"CustomResourceDefinition", "Namespace"})


@dataclass(frozen=True, slots=True)
class BlastLimits:
    """How much of a target a plan may write before a person must say yes.

    Attributes:
        writes: Share of the target's objects that may be written, deletions included; from 0 to 1.
        least_writes: So many may be written however few objects there are.
        prunes: Share of the target's objects that may be deleted.
        least_prunes: So many may be deleted however few objects there are.
    """

    writes: float = 0.3
    least_writes: int = 5
    prunes: float = 0.1
    least_prunes: int = 1


DEFAULT_LIMITS: Final = BlastLimits()


def railed(
    plan: Plan, desired: DesiredState, limits: BlastLimits = DEFAULT_LIMITS, *, approved: bool
) -> Plan:
    """Gives a plan as far as it may be carried out: all of it, or nothing.

    Args:
        plan: What would be written.
        desired: What it was made of.
        limits: How much may be written without a person.
        approved: Whether a person has said yes to exactly this plan, see `approving.weigh`.

    Returns:
        The plan, or the same with every write held. Its digest stays: a person approves by it.
    """
    if not plan.actions:
        return plan
    if not desired.resources:
        # Whatever emptied it, no yes makes it right: delete the target instead.
        return _held(plan, "nothing at all is declared at this revision, so nothing is written")
    reason = "" if approved else _too_much(plan.actions, len(desired.resources), limits)
    return _held(plan, f"{reason}; approve the plan to have it carried out") if reason else plan


def _held(plan: Plan, reason: str) -> Plan:
    held = (*plan.held, *(Held(action.key, reason) for action in plan.actions))
    return Plan(plan.target, plan.revision, (), held, plan.digest)


def _too_much(actions: Sequence[Action], declared: int, limits: BlastLimits) -> str:
    deleted = [action for action in actions if isinstance(action, Delete)]
    objects = declared + len(deleted)
    for action in actions:
        if isinstance(action, Delete | Recreate) and action.key.kind in _HOLDERS:
            return f"the plan deletes {action.key}, and with it all that it holds"
    if len(actions) > max(limits.least_writes, limits.writes * objects):
        return (
            f"the plan writes {len(actions)} of {objects} objects, "
            f"more than {_percent(limits.writes)}"
        )
    if len(deleted) > max(limits.least_prunes, limits.prunes * objects):
        return (
            f"the plan deletes {len(deleted)} of {objects} objects, "
            f"more than {_percent(limits.prunes)}"
        )
    return ""


def _percent(share: float) -> str:
    return f"{share * 100:g} %"

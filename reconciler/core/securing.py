"""Evidence is kept before a pod is replaced: what changed in it goes with it."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from reconciler.core.evidence import AskedEvidence
from reconciler.core.moments import moment_of
from reconciler.core.plan import Action, Evict, Held, Plan, Quarantine
from reconciler.core.resource import ResourceKey

#: An agent that was asked has so much time, where a pod may be replaced without.
PATIENCE: Final = timedelta(minutes=2)


class EvidencePolicy(StrEnum):
    """What evidence is to a replacement."""

    REQUIRED = "required"  # no pod is replaced without
    WANTED = "wanted"  # it is waited for, but not for ever
    OFF = "off"  # nobody is asked


def with_evidence(
    plan: Plan,
    asked: Mapping[str, AskedEvidence],
    concerned: Collection[ResourceKey],
    policy: EvidencePolicy,
    now: datetime,
) -> Plan:
    """Gives a plan without the pods whose evidence is still to be kept; the others name theirs.

    Args:
        plan: What would be carried out.
        asked: What was asked for, by the pods' uids.
        concerned: Pods of which there is something to be kept: what is wrong with the others is
            written in the cluster.
        policy: What evidence is to a replacement.
        now: A moment with its zone.
    """
    if policy is EvidencePolicy.OFF:
        return plan
    actions: list[Action] = []
    held: list[Held] = []
    for action in plan.actions:
        if not isinstance(action, Evict | Quarantine) or action.key not in concerned:
            actions.append(action)
            continue
        found = asked.get(action.uid)
        if found is not None and found.kept is not None:
            words = f"sha256:{found.kept.digest} on the node {found.node}"
            actions.append(replace(action, evidence=words))
        elif found is not None and policy is EvidencePolicy.WANTED and _is_over(found, now):
            words = f"none: the agent of the node {found.node} hasn't kept any since {found.since}"
            actions.append(replace(action, evidence=words))
        else:
            who = f" by the agent of the node {found.node}" if found is not None else ""
            held.append(Held(action.key, f"its evidence is kept first{who}"))
    return replace(plan, actions=tuple(actions), held=(*plan.held, *held))


def _is_over(asked: AskedEvidence, now: datetime) -> bool:
    since = moment_of(asked.since)
    return since is not None and now >= since + PATIENCE

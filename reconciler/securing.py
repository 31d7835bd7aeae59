"""Has the evidence of pods kept before they are replaced."""

from dataclasses import replace
from datetime import datetime, timedelta

from reconciler.core.deciding import Policy
from reconciler.core.moments import rfc3339
from reconciler.core.plan import Evict, Quarantine
from reconciler.core.securing import EvidencePolicy, with_evidence
from reconciler.deliberation import Deliberation
from reconciler.ports import EvidenceStore

#: Agents keep evidence within seconds, once they have heard that it is wanted.
_PAUSE = timedelta(seconds=2)


def secured(
    done: Deliberation, store: EvidenceStore | None, policy: Policy, now: datetime
) -> Deliberation:
    """Leaves out of what is carried out now each pod whose evidence is yet to be kept.

    Args:
        done: What was decided.
        store: Remembers what agents are asked to keep; None where none are heard.
        policy: What evidence is to a replacement.
        now: The time of day.

    Raises:
        HistoryError: Agents can't be asked.
    """
    pods = [each for each in done.plan.actions if isinstance(each, Evict | Quarantine)]
    seen = {drift.key for drift in done.look.report.drifts if drift.seen is not None}
    pods = [each for each in pods if each.key in seen]
    if store is None or not pods or policy.evidence is EvidencePolicy.OFF:
        return done
    asked = store.asked([each.uid for each in pods])
    nodes = {
        drift.uid: drift.container.node
        for drift in done.look.report.drifts
        if drift.container is not None
    }
    missing = {each.uid: nodes.get(each.uid, "") for each in pods if each.uid not in asked}
    if missing:
        store.ask(missing, rfc3339(now))
        asked = store.asked([each.uid for each in pods])
    plan = with_evidence(done.plan, asked, seen, policy.evidence, now)
    left = {each.key for each in plan.actions}
    deferred = tuple(each for each in pods if each.key not in left)
    return replace(done, plan=plan, deferred=deferred)


def evidence_due(done: Deliberation, now: datetime) -> datetime | None:
    """Says when to look again for evidence that is being kept; None where none is."""
    return now + _PAUSE if done.deferred else None

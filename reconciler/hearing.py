"""Takes down what a person says about a plan: one way, whichever door it comes through."""

from collections.abc import Sequence
from datetime import datetime

from reconciler.core.annotated import annotated_yes
from reconciler.core.approving import VERDICTS, speaker_of, weigh, why_not
from reconciler.core.deciding import Policy
from reconciler.core.history import EventType, HistoryQuery
from reconciler.core.moments import rfc3339
from reconciler.core.plan_events import events_of_verdict
from reconciler.core.words import Hearing, Speaker
from reconciler.deliberation import Deliberation, concerned_by
from reconciler.ports import History


def take_down(
    done: Deliberation,
    plan: str,
    verdict: EventType,
    speaker: Speaker,
    reason: str,
    policy: Policy,
    history: History,
    now: datetime,
) -> Hearing:
    """Writes a verdict about a plan down; whether it is enough is weighed when it is acted on.

    Args:
        done: What there is to judge.
        plan: The plan's digest.
        verdict: `APPROVED` or `REJECTED`.
        speaker: Who says it.
        reason: In their words.
        policy: Whose yes counts.
        history: Where it is written.
        now: A moment with its zone.

    Returns:
        Whether it was written down, and what to tell the speaker.

    Raises:
        HistoryError: It can't be written down.
    """
    found = done.find(plan)
    if found is None:
        return Hearing(False, no_such_plan(plan, [done]))
    concerned = concerned_by(done.look, found)
    if verdict is EventType.APPROVED:
        refusal = why_not(speaker, concerned, policy.approvals)
        if refusal:
            return Hearing(False, refusal)
    at = rfc3339(now)
    history.append(events_of_verdict(found, done.look.report, verdict, speaker, at, reason))
    text = f"{plan} of {found.target} is {verdict.value} by {speaker}"
    if verdict is EventType.APPROVED:
        said = history.find(HistoryQuery(target=found.target, plan=plan, types=VERDICTS))
        missing = weigh(concerned, said, policy.approvals, now).missing
        text += f"; {missing}" if missing else ""
    return Hearing(True, text)


def hear_annotations(done: Deliberation, policy: Policy, history: History, now: datetime) -> bool:
    """Takes down what drifted objects' annotations say, each once; see `core.annotated`.

    Returns:
        Whether something was taken down.

    Raises:
        HistoryError: The history can't be read or written.
    """
    is_new = False
    for drift in done.look.report.drifts if policy.annotations else ():
        live = done.look.sides.live.find(drift.api_version, drift.key)
        said = annotated_yes(drift, live)
        if said is None or said.speaker is None or done.find(said.plan) is None:
            continue
        query = HistoryQuery(target=done.look.report.target, plan=said.plan, types=VERDICTS)
        speakers = [speaker_of(event).identity for event in history.find(query)]
        # Once: what was taken back since, or has grown too old, isn't said again by standing there.
        if said.speaker.identity not in speakers:
            words = (EventType.APPROVED, said.speaker, said.reason)
            is_new |= take_down(done, said.plan, *words, policy, history, now).heeded
    return is_new


def no_such_plan(plan: str, open_ones: Sequence[Deliberation]) -> str:
    """Says that a plan isn't there, and which are."""
    plans = {plan.digest: plan.target for done in open_ones for plan in done.plans}
    there = ", ".join(f"{digest} of {target}" for digest, target in plans.items())
    return (
        f"no plan {plan} is there to judge: the cluster or Git has moved since, or it was carried "
        f"out; what is there now: {there or 'nothing'}"
    )

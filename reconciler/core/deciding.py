"""Decides what is to be done about each drift: a pure function of policy and circumstances.

Policy says what may be done; circumstances only ever hold it back. What is suspended, fought over,
outside a window or in its grace is never restored, whatever a rule says.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Final

from reconciler.core.approving import ApprovalPolicy
from reconciler.core.drift import Decision, DecisionAction, Drift, DriftType, Severity
from reconciler.core.fights import DEFAULT_FIGHT_LIMITS, FightLimits, Restored, fight_over
from reconciler.core.inventory import Inventory
from reconciler.core.moments import moment_of, rfc3339
from reconciler.core.policy import severity_of, worst_first
from reconciler.core.resource import JsonObject, metadata_of
from reconciler.core.securing import EvidencePolicy
from reconciler.core.selection import Selector, places
from reconciler.core.sides import Sides
from reconciler.core.suspension import Suspended, Suspension, suspended
from reconciler.core.terms import PodAnswer
from reconciler.core.windows import Window, closed

#: What makes a pod worth a new one. Who looked into it, and where it listens, is to be known; to a
#: stale image a new pod may be no answer.
_REPLACED: Final = frozenset({DriftType.POD_SPEC, DriftType.FILE, DriftType.PROCESS})


class Mode(StrEnum):
    """What policy may ask for, the most cautious first."""

    OBSERVE = "observe"
    PROPOSE = "propose"
    APPROVE = "approve"
    RESTORE = "restore"

    @property
    def action(self) -> DecisionAction:
        """The same as a decision's action."""
        return DecisionAction(self.value)


_CAUTION: Final[Mapping[Mode, int]] = {mode: rank for rank, mode in enumerate(Mode)}
_RANK: Final[Mapping[Severity, int]] = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True)
class PolicyRule:
    """What is to be done about some drifts, or some of their changes.

    Attributes:
        name: Shown with every decision of the rule.
        selector: What it speaks of.
        action: What is to be done.
        reason: Why, in a sentence.
    """

    name: str
    selector: Selector
    action: Mode
    reason: str


@dataclass(frozen=True, slots=True)
class SeverityOverride:
    """Says that some drifts, or some of their changes, matter more or less than by default.

    Attributes:
        selector: What it speaks of; its severity is that by default.
        severity: How much it matters.
    """

    selector: Selector
    severity: Severity


@dataclass(frozen=True, slots=True)
class Policy:
    """What is to be done about a target's drifts.

    Attributes:
        mode: Where no rule speaks of what is declared.
        rules: Tried in order for each change: the first that speaks of it decides. Of an object's
            changes the most cautious action wins: an object is restored as a whole. Of what is seen
            in running pods only rules speak that name its type: those that are older than such
            drift must not begin to replace pods.
        severities: Tried in order before the built-in ones.
        prune: Whether what was declared once may be deleted.
        windows: When acting is allowed, or forbidden.
        grace: How long a drift must have been seen before anything is done.
        pending_grace: How long a commit is left to whoever deploys, where Plumbline doesn't.
        fights: From when on restoring is fighting.
        on_fight: What is done then; never `restore`.
        annotations: Whether an object's annotation may suspend it. Whoever may edit the object
            may set that.
        approvals: Whose yes counts.
        containers: Where no rule speaks of what is seen in running pods (`drift.IN_PODS`); of
            sessions, ports and images only rules speak. Never `propose`, since no pull request
            puts a pod right.
        answer: What is done with a pod that is to be put right.
        evidence: Whether what changed in it is kept first.
    """

    mode: Mode = Mode.OBSERVE
    rules: tuple[PolicyRule, ...] = ()
    severities: tuple[SeverityOverride, ...] = ()
    prune: bool = False
    windows: tuple[Window, ...] = ()
    grace: timedelta = timedelta(0)
    pending_grace: timedelta = timedelta(minutes=15)
    fights: FightLimits = DEFAULT_FIGHT_LIMITS
    on_fight: Mode = Mode.OBSERVE
    annotations: bool = True
    approvals: ApprovalPolicy = field(default_factory=ApprovalPolicy)
    containers: Mode = Mode.OBSERVE
    answer: PodAnswer = PodAnswer.EVICT
    evidence: EvidencePolicy = EvidencePolicy.WANTED

    def __post_init__(self) -> None:
        """Refuses to restore what is fought over, and to propose what no commit puts right.

        Raises:
            ValueError: `on_fight` is `restore`, or `containers` is `propose`.
        """
        if self.containers is Mode.PROPOSE:
            raise ValueError("containers can't be propose: no pull request puts a pod right")
        if self.on_fight is Mode.RESTORE:
            raise ValueError("on_fight can't be restore: that is what makes it a fight")


@dataclass(frozen=True, slots=True)
class Circumstances:
    """What else decides, beside drift and policy.

    Attributes:
        now: A moment with its zone.
        sides: What was read: labels and annotations are taken from there.
        inventory: What was declared once; only that may be pruned.
        suspensions: Those that were asked for by command.
        restores: What was restored of the target lately, see `fights.restores_of`.
    """

    now: datetime
    sides: Sides
    inventory: Inventory
    suspensions: tuple[Suspension, ...] = ()
    restores: tuple[Restored, ...] = ()


def decisions(
    drifts: Sequence[Drift], policy: Policy, circumstances: Circumstances
) -> tuple[Drift, ...]:
    """Gives the drifts with their decisions and with their severity by policy, the worst first."""
    return worst_first([_decided(drift, policy, circumstances) for drift in drifts])


def _decided(drift: Drift, policy: Policy, around: Circumstances) -> Drift:
    live = around.sides.live.find(drift.api_version, drift.key)
    labels = _labels(drift, live, around.sides)
    rated = replace(drift, severity=_severity(drift, labels, policy.severities))
    mode, rule, reason = _ruled(rated, labels, policy, around.inventory)
    decision = Decision(mode.action, rule, reason)
    stopped = _stopped(drift, live, policy, around)
    if mode is not Mode.OBSERVE or drift.type is DriftType.PENDING:
        if stopped.suspension is not None:
            decision = _wait("suspended", str(stopped.suspension), stopped.suspension.until)
        else:
            decision = _held_back(drift, mode, policy, around) or decision
    if stopped.note:
        decision = decision.with_note(stopped.note)
    return replace(rated, decision=decision)


def _stopped(
    drift: Drift, live: JsonObject | None, policy: Policy, around: Circumstances
) -> Suspended:
    """Says whether acting on a drift is suspended: on a pod, whether on its owner is.

    A pod's own annotations count for nothing: whoever drifted it may have set them.
    """
    key, manifest = drift.key, None
    if drift.is_in_pod:
        key = drift.owner or drift.key
        manifest = around.sides.desired.resources.get(key)
        live = around.sides.live.find(manifest.api_version, key) if manifest is not None else None
    annotated = live if policy.annotations else None
    return suspended(key, annotated, around.suspensions, around.now)


def labels_of(drift: Drift, sides: Sides) -> Mapping[str, str]:
    """Gives the labels of a drift's object: the live ones, the declared ones where it isn't."""
    return _labels(drift, sides.live.find(drift.api_version, drift.key), sides)


def _labels(drift: Drift, live: JsonObject | None, sides: Sides) -> Mapping[str, str]:
    manifest = sides.desired.resources.get(drift.key)
    body = live if live is not None else manifest.body if manifest is not None else {}
    labels = metadata_of(body).get("labels")
    return labels if isinstance(labels, Mapping) else {}


def _severity(
    drift: Drift, labels: Mapping[str, str], overrides: Sequence[SeverityOverride]
) -> Severity:
    if not overrides:
        return drift.severity
    rated: list[Severity] = []
    for place in places(drift, labels, [each.selector for each in overrides]):
        speaking = (each.severity for each in overrides if each.selector.matches(place))
        alone = replace(drift, changes=(place.change,)) if place.change else drift
        rated.append(next(speaking, None) or severity_of(alone))
    return min(rated, key=_RANK.__getitem__)


def _ruled(
    drift: Drift, labels: Mapping[str, str], policy: Policy, inventory: Inventory
) -> tuple[Mode, str, str]:
    """Gives what policy says, with the rule and its reason."""
    if drift.type is DriftType.UNREADABLE:
        return Mode.OBSERVE, "default", "what can't be read is never written"
    rules, default = policy.rules, (policy.mode, "default", f"the target's mode is {policy.mode}")
    if drift.is_in_pod:
        rules = tuple(rule for rule in rules if drift.type in rule.selector.types)
        default = _in_pod(drift, policy)
    said: list[tuple[Mode, str, str]] = []
    for place in places(drift, labels, [rule.selector for rule in rules]):
        speaking = (rule for rule in rules if rule.selector.matches(place))
        first = next(speaking, None)
        said.append((first.action, first.name, first.reason) if first else default)
    mode, rule, reason = min(said, key=lambda each: _CAUTION[each[0]])
    if drift.type is DriftType.UNMANAGED and mode in (Mode.APPROVE, Mode.RESTORE):
        if not inventory.holds(drift.key):
            return Mode.OBSERVE, "default", "what Git never declared is left alone"
        if not policy.prune:
            return Mode.OBSERVE, "default", "it was declared once, and pruning is off"
    return mode, rule, reason


def _in_pod(drift: Drift, policy: Policy) -> tuple[Mode, str, str]:
    """Gives what is done about drift of a running pod where no rule speaks of it."""
    if drift.type not in _REPLACED and policy.containers is not Mode.OBSERVE:
        reason = f"a {drift.type} is told: only a rule that names this type acts on it"
        return Mode.OBSERVE, "default", reason
    return policy.containers, "default", f"agents.mode is {policy.containers}"


def _held_back(drift: Drift, mode: Mode, policy: Policy, around: Circumstances) -> Decision | None:
    """Says what keeps policy from being followed now, None where nothing does."""
    now = around.now
    restores = mode is Mode.RESTORE
    if restores and drift.type is not DriftType.PENDING:
        fight = fight_over(drift, around.restores, now, policy.fights)
        if fight is not None:
            return Decision(policy.on_fight.action, "fight", str(fight))
    first_seen = moment_of(drift.first_seen) or now
    if drift.type is DriftType.PENDING:
        until = first_seen + policy.pending_grace
        if not restores and now < until:
            return _wait("pending", "Git has moved on: left to whoever deploys", until)
    elif now < first_seen + policy.grace:
        return _wait("grace", "it may yet go away by itself", first_seen + policy.grace)
    shut = closed(policy.windows, now) if restores else None
    return _wait("window", shut.reason, shut.until) if shut is not None else None


def _wait(rule: str, reason: str, until: datetime | None) -> Decision:
    return Decision(DecisionAction.WAIT, rule, reason, rfc3339(until) if until else "")

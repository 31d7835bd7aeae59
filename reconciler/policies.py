"""A target's settings as a policy."""

from datetime import timedelta
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from reconciler.core.approving import ApprovalPolicy, ApprovalRule, Person
from reconciler.core.deciding import Mode, Policy, PolicyRule
from reconciler.core.drift import IN_PODS, DriftType, Severity
from reconciler.core.errors import ConfigError
from reconciler.core.securing import EvidencePolicy
from reconciler.core.selection import Selector
from reconciler.core.terms import PodAnswer
from reconciler.core.windows import Window, parse_window
from reconciler.settings import (
    ApprovalRuleSettings,
    ApprovalSettings,
    RuleSettings,
    Settings,
    TargetSettings,
    WindowSettings,
)
from reconciler.settings import Mode as Asked
from reconciler.settings.durations import seconds_of


def policy_of(settings: Settings, target: TargetSettings) -> Policy:
    """Gives what is to be done about a target's drifts, and whose yes counts.

    Raises:
        ConfigError: A rule, a window or a duration isn't one; the message names it.
    """
    where = f"target {target.name}"
    return Policy(
        mode=Mode(target.mode.value),
        rules=tuple(
            _rule(f"{where}: rules[{number}]", number, rule)
            for number, rule in enumerate(target.rules, 1)
        ),
        prune=target.prune,
        windows=tuple(
            _window(f"{where}: windows[{number}]", window)
            for number, window in enumerate(target.windows, 1)
        ),
        grace=timedelta(seconds=seconds_of(f"{where}: grace", target.grace)),
        approvals=_approvals(settings.approvals),
        containers=Mode(settings.agents.mode.value),
        answer=PodAnswer(settings.agents.answer.value),
        evidence=EvidencePolicy(settings.agents.evidence.value),
    )


def _approvals(settings: ApprovalSettings) -> ApprovalPolicy:
    lasts = seconds_of("approvals.lasts", settings.lasts)
    if lasts <= 0:
        raise ConfigError("approvals.lasts must be longer than nothing", fix="write it as 24h")
    return ApprovalPolicy(
        people=tuple(Person(each.name, each.identities) for each in settings.people),
        rules=tuple(
            _approval_rule(f"approvals.rules[{number}]", rule)
            for number, rule in enumerate(settings.rules, 1)
        ),
        lasts=timedelta(seconds=lasts),
    )


def _approval_rule(where: str, rule: ApprovalRuleSettings) -> ApprovalRule:
    try:
        severity = Severity(rule.severity)
    except ValueError as error:
        known = ", ".join(Severity)
        raise ConfigError(f"{where}: {error}", fix=f"severities are {known}") from None
    if rule.needed < 1:
        raise ConfigError(f"{where}: needed must be at least 1", fix="leave it out for 1")
    selector = Selector(
        kind=rule.kind,
        group=rule.group,
        namespace=rule.namespace,
        object_name=rule.name,
        severity=severity,
    )
    return ApprovalRule(where, selector, rule.approvers, rule.needed, rule.own)


def _rule(where: str, number: int, rule: RuleSettings) -> PolicyRule:
    key, equals, value = rule.label.partition("=")
    if rule.label and not equals:
        raise ConfigError(f"{where}: label {rule.label!r} has no value", fix="write KEY=VALUE")
    try:
        selector = Selector(
            kind=rule.kind,
            group=rule.group,
            namespace=rule.namespace,
            object_name=rule.name,
            labels=((key, value),) if rule.label else (),
            path=rule.path,
            types=(DriftType(rule.type),) if rule.type else (),
            severity=Severity(rule.severity),
            managers=(rule.manager,) if rule.manager else (),
        )
    except ValueError as error:
        known = ", ".join(each.value for each in (*DriftType, *Severity))
        raise ConfigError(f"{where}: {error}", fix=f"types and severities are {known}") from None
    if not rule.reason.strip():
        raise ConfigError(f"{where}: the reason is empty", fix="say why")
    if rule.action is Asked.PROPOSE and set(selector.types) & IN_PODS:
        raise ConfigError(
            f"{where}: no pull request puts right what drifted in a pod", fix="ask with approve"
        )
    return PolicyRule(f"rules[{number}]", selector, Mode(rule.action.value), rule.reason)


def _window(where: str, window: WindowSettings) -> Window:
    try:
        zone = ZoneInfo(window.zone)
        return parse_window(window.hours, zone, allows=window.allow, reason=window.reason)
    except (ValueError, ZoneInfoNotFoundError, OSError) as error:
        raise ConfigError(
            f"{where}: {error}", fix="write it as Mon-Fri 22:00-04:00, in a zone as Europe/Zurich"
        ) from None

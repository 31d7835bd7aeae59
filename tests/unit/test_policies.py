"""A target's settings as a policy, and what isn't one."""

import re
from datetime import timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from reconciler.core.approving import ApprovalPolicy, ApprovalRule, Person
from reconciler.core.deciding import Mode, Policy, PolicyRule
from reconciler.core.drift import DriftType, Severity
from reconciler.core.errors import ConfigError
from reconciler.core.selection import Selector
from reconciler.core.windows import parse_window
from reconciler.policies import policy_of as policy_by
from reconciler.settings import (
    AgentSettings,
    ApprovalRuleSettings,
    ApprovalSettings,
    PersonSettings,
    RuleSettings,
    Settings,
    SourceSettings,
    TargetSettings,
    WindowSettings,
)
from reconciler.settings import Mode as Asked
from reconciler.settings.agents import AgentMode


def target(**more: Any) -> TargetSettings:
    return TargetSettings("shop", SourceSettings("repo"), **more)


def policy_of(made: TargetSettings, **more: Any) -> Policy:
    return policy_by(Settings((made,), **more), made)


def rule(**more: Any) -> RuleSettings:
    return RuleSettings(**{"action": Asked.OBSERVE, "reason": "because", **more})


def test_what_says_nothing_only_observes() -> None:
    assert policy_of(target()) == Policy()


@pytest.mark.parametrize("mode", list(Asked))
def test_every_mode_that_can_be_set_is_one_of_a_policy(mode: Asked) -> None:
    assert policy_of(target(mode=mode)).mode.value == mode.value
    (made,) = policy_of(target(rules=(rule(action=mode),))).rules
    assert made.action.value == mode.value


def test_everything_that_can_be_set_has_its_place() -> None:
    whole = rule(
        action=Asked.APPROVE,
        kind="Deploy*",
        group="apps",
        namespace="shop",
        name="web",
        label="team=payments",
        path="spec.replicas",
        type="Modified",
        severity="medium",
        manager="kubectl-*",
    )
    night = WindowSettings("Mon-Fri 22:00-04:00", "Europe/Zurich", reason="at night")
    freeze = WindowSettings("Fri 12:00-24:00", allow=False)
    policy = policy_of(
        target(
            mode=Asked.RESTORE, prune=True, grace="1m30s", rules=(whole,), windows=(night, freeze)
        )
    )
    selector = Selector(
        kind="Deploy*",
        group="apps",
        namespace="shop",
        object_name="web",
        labels=(("team", "payments"),),
        path="spec.replicas",
        types=(DriftType.MODIFIED,),
        severity=Severity.MEDIUM,
        managers=("kubectl-*",),
    )
    zone = ZoneInfo("Europe/Zurich")
    assert policy == Policy(
        mode=Mode.RESTORE,
        rules=(PolicyRule("rules[1]", selector, Mode.APPROVE, "because"),),
        prune=True,
        windows=(
            parse_window("Mon-Fri 22:00-04:00", zone, reason="at night"),
            parse_window("Fri 12:00-24:00", ZoneInfo("UTC"), allows=False),
        ),
        grace=timedelta(seconds=90),
    )


def test_rules_keep_their_order_and_are_named_by_it() -> None:
    rules = policy_of(target(rules=(rule(kind="A"), rule(kind="B")))).rules
    assert [(each.name, each.selector.kind) for each in rules] == [
        ("rules[1]", "A"),
        ("rules[2]", "B"),
    ]


def test_a_labels_value_may_be_empty_or_hold_an_equals_sign() -> None:
    rules = policy_of(target(rules=(rule(label="a="), rule(label="a=b=c")))).rules
    assert [each.selector.labels for each in rules] == [(("a", ""),), (("a", "b=c"),)]


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"rules": (rule(), rule(label="team"))}, r"rules\[2\]: label 'team' has no value"),
        ({"rules": (rule(type="Gone"),)}, r"rules\[1\]: 'Gone' is not a valid DriftType"),
        ({"rules": (rule(severity="dire"),)}, r"rules\[1\]: 'dire' is not a valid Severity"),
        ({"rules": (rule(path="spec["),)}, r"rules\[1\]: "),
        ({"rules": (rule(reason=" "),)}, r"rules\[1\]: the reason is empty"),
        ({"windows": (WindowSettings("at night"),)}, r"windows\[1\]: 'at night' isn't a window"),
        ({"windows": (WindowSettings("Mon 25:00-26:00"),)}, r"windows\[1\]: "),
        ({"windows": (WindowSettings("daily 01:00-02:00", "Mars/Base"),)}, r"windows\[1\]: .*Mars"),
        ({"windows": (WindowSettings("daily 01:00-02:00", "../etc"),)}, r"windows\[1\]: "),
        ({"windows": (WindowSettings("daily 01:00-02:00", ""),)}, r"windows\[1\]: "),
        ({"grace": "soon"}, "grace: 'soon' is no duration"),
    ],
)
def test_what_is_no_policy_is_named_with_its_place(settings: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError, match=f"target shop: {message}") as caught:
        policy_of(target(**settings))
    assert "fix: " in str(caught.value)


def test_who_may_say_yes_is_part_of_a_policy() -> None:
    settings = ApprovalSettings(
        "90m",
        (PersonSettings("jane", ("slack:U1",)),),
        (ApprovalRuleSettings(("jane",), "Sec*", "", "prod-*", "key", "high", 2, own=True),),
    )
    approvals = policy_of(target(), approvals=settings).approvals
    selector = Selector("Sec*", "", "prod-*", "key", severity=Severity.HIGH)
    assert approvals == ApprovalPolicy(
        (Person("jane", ("slack:U1",)),),
        (ApprovalRule("approvals.rules[1]", selector, ("jane",), 2, own=True),),
        timedelta(minutes=90),
    )


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (ApprovalSettings("0s"), "approvals.lasts must be longer than nothing"),
        (ApprovalSettings("soon"), "approvals.lasts: 'soon' is no duration"),
        (
            ApprovalSettings(rules=(ApprovalRuleSettings(severity="bad"),)),
            "approvals.rules[1]: 'bad' is not a valid Severity",
        ),
        (
            ApprovalSettings(rules=(ApprovalRuleSettings(needed=0),)),
            "approvals.rules[1]: needed must be at least 1",
        ),
    ],
)
def test_what_says_nobody_s_yes_is_refused(settings: ApprovalSettings, message: str) -> None:
    with pytest.raises(ConfigError, match=re.escape(message)):
        policy_of(target(), approvals=settings)


def test_what_is_done_about_pods_is_the_agents_setting() -> None:
    assert policy_of(target()).containers is Mode.OBSERVE
    for mode in AgentMode:
        made = policy_of(target(mode=Asked.RESTORE), agents=AgentSettings(mode=mode))
        assert (made.containers, made.mode) == (Mode(mode.value), Mode.RESTORE)


def test_no_rule_proposes_what_no_pull_request_puts_right() -> None:
    with pytest.raises(ConfigError, match=r"rules\[1\]: no pull request puts right"):
        policy_of(target(rules=(rule(action=Asked.PROPOSE, type="Session"),)))
    made = policy_of(target(rules=(rule(action=Asked.APPROVE, type="PodSpec"),)))
    assert made.rules[0].selector.types == (DriftType.POD_SPEC,)

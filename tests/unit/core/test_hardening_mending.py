"""Which findings are fixed, which only by name, and which are left with a reason."""

from typing import Any

import pytest

from reconciler.core.desired import SourceLocation
from reconciler.core.fixes import Wanted, with_fixes
from reconciler.core.hardening.auditing import Subject
from reconciler.core.hardening.mending import MENDABLE, mendings_of, unknown_rules
from reconciler.core.resource import JsonObject, ResourceKey
from tests.unit.core.test_hardening import CONTAINER, KEY, POD, audited, deployment

SOURCE = SourceLocation("web.yaml", 3)
BARE = {"name": "web", "image": CONTAINER["image"]}
ACCOUNT = ResourceKey("", "ServiceAccount", "shop", "web")
MENDED = {"privilege-escalation", "seccomp", "token-mounted"}


def wanted(pod: JsonObject, *rules: str, others: tuple[Subject, ...] = ()) -> Wanted:
    subjects = (Subject(KEY, deployment(pod), SOURCE), *others)
    return mendings_of(audited(*subjects), subjects, rules)


def secured(**security: Any) -> JsonObject:
    return {**POD, "containers": [{**CONTAINER, "securityContext": security}]}


def bound(**subject: str) -> tuple[Subject, ...]:
    key = ResourceKey("rbac.authorization.k8s.io", "RoleBinding", "shop", "b")
    return (Subject(ACCOUNT, {}), Subject(key, {"subjects": [subject]}))


def test_what_is_safe_is_fixed_and_found_no_more() -> None:
    pod = {"containers": [BARE]}
    found = wanted(pod)
    assert {each.rule for each in found.fixes} == MENDED
    assert "root-filesystem-writable" in (found.others or {})
    after = audited(Subject(KEY, with_fixes(deployment(pod), found.fixes), SOURCE))
    assert not MENDED & {each.rule.id for each in after.findings}
    live = Subject(KEY, deployment(pod))
    assert mendings_of(audited(live), [live], ()).fixes == ()


def test_what_may_end_a_program_is_fixed_by_name_alone() -> None:
    found = wanted(
        {"containers": [BARE]}, "root-filesystem-writable", "run-as-root", "capabilities-kept"
    )
    assert sorted(map(str, (each.value for each in found.fixes))) == ["True", "True", "['ALL']"]
    assert all(each.caution for each in found.fixes)
    assert unknown_rules(["seccomp", "privileged"]) == ["privileged"]
    assert unknown_rules(MENDABLE) == []


@pytest.mark.parametrize(
    ("security", "is_told"),
    [
        ({}, True),
        ({"runAsUser": 0}, True),
        ({"runAsUser": True}, True),
        ({"runAsUser": 10}, False),
        ({"runAsNonRoot": True}, False),
    ],
)
def test_a_root_program_may_miss_its_capabilities(security: JsonObject, is_told: bool) -> None:
    found = wanted(secured(**security), "capabilities-kept")
    assert [bool(each.caution) for each in found.fixes] == [is_told]


@pytest.mark.parametrize(
    ("security", "rule", "reason"),
    [
        ({"privileged": True}, "privilege-escalation", "it is privileged"),
        ({"capabilities": {"add": ["SYS_ADMIN"]}}, "privilege-escalation", "adds SYS_ADMIN"),
        ({"privileged": True}, "capabilities-kept", "keeps every capability"),
        ({"runAsUser": 0}, "run-as-root", "the image decides"),
    ],
)
def test_what_no_edit_ends_is_left(security: JsonObject, rule: str, reason: str) -> None:
    found = wanted(secured(**security), rule)
    assert found.fixes == ()
    assert reason in found.left[0].reason


def test_what_somebody_decided_is_left_until_the_rule_is_named() -> None:
    pod = secured(allowPrivilegeEscalation=True, capabilities={"drop": ["NET_RAW"]})
    found = wanted(pod)
    assert "--rule privilege-escalation goes over it" in found.left[0].reason
    assert {each.rule for each in found.fixes} == {"seccomp"}
    assert [each.value for each in wanted(pod, "capabilities-kept").fixes] == [["ALL"]]
    assert [each.value for each in wanted(pod, "privilege-escalation").fixes] == [False]


@pytest.mark.parametrize(
    ("others", "reason"),
    [
        ((), "isn't declared here"),
        ((Subject(ACCOUNT, {}),), ""),
        (bound(kind="ServiceAccount", name="web"), "is given rights"),
        (bound(kind="ServiceAccount", name="web", namespace="far"), ""),
        (bound(kind="Group", name="system:serviceaccounts:shop"), "is given rights"),
        (bound(kind="Group", name="people"), ""),
        (bound(kind="User", name="web"), ""),
    ],
)
def test_a_token_stays_where_it_may_be_used(others: tuple[Subject, ...], reason: str) -> None:
    pod = {"serviceAccountName": "web", "containers": [CONTAINER]}
    found = wanted(pod, "token-mounted", others=others)
    assert len(found.fixes) == (0 if reason else 1)
    assert all(reason in each.reason for each in found.left)

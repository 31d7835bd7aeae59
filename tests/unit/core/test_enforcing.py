"""Which rule counts for a container, and what a file of rules may say."""

import pytest

from reconciler.core.enforcing import EnforcementRule, Mode, Ruled, enforcement_rules, ruled
from reconciler.core.errors import ConfigError

REFUSE = EnforcementRule(Mode.REFUSE, ("shop", "team-*"))
TRY = EnforcementRule(Mode.DRY_RUN)
LABELLED = EnforcementRule(Mode.OFF, labels=(("app", "ci"), ("tier", "build")))


@pytest.mark.parametrize(
    ("namespace", "rule"), [("shop", REFUSE), ("team-a", REFUSE), ("shops", TRY), ("", TRY)]
)
def test_the_first_rule_that_matches_counts(namespace: str, rule: EnforcementRule) -> None:
    assert ruled((REFUSE, TRY), namespace, {}) == Ruled(rule)


def test_no_rule_may_match() -> None:
    assert ruled((REFUSE,), "other", {}) == Ruled(None)
    assert ruled((), "shop", None) == Ruled(None)


def test_all_labels_of_a_rule_must_match() -> None:
    rules = (LABELLED, REFUSE)
    assert ruled(rules, "shop", {"app": "ci", "tier": "build", "x": "y"}).rule == LABELLED
    assert ruled(rules, "shop", {"app": "ci"}).rule == REFUSE


def test_labels_that_are_not_known_are_not_taken_for_none() -> None:
    doubt = "rule 1 asks for labels, and this pod's aren't known"
    assert ruled((LABELLED, LABELLED, REFUSE), "shop", None) == Ruled(REFUSE, doubt)
    assert ruled((LABELLED,), "shop", None) == Ruled(None, doubt)


def test_a_rule_allows_paths() -> None:
    rule = EnforcementRule(Mode.REFUSE, allow=("/opt/cache/*", "/tmp/one"))
    assert rule.allows("/opt/cache/a/b")
    assert rule.allows("/tmp/one")
    assert not rule.allows("/tmp/one2")


def test_rules_are_read() -> None:
    rule = {
        "mode": "refuse",
        "namespaces": ["shop"],
        "labels": {"app": "web"},
        "volumes": "allow",
        "allow": ["/x/*"],
    }
    assert enforcement_rules({"rules": [rule, {"mode": "off"}]}, "f") == (
        EnforcementRule(Mode.REFUSE, ("shop",), (("app", "web"),), True, ("/x/*",)),
        EnforcementRule(Mode.OFF),
    )
    assert enforcement_rules({"rules": []}, "f") == ()


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ([], "f: it holds rules and nothing else"),
        ({"rules": [], "x": 1}, "f: it holds rules and nothing else"),
        ({}, "f: rules is a list of up to 1000"),
        ({"rules": [{"mode": "off"}] * 1001}, "f: rules is a list of up to 1000"),
        ({"rules": ["off"]}, "f: rules[0] is no rule"),
        ({"rules": [{"mode": "off"}, {"mod\x1b": 1}]}, "f: rules[1] has 'mod\\x1b'"),
        ({"rules": [{}]}, "f: rules[0].mode isn't known"),
        ({"rules": [{"mode": ["off"]}]}, "f: rules[0].mode isn't known"),
        ({"rules": [{"mode": "off", "volumes": True}]}, "f: rules[0].volumes isn't known"),
        ({"rules": [{"mode": "off", "namespaces": "a"}]}, "f: rules[0].namespaces is no list"),
        ({"rules": [{"mode": "off", "allow": [1]}]}, "f: rules[0].allow is no list of texts"),
        ({"rules": [{"mode": "off", "allow": [""]}]}, "f: rules[0].allow is no list of texts"),
        ({"rules": [{"mode": "off", "allow": ["a"] * 1001}]}, "f: rules[0].allow is no list"),
        ({"rules": [{"mode": "off", "labels": ["a"]}]}, "f: rules[0].labels has no texts by name"),
        ({"rules": [{"mode": "off", "labels": {"a": 1}}]}, "f: rules[0].labels has no texts"),
    ],
)
def test_what_is_wrong_is_named(document: object, message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        enforcement_rules(document, "f")
    assert raised.value.message.startswith(message)
    assert raised.value.fix

"""Rights as roles: exactly them, in as few rules as that takes, and the same every time."""

from typing import Any

import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.rights import Right
from reconciler.render.access import access_manifests, access_values, rules_of

ACCOUNT = ("plumbline", "restorer")
RBAC = "rbac.authorization.k8s.io"


def rights(namespace: str, group: str, plural: str, *verbs: str, name: str = "") -> set[Right]:
    return {Right(namespace, group, plural, verb, name) for verb in verbs}


_RIGHTS = st.frozensets(
    st.builds(
        Right,
        st.sampled_from(["", "shop", "shed"]),
        st.sampled_from(["", "apps"]),
        st.sampled_from(["pods", "secrets", "roles"]),
        st.sampled_from(["get", "list", "update", "bind", "escalate"]),
        st.sampled_from(["", "one", "two"]),
    ),
    max_size=12,
)


def _said(rules: dict[str, list[dict[str, Any]]]) -> set[Right]:
    """Reads rules as the API server does: each of its lists by all the others."""
    return {
        Right(namespace, group, plural, verb, name)
        for namespace, each in rules.items()
        for rule in each
        for group in rule["apiGroups"]
        for plural in rule["resources"]
        for verb in rule["verbs"]
        for name in rule.get("resourceNames", [""])
    }


@given(_RIGHTS)
def test_the_rules_say_exactly_the_rights(wanted: frozenset[Right]) -> None:
    assert _said(rules_of(wanted)) == wanted


def test_kinds_of_which_the_same_is_allowed_share_a_rule() -> None:
    wanted = rights("shop", "", "secrets", "list", "get") | rights(
        "shop", "", "pods", "get", "list"
    )
    wanted |= rights("shop", "apps", "deployments", "update", "create", "watch", "list", "get")
    assert rules_of(wanted) == {
        "shop": [
            {"apiGroups": [""], "resources": ["pods", "secrets"], "verbs": ["get", "list"]},
            {
                "apiGroups": ["apps"],
                "resources": ["deployments"],
                "verbs": ["get", "list", "watch", "create", "update"],
            },
        ]
    }


def test_what_is_allowed_with_some_objects_is_a_rule_of_its_own() -> None:
    wanted = rights("shop", RBAC, "roles", "bind", name="b") | rights(
        "shop", RBAC, "roles", "bind", name="a"
    )
    wanted |= rights("shop", RBAC, "roles", "bind")
    assert rules_of(wanted)["shop"] == [
        {"apiGroups": [RBAC], "resources": ["roles"], "verbs": ["bind"]},
        {
            "apiGroups": [RBAC],
            "resources": ["roles"],
            "resourceNames": ["a", "b"],
            "verbs": ["bind"],
        },
    ]


def test_manifests_bind_the_account_where_it_has_rights() -> None:
    wanted = rights("shop", "", "pods", "get") | rights("", "", "namespaces", "get")
    text = access_manifests(["For shop."], wanted, ACCOUNT)
    assert text.startswith("# For shop.\napiVersion: ")
    documents = list(yaml.safe_load_all(text))
    names = [(d["kind"], d["metadata"].get("namespace"), d["metadata"]["name"]) for d in documents]
    assert names == [
        ("ClusterRole", None, "restorer-plumbline"),
        ("ClusterRoleBinding", None, "restorer-plumbline"),
        ("Role", "shop", "restorer"),
        ("RoleBinding", "shop", "restorer"),
    ]
    for role, binding in (documents[:2], documents[2:]):
        assert binding["roleRef"]["kind"] == role["kind"]
        assert binding["roleRef"]["name"] == role["metadata"]["name"]
        (subject,) = binding["subjects"]
        assert subject == {"kind": "ServiceAccount", "name": "restorer", "namespace": "plumbline"}
    assert documents[2]["rules"] == rules_of(wanted)["shop"]


def test_values_hold_the_configuration_and_the_rules() -> None:
    wanted = rights("shop", "", "pods", "get") | rights("", "", "namespaces", "get")
    text = access_values(["For shop."], wanted, {"targets": [{"name": "on"}]})
    assert text.startswith("# For shop.\nconfig:\n")
    rules = rules_of(wanted)
    assert yaml.safe_load(text) == {
        "config": {"targets": [{"name": "on"}]},
        "rbac": {"cluster": rules[""], "namespaces": {"shop": rules["shop"]}},
    }


@pytest.mark.parametrize(
    ("right", "told"),
    [
        (Right("shop", RBAC, "roles", "escalate"), "# escalate: the server lets nobody"),
        (Right("shop", RBAC, "roles", "bind", "one"), "# bind: the server lets nobody"),
        (Right("shop", "", "secrets", "get"), "# secrets: declared or in scope"),
    ],
)
def test_what_a_reader_must_know_is_said_and_only_where_it_is_so(right: Right, told: str) -> None:
    for text in (access_manifests([], {right}, ACCOUNT), access_values([], {right}, {})):
        assert told in text
    harmless = {Right("shop", "", "pods", "get")}
    assert "#" not in access_manifests([], harmless, ACCOUNT) + access_values([], harmless, {})


def test_what_is_said_stays_a_comment() -> None:
    text = access_manifests(["for\nkind: Evil " + "x " * 80], {Right("a", "", "b", "get")}, ACCOUNT)
    head = text.partition("apiVersion")[0]
    assert all(line.startswith("# ") and len(line) <= 100 for line in head.splitlines())


@given(_RIGHTS)
def test_it_is_the_same_whatever_the_order(wanted: frozenset[Right]) -> None:
    backwards = sorted(wanted, reverse=True)
    assert access_manifests([], wanted, ACCOUNT) == access_manifests([], backwards, ACCOUNT)

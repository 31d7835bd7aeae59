"""Which rights a target needs: no more, and no fewer than a look and a restore ask for."""

from collections.abc import Mapping
from typing import Any

import pytest

from reconciler.core.desired import DesiredState, Manifest, Rendered, SourceLocation, desired_state
from reconciler.core.live import Listing
from reconciler.core.resource import Catalog, ResourceKind
from reconciler.core.rights import (
    Needs,
    Part,
    Right,
    agent_rights,
    answer_rights,
    declared_kinds,
    event_rights,
    granting_rights,
    needs_of,
    report_needs,
)
from reconciler.core.terms import PodAnswer

RBAC = "rbac.authorization.k8s.io"
CONFIG_MAP = ResourceKind("", "v1", "ConfigMap", "configmaps", True)
NAMESPACE = ResourceKind("", "v1", "Namespace", "namespaces", False)
SECRET = ResourceKind("", "v1", "Secret", "secrets", True)
KINDS = (CONFIG_MAP, NAMESPACE, SECRET)
CATALOG = Catalog("v1.37.2", {(k.api_version, k.kind): k for k in KINDS}, {}, {})


def manifest(api_version: str, kind: str, name: str = "one", **fields: Any) -> Manifest:
    body = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}, **fields}
    return Manifest(body, SourceLocation("shop.yaml", 1))


def state(*manifests: Manifest) -> DesiredState:
    return desired_state(Rendered("4f0c", manifests), CATALOG, "shop")


def needs(part: Part, *manifests: Manifest, scope: bool = False, prunes: bool = False) -> Needs:
    listings = [Listing(CONFIG_MAP, frozenset({"shop"})), Listing(NAMESPACE)]
    listings += [Listing(SECRET, frozenset({"shop", "shed"}))] if scope else []
    return needs_of(state(*manifests), CATALOG, listings, part, prunes=prunes)


def verbs(found: Needs) -> Mapping[tuple[str, str], set[str]]:
    sorted_out: dict[tuple[str, str], set[str]] = {}
    for right in found.rights:
        sorted_out.setdefault((right.namespace, right.plural), set()).add(right.verb)
    return sorted_out


LOOKING = {"get", "list", "watch"}
RESTORING = LOOKING | {"create", "update"}
SHOP = (manifest("v1", "ConfigMap"), manifest("v1", "Namespace", "shop"))


def test_a_reader_only_looks_at_what_is_declared_and_in_scope() -> None:
    assert verbs(needs(Part.READER, *SHOP, scope=True)) == {
        ("shop", "configmaps"): LOOKING,
        ("", "namespaces"): LOOKING,
        ("shop", "secrets"): LOOKING,
        ("shed", "secrets"): LOOKING,
    }


def test_a_restorer_writes_what_is_declared_and_nothing_else() -> None:
    assert verbs(needs(Part.RESTORER, *SHOP, scope=True)) == {
        ("shop", "configmaps"): RESTORING,
        ("", "namespaces"): RESTORING,
        ("shop", "secrets"): LOOKING,
        ("shed", "secrets"): LOOKING,
    }


def test_only_who_prunes_deletes() -> None:
    found = verbs(needs(Part.RESTORER, *SHOP, scope=True, prunes=True))
    assert found["shop", "configmaps"] == RESTORING | {"delete"}
    assert found["shop", "secrets"] == LOOKING
    assert verbs(needs(Part.READER, *SHOP, prunes=True))["shop", "configmaps"] == LOOKING


def crd(plural: str | None = "lamps", scope: str = "Namespaced") -> Manifest:
    names = {"kind": "Lamp", "plural": plural}
    spec = {"group": "example.com", "scope": scope, "names": names}
    return manifest("apiextensions.k8s.io/v1", "CustomResourceDefinition", "lamps", spec=spec)


@pytest.mark.parametrize(("scope", "namespace"), [("Namespaced", "shop"), ("Cluster", "")])
def test_a_kind_whose_definition_is_declared_needs_not_be_served(
    scope: str, namespace: str
) -> None:
    found = needs(Part.RESTORER, crd(scope=scope), manifest("example.com/v1", "Lamp"))
    assert verbs(found)[namespace, "lamps"] == RESTORING
    assert found.unknown == {"apiextensions.k8s.io/v1 CustomResourceDefinition"}


def test_of_a_kind_that_nobody_defines_no_right_is_known() -> None:
    found = needs(Part.RESTORER, manifest("example.com/v1", "Lamp"), crd(plural=None))
    assert "example.com/v1 Lamp" in found.unknown
    assert {right.group for right in found.rights} == {""}


def test_a_definition_without_a_body_defines_nothing() -> None:
    empty = manifest("apiextensions.k8s.io/v1", "CustomResourceDefinition")
    assert (
        "example.com/v1 Lamp"
        in needs(Part.READER, empty, manifest("example.com/v1", "Lamp")).unknown
    )


def test_declared_kinds_are_known_by_their_namespaces() -> None:
    known, unknown = declared_kinds(state(*SHOP, manifest("a/v1", "B")), CATALOG)
    assert known == {CONFIG_MAP: {"shop"}, NAMESPACE: {""}}
    assert unknown == {"a/v1 B"}


def _ref(kind: str, name: str = "reader") -> dict[str, str]:
    return {"apiGroup": RBAC, "kind": kind, "name": name}


@pytest.mark.parametrize(
    ("declared", "wanted"),
    [
        (manifest(f"{RBAC}/v1", "Role"), Right("shop", RBAC, "roles", "escalate")),
        (manifest(f"{RBAC}/v1", "ClusterRole"), Right("", RBAC, "clusterroles", "escalate")),
        (
            manifest(f"{RBAC}/v1", "RoleBinding", roleRef=_ref("Role")),
            Right("shop", RBAC, "roles", "bind", "reader"),
        ),
        (
            manifest(f"{RBAC}/v1", "RoleBinding", roleRef=_ref("ClusterRole", "view")),
            Right("shop", RBAC, "clusterroles", "bind", "view"),
        ),
        (
            manifest(f"{RBAC}/v1", "ClusterRoleBinding", roleRef=_ref("ClusterRole", "view")),
            Right("", RBAC, "clusterroles", "bind", "view"),
        ),
    ],
)
def test_who_grants_must_be_allowed_to(declared: Manifest, wanted: Right) -> None:
    assert granting_rights(state(declared)) == {wanted}
    assert wanted in needs(Part.RESTORER, declared).rights
    assert wanted not in needs(Part.READER, declared).rights


@pytest.mark.parametrize(
    "declared",
    [
        manifest(f"{RBAC}/v1", "RoleBinding"),
        manifest(f"{RBAC}/v1", "RoleBinding", roleRef={"kind": "Role"}),
        manifest(f"{RBAC}/v1", "RoleBinding", roleRef=_ref("Group")),
        manifest(f"{RBAC}/v1", "Something"),
        manifest("example.com/v1", "Role"),
    ],
)
def test_nothing_is_granted_for_what_grants_nothing(declared: Manifest) -> None:
    assert granting_rights(state(declared)) == set()


def test_events_are_written_where_the_objects_are() -> None:
    here = Listing(CONFIG_MAP, frozenset({"shop"}))
    assert {r.namespace for r in event_rights([here])} == {"shop"}
    # Those on objects without a namespace have a home of their own.
    assert {r.namespace for r in event_rights([here, Listing(NAMESPACE)])} == {"shop", "default"}
    assert event_rights([Listing(SECRET), Listing(NAMESPACE)]) == {
        Right("", "events.k8s.io", "events", verb) for verb in ("get", "create", "update")
    }


def test_replacing_pods_takes_the_rights_of_its_way() -> None:
    here = Listing(CONFIG_MAP, frozenset({"shop"}))
    assert answer_rights([here, Listing(NAMESPACE)], PodAnswer.EVICT) == {
        Right("shop", "", "pods", "get"),
        Right("shop", "", "pods/eviction", "create"),
    }
    quarantine = answer_rights([Listing(SECRET)], PodAnswer.QUARANTINE)
    assert {(r.namespace, r.plural, r.verb) for r in quarantine} == {
        ("", "pods", "get"),
        ("", "pods", "update"),
        ("", "networkpolicies", "get"),
        ("", "networkpolicies", "create"),
    }


@pytest.mark.parametrize(
    ("api_version", "inside", "everywhere"),
    [
        ("wgpolicyk8s.io/v1alpha2", "PolicyReport", "ClusterPolicyReport"),
        ("openreports.io/v1alpha1", "Report", "ClusterReport"),
    ],
)
def test_reports_are_kept_in_the_format_that_is_served(
    api_version: str, inside: str, everywhere: str
) -> None:
    group, _, version = api_version.partition("/")
    local = ResourceKind(group, version, inside, f"{inside.lower()}s", True)
    cluster = ResourceKind(group, version, everywhere, f"{everywhere.lower()}s", False)
    kinds = (*KINDS, local, cluster)
    catalog = Catalog("v1.37.2", {(k.api_version, k.kind): k for k in kinds}, {}, {})
    here = Listing(CONFIG_MAP, frozenset({"shop"}))
    assert verbs(report_needs([here], catalog)) == {
        ("shop", local.plural): {"get", "create", "update", "delete"}
    }
    found = verbs(report_needs([Listing(SECRET), Listing(NAMESPACE)], catalog))
    assert set(found) == {("", local.plural), ("", cluster.plural)}


def test_reports_that_nobody_defined_are_told_of() -> None:
    (told,) = report_needs([Listing(CONFIG_MAP)], CATALOG).unknown
    assert "PolicyReport or openreports.io" in told


def test_who_hears_agents_reviews_tokens_and_looks_up_pods() -> None:
    assert agent_rights() == {
        Right("", "authentication.k8s.io", "tokenreviews", "create"),
        Right("", "", "pods", "get"),
        Right("", "", "pods", "list"),
        Right("", "", "nodes", "get"),
    }

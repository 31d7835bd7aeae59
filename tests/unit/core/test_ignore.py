from dataclasses import replace
from datetime import date
from typing import Any

import pytest

from reconciler.core.drift import Change, ChangeType, Drift, DriftType, Severity
from reconciler.core.ignore import (
    IgnoreRule,
    derived_rules,
    describe,
    expired,
    hides_object,
    holds,
    parted,
)
from reconciler.core.ownership import FieldManager
from reconciler.core.path import Item, Path
from reconciler.core.resource import ResourceKey
from tests.unit.core.build import desired_of, made

ADDED, REMOVED, CHANGED = ChangeType.ADDED, ChangeType.REMOVED, ChangeType.CHANGED
KEY = ResourceKey("apps", "Deployment", "shop", "web")
FINALIZERS = ("metadata", "finalizers")
ANNOTATIONS = ("metadata", "annotations")


def rule(path: str = "", **more: Any) -> IgnoreRule:
    return IgnoreRule("test", "because of this test", path, **more)


def by(*managers: str) -> tuple[FieldManager, ...]:
    return tuple(
        FieldManager(f"2026-11-24T12:00:0{n}Z", m, "Update") for n, m in enumerate(managers)
    )


@pytest.mark.parametrize(
    ("speaks", "more"),
    [
        (True, {}),
        (True, {"kind": "Deploy*", "group": "a?ps", "namespace": "sh*", "object_name": "[vw]eb"}),
        (False, {"kind": "StatefulSet"}),
        (False, {"group": "batch"}),
        (False, {"namespace": "other"}),
        (False, {"object_name": "db"}),
    ],
)
def test_a_rule_speaks_of_the_objects_that_it_names(*, speaks: bool, more: dict[str, Any]) -> None:
    assert rule("spec", **more).matches_object(KEY) is speaks


@pytest.mark.parametrize(
    ("explains", "path", "change"),
    [
        (True, "spec.replicas", Change(("spec", "replicas"), CHANGED, 1, 3)),
        (True, "spec", Change(("spec", "replicas"), CHANGED, 1, 3)),
        (False, "spec.replicas", Change(("spec",), ADDED, None, {"replicas": 3})),
        # A rule without a path speaks of whole objects, never of fields.
        (False, "", Change(("spec", "replicas"), CHANGED, 1, 3)),
    ],
)
def test_a_rule_explains_a_field_and_what_is_below(
    *, explains: bool, path: str, change: Change
) -> None:
    assert rule(path).matches(change) is explains


@pytest.mark.parametrize(
    ("explains", "pattern", "change"),
    [
        (True, "kubernetes.io/*", Change(("f",), ADDED, None, "kubernetes.io/pvc-protection")),
        (False, "kubernetes.io/*", Change(("f",), ADDED, None, "example.com/mine")),
        (True, "old", Change(("f",), REMOVED, "old", None)),
        (True, "true", Change(("f",), CHANGED, False, True)),
        (True, "[37]", Change(("f",), CHANGED, 1, 3)),
        (True, '{"a": *}', Change(("f",), ADDED, None, {"a": 1})),
        (True, "null", Change(("f",), CHANGED, 1, None)),
    ],
)
def test_a_rule_can_want_a_value(*, explains: bool, pattern: str, change: Change) -> None:
    assert rule("f", value=pattern).matches(change) is explains


@pytest.mark.parametrize(
    ("explains", "change"),
    [
        (True, Change(("f",), ADDED, None, 1, by=by("hpa-1")[0])),
        (False, Change(("f",), ADDED, None, 1, by=by("kubectl-edit")[0])),
        # The author is known: who else wrote doesn't count.
        (True, Change(("f",), ADDED, None, 1, by=by("hpa-1")[0], candidates=by("kubectl"))),
        # Of a removal nobody knows the author: only if all who may have done it match.
        (True, Change(("f",), REMOVED, 1, None, candidates=by("hpa-1", "hpa-2"))),
        (False, Change(("f",), REMOVED, 1, None, candidates=by("hpa-1", "kubectl-edit"))),
        (False, Change(("f",), REMOVED, 1, None)),
    ],
)
def test_a_rule_can_want_a_manager(*, explains: bool, change: Change) -> None:
    assert rule("f", managers=("hpa-*",)).matches(change) is explains


def test_rules_hold_until_their_last_day() -> None:
    rules = (rule("a"), rule("b", until=date(2027, 1, 31)))
    assert holds(rules, date(2027, 1, 31)) == rules
    assert holds(rules, date(2027, 2, 1)) == rules[:1]
    assert expired(rules, date(2027, 1, 31)) == ()
    assert expired(rules, date(2027, 2, 1)) == rules[1:]


def split(change: Change, *rules: IgnoreRule) -> list[tuple[Path, ChangeType, Any, Any]]:
    return [(c.path, c.change, c.desired, c.live) for c in parted(change, rules)]


def test_a_change_that_no_rule_reaches_into_stays_whole() -> None:
    change = Change(ANNOTATIONS, ADDED, None, {"x.io/a": "1", "y": "2"})
    others = rule("spec"), rule('metadata.labels["x.io/*"]'), rule("metadata"), rule("")
    assert list(parted(change, others)) == [change]


@pytest.mark.parametrize(("how", "field"), [(ADDED, "live"), (REMOVED, "desired")])
def test_a_rule_for_one_annotation_parts_it_from_others(how: ChangeType, field: str) -> None:
    sides: dict[str, Any] = {"desired": None, "live": None, field: {"x.io/a": "1", "y": {"z": 1}}}
    whole = Change(ANNOTATIONS, how, **sides)
    parts = list(parted(whole, [rule('metadata.annotations["x.io/*"]')]))
    assert [part.path[-1] for part in parts] == ["x.io/a", "y"]
    assert [getattr(part, field) for part in parts] == ["1", {"z": 1}]


def test_items_are_parted_by_their_names_if_they_have_some_of_their_own() -> None:
    deep = rule("l[*].x")
    unique = [{"name": "a", "x": 1, "y": 2}, {"name": "b"}]
    assert [c[0] for c in split(Change(("l",), ADDED, None, unique), deep)] == [
        ("l", Item((("name", "a"),)), "x"),
        ("l", Item((("name", "a"),)), "y"),
        ("l", Item((("name", "b"),))),
    ]
    shared = [{"name": "a", "x": 1}, {"name": "a"}]
    assert [c[0] for c in split(Change(("l",), ADDED, None, shared), deep)] == [
        ("l", 0, "name"),
        ("l", 0, "x"),
        ("l", 1, "name"),
    ]


@pytest.mark.parametrize("value", [{}, [], "text", 7, None])
def test_what_has_no_parts_is_never_lost(value: object) -> None:
    change = Change(ANNOTATIONS, ADDED, None, value)
    assert list(parted(change, [rule('metadata.annotations["x.io/*"]')])) == [change]


def test_a_rule_for_some_values_or_managers_parts_what_it_may_explain_in_part() -> None:
    change = Change(ANNOTATIONS, ADDED, None, {"a": "1", "b": "2"})
    for choosy in (rule("metadata.annotations", value="1"), rule("metadata", managers=("x",))):
        assert len(list(parted(change, [choosy]))) == 2


def test_a_rule_for_one_finalizer_parts_a_list_that_changed() -> None:
    change = Change(FINALIZERS, CHANGED, ["mine", "old"], ["kubernetes.io/p", "mine", "evil"])
    assert split(change, rule("metadata.finalizers", value="kubernetes.io/*")) == [
        ((*FINALIZERS, 1), REMOVED, "old", None),
        ((*FINALIZERS, 0), ADDED, None, "kubernetes.io/p"),
        ((*FINALIZERS, 2), ADDED, None, "evil"),
    ]


def test_another_order_is_told_beside_the_members_that_came() -> None:
    change = Change(FINALIZERS, CHANGED, ["a", "b"], ["b", "a", "kubernetes.io/p"])
    assert split(change, rule("metadata.finalizers", value="kubernetes.io/*")) == [
        ((*FINALIZERS, 2), ADDED, None, "kubernetes.io/p"),
        (FINALIZERS, CHANGED, ["a", "b"], ["b", "a"]),
    ]


def test_members_of_different_types_are_different_members() -> None:
    change = Change(("l",), CHANGED, ["1", 2], [1, 2, "x"])
    assert split(change, rule("l", value="x")) == [
        (("l", 0), REMOVED, "1", None),
        (("l", 0), ADDED, None, 1),
        (("l", 2), ADDED, None, "x"),
    ]


def test_a_member_that_changed_is_one_that_went_and_one_that_came() -> None:
    change = Change((*FINALIZERS, 0), CHANGED, "mine", "kubernetes.io/p")
    assert split(change, rule("metadata.finalizers", value="kubernetes.io/*")) == [
        ((*FINALIZERS, 0), REMOVED, "mine", None),
        ((*FINALIZERS, 0), ADDED, None, "kubernetes.io/p"),
    ]


def test_a_value_that_changed_stays_whole() -> None:
    change = Change(("f",), CHANGED, "a", ["b"])
    assert list(parted(change, [rule("f", value="b")])) == [change]


def stranger(manager: str = "") -> Drift:
    author = by(manager)[0] if manager else None
    return Drift("", DriftType.UNMANAGED, Severity.HIGH, KEY, "apps/v1", by=author)


def test_a_rule_without_a_path_explains_whole_unmanaged_objects() -> None:
    assert hides_object(rule(), stranger())
    assert not hides_object(rule("spec"), stranger())
    assert not hides_object(rule(kind="Secret"), stranger())
    assert hides_object(rule(managers=("open*",)), stranger("openshift"))
    assert not hides_object(rule(managers=("open*",)), stranger("kubectl"))
    assert not hides_object(rule(managers=("open*",)), stranger())


def derived(body: dict[str, Any], kind: str, group: str = "") -> list[IgnoreRule]:
    base = desired_of(made())
    (manifest,) = base.resources.values()
    key = ResourceKey(group, kind, "" if kind == "CustomResourceDefinition" else "shop", "web")
    manifest = replace(manifest, body={"metadata": {"name": "web"}, **body})
    return list(derived_rules(replace(base, resources={key: manifest})))


@pytest.mark.parametrize(
    ("target", "kind"),
    [
        ({"kind": "StatefulSet", "name": "db"}, "StatefulSet"),
        ({"name": "db"}, "Deployment"),
    ],
)
def test_an_autoscaler_that_is_declared_may_set_replicas(target: Any, kind: str) -> None:
    (found,) = derived({"spec": {"scaleTargetRef": target}}, "HorizontalPodAutoscaler")
    assert (found.kind, found.namespace, found.object_name) == (kind, "shop", "db")
    assert found.path == "spec.replicas"
    assert found.reason == (
        "scaled by HorizontalPodAutoscaler shop/web, which is declared at apps/web.yaml:3"
    )


@pytest.mark.parametrize(
    "spec", [None, "text", {}, {"scaleTargetRef": "x"}, {"scaleTargetRef": {}}]
)
def test_an_autoscaler_without_a_target_scales_nothing(spec: Any) -> None:
    assert derived({"spec": spec}, "HorizontalPodAutoscaler") == []


def test_claims_are_made_from_declared_templates() -> None:
    templates = [{"metadata": {"name": "data"}}, {"metadata": {}}, "no map"]
    (found,) = derived({"spec": {"volumeClaimTemplates": templates}}, "StatefulSet", "apps")

    def hides(namespace: str, name: str) -> bool:
        claim = ResourceKey("", "PersistentVolumeClaim", namespace, name)
        return hides_object(found, replace(stranger(), key=claim))

    assert hides("shop", "data-web-12")
    assert not hides("shop", "data-web-x")
    assert not hides("other", "data-web-12")
    assert derived({"spec": {}}, "StatefulSet", "apps") == []


def test_an_injector_that_is_asked_for_may_set_bundles() -> None:
    annotations = {"cert-manager.io/inject-ca-from": "shop/ca"}
    body = {"metadata": {"name": "web", "annotations": annotations}}
    rules = derived(body, "CustomResourceDefinition", "apiextensions.k8s.io")
    path = ("spec", "conversion", "webhook", "clientConfig", "caBundle")
    assert any(found.matches(Change(path, ADDED, None, "LS0t")) for found in rules)
    assert not any(found.matches(Change(("spec", "group"), CHANGED, 1, 2)) for found in rules)
    assert {found.namespace for found in rules} == {"*"}
    assert {found.namespace for found in derived(body, "ConfigMap")} == {"shop"}
    assert derived({"metadata": {"name": "web", "annotations": None}}, "ConfigMap") == []


@pytest.mark.parametrize(
    ("more", "text"),
    [
        ({"kind": "Deployment", "path": "spec.replicas"}, "Deployment spec.replicas: because"),
        ({"kind": "Secret", "object_name": "x"}, "Secret/x whole objects: because"),
        ({"path": 'data["a.b"]'}, '* data["a.b"]: because'),
    ],
)
def test_a_rule_is_described_in_a_line(more: dict[str, Any], text: str) -> None:
    assert describe(rule(**more)) == f"{text} of this test"

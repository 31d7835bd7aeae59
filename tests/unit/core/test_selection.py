from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.drift import Change, ChangeType, Drift, DriftType, Severity
from reconciler.core.ownership import FieldManager
from reconciler.core.path import Path, format_path
from reconciler.core.resource import ResourceKey
from reconciler.core.selection import Place, Selector, places

KEY = ResourceKey("apps", "Deployment", "shop", "web")
EDIT = FieldManager("2026-11-24T11:56:00Z", "kubectl-edit", "Update")
FLUX = FieldManager("2026-11-24T11:00:00Z", "flux", "Apply")
LABELS = {"tier": "front", "team": "shop"}


def change(path: Path, live: Any = "x", **fields: Any) -> Change:
    return Change(path, ChangeType.ADDED, None, live, **{"by": EDIT, **fields})


IMAGE = change(("spec", "template", "spec", "image"))
DRIFT = Drift("d-1", DriftType.MODIFIED, Severity.MEDIUM, KEY, "apps/v1", changes=(IMAGE,))
PLACE = Place(DRIFT, LABELS, IMAGE, IMAGE.path)


@pytest.mark.parametrize(
    "selector",
    [
        Selector(),
        Selector(kind="Deploy*", group="a*", namespace="shop", object_name="w?b"),
        Selector(labels=(("tier", "front"), ("team", "shop"))),
        Selector(path="spec.template.spec.image"),
        Selector(path="spec.*"),
        Selector(types=(DriftType.MISSING, DriftType.MODIFIED)),
        Selector(severity=Severity.LOW),
        Selector(severity=Severity.MEDIUM),
        Selector(managers=("flux", "kubectl-*")),
    ],
)
def test_what_a_selector_names_is_meant(selector: Selector) -> None:
    assert selector.matches(PLACE)


@pytest.mark.parametrize(
    "selector",
    [
        Selector(kind="Service"),
        Selector(group=""),
        Selector(namespace="other"),
        Selector(object_name="web-*"),
        Selector(labels=(("tier", "front"), ("team", "other"))),
        Selector(labels=(("missing", ""),)),
        Selector(path="spec.replicas"),
        Selector(path="spec.template.spec.image.deeper"),
        Selector(types=(DriftType.PENDING,)),
        Selector(severity=Severity.HIGH),
        Selector(managers=("flux",)),
    ],
)
def test_what_a_selector_does_not_name_is_not(selector: Selector) -> None:
    assert not selector.matches(PLACE)


def test_a_removal_is_of_some_managers_only_if_all_candidates_are() -> None:
    def matches(*candidates: FieldManager) -> bool:
        removed = change(("spec",), by=None, candidates=candidates)
        return Selector(managers=("kubectl-*",)).matches(Place(DRIFT, LABELS, removed, ("spec",)))

    assert matches(EDIT)
    assert not matches(EDIT, FLUX)
    assert not matches()


def test_a_whole_object_has_no_path_and_is_of_who_made_it() -> None:
    stranger = replace(DRIFT, type=DriftType.UNMANAGED, changes=(), by=EDIT)
    (place,) = places(stranger, {}, [Selector(path="spec.a")])
    assert place == Place(stranger, {})
    assert Selector(managers=("kubectl-edit",)).matches(place)
    assert not Selector(managers=("flux",)).matches(place)
    assert not Selector(path="spec").matches(place)
    unknown = replace(stranger, by=None)
    assert not Selector(managers=("*",)).matches(Place(unknown, {}))


def test_a_path_that_cannot_be_read_is_refused() -> None:
    with pytest.raises(ValueError, match="never closed"):
        Selector(path="spec.a[b")


def paths(change: Change, *patterns: str, **fields: str) -> list[str]:
    drift = replace(DRIFT, changes=(change,))
    selectors = [Selector(path=pattern, **fields) for pattern in patterns]  # type: ignore[arg-type]
    return [format_path(place.path) for place in places(drift, {}, selectors)]


def test_a_subtree_is_taken_apart_as_deep_as_rules_reach_into_it() -> None:
    tree = change(("spec",), {"a": {"b": 1, "c": {"d": 2}}, "e": []})
    assert paths(tree) == ["spec"]
    assert paths(tree, "spec") == ["spec"]
    assert paths(tree, "", "spec.a") == ["spec.a", "spec.e"]
    assert paths(tree, "spec.a.b") == ["spec.a.b", "spec.a.c", "spec.e"]
    assert paths(tree, "*.*.*.*.*") == ["spec.a.b", "spec.a.c.d", "spec.e"]
    # Rules that don't speak of the object don't matter.
    assert paths(tree, "spec.a.b", kind="Service") == ["spec"]


def test_a_lists_items_go_by_their_names() -> None:
    tree = change(("spec",), {"l": [{"name": "x", "v": 1}, {"v": 2}, 3, {"name": 4}]})
    found = paths(tree, "spec.l[name=x].v")
    assert found[:2] == ["spec.l[name=x].name", "spec.l[name=x].v"]
    assert found[2:] == ["spec.l[1].v", "spec.l[2]", "spec.l[3].name"]


def test_both_sides_of_a_change_count() -> None:
    both = Change(("spec",), ChangeType.CHANGED, {"a": 1}, {"a": 2, "b": 1}, EDIT)
    assert paths(both, "spec.x") == ["spec.a", "spec.b"]
    gone = Change(("spec",), ChangeType.REMOVED, {"a": 1}, None, None, (EDIT,))
    assert paths(gone, "spec.x") == ["spec.a"]


def test_a_pods_drift_may_be_named_by_its_owner() -> None:
    pod = replace(DRIFT, key=ResourceKey("", "Pod", "shop", "web-1"), owner=KEY)
    for selector in (
        Selector(kind="Deployment", object_name="web"),
        Selector(kind="Pod", object_name="web-*"),
    ):
        assert selector.matches_drift(pod, LABELS)
    # Never by a mixture of both.
    assert not Selector(kind="Deployment", object_name="web-1").matches_drift(pod, LABELS)
    assert not Selector(kind="Deployment").matches_drift(replace(pod, owner=None), LABELS)

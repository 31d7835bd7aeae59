from typing import Any

import pytest

from reconciler.core.ownership import FieldManager, Ownership
from reconciler.core.path import Item, Path
from tests.unit.core.build import managed

OLD, MID, NEW = (f"2026-11-24T12:00:0{n}Z" for n in range(3))
WEB = Item((("name", "web"),))
HTTP = Item((("containerPort", 80),))


def owned(*entries: dict[str, Any], **body: Any) -> Ownership:
    return Ownership({"metadata": {"managedFields": list(entries)}, **body})


def author(ownership: Ownership, path: Path, value: object = None) -> str | None:
    found = ownership.owner(path, value)
    return found.manager if found else None


CONTAINERS: dict[str, Any] = {
    "f:spec": {
        "f:containers": {
            'k:{"name":"web"}': {
                ".": {},
                "f:image": {},
                "f:ports": {'k:{"containerPort":80,"protocol":"TCP"}': {".": {}, "f:name": {}}},
            }
        }
    }
}


@pytest.mark.parametrize(
    ("path", "value", "manager"),
    [
        (("spec", "containers", WEB, "image"), "x", "kubectl"),
        (("spec", "containers", WEB), {}, "kubectl"),
        # A key that the server filled in is in the entry, and not always in the path.
        (("spec", "containers", WEB, "ports", HTTP, "name"), "http", "kubectl"),
        (("spec", "containers"), [], "kubectl"),
        (("spec", "containers", Item((("name", "db"),)), "image"), "x", None),
        (("spec", "containers", Item((("other", "web"),))), {}, None),
        (("spec", "containers", WEB, "tty"), True, None),
        (("spec", "replicas"), 1, None),
        ((), {}, "kubectl"),
    ],
)
def test_fields_and_keyed_items(path: Path, value: object, manager: str | None) -> None:
    assert author(owned(managed("kubectl", OLD, CONTAINERS)), path, value) == manager


def test_a_guessed_key_finds_an_item_by_what_the_item_is() -> None:
    """And so does an index, where keys tell items apart to the server and not to us."""
    fields: dict[str, Any] = {
        "f:spec": {"f:ports": {'k:{"port":80,"protocol":"TCP"}': {"f:nodePort": {}}}}
    }
    live = {"ports": [{"name": "http", "port": 80, "protocol": "TCP", "nodePort": 30000}]}
    ownership = owned(managed("kubectl", OLD, fields), spec=live)
    by_name = Item((("name", "http"),))
    assert author(ownership, ("spec", "ports", by_name, "nodePort"), 30000) == "kubectl"
    assert author(ownership, ("spec", "ports", 0, "nodePort"), 30000) == "kubectl"
    assert author(ownership, ("spec", "ports", 1, "nodePort"), 30000) is None


def test_members_of_a_set_by_their_values() -> None:
    fields: dict[str, Any] = {"f:metadata": {"f:finalizers": {".": {}, 'v:"a"': {}}}}
    more: dict[str, Any] = {"f:metadata": {"f:finalizers": {'v:"b"': {}}}}
    ownership = owned(managed("kubectl", OLD, fields), managed("operator", NEW, more))
    assert author(ownership, ("metadata", "finalizers", 0), "a") == "kubectl"
    assert author(ownership, ("metadata", "finalizers", 1), "b") == "operator"
    assert author(ownership, ("metadata", "finalizers", 2), "c") is None
    assert author(ownership, ("metadata", "finalizers"), ["a", "b"]) == "operator"


def test_members_by_index() -> None:
    ownership = owned(managed("kubectl", OLD, {"f:args": {"i:1": {}}}))
    assert author(ownership, ("args", 1), "x") == "kubectl"
    assert author(ownership, ("args", 0), "x") is None


@pytest.mark.parametrize("leaf", [{}, {".": {}}])
def test_what_is_owned_as_a_whole_is_owned_in_every_part(leaf: dict[str, Any]) -> None:
    ownership = owned(
        managed("kubectl", OLD, {"f:spec": {"f:selector": leaf, "f:other": {"f:x": {}}}}),
        managed("edit", NEW, {"f:rules": leaf}),
    )
    assert author(ownership, ("spec", "selector", "app"), "web") == "kubectl"
    assert author(ownership, ("rules", 0, "verbs", 1), "list") == "edit"
    assert author(ownership, ("spec", "other", "y"), 1) is None


def test_the_latest_writer_is_named_first() -> None:
    fields: dict[str, Any] = {"f:spec": {"f:replicas": {}}}
    ownership = owned(
        managed("first", OLD, fields),
        managed("last", NEW, fields, subresource="scale"),
        managed("between", MID, fields),
    )
    assert [m.manager for m in ownership.owners(("spec", "replicas"), 3)] == [
        "last",
        "between",
        "first",
    ]
    assert ownership.owner(("spec", "replicas"), 3) == FieldManager(NEW, "last", "Update", "scale")
    assert [m.manager for m in ownership.managers] == ["last", "between", "first"]


def test_a_status_writer_neither_changes_nor_removes() -> None:
    ownership = owned(
        managed("kubectl", OLD, {"f:spec": {}}),
        managed("kube-controller-manager", NEW, {"f:status": {}}, subresource="status"),
    )
    assert ownership.last_changed == OLD
    assert [m.manager for m in ownership.candidates()] == ["kubectl"]


@pytest.mark.parametrize("metadata", [{}, {"managedFields": None}, {"managedFields": []}])
def test_without_managed_fields_nobody_is_known(metadata: dict[str, Any]) -> None:
    ownership = Ownership({"metadata": metadata})
    assert (ownership.managers, ownership.candidates(), ownership.last_changed) == ((), (), "")
    assert ownership.owner(("spec",), 1) is None


def test_entries_may_lack_anything() -> None:
    ownership = owned({})
    assert ownership.managers == (FieldManager("", "", ""),)
    assert ownership.owner(("spec",), 1) is None

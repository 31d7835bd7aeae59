"""What every `ports.InventoryStore` does: in a file, and in the replicas' database, both kinds."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from reconciler.adapters.history.inventory import InventoryFile
from reconciler.core.inventory import Inventory
from reconciler.core.resource import ResourceKey
from reconciler.ports import InventoryStore
from tests.contract.conftest import opened_history

WEB = ResourceKey("apps", "Deployment", "shop", "web")
ROLE = ResourceKey("rbac.authorization.k8s.io", "ClusterRole", "", "Web")


@pytest.fixture(params=["file", "sqlite", "postgres"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[InventoryStore]:
    if request.param == "file":
        yield InventoryFile(tmp_path / "inventory.json")
        return
    with opened_history(request, tmp_path) as history:
        history.inventory("other").save(Inventory(frozenset({ROLE})))
        yield history.inventory("shop")
        assert history.inventory("other").load() == Inventory(frozenset({ROLE}))


def test_nothing_was_declared_before_anything_was_kept(store: InventoryStore) -> None:
    assert store.load() == Inventory()


def test_what_is_kept_takes_the_place_of_what_was(store: InventoryStore) -> None:
    store.save(Inventory(frozenset({WEB, ROLE})))
    assert store.load() == Inventory(frozenset({WEB, ROLE}))
    store.save(Inventory(frozenset({WEB})))
    assert store.load() == Inventory(frozenset({WEB}))
    store.save(Inventory())
    assert store.load() == Inventory()


def test_very_many_are_kept(store: InventoryStore) -> None:
    many = frozenset(WEB._replace(name=f"web-{number}") for number in range(1501))
    store.save(Inventory(many))
    assert store.load().keys == many

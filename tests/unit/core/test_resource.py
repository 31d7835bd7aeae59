from dataclasses import replace

import pytest

from reconciler.core.inventory import Inventory
from reconciler.core.resource import (
    Catalog,
    ResourceKey,
    metadata_of,
    split_api_version,
)
from tests.unit.core.build import CATALOG, kind_of

WEB = ResourceKey("apps", "Deployment", "shop", "web")
ADMIN = ResourceKey("rbac.authorization.k8s.io", "ClusterRole", "", "admin")


def test_a_key_is_written_for_people() -> None:
    assert (str(WEB), str(ADMIN)) == ("Deployment shop/web", "ClusterRole admin")


@pytest.mark.parametrize(
    ("written", "group", "version"),
    [("apps/v1", "apps", "v1"), ("v1", "", "v1")],
)
def test_an_api_version_is_a_group_and_a_version(written: str, group: str, version: str) -> None:
    assert split_api_version(written) == (group, version)


def test_a_kind_knows_its_api_version() -> None:
    assert kind_of("apps/v1", "Deployment").api_version == "apps/v1"
    assert kind_of("v1", "Secret").api_version == "v1"


def test_a_catalog_tells_unknown_from_absent() -> None:
    broken = replace(CATALOG, unreadable={"metrics.k8s.io/v1": "its server is down"})
    assert broken.find("apps/v1", "Deployment") == kind_of("apps/v1", "Deployment")
    assert broken.find("apps/v2", "Deployment") is None
    assert broken.why_unknown("metrics.k8s.io/v1", "PodMetrics") == "its server is down"
    assert broken.why_unknown("apps/v1", "Deployment") is None
    assert broken.why_unknown("example.com/v1", "Thing") is None


def test_of_a_dump_any_kind_that_it_does_not_hold_is_unknown() -> None:
    dump = Catalog("", CATALOG.kinds, CATALOG.preferred, {}, "the dump doesn't hold it")
    assert dump.why_unknown("example.com/v1", "Thing") == "the dump doesn't hold it"
    assert dump.why_unknown("apps/v1", "Deployment") is None


@pytest.mark.parametrize("body", [{}, {"metadata": None}, {"metadata": "text"}])
def test_metadata_that_is_not_there_is_empty(body: dict[str, object]) -> None:
    assert metadata_of(body) == {}


def test_an_inventory_remembers_what_was_declared() -> None:
    inventory = Inventory().with_declared([WEB]).with_declared([ADMIN])
    assert inventory.holds(WEB)
    assert not inventory.without([WEB]).holds(WEB)
    assert inventory.without([WEB]).holds(ADMIN)

"""Git made to say what is live: edits that are tried, rendered, and compared."""

from collections.abc import Collection, Mapping
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.adapters.manifests.editor import TextEditor
from reconciler.adapters.sources.rendering import RenderChoice
from reconciler.adapters.sources.source import GitSource
from reconciler.adopting.attempts import adopt
from reconciler.controller import Look, Target, check
from reconciler.core.adoption import Adoption
from reconciler.core.desired import DesiredState
from reconciler.core.drift import DriftType
from reconciler.core.expected import Answer, Expected
from reconciler.core.live import LiveState, comparable
from reconciler.core.path import format_path, with_value
from reconciler.core.report import Comparison
from reconciler.core.resource import Catalog, JsonObject, ResourceKey
from reconciler.ports import Comparer
from tests.unit.test_controller import NAMESPACE, Repository, World, config, key

SHOP = """\
# The shop.
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ConfigMap
metadata:
  name: web
  namespace: shop
data:
  # what everybody sees
  colour: blue   # our blue
  size: "10"
"""
PRICES = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: prices, namespace: shop}
data: {currency: EUR}
"""


class Stubborn:
    """A server with a webhook that paints everything green."""

    comparison = Comparison.SERVER

    def __init__(self, inner: Comparer) -> None:
        self._inner = inner

    def compare(
        self, desired: DesiredState, live: LiveState, catalog: Catalog
    ) -> Mapping[ResourceKey, Answer]:
        answers = dict(self._inner.compare(desired, live, catalog))
        if key("web") in answers:
            body = comparable(desired.resources[key("web")].body)
            answers[key("web")] = Expected(with_value(body, ("data", "colour"), "green"))
        return answers


class Shop:
    """A folder that declares a shop, and the cluster where it lives."""

    def __init__(self, folder: Path, **files: str) -> None:
        self.folder = folder
        for name, text in (files or {"shop": SHOP, "prices": PRICES}).items():
            (folder / f"{name}.yaml").write_text(text)
        self.source = GitSource(str(folder), "", "", RenderChoice.PLAIN, folder.parent / "cache")
        self.world = World(Repository())
        self.world.cluster.add(NAMESPACE)
        for manifest in self.source.fetch().manifests:
            if manifest.kind != "Namespace":
                self.world.cluster.add(manifest.body)

    def target(self) -> Target:
        return replace(self.world.target(), source=self.source)

    def edit(self, name: str, **data: str | None) -> None:
        def change(body: JsonObject) -> None:
            body["data"].update(data)
            body["data"] = {k: v for k, v in body["data"].items() if v is not None}

        self.world.cluster.edit("kubectl-edit", key(name), change)

    def look(self) -> Look:
        return check(self.target())

    def adopt(
        self, drifts: Collection[str] | None = None, comparer: Comparer | None = None
    ) -> Adoption:
        target, look = self.target(), self.look()
        asked = comparer or target.comparer
        with self.source.draft(look.report.revision) as draft:
            return adopt(target, look, drifts, draft, TextEditor(), asked)

    def write(self, adoption: Adoption) -> None:
        for path, text in adoption.files.items():
            place = self.folder / path
            place.unlink() if text is None else place.write_text(text)

    @property
    def left(self) -> list[tuple[str, DriftType]]:
        return [(drift.key.name, drift.type) for drift in self.look().detection.drifts]


@pytest.fixture
def shop(tmp_path: Path) -> Shop:
    folder = tmp_path / "shop"
    folder.mkdir()
    return Shop(folder)


def test_nothing_to_adopt_is_no_edit(shop: Shop) -> None:
    made = shop.adopt()
    assert (made.files, made.adopted, made.left) == ({}, (), ())


def test_what_is_adopted_is_in_sync_and_all_else_is_as_it_was(shop: Shop) -> None:
    shop.edit("web", colour="red", extra="yes", size=None)
    made = shop.adopt()
    assert made.before == {"shop.yaml": SHOP}
    assert made.files == {
        "shop.yaml": SHOP.replace("colour: blue ", "colour: red ")
        .replace('  size: "10"\n', '  extra: "yes"\n')
    }  # fmt: skip
    (adopted,) = made.adopted
    assert adopted.files == ("shop.yaml",)
    assert [format_path(each.path) for each in adopted.drift.changes] == [
        "data.colour",
        "data.extra",
        "data.size",
    ]
    shop.write(made)
    assert shop.left == []


def test_whole_objects_come_and_go(shop: Shop) -> None:
    shop.world.cluster.remove(key("prices"))
    shop.world.cluster.add(config("stray", a="b"))
    made = shop.adopt()
    assert made.files["prices.yaml"] is None
    assert made.files["configmap-stray.yaml"] == (
        "apiVersion: v1\nkind: ConfigMap\nmetadata:\n  name: stray\n  namespace: shop\n"
        "data:\n  a: b\n"
    )
    shop.write(made)
    assert shop.left == []


def test_a_name_that_is_taken_is_not_written_over(shop: Shop) -> None:
    for name in ("configmap-stray", "configmap-stray-shop"):
        (shop.folder / f"{name}.yaml").write_text(PRICES.replace("prices", name))
        shop.world.cluster.add(config(name, currency="EUR"))
    shop.world.cluster.add(config("stray", a="b"))
    made = shop.adopt()
    (left,) = made.left
    assert "there is a file of its name already" in left.reason
    assert made.files == {}


def test_only_what_is_asked_for_is_adopted(shop: Shop) -> None:
    shop.edit("web", colour="red")
    shop.edit("prices", currency="CHF")
    ids = {drift.key.name: drift.id for drift in shop.look().detection.drifts}
    made = shop.adopt([ids["prices"]])
    assert [*made.files] == ["prices.yaml"]
    shop.write(made)
    assert shop.left == [("web", DriftType.MODIFIED)]


def test_a_secret_is_left_and_the_rest_is_adopted(shop: Shop) -> None:
    shop.edit("web", colour="red", password="hunter2")
    secret = {"apiVersion": "v1", "kind": "Secret", "data": {"a": "aGk="}}
    shop.world.cluster.add({**secret, "metadata": {"name": "db", "namespace": "shop"}})
    made = shop.adopt()
    assert {(each.key.name, each.path) for each in made.left} == {
        ("web", "data.password"),
        ("db", ""),
    }
    assert "hunter2" not in str(made.files)
    assert len(made.adopted) == 1


def test_secrets_of_a_file_that_is_edited_are_named_to_be_masked(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    secret = "---\napiVersion: v1\nkind: Secret\nmetadata: {name: s, namespace: shop}\n"
    made = Shop(folder, shop=f"{SHOP}{secret}data: {{p: aHVudGVyMg==}}\n")
    made.edit("web", colour="red")
    assert made.adopt().secrets == {"aHVudGVyMg=="}


def test_the_last_object_stays_declared(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    made = Shop(folder, prices=PRICES)
    made.world.cluster.remove(key("prices"))
    (left,) = made.adopt().left
    assert "the last one" in left.reason


def test_an_edit_that_changes_another_object_too_is_no_edit(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    shared = SHOP.replace("data:\n", "data: &data\n") + "---\n" + PRICES
    listed = (
        "apiVersion: v1\nkind: List\nitems:\n"
        "- {apiVersion: v1, kind: ConfigMap, metadata: {name: a, namespace: shop},\n"
        "   data: &d {x: y}}\n"
        "- {apiVersion: v1, kind: ConfigMap, metadata: {name: b, namespace: shop}, data: *d}\n"
    )
    made = Shop(folder, shop=shared, listed=listed)
    made.edit("a", x="z")
    made.edit("b", w="v")
    done = made.adopt()
    assert {each.key.name for each in done.left} >= {"a"}
    made.write(done)
    assert ("a", DriftType.MODIFIED) in made.left


def test_what_the_server_makes_of_it_decides(shop: Shop) -> None:
    shop.edit("web", colour="red")
    shop.edit("prices", currency="CHF")
    made = shop.adopt(comparer=Stubborn(shop.target().comparer))
    assert [each.drift.key.name for each in made.adopted] == ["prices"]
    (left,) = made.left
    assert left.reason == "whatever Git says, the server makes something else of it: data.colour"
    assert [*made.files] == ["prices.yaml"]


def test_a_target_that_is_one_file_stays_one(tmp_path: Path) -> None:
    folder = tmp_path / "shop"
    folder.mkdir()
    made = Shop(folder)
    made.source = replace(made.source, path="shop.yaml")
    made.world.cluster.remove(key("prices"))
    made.world.cluster.add(config("stray", a="b"))
    done = made.adopt()
    assert [*done.files] == ["shop.yaml"]
    text = done.files["shop.yaml"]
    assert text is not None
    assert text.startswith(f"{SHOP}---\n")
    made.write(done)
    assert made.left == []


WORDS = st.sampled_from(["yes", "8080", "a: b", "two\nlines\n", "#", "", "plain", "é", "- x"])
KEYS = st.sampled_from(["colour", "size", "new", "a.b", "yes"])


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(edits=st.dictionaries(KEYS, WORDS | st.none(), min_size=1))
def test_whatever_is_edited_is_adopted_or_left(
    edits: dict[str, str | None], tmp_path_factory: pytest.TempPathFactory
) -> None:
    folder = tmp_path_factory.mktemp("shop")
    made = Shop(folder)
    made.edit("web", **edits)
    done = made.adopt()
    made.write(done)
    rest = {drift.key for drift in made.look().detection.drifts}
    assert rest <= {each.key for each in done.left}
    assert (folder / "prices.yaml").read_text() == PRICES
    text = (folder / "shop.yaml").read_text()
    assert text.split("---")[0] == SHOP.split("---")[0]
    if any(edits.get(name, "") is not None for name in ("colour", "size")):
        # What is said of the fields of a map goes with the last of them.
        assert "# what everybody sees" in text
    assert ResourceKey("", "ConfigMap", "shop", "prices") not in rest

"""Dumps: every form that kubectl writes, and what a dump can't tell."""

import io
import json
from pathlib import Path
from typing import Any

import pytest

from reconciler.adapters.cluster.dump import DumpLive
from reconciler.core.errors import ClusterError
from reconciler.core.live import Listing
from reconciler.core.report import Requests
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.schema import Schema
from tests.fakes.kinds import named

YAML = """
apiVersion: v1
kind: List
items:
- apiVersion: v1
  kind: ConfigMap
  metadata:
    creationTimestamp: 2026-11-24T12:00:00Z
    name: settings
    namespace: shop
  data:
    equals: =
    large: 1e+06
    date: 2026-11-24
- apiVersion: apps/v1
  kind: Deployment
  metadata: {name: web, namespace: shop}
"""


def thing(kind: str = "ConfigMap", name: str = "a", namespace: str = "shop") -> JsonObject:
    api_version = named(kind).api_version
    metadata = {"name": name, **({"namespace": namespace} if namespace else {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata}


def opened(path: object, stdin: bytes = b"") -> DumpLive:
    return DumpLive.open(str(path), stdin=io.BytesIO(stdin), bundled=lambda: Schema({}))


def piped(content: Any) -> DumpLive:
    text = content if isinstance(content, bytes) else json.dumps(content).encode()
    return opened("-", text)


def keys(dump: DumpLive) -> set[str]:
    listings = [Listing(kind) for kind in dump.catalog().kinds.values()]
    return {str(key) for _, key, _ in dump.read(listings).each()}


def test_yaml_as_kubectl_writes_it() -> None:
    dump = piped(YAML.encode())
    assert keys(dump) == {"ConfigMap shop/settings", "Deployment shop/web"}
    state = dump.read([Listing(named("ConfigMap"))])
    body = state.find("v1", ResourceKey("", "ConfigMap", "shop", "settings"))
    assert body is not None
    assert body["metadata"]["creationTimestamp"] == "2026-11-24T12:00:00Z"
    assert body["data"] == {"equals": "=", "large": 1e6, "date": "2026-11-24"}


@pytest.mark.parametrize(
    "content",
    [
        thing(),
        {"apiVersion": "v1", "kind": "List", "items": [thing()]},
        {
            "apiVersion": "v1",
            "kind": "List",
            "items": [{"apiVersion": "v1", "kind": "List", "items": [thing()]}],
        },
        {"apiVersion": "v1", "kind": "ConfigMapList", "items": [{"metadata": thing()["metadata"]}]},
        b"\xef\xbb\xbf" + json.dumps(thing()).encode(),
        json.dumps(thing()).encode() + b"\n" + json.dumps(thing(name="b")).encode() + b"\n",
        b"---\n" + json.dumps(thing()).encode() + b"\n---\n---\n",
    ],
)
def test_every_form_of_a_dump(content: object) -> None:
    found = keys(piped(content))
    assert "ConfigMap shop/a" in found
    assert found <= {"ConfigMap shop/a", "ConfigMap shop/b"}


def test_a_folder_is_read_with_its_subfolders_and_without_hidden_ones(tmp_path: Path) -> None:
    for name, place in (("a", "one.json"), ("b", "in/two.yaml"), ("c", ".git/three.json")):
        file = tmp_path / place
        file.parent.mkdir(exist_ok=True)
        file.write_text(json.dumps(thing(name=name)))
    (tmp_path / "readme.txt").write_text("not an object")
    assert keys(opened(tmp_path)) == {"ConfigMap shop/a", "ConfigMap shop/b"}


def test_of_two_of_one_name_the_later_wins() -> None:
    later = {**thing(), "data": {"a": "2"}}
    state = piped({"apiVersion": "v1", "kind": "List", "items": [thing(), later]}).read(
        [Listing(named("ConfigMap"))]
    )
    assert state.find("v1", ResourceKey("", "ConfigMap", "shop", "a")) == later


def listed(*things: JsonObject) -> DumpLive:
    return piped({"apiVersion": "v1", "kind": "List", "items": list(things)})


def test_what_is_not_in_a_dumped_kind_is_missing() -> None:
    state = listed(thing()).read([Listing(named("ConfigMap"), frozenset({"shop"}))])
    key = ResourceKey("", "ConfigMap", "shop", "gone")
    assert state.find("v1", key) is None
    assert state.why_unread(key) is None


def test_a_kind_that_was_not_dumped_is_unknown() -> None:
    dump = listed(thing())
    deployment = named("Deployment")
    why = dump.read([Listing(deployment)]).why_unread(
        ResourceKey("apps", "Deployment", "shop", "x")
    )
    assert why is not None
    assert "dump deployments too" in why
    catalog = dump.catalog()
    assert catalog.find("apps/v1", "Deployment") is None
    assert catalog.why_unknown("apps/v1", "Deployment")
    assert catalog.why_unknown("v1", "Service")
    assert catalog.why_unknown("v1", "ConfigMap") is None


def test_a_namespace_that_was_not_dumped_is_unknown() -> None:
    dump = listed(thing(), thing("Namespace", "empty", ""))
    spaces = frozenset({"shop", "empty", "elsewhere"})
    state = dump.read([Listing(named("ConfigMap"), spaces)])
    assert state.why_unread(ResourceKey("", "ConfigMap", "shop", "x")) is None
    assert state.why_unread(ResourceKey("", "ConfigMap", "empty", "x")) is None
    why = state.why_unread(ResourceKey("", "ConfigMap", "elsewhere", "x"))
    assert why is not None
    assert "nothing of namespace elsewhere" in why


def test_only_the_namespaces_asked_for_are_given() -> None:
    dump = listed(thing(), thing(namespace="web"))
    state = dump.read([Listing(named("ConfigMap"), frozenset({"web"}))])
    assert [key.namespace for key in state.objects["v1"]] == ["web"]


def test_kinds_know_whether_they_have_namespaces() -> None:
    kinds = listed(thing(), thing("Namespace", "shop", "")).catalog().kinds
    assert kinds["v1", "ConfigMap"].namespaced
    assert not kinds["v1", "Namespace"].namespaced
    assert kinds["v1", "ConfigMap"].plural == "configmaps"


def test_a_dumped_definition_tells_of_its_kind() -> None:
    schema = {"openAPIV3Schema": {"type": "object"}}
    definition = {
        **thing("CustomResourceDefinition", "policies.g.example", ""),
        "spec": {
            "group": "g.example",
            "scope": "Namespaced",
            "names": {"kind": "Policy", "plural": "g-policies"},
            "versions": [{"name": "v1", "schema": schema}],
        },
    }
    metadata = {"name": "p", "namespace": "shop"}
    dump = listed(
        definition, {"apiVersion": "g.example/v1", "kind": "Policy", "metadata": metadata}
    )
    kind = dump.catalog().kinds["g.example/v1", "Policy"]
    assert kind.plural == "g-policies"
    assert dump.schema([kind]).node("g.example/v1", "Policy") is not None


def test_a_dump_costs_no_request() -> None:
    dump = listed(thing())
    assert dump.catalog().server_version == ""
    assert dump.requests == Requests()


@pytest.mark.parametrize(
    ("content", "said"),
    [
        (b"", "holds no object"),
        (b"---\n", "holds no object"),
        (b'{"apiVersion": "v1", "kind": "List", "items": []}', "holds no object"),
        (b'{"a": "s3cret"', "isn't JSON: line 1"),
        (b"a: [s3cret", "isn't YAML: line 2"),
        (b"a: !!python/object:os.system s3cret", "isn't YAML"),
        (b"s3cret", "document 1 has no apiVersion and kind"),
        (b'{"apiVersion": "v1", "kind": "Secret"}', "no metadata.name"),
        (b'[{"s3cret": 1}]', "document 1 has no apiVersion and kind"),
    ],
)
def test_what_is_no_dump_names_the_place_and_quotes_nothing(
    content: bytes, said: str, tmp_path: Path
) -> None:
    file = tmp_path / "dump"
    file.write_bytes(content)
    with pytest.raises(ClusterError) as caught:
        opened(file)
    assert said in caught.value.message
    assert str(file) in caught.value.message
    assert "kubectl get" in caught.value.fix
    assert "s3cret" not in str(caught.value)
    with pytest.raises(ClusterError, match="from standard input"):
        opened("-", content)


def test_a_file_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="No such file"):
        opened(tmp_path / "missing")

"""`plumbline explain`, the whole of it, over a real HTTP server."""

import json
from typing import Any

import pytest

from reconciler.cli.main import main
from reconciler.core.resource import JsonObject
from tests.unit.cli.conftest import SETTINGS, WEB, Shop

Captured = pytest.CaptureFixture[str]

CONFIGURATION = """\
targets:
  - name: shop
    source: {repo: shop}
    scope: {namespaces: [shop]}
    ignore: [{path: spec.replicas, reason: scaled by hand}]
"""


def _explained(shop: Shop, capsys: Captured, *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["explain", "-o", "json", *words, *shop.places()])
    return code, json.loads(capsys.readouterr().out)


def _origins(document: dict[str, Any]) -> dict[str, str]:
    return {field["path"]: field["origin"] for field in document["fields"]}


def _leaves(value: Any) -> int:
    if isinstance(value, dict) and value:
        return sum(map(_leaves, value.values()))
    if isinstance(value, list) and value:
        return sum(map(_leaves, value))
    return 1


def _scale(body: JsonObject) -> None:
    body["spec"]["replicas"] = 5
    body["spec"]["template"]["spec"]["hostNetwork"] = True


@pytest.fixture
def configured(shop: Shop) -> Shop:
    """A shop with a configuration that has a rule of the user's own."""
    (shop.folder / "plumbline.yaml").write_text(CONFIGURATION)
    return shop


def test_every_field_is_accounted_for(configured: Shop, capsys: Captured) -> None:
    configured.cluster.edit("kubectl-scale", WEB, _scale)
    code, document = _explained(configured, capsys, "deployment/web")
    assert code == 1
    origins = _origins(document)
    assert origins["spec.replicas"] == "ignored"
    assert origins["spec.template.spec.hostNetwork"] == "drift"
    assert origins["spec.revisionHistoryLimit"] == "defaulted"
    assert origins["spec.template.spec.containers[name=web].image"] == "declared"
    assert origins["metadata.uid"] == "server"
    live = configured.cluster.objects()[WEB]
    live["metadata"]["managedFields"] = "told of as one"
    assert len(document["fields"]) == len(origins) == _leaves(live)
    by_path = {field["path"]: field for field in document["fields"]}
    assert by_path["spec.template.spec.hostNetwork"]["by"]["manager"] == "kubectl-scale"
    assert by_path["spec.replicas"]["reason"] == "ignore[1]: scaled by hand"


def test_text_tells_where_fields_come_from(configured: Shop, capsys: Captured) -> None:
    configured.cluster.edit("kubectl-scale", WEB, _scale)
    assert main(["explain", "deployment/web", *configured.places()]) == 1
    out = capsys.readouterr().out
    assert out.startswith("Deployment shop/web  apps/v1  shop.yaml:12 @ ")
    assert "\nmodified\n" in out
    assert "ignored       replicas: 5" in out
    assert "hostNetwork: true  not in Git · kubectl-scale, " in out
    assert "1 ignored     explained by a rule of yours\n" in out


@pytest.mark.parametrize(
    "words", ["deployment/web", "Deployment/web", "deployments/web", "deploy/web"]
)
def test_an_object_in_sync_by_any_of_its_kind_s_names(
    configured: Shop, capsys: Captured, words: str
) -> None:
    code, document = _explained(configured, capsys, words)
    assert code == 0
    assert document["note"] == "in sync"
    assert document["resource"]["kind"] == "Deployment"


def test_what_is_missing(configured: Shop, capsys: Captured) -> None:
    configured.cluster.remove(SETTINGS)
    code, document = _explained(configured, capsys, "cm/settings")
    assert code == 1
    assert document["note"] == "missing: it is declared and not live"
    assert document["fields"] == []


def test_what_nobody_declared(configured: Shop, capsys: Captured) -> None:
    body = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": "shop"}}
    configured.cluster.add({**body, "stringData": {"password": "hunter2"}})
    code, document = _explained(configured, capsys, "secret/x")
    assert code == 1
    assert document["note"] == "unmanaged: it is live and not declared"
    assert _origins(document)["data.password"] == "drift"
    assert "hunter2" not in json.dumps(document)
    assert "aHVudGVyMg" not in json.dumps(document)


def test_what_cannot_be_read(configured: Shop, capsys: Captured) -> None:
    configured.cluster.forbid("list", "ConfigMap")
    code, document = _explained(configured, capsys, "cm/settings")
    assert code == 2
    assert document["note"].startswith("unreadable: ")


@pytest.mark.parametrize("words", ["web", "deploy/", "/web", ""])
def test_words_that_name_no_object(shop: Shop, capsys: Captured, words: str) -> None:
    assert main(shop.words("explain", words)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert f"{words!r} names no object\n  fix: write KIND/NAME" in captured.err


@pytest.mark.parametrize("words", ["deploy/shop", "lamp/web", "cm/web"])
def test_an_object_that_is_not_there(shop: Shop, capsys: Captured, words: str) -> None:
    assert main(shop.words("explain", words)) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith(f"plumbline: {words} is neither declared nor live in what ")


def test_an_object_of_which_there_are_two(shop: Shop, capsys: Captured) -> None:
    more = "metadata: {name: shed}\n---\napiVersion: v1\nkind: ConfigMap\n"
    shop.declare(
        f"apiVersion: v1\nkind: Namespace\n{more}metadata: {{name: settings, namespace: shed}}\n"
    )
    assert main(shop.words("explain", "cm/settings")) == 2
    err = capsys.readouterr().err
    assert "cm/settings may be any of ConfigMap shed/settings, ConfigMap shop/settings" in err
    assert "  fix: name a namespace with -n" in err
    assert main(shop.words("explain", "cm/settings", "-n", "shop")) == 0
    assert capsys.readouterr().out.startswith("ConfigMap shop/settings  v1  shop.yaml:5 @ ")


def test_a_target_is_named_after_the_object(configured: Shop, capsys: Captured) -> None:
    assert main(["explain", "cm/settings", "shop", *configured.places()]) == 0
    assert main(["explain", "cm/settings", "shed", *configured.places()]) == 2
    assert "no target is named 'shed'" in capsys.readouterr().err


def test_a_dump_is_explained_too(shop: Shop, capsys: Captured) -> None:
    shop.recolour()
    items = list(shop.cluster.objects().values())
    dump = shop.folder / "dump.json"
    dump.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    assert main(shop.words("explain", "configmap/settings", "--live", str(dump))) == 1
    assert "drift         colour: red  Git says blue · kubectl-edit, " in capsys.readouterr().out

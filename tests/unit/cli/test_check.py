"""`plumbline check`, the whole of it, over a real HTTP server and a real Git repository."""

import io
import json
import sys
from contextlib import closing
from datetime import UTC, datetime
from typing import Any

import pytest
import yaml

from reconciler.adapters.history.database import DatabaseHistory
from reconciler.cli.main import main
from reconciler.core.containers import ContainerLook, ContainerRef, NodeLook, NodeReport
from reconciler.core.moments import rfc3339
from reconciler.core.resource import JsonObject, ResourceKey
from tests.unit.cli.conftest import SETTINGS, WEB, Shop
from tests.unit.render.pods import EVIL

Captured = pytest.CaptureFixture[str]


def _report(shop: Shop, capsys: Captured, *words: str) -> tuple[int, dict[str, Any]]:
    code = main(shop.words("check", "-o", "json", *words))
    return code, json.loads(capsys.readouterr().out)


def _configure(shop: Shop, *targets: str) -> None:
    (shop.folder / "plumbline.yaml").write_text(f"targets: [{', '.join(targets)}]\n")


GOOD = "{name: good, source: {repo: shop}}"
BAD = "{name: bad, source: {repo: nowhere}}"


def test_in_sync(shop: Shop, capsys: Captured) -> None:
    assert main(shop.words("check", "-n", "shop")) == 0
    captured = capsys.readouterr()
    assert captured.out.startswith("compared with the server's own answer · ")
    assert captured.out.endswith(": all 3 objects in sync\n")
    assert captured.err == ""


def test_drift_is_told_with_who_made_it(shop: Shop, capsys: Captured) -> None:
    shop.recolour()
    assert main(shop.words("check", "-n", "shop")) == 1
    out = capsys.readouterr().out
    assert "✗ ConfigMap shop/settings  modified · medium   shop.yaml:5\n" in out
    assert "    ~ data.colour  blue → red  by kubectl-edit, " in out
    assert out.endswith(": 3 objects, 2 in sync, 1 drifted (1 medium)\n")


def test_a_check_writes_nothing(shop: Shop) -> None:
    shop.recolour()
    before = shop.cluster.objects()
    assert main(shop.words("check", "-n", "shop")) == 1
    assert shop.cluster.objects() == before
    assert shop.writes == 0


def test_drift_may_exit_0(shop: Shop, capsys: Captured) -> None:
    shop.recolour()
    assert main(shop.words("check", "--exit-zero")) == 0
    assert "1 drifted" in capsys.readouterr().out


def test_what_is_missing_and_what_nobody_declared(shop: Shop, capsys: Captured) -> None:
    shop.cluster.remove(SETTINGS)
    extra = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "x", "namespace": "shop"}}
    shop.cluster.add(extra)
    code, report = _report(shop, capsys, "-n", "shop")
    assert code == 1
    found = {each["resource"]["name"]: each["type"] for each in report["drifts"]}
    assert found == {"settings": "Missing", "x": "Unmanaged"}
    code, report = _report(shop, capsys)
    assert [each["type"] for each in report["drifts"]] == ["Missing"]


@pytest.mark.parametrize("words", [(), ("--exit-zero",)])
def test_what_cannot_be_read_is_neither_drift_nor_in_sync(
    shop: Shop, capsys: Captured, words: tuple[str, ...]
) -> None:
    shop.cluster.forbid("list", "ConfigMap")
    shop.cluster.remove(SETTINGS)
    code, report = _report(shop, capsys, *words)
    assert code == 2
    assert [each["type"] for each in report["drifts"]] == ["Unreadable"]


def test_a_warm_check_asks_nothing_of_single_objects(shop: Shop, capsys: Captured) -> None:
    shop.recolour()
    dry_runs = []
    for words in ((), (), ("--fresh",)):
        code, report = _report(shop, capsys, *words)
        assert code == 1
        dry_runs.append(report["requests"].pop("dryRun"))
        assert report["requests"] == {"list": 3, "get": 3, "write": 0}
    assert dry_runs == [1, 0, 1]


def test_offline_never_asks_for_a_dry_run(shop: Shop, capsys: Captured) -> None:
    shop.recolour()
    code, report = _report(shop, capsys, "--offline")
    assert code == 1
    assert report["comparison"] == "offline"
    assert report["requests"]["dryRun"] == 0
    assert [each["path"] for each in report["drifts"][0]["changes"]] == ["data.colour"]


def test_who_may_not_write_is_configured_to_ask_by_no_dry_run(
    shop: Shop, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PLUMBLINE_CLUSTER__DRY_RUNS", "false")
    shop.recolour()
    code, report = _report(shop, capsys)
    assert code == 1
    assert report["comparison"] == "offline"
    assert report["requests"]["dryRun"] == 0


def test_a_dump_in_place_of_the_cluster(shop: Shop, capsys: Captured) -> None:
    shop.recolour()
    items = list(shop.cluster.objects().values())
    dump = shop.folder / "dump.json"
    dump.write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": items}))
    shop.kubeconfig.unlink()
    code, report = _report(shop, capsys, "--live", str(dump))
    assert code == 1
    assert report["comparison"] == "offline"
    assert (report["summary"]["inSync"], report["summary"]["drifted"]) == (2, 1)


def test_a_dump_from_standard_input(
    shop: Shop, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = yaml.safe_dump_all(shop.cluster.objects().values())
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(text.encode())))
    code, report = _report(shop, capsys, "--live", "-")
    assert code == 0
    assert report["summary"]["inSync"] == 3


def test_json_and_yaml_say_the_same(shop: Shop, capsys: Captured) -> None:
    shop.recolour()
    _, report = _report(shop, capsys)
    assert main(shop.words("check", "-o", "yaml")) == 1
    document = yaml.safe_load(capsys.readouterr().out)
    assert document["schema"] == report["schema"] == "plumbline.dev/report/v1"
    assert document["target"] == "shop"
    assert document["drifts"] == report["drifts"]


def test_markdown(shop: Shop, capsys: Captured) -> None:
    shop.recolour()
    assert main(shop.words("check", "-o", "markdown")) == 1
    out = capsys.readouterr().out
    assert "data.colour" in out
    assert "ConfigMap" in out
    assert "✗ ConfigMap" not in out


def test_no_output_holds_a_secret(shop: Shop, capsys: Captured) -> None:
    body = "apiVersion: v1\nkind: Secret\nmetadata: {name: key, namespace: shop}\nstringData: "
    shop.declare(body + "{password: correct-horse}\n")
    live = yaml.safe_load(body + "{password: battery-staple}\n")
    shop.cluster.add(live, "kubectl-edit")
    for output in ("text", "json", "yaml", "markdown"):
        assert main(shop.words("check", "--full", "-o", output)) == 1
        captured = capsys.readouterr()
        assert "key" in captured.out
        for secret in ("correct-horse", "battery-staple", "Y29ycmVjdC1ob3JzZQ", "YmF0dGVyeS1zdGF"):
            assert secret not in captured.out + captured.err


def test_what_the_cluster_says_is_harmless_to_a_terminal(shop: Shop, capsys: Captured) -> None:
    shop.recolour("\x1b[2J\x1b]0;all is well\x07")
    for output in ("text", "json", "yaml", "markdown"):
        assert main(shop.words("check", "--full", "-o", output)) == 1
        out = capsys.readouterr().out
        assert "\x1b" not in out
        assert "all is well" in out


def test_several_targets_come_one_after_the_other(shop: Shop, capsys: Captured) -> None:
    _configure(shop, GOOD, "{name: other, source: {repo: shop}}")
    assert main(["check", *shop.places()]) == 0
    out = capsys.readouterr().out
    assert out.index("✓ good @ ") < out.index("✓ other @ ")
    assert main(["check", "other", *shop.places()]) == 0
    assert "good" not in capsys.readouterr().out


def test_several_targets_as_documents(shop: Shop, capsys: Captured) -> None:
    _configure(shop, GOOD, "{name: other, source: {repo: shop}}")
    assert main(["check", "-o", "yaml", *shop.places()]) == 0
    documents = list(yaml.safe_load_all(capsys.readouterr().out))
    assert [each["target"] for each in documents] == ["good", "other"]
    assert main(["check", "-o", "json", *shop.places()]) == 0
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "plumbline.dev/reports/v1"
    assert [each["target"] for each in document["reports"]] == ["good", "other"]


@pytest.mark.parametrize("words", [(), ("--exit-zero",)])
def test_one_target_s_trouble_is_not_the_others(
    shop: Shop, capsys: Captured, words: tuple[str, ...]
) -> None:
    _configure(shop, BAD, GOOD)
    shop.recolour()
    assert main(["check", *words, *shop.places()]) == 2
    captured = capsys.readouterr()
    assert "✗ good @ " in captured.out
    assert "data.colour  blue → red" in captured.out
    assert captured.err.startswith("plumbline: bad: ")
    assert "nowhere" in captured.err


@pytest.mark.parametrize(("targets", "read"), [((GOOD, BAD), ["good"]), ((BAD, BAD), [])])
def test_several_targets_are_a_list_whatever_becomes_of_them(
    shop: Shop, capsys: Captured, targets: tuple[str, ...], read: list[str]
) -> None:
    _configure(shop, *targets)
    assert main(["check", "-o", "json", *shop.places()]) == 2
    captured = capsys.readouterr()
    assert [each["target"] for each in json.loads(captured.out)["reports"]] == read
    assert captured.err.count("plumbline: bad: ") == targets.count(BAD)


def test_where_no_target_can_be_read_nothing_is_said_of_any(shop: Shop, capsys: Captured) -> None:
    _configure(shop, BAD, BAD)
    assert main(["check", *shop.places()]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.count("plumbline: bad: ") == 2


def test_the_only_target_s_trouble_is_told_as_it_is(shop: Shop, capsys: Captured) -> None:
    _configure(shop, BAD)
    assert main(["check", "-o", "json", *shop.places()]) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert not captured.err.startswith("plumbline: bad: ")
    assert "nowhere" in captured.err


def test_manifests_that_cannot_be_read_stop_it(shop: Shop, capsys: Captured) -> None:
    shop.declare("apiVersion: v1\nkind: ConfigMap\nmetadata: {}\n")
    assert main(shop.words("check")) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.startswith("plumbline: more.yaml:1: ")


def test_a_cluster_that_does_not_know_us(shop: Shop, capsys: Captured) -> None:
    text = shop.kubeconfig.read_text()
    token = json.loads(text)["users"][0]["user"]["token"]
    shop.kubeconfig.write_text(text.replace(token, "not-the-token"))
    assert main(shop.words("check")) == 2
    captured = capsys.readouterr()
    assert captured.out == ""
    assert "not-the-token" not in captured.err
    assert "  fix: " in captured.err


def test_a_kubeconfig_that_is_not_there(shop: Shop, capsys: Captured) -> None:
    shop.kubeconfig.unlink()
    assert main(shop.words("check")) == 2
    assert str(shop.kubeconfig) in capsys.readouterr().err


def test_a_state_folder_that_cannot_be_written(shop: Shop, capsys: Captured) -> None:
    (shop.folder / "state").write_text("a file")
    assert main(shop.words("check")) == 2
    assert "--state-dir" in capsys.readouterr().err


def test_a_cache_that_cannot_be_written_is_done_without(shop: Shop, capsys: Captured) -> None:
    (shop.folder / "cache").write_text("a file")
    assert main(shop.words("check")) == 0
    assert "all 3 objects in sync" in capsys.readouterr().out


# --- running pods


def pods(shop: Shop) -> JsonObject:
    """Has the Deployment's controller make a pod; gives the pod."""
    web = shop.cluster.objects()[WEB]
    template = {**web["spec"]["template"]}
    replicas = {
        "apiVersion": "apps/v1",
        "kind": "ReplicaSet",
        "metadata": {"name": "web-1", "namespace": "shop", "ownerReferences": owner(web)},
        "spec": {"template": template},
    }
    replicas = shop.cluster.add(replicas, "kube-controller-manager")
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web-1-a",
            "namespace": "shop",
            "labels": {"app": "web"},
            "ownerReferences": owner(replicas),
        },
        "spec": {**template["spec"], "nodeName": "node-1"},
    }
    return shop.cluster.add(pod, "kube-controller-manager")


def owner(body: JsonObject) -> list[JsonObject]:
    names = {"name": body["metadata"]["name"], "uid": body["metadata"]["uid"]}
    return [{"apiVersion": "apps/v1", "kind": body["kind"], "controller": True, **names}]


def evil(body: JsonObject) -> None:
    body["spec"]["containers"][0]["image"] = "evil:1"


_POD = ResourceKey("", "Pod", "shop", "web-1-a")


def test_a_pod_is_compared_only_where_that_is_asked_for(shop: Shop, capsys: Captured) -> None:
    pods(shop)
    assert main(shop.words("check", "--pods")) == 0
    capsys.readouterr()
    shop.cluster.edit("kubectl-edit", _POD, evil)
    assert main(shop.words("check")) == 0
    assert "web-1-a" not in capsys.readouterr().out
    assert main(shop.words("check", "--pods")) == 1
    out = capsys.readouterr().out
    assert "✗ Deployment shop/web  drifted in its pods  shop.yaml:12\n" in out
    assert "  ✗ Pod shop/web-1-a  high  first seen just now\n" in out
    assert "~ spec.containers[name=web].image  registry.example/web:1 → evil:1" in out
    assert out.endswith(": 3 objects, 3 in sync, 1 pod drifted (1 high)\n")
    assert main(shop.words("check", "--pods", "--exit-zero")) == 0


def test_what_agents_said_is_joined_where_the_controller_keeps_it(
    shop: Shop, capsys: Captured
) -> None:
    uid = pods(shop)["metadata"]["uid"]
    (shop.folder / "plumbline.yaml").write_text("agents: {address: '127.0.0.1:1'}\n")
    assert main(shop.words("check", "--pods")) == 2
    assert "no history" in capsys.readouterr().err
    container = ContainerRef("shop", "web-1-a", uid, "web", "c-1", node="node-1")
    now = rfc3339(datetime.now(UTC))
    look = NodeLook("node-1", now, (ContainerLook(container, (EVIL,)),))
    with closing(DatabaseHistory.open(str(shop.folder / "state" / "history.db"))) as history:
        history.nodes().save(NodeReport(look, now))
    code, report = _report(shop, capsys, "--pods")
    assert code == 1
    assert [(each["type"], each["path"]) for each in report["drifts"]] == [
        ("File", "/usr/bin/evil")
    ]
    assert report["summary"]["pods"] == 1


def test_what_runs_and_what_merging_would_change_are_two_questions(
    shop: Shop, capsys: Captured
) -> None:
    assert main(shop.words("check", "--pods", "--base", "main")) == 2
    assert "leave one of them out" in capsys.readouterr().err

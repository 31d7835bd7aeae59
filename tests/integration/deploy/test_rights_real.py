"""What `init --rbac` grants: enough for the real API server, and nothing beyond."""

import json
from pathlib import Path

import yaml

from tests.benchmarks.workload import commit
from tests.integration.deploy.conftest import Helm, Shop
from tests.tools.running import Controller, until


def _edit(shop: Shop) -> None:
    """Edits a workload, a Secret, a role; deletes a binding."""
    place = ("-n", shop.namespace)
    shop.plane.kubectl("set", "image", "deployment/web", "*=evil:1", *place)
    data = json.dumps({"stringData": {"api-key": "stolen"}})
    shop.plane.kubectl("patch", "secret", "payment", *place, "--type=merge", "-p", data)
    rules = json.dumps({"rules": [{"apiGroups": [""], "resources": ["secrets"], "verbs": ["*"]}]})
    shop.plane.kubectl("patch", "role", "catalog", *place, "--type=merge", "-p", rules)
    shop.plane.kubectl("delete", "rolebinding", "catalog", *place)


def test_a_restorer_restores_all_that_is_declared(shop: Shop) -> None:
    text = shop.grant("restorer")
    assert "# escalate: " in text
    keeper = shop.keeper()
    code, said = shop.call("doctor", kubeconfig=keeper)
    assert code == 0, said
    _edit(shop)
    code, said = shop.call("restore", "--yes", "-o", "json", kubeconfig=keeper)
    assert code == 0, said
    code, said = shop.call("check", kubeconfig=keeper)
    assert code == 0, said


def test_a_restorer_may_do_nothing_else(shop: Shop) -> None:
    shop.grant("restorer")
    shop.keeper()
    for verb, resource in (
        ("delete", "deployments"),
        ("delete", "configmaps"),
        ("patch", "deployments"),
        ("create", "pods"),
        ("update", "statefulsets"),
        ("create", "pods/exec"),
        ("impersonate", "serviceaccounts"),
        ("bind", "roles/other"),
        ("get", "nodes"),
        ("delete", "namespaces"),
    ):
        assert not shop.may(verb, resource), (verb, resource)
    elsewhere = ("-n", "default", f"--as=system:serviceaccount:{shop.namespace}:keeper")
    for resource in ("configmaps", "secrets", "deployments"):
        done = shop.plane.kubectl("auth", "can-i", "list", resource, *elsewhere, check=False)
        assert done.stdout.strip() == "no"


def test_who_prunes_may_delete_what_is_declared(shop: Shop) -> None:
    shop.configure(target={"prune": True})
    shop.grant("restorer")
    shop.keeper()
    assert shop.may("delete", "deployments")
    assert not shop.may("delete", "pods")


def test_a_reader_finds_everything_and_may_write_nothing(shop: Shop) -> None:
    shop.configure(cluster={"dry_runs": False})
    text = shop.grant("reader")
    assert not {"create", "update", "escalate", "bind"} & {
        verb
        for each in yaml.safe_load_all(text)
        for rule in each.get("rules", ())
        if rule["resources"] != ["leases"]
        for verb in rule["verbs"]
    }
    keeper = shop.keeper()
    code, said = shop.call("doctor", kubeconfig=keeper)
    assert code == 0, said
    assert "may get, list and watch" in said
    code, said = shop.call("check", "-o", "json", kubeconfig=keeper)
    assert code == 0, said
    _edit(shop)
    code, said = shop.call("check", "-o", "json", kubeconfig=keeper)
    assert code == 1, said
    report = json.loads(said)
    assert report["comparison"] == "offline"
    assert report["requests"]["dryRun"] == 0
    found = {(each["type"], each["resource"]["kind"]) for each in report["drifts"]}
    assert found == {
        ("Modified", "Deployment"),
        ("Modified", "Secret"),
        ("Modified", "Role"),
        ("Missing", "RoleBinding"),
    }
    code, said = shop.call("restore", "--yes", kubeconfig=keeper)
    assert code == 2, said
    assert not shop.may("update", "configmaps")


def test_a_doctor_that_may_read_only_says_what_is_missing_for_more(shop: Shop) -> None:
    shop.grant("reader")
    shop.configure(lease={"namespace": "default"})
    code, said = shop.call("doctor", "-o", "json", kubeconfig=shop.keeper())
    assert code == 1, said
    findings = json.loads(said)["findings"]
    assert {each["state"] for each in findings} == {"good", "mend"}
    told = {each["topic"]: each for each in findings if each["state"] == "mend"}
    assert set(told) == {"shop: rights", "shop: roles", "Leases"}
    assert "may not create or update" in told["shop: rights"]["text"]
    assert "cluster.dry_runs" in told["shop: rights"]["fix"]
    assert "may not bind Role catalog, escalate Role" in told["shop: roles"]["text"]
    assert "init --rbac restorer" in told["shop: roles"]["fix"]


def test_a_controller_needs_no_more(shop: Shop, tmp_path: Path) -> None:
    shop.grant("restorer")
    keeper = shop.keeper()
    target = yaml.safe_load(shop.config.read_text(encoding="utf-8"))["targets"][0]
    lease = {"lease": {"namespace": shop.namespace}}
    # Its own Leases are in its target's scope here.
    target["ignore"].append({"kind": "Lease", "name": "plumbline-*", "reason": "its own"})
    with Controller(tmp_path / "home", keeper, [{**target, "mode": "restore"}], lease) as running:
        running.await_ready()
        place = ("-n", shop.namespace, "-o", "jsonpath={.data.currency}")
        data = ("--type=merge", "-p", '{"data":{"currency":"USD"}}')
        shop.plane.kubectl("patch", "configmap", "shop-settings", *place[:2], *data)

        def restored() -> bool:
            said = shop.plane.kubectl("get", "configmap", "shop-settings", *place)
            return said.stdout == "EUR"

        until(restored, f"restored; {running.log}")
        assert "forbidden" not in running.log
        assert "403" not in running.log
        assert running.terminate() == 0


def test_values_install_what_they_grant(shop: Shop, helm: Helm) -> None:
    file = shop.folder / "made.yaml"
    code, said = shop.call("init", "--rbac", "restorer", "-o", "values", "--file", str(file))
    assert code == 0, said
    assert "which a pod doesn't have: use a URL" in said
    assert "only observed" in said
    values = yaml.safe_load(file.read_text(encoding="utf-8"))
    objects = helm.objects(values)
    rules = {
        (each["metadata"].get("namespace", ""), each["metadata"]["name"]): each["rules"]
        for each in objects
        if each["kind"] in ("Role", "ClusterRole")
    }
    assert rules["", "plumbline-plumbline"] == values["rbac"]["cluster"]
    assert rules[shop.namespace, "plumbline"] == values["rbac"]["namespaces"][shop.namespace]
    (target,) = values["config"]["targets"]
    own = [each for each in target["ignore"] if each["name"] == "plumbline"]
    assert {each["kind"] for each in own} == {"Role", "RoleBinding"}


#: What its keeper may not do itself, and so may not grant.
_MORE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: shell, namespace: NAMESPACE}
rules:
  - {apiGroups: [""], resources: [pods/exec], verbs: [create]}
---
apiVersion: rbac.authorization.k8s.io/v1
kind: RoleBinding
metadata: {name: shell, namespace: NAMESPACE}
roleRef: {apiGroup: rbac.authorization.k8s.io, kind: Role, name: shell}
subjects:
  - {kind: User, name: ann, apiGroup: rbac.authorization.k8s.io}
"""


def _without_granting(text: str) -> str:
    documents = [each for each in yaml.safe_load_all(text) if each]
    for each in documents:
        for rule in each.get("rules", ()):
            rule["verbs"] = [v for v in rule["verbs"] if v not in ("escalate", "bind")] or ["get"]
    return yaml.safe_dump_all(documents)


def test_roles_with_more_rights_than_its_own_take_escalate_and_bind(shop: Shop) -> None:
    file = shop.folder / "shop" / "deploy" / "more.yaml"
    file.write_text(_MORE.replace("NAMESPACE", shop.namespace), encoding="utf-8")
    commit(shop.folder / "shop")
    text = shop.grant("restorer")
    keeper = shop.keeper()
    code, said = shop.call("restore", "--yes", kubeconfig=keeper)
    assert code == 0, said
    assert shop.plane.kubectl("get", "role,rolebinding", "-n", shop.namespace, "shell").stdout
    shop.plane.kubectl("delete", "role,rolebinding", "-n", shop.namespace, "shell")
    shop.plane.kubectl("apply", "-f", "-", input=_without_granting(text))
    until(lambda: not shop.may("escalate", "roles"), "it may not escalate")
    code, said = shop.call("restore", "--yes", kubeconfig=keeper)
    assert code != 0
    assert "not currently held" in " ".join(said.split())
    code, said = shop.call("doctor", kubeconfig=keeper)
    assert code == 1
    assert "may not bind Role catalog, bind Role shell, escalate Role" in " ".join(said.split())

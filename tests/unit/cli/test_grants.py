"""`plumbline init --rbac`: whose rights, for which targets, and what is told with them."""

import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cli.main import main
from reconciler.core.errors import ClusterError
from tests.fakes.cluster import FakeCluster

SHOP = """\
apiVersion: v1
kind: Secret
metadata: {name: key}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
"""
ROLE = """\
apiVersion: rbac.authorization.k8s.io/v1
kind: Role
metadata: {name: one, namespace: shop}
"""
CONFIGURATION = """\
cluster: {context: shop}
state_dir: state
schedule: {interval: 1m}
targets:
  - name: shop
    source: {repo: shop}
    scope: {namespaces: [shop]}
"""
#: Of the rights in its own namespace.
LEASES = ["get", "list", "create", "update", "delete"]


class _Cluster(FakeCluster):
    """What `init` needs beyond the port."""

    context = "shop"
    namespace = "kitchen"

    def close(self) -> None:
        """Has no connections."""


@pytest.fixture(autouse=True)
def home(alone: Path) -> Path:
    """A user in a folder with a repository and a configuration."""
    (alone / "shop").mkdir()
    _commit(alone / "shop", SHOP)
    (alone / "plumbline.yaml").write_text(CONFIGURATION)
    return alone


@pytest.fixture(autouse=True)
def cluster(monkeypatch: pytest.MonkeyPatch) -> _Cluster:
    """The cluster that every setting leads to."""
    cluster = _Cluster()
    monkeypatch.setattr("reconciler.bootstrap.open_cluster", lambda _: cluster)
    return cluster


def _commit(repo: Path, text: str) -> None:
    (repo / "shop.yaml").write_text(text)
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "one")):
        subprocess.run(["git", *words], cwd=repo, check=True)


def _roles(file: str = "rbac.yaml") -> dict[tuple[str, str], dict[str, list[str]]]:
    """Reads the roles' verbs, by namespace and name, then by kind."""
    return {
        (each["metadata"].get("namespace", ""), each["metadata"]["name"]): {
            resource: rule["verbs"] for rule in each["rules"] for resource in rule["resources"]
        }
        for each in yaml.safe_load_all(Path(file).read_text())
        if each["kind"] in ("Role", "ClusterRole")
    }


def _values(*words: str) -> Any:
    assert main(["init", "--rbac", "restorer", "-o", "values", *words]) == 0
    return yaml.safe_load(Path("values.yaml").read_text())


def test_rights_are_those_of_the_configured_targets(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--rbac", "restorer"]) == 0
    roles = _roles()
    assert set(roles) == {
        ("", "plumbline-plumbline"),
        ("kitchen", "plumbline"),
        ("plumbline", "plumbline"),
        ("shop", "plumbline"),
    }
    writing = ["get", "list", "watch", "create", "update"]
    assert roles["kitchen", "plumbline"] == {"secrets": writing}
    assert roles["shop", "plumbline"]["deployments"] == writing
    assert roles["shop", "plumbline"]["configmaps"] == ["get", "list", "watch"]
    assert roles["plumbline", "plumbline"] == {"leases": LEASES}
    looking = ["list", "watch"]
    defining = {"customresourcedefinitions": looking, "apiservices": looking}
    assert roles["", "plumbline-plumbline"] == defining
    out = capsys.readouterr().out
    assert out.startswith("Wrote rbac.yaml: the rights of a restorer for shop.\n")
    assert "Its roles are in kitchen, shop, which must be there." in out
    assert "shop is read from a folder" in out
    assert "shop is only observed" in out
    assert "Its own role in shop is unmanaged" in out
    assert "kubectl apply -f rbac.yaml" in out
    assert "escalate" not in out


def test_a_reader_is_not_told_of_restoring(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["init", "--rbac", "reader"]) == 0
    assert _roles()["kitchen", "plumbline"] == {"secrets": ["get", "list", "watch"]}
    assert "observed" not in capsys.readouterr().out


def test_what_is_told_in_the_cluster_is_granted(home: Path) -> None:
    told = CONFIGURATION + "notify: {events: true, policy_reports: true}\n"
    (home / "plumbline.yaml").write_text(told)
    assert main(["init", "--rbac", "reader"]) == 0
    assert _roles()["shop", "plumbline"]["events"] == ["get", "create", "update"]
    assert "Nothing is granted for wgpolicyk8s.io/v1alpha2" in Path("rbac.yaml").read_text()


def test_hearing_agents_is_granted(home: Path) -> None:
    (home / "plumbline.yaml").write_text(CONFIGURATION + 'agents: {address: ":8444"}\n')
    assert main(["init", "--rbac", "reader"]) == 0
    granted = _roles()["", "plumbline-plumbline"]
    assert granted["tokenreviews"] == ["create"]
    assert granted["pods"] == ["get", "list"]
    assert granted["nodes"] == ["get"]


def test_another_account_and_file() -> None:
    words = ["--account", "ops/drift", "--file", "x.yaml"]
    assert main(["init", "--rbac", "reader", *words]) == 0
    assert {("ops", "drift"), ("shop", "drift"), ("", "drift-ops")} <= set(_roles("x.yaml"))


@pytest.mark.parametrize("account", ["drift", "a/b/c", "/b", "a/"])
def test_an_account_without_its_namespace_is_refused(
    account: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["init", "--rbac", "reader", "--account", account]) == 2
    assert "is no NAMESPACE/NAME" in capsys.readouterr().err
    assert not Path("rbac.yaml").exists()


def test_a_rule_that_ignores_its_own_role_is_seen(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rule = "    ignore: [{kind: 'Role*', name: plumbline, reason: its own}]\n"
    (home / "plumbline.yaml").write_text(CONFIGURATION + rule)
    assert main(["init", "--rbac", "reader"]) == 0
    assert "is unmanaged" not in capsys.readouterr().out


def test_values_hold_the_configuration_but_not_what_is_of_its_place() -> None:
    config = _values()["config"]
    assert set(config) == {"schedule", "targets"}
    (target,) = config["targets"]
    assert target["source"] == {"repo": "shop"}
    # The kubeconfig's, which in a pod would be the pod's own.
    assert target["namespace"] == "kitchen"
    own = [(each["kind"], each["namespace"], each["name"]) for each in target["ignore"]]
    assert own == [("Role", "shop", "plumbline"), ("RoleBinding", "shop", "plumbline")]


def test_values_of_a_reader_have_it_compare_offline() -> None:
    assert main(["init", "--rbac", "reader", "-o", "values"]) == 0
    read = yaml.safe_load(Path("values.yaml").read_text())
    assert read["config"]["cluster"] == {"dry_runs": False}
    assert set(read["rbac"]["namespaces"]) == {"kitchen", "shop"}


def test_a_namespace_that_is_named_or_not_needed_is_left_as_it_is(home: Path) -> None:
    text = CONFIGURATION.replace("    scope", "    namespace: pantry\n    scope")
    (home / "plumbline.yaml").write_text(text)
    assert _values()["config"]["targets"][0]["namespace"] == "pantry"
    _commit(home / "shop", SHOP.replace("name: key", "name: key, namespace: shop"))
    (home / "plumbline.yaml").write_text(CONFIGURATION)
    Path("values.yaml").unlink()
    assert "namespace" not in _values()["config"]["targets"][0]


def test_a_target_without_scope_has_nothing_to_ignore(home: Path) -> None:
    text = CONFIGURATION.replace("    scope: {namespaces: [shop]}\n", "")
    (home / "plumbline.yaml").write_text(text)
    assert "ignore" not in _values()["config"]["targets"][0]


def test_a_repository_may_be_named_in_place_of_the_configuration(home: Path) -> None:
    (target,) = _values("--repo", "shop", "-n", "kitchen")["config"]["targets"]
    assert target["name"] == "shop"
    assert target["source"] == {"repo": "shop", "render": "plain"}
    (home / "plumbline.yaml").unlink()
    Path("values.yaml").unlink()
    assert len(_values()["config"]["targets"]) == 1


def test_what_is_declared_and_not_served_is_told_of(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    lamp = "apiVersion: example.com/v1\nkind: Lamp\nmetadata: {name: one}\n"
    _commit(home / "shop", f"{SHOP}---\n{lamp}")
    assert main(["init", "--rbac", "reader"]) == 0
    said = "Nothing is granted for example.com/v1 Lamp, which the cluster doesn't serve"
    assert f"# {said}.\n" in Path("rbac.yaml").read_text()
    assert f"  {said}: make the file anew once it does.\n" in capsys.readouterr().out


def test_a_right_to_write_any_role_is_told_of(
    home: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    _commit(home / "shop", f"{SHOP}---\n{ROLE}")
    assert main(["init", "--rbac", "restorer"]) == 0
    assert "so it may write any role (escalate)" in capsys.readouterr().out
    assert "escalate" in _roles()["shop", "plumbline"]["roles"]


def test_rights_are_not_guessed_without_the_cluster(
    cluster: _Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.unreachable = ClusterError("refused", fix="check the address")
    assert main(["init", "--rbac", "reader"]) == 2
    assert "refused" in capsys.readouterr().err
    assert not Path("rbac.yaml").exists()


def test_a_file_that_is_there_is_left_as_it_is(home: Path) -> None:
    (home / "rbac.yaml").write_text("# mine\n")
    assert main(["init", "--rbac", "reader"]) == 2
    assert (home / "rbac.yaml").read_text() == "# mine\n"


def test_it_is_the_same_every_time(home: Path) -> None:
    for file in ("a.yaml", "b.yaml"):
        assert main(["init", "--rbac", "restorer", "--file", file]) == 0
    assert (home / "a.yaml").read_text() == (home / "b.yaml").read_text()

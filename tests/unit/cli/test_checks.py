"""What `doctor` looks at, one check after the other."""

import os
from collections.abc import Collection
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest

from reconciler.adapters.cluster.token_reviews import NODE, POD, REVIEW
from reconciler.cli import checks, rights_checks
from reconciler.cli.findings import Finding, State, good
from reconciler.core.desired import Manifest, Rendered, SourceLocation, desired_state
from reconciler.core.errors import ClusterError, ConfigError
from reconciler.core.live import Listing
from reconciler.core.resource import Catalog, ResourceKind
from reconciler.core.rights import Part
from reconciler.ports import Cluster
from reconciler.settings import AgentSettings
from tests.tools.controlplane.certificates import Authority

DEPLOYMENT = ResourceKind("apps", "v1", "Deployment", "deployments", True)
NAMESPACE = ResourceKind("", "v1", "Namespace", "namespaces", False)
SECRET = ResourceKind("", "v1", "Secret", "secrets", True)
RBAC = "rbac.authorization.k8s.io/v1"
ROLE = ResourceKind("rbac.authorization.k8s.io", "v1", "Role", "roles", True)
BINDING = ResourceKind("rbac.authorization.k8s.io", "v1", "RoleBinding", "rolebindings", True)
LEASE = ResourceKind("coordination.k8s.io", "v1", "Lease", "leases", True)
KINDS = (DEPLOYMENT, NAMESPACE, SECRET, ROLE, BINDING, LEASE)
CATALOG = Catalog("v1.37.2", {(k.api_version, k.kind): k for k in KINDS}, {}, {})


class _Source:
    def __init__(self, given: Rendered | Exception) -> None:
        self._given = given

    def fetch(self) -> Rendered:
        if isinstance(self._given, Exception):
            raise self._given
        return self._given


class _Cluster:
    """A cluster that refuses some verbs, and remembers what it was asked."""

    def __init__(
        self, refused: Collection[str] = (), catalog: Catalog | Exception = CATALOG
    ) -> None:
        self._refused = refused
        self._catalog = catalog
        self.asked: set[tuple[str, str, str]] = set()
        self.named: set[tuple[str, str]] = set()

    def catalog(self) -> Catalog:
        if isinstance(self._catalog, Exception):
            raise self._catalog
        return self._catalog

    def allows(self, verb: str, kind: ResourceKind, namespace: str, name: str = "") -> bool:
        self.asked.add((verb, kind.kind, namespace))
        self.named |= {(verb, name)} if name else set()
        return verb not in self._refused


def _manifest(api_version: str, kind: str, name: str) -> Manifest:
    body = {"apiVersion": api_version, "kind": kind, "metadata": {"name": name}}
    return Manifest(body, SourceLocation("shop.yaml", 1))


def _rights(cluster: _Cluster, *manifests: Manifest, listings: list[Listing]) -> list[Finding]:
    desired = desired_state(Rendered("4f0c", manifests), CATALOG, "shop")
    return rights_checks.check_rights("shop", cast("Cluster", cluster), desired, CATALOG, listings)


def _git(folder: Path, answer: str) -> dict[str, str]:
    program = folder / "git"
    program.write_text(f"#!/bin/sh\n{answer}\n")
    program.chmod(0o755)
    return {"PATH": f"{folder}:{os.defpath}"}


@pytest.fixture
def path(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A folder that alone is on PATH, for the program itself to be found in."""
    monkeypatch.setenv("PATH", f"{tmp_path}:{os.defpath}")
    return tmp_path


def test_git_says_its_version(path: Path) -> None:
    environ = _git(path, "echo git version 2.39.5")
    assert checks.check_git(environ) == good("git", "2.39.5")


def test_an_old_git_is_to_mend(path: Path) -> None:
    finding = checks.check_git(_git(path, "echo git version 2.30.2"))
    assert finding == Finding("git", State.MEND, "2.30.2 is old", "install git 2.31 or newer")


@pytest.mark.parametrize("answer", ["exit 1", "echo nonsense"])
def test_a_git_that_fails_is_broken(path: Path, answer: str) -> None:
    assert checks.check_git(_git(path, answer)).state is State.BROKEN


def test_no_git_is_broken(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    finding = checks.check_git({"PATH": str(tmp_path)})
    assert finding.state is State.BROKEN
    assert finding.fix == "install git, and have it on PATH"


def test_a_source_that_can_be_read() -> None:
    rendered = Rendered("4f0c1a2b3c", (_manifest("v1", "Secret", "key"),), ("a note",))
    finding, given = checks.check_source("shop", _Source(rendered))
    assert finding == good("shop: Git", "1 object at 4f0c1a2; a note")
    assert given is rendered


def test_a_source_that_cannot_be_read() -> None:
    source = _Source(ConfigError("there is no deploy", fix="check the path"))
    assert checks.check_source("shop", source) == (
        Finding("shop: Git", State.BROKEN, "there is no deploy", "check the path"),
        None,
    )


def test_a_source_that_declares_nothing_is_broken() -> None:
    finding, given = checks.check_source("shop", _Source(Rendered("4f0c", ())))
    assert finding.state is State.BROKEN
    assert given is None


def test_the_server_and_its_version() -> None:
    findings, catalog = checks.check_server(cast("Cluster", _Cluster()))
    assert findings == [good("API server", "v1.37.2, 4 API versions")]
    assert catalog is CATALOG


def test_a_server_that_does_not_answer_is_broken() -> None:
    cluster = _Cluster(catalog=ClusterError("refused", fix="check the address"))
    findings, catalog = checks.check_server(cast("Cluster", cluster))
    assert findings == [Finding("API server", State.BROKEN, "refused", "check the address")]
    assert catalog is None


def test_an_api_group_that_is_down_is_to_mend() -> None:
    down = Catalog("v1.37.2", {}, {}, {"metrics.k8s.io/v1": "its server doesn't answer"})
    findings, _ = checks.check_server(cast("Cluster", _Cluster(catalog=down)))
    assert findings[1].topic == "API metrics.k8s.io/v1"
    assert findings[1].state is State.MEND


def test_all_rights_are_asked_for_where_the_objects_are() -> None:
    cluster = _Cluster()
    manifests = (_manifest("apps/v1", "Deployment", "web"), _manifest("v1", "Namespace", "shop"))
    listings = [Listing(DEPLOYMENT, frozenset({"shop"})), Listing(SECRET, frozenset({"shop"}))]
    findings = _rights(cluster, *manifests, listings=listings)
    verbs = ("get", "list", "watch", "create", "update")
    assert cluster.asked == {
        *((verb, "Deployment", "shop") for verb in verbs),
        *((verb, "Namespace", "") for verb in verbs),
        ("list", "Secret", "shop"),
        ("watch", "Secret", "shop"),
    }
    assert findings == [
        good("shop: rights", "may get, list, watch, create and update Namespace"),
        good("shop: rights", "may get, list, watch, create and update Deployment in shop"),
        good("shop: scope", "may list and watch the other kind in shop"),
    ]


def test_kinds_of_which_it_is_the_same_are_told_together() -> None:
    manifests = (_manifest("apps/v1", "Deployment", "web"), _manifest("v1", "Secret", "key"))
    (finding,) = _rights(_Cluster({"update"}), *manifests, listings=[])
    assert finding.text == "may not update Secret, Deployment in shop"
    assert "--resource=secrets --resource=deployments.apps`" in finding.fix


def test_rights_in_several_namespaces_are_a_cluster_role_s() -> None:
    listings = [Listing(SECRET, frozenset({"shop", "shed"}))]
    findings = _rights(_Cluster({"list"}), _manifest("v1", "Namespace", "a"), listings=listings)
    assert findings[-1].text == "may not list Secret in shed, shop: unmanaged ones can't be found"
    assert "`kubectl create clusterrole plumbline --verb=list" in findings[-1].fix


def test_all_other_kinds_of_the_scope_are_counted() -> None:
    listings = [Listing(kind, frozenset({"shop"})) for kind in (SECRET, DEPLOYMENT)]
    findings = _rights(_Cluster(), _manifest("v1", "Namespace", "a"), listings=listings)
    assert findings[-1] == good("shop: scope", "may list and watch all 2 other kinds in shop")


def test_what_may_not_be_read_is_broken_and_the_fix_is_a_command() -> None:
    cluster = _Cluster({"list", "update"})
    (finding,) = _rights(cluster, _manifest("apps/v1", "Deployment", "web"), listings=[])
    assert finding == Finding(
        "shop: rights",
        State.BROKEN,
        "may not list or update Deployment in shop: they are unreadable",
        "`kubectl create role -n shop plumbline --verb=list,update "
        "--resource=deployments.apps`, and bind it to this user; `plumbline init --rbac` writes "
        "all rights",
    )


def test_what_only_looks_is_asked_for_no_right_to_write() -> None:
    cluster = _Cluster({"create", "update"})
    desired = desired_state(Rendered("4f0c", (_manifest("v1", "Secret", "key"),)), CATALOG, "shop")
    asked = cast("Cluster", cluster)
    findings = rights_checks.check_rights("shop", asked, desired, CATALOG, [], Part.READER)
    assert findings == [good("shop: rights", "may get, list and watch Secret in shop")]
    assert {verb for verb, _, _ in cluster.asked} == {"get", "list", "watch"}


def test_what_may_not_be_watched_is_to_mend() -> None:
    (finding,) = _rights(_Cluster({"watch"}), _manifest("v1", "Namespace", "shop"), listings=[])
    assert finding.state is State.MEND
    assert finding.text == "may not watch Namespace: `plumbline run` can't read them"


def test_who_may_not_grant_what_he_has_not_is_told() -> None:
    ref = {"kind": "Role", "name": "reader"}
    role, binding = _manifest(RBAC, "Role", "reader"), _manifest(RBAC, "RoleBinding", "reader")
    binding = Manifest({**binding.body, "roleRef": ref}, binding.source)
    cluster = _Cluster({"escalate", "bind"})
    findings = _rights(cluster, role, binding, listings=[])
    assert cluster.named == {("bind", "reader")}
    assert findings[-1].topic == "shop: roles"
    assert findings[-1].state is State.MEND
    assert findings[-1].text.startswith("may not bind Role reader, escalate Role in shop: declared")
    assert "plumbline init --rbac restorer" in findings[-1].fix
    assert not [f for f in _rights(_Cluster(), role, binding, listings=[]) if "roles" in f.topic]


def _leases(cluster: _Cluster, namespace: str = "plumbline") -> list[Finding]:
    return rights_checks.check_leases(cast("Cluster", cluster), CATALOG, namespace)


def test_leases_are_asked_for_where_they_are() -> None:
    cluster = _Cluster()
    assert _leases(cluster) == [good("Leases", "may keep them in plumbline")]
    verbs = {"get", "list", "create", "update", "delete"}
    assert cluster.asked == {(verb, "Lease", "plumbline") for verb in verbs}
    assert _leases(cluster, "") == []


def test_leases_that_cannot_be_kept_are_to_mend() -> None:
    (finding,) = _leases(_Cluster({"update"}))
    assert finding.state is State.MEND
    assert finding.text == "may not update them in plumbline: `plumbline run` doesn't act"
    assert "kubectl create role -n plumbline plumbline --verb=update" in finding.fix


def test_leases_that_cannot_be_asked_about_are_one_finding() -> None:
    class Silent(_Cluster):
        def allows(self, verb: str, kind: ResourceKind, namespace: str, name: str = "") -> bool:
            raise ClusterError("it doesn't answer")

    assert _leases(Silent()) == [Finding("Leases", State.BROKEN, "it doesn't answer")]


def test_what_may_not_be_written_is_to_mend() -> None:
    cluster = _Cluster({"create", "update"})
    (finding,) = _rights(cluster, _manifest("v1", "Namespace", "shop"), listings=[])
    assert finding.state is State.MEND
    assert "--offline" in finding.fix
    assert "`kubectl create clusterrole plumbline --verb=create,update" in finding.fix


def test_a_scope_that_cannot_be_listed_is_to_mend() -> None:
    cluster = _Cluster({"list"})
    listings = [Listing(SECRET, frozenset({"shop"}))]
    findings = _rights(cluster, _manifest("v1", "Namespace", "shop"), listings=listings)
    assert findings[-1].topic == "shop: scope"
    assert findings[-1].state is State.MEND
    assert findings[-1].text.startswith("may not list Secret in shop")


def test_a_kind_that_is_not_served_is_told_of() -> None:
    manifest = _manifest("example.com/v1", "Lamp", "one")
    (finding,) = _rights(_Cluster(), manifest, listings=[])
    assert finding.state is State.MEND
    assert "doesn't serve example.com/v1 Lamp" in finding.text


def test_rights_that_cannot_be_asked_for_are_one_finding() -> None:
    class Silent(_Cluster):
        def allows(self, verb: str, kind: ResourceKind, namespace: str, name: str = "") -> bool:
            raise ClusterError("it doesn't answer")

    (finding,) = _rights(Silent(), _manifest("v1", "Namespace", "shop"), listings=[])
    assert finding == Finding("shop: rights", State.BROKEN, "it doesn't answer")


def test_a_private_folder_is_well(tmp_path: Path) -> None:
    tmp_path.chmod(0o700)
    finding = checks.check_folder("state folder", tmp_path, "--state-dir", readable=False)
    assert finding == good("state folder", str(tmp_path))


def test_a_folder_that_is_not_there_yet_is_well(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    finding = checks.check_folder("cache folder", folder, "--cache-dir", readable=True)
    assert finding == good("cache folder", f"{folder}, to be made")
    assert not folder.exists()


@pytest.mark.parametrize(
    ("mode", "readable", "state"),
    [
        (0o755, False, State.MEND),
        (0o755, True, State.GOOD),
        (0o777, True, State.MEND),
        (0o770, False, State.MEND),
    ],
)
def test_a_folder_that_others_reach(
    tmp_path: Path, mode: int, readable: bool, state: State
) -> None:
    tmp_path.chmod(mode)
    finding = checks.check_folder("folder", tmp_path, "--state-dir", readable=readable)
    assert finding.state is state
    assert (f"chmod 700 {tmp_path}" == finding.fix) == (state is State.MEND)


def test_a_folder_below_a_file_is_to_mend(tmp_path: Path) -> None:
    file = tmp_path / "file"
    file.touch()
    finding = checks.check_folder("folder", file / "below", "--state-dir", readable=True)
    assert finding.text == f"{file} is no folder"


def test_a_folder_that_cannot_be_written_is_to_mend(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Not by its mode: root may write everywhere.
    monkeypatch.setattr(os, "access", lambda *_: False)
    finding = checks.check_folder("folder", tmp_path, "--state-dir", readable=True)
    assert finding.text == f"{tmp_path} can't be written"
    assert "--state-dir" in finding.fix


def _agents(cluster: _Cluster, folder: Path, **more: Any) -> list[Finding]:
    pair = Authority("it", datetime.now(UTC)).issue_server("it", ["localhost"], [])
    (folder / "tls.crt").write_bytes(pair.certificate)
    (folder / "tls.key").write_bytes(pair.key)
    named = {"certificate": str(folder / "tls.crt"), "key": str(folder / "tls.key")}
    values: dict[str, Any] = {"address": ":8444", **named, **more}
    settings = AgentSettings(**values)
    kinds = {(each.api_version, each.kind): each for each in (REVIEW, POD, NODE)}
    catalog = replace(CATALOG, kinds={**CATALOG.kinds, **kinds})
    return list(rights_checks.check_agents(settings, cast("Cluster", cluster), catalog))


def test_agents_are_heard_where_all_of_it_is_allowed(tmp_path: Path) -> None:
    cluster = _Cluster()
    assert _agents(cluster, tmp_path) == [
        good("node agents", "may review their tokens, and look up pods and nodes")
    ]
    assert ("create", "TokenReview", "") in cluster.asked
    assert _agents(cluster, tmp_path, address="") == []


def test_what_keeps_agents_from_being_heard_is_told(tmp_path: Path) -> None:
    tokens, *_ = findings = _agents(_Cluster({"create"}), tmp_path)
    assert [each.state for each in findings] == [State.MEND]
    assert tokens.text == "may not create tokenreviews: no agent is heard"
    assert "--verb=create --resource=tokenreviews.authentication.k8s.io" in tokens.fix
    texts = [each.text for each in _agents(_Cluster({"get"}), tmp_path)]
    assert texts == [
        "may not get nodes: nodes that are gone are told of for good",
        "may not get pods: no agent is heard about pods",
    ]
    missing = _agents(_Cluster(), tmp_path, certificate="")
    assert [each.state for each in missing] == [State.BROKEN, State.GOOD]
    assert "agents.address needs a certificate" in missing[0].text
    broken = _agents(_Cluster(), tmp_path, key=str(tmp_path / "none"))
    assert "no TLS server can be made of" in broken[0].text

"""`plumbline guard`: what each of its actions says, writes and refuses, without a real cluster."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cli.main import main
from reconciler.core.errors import ClusterError, Rejected
from reconciler.core.guard.subjects import Sender
from reconciler.core.guard.trials import Tried
from reconciler.core.resource import JsonObject, ResourceKind
from reconciler.guard.plan import source_text
from reconciler.settings import SourceSettings, TargetSettings
from tests.fakes.cluster import FakeCluster
from tests.fakes.kinds import BUILTIN, kind_of

GROUP = "admissionregistration.k8s.io"
POLICIES = [
    kind_of(f"{GROUP}/v1", f"ValidatingAdmissionPolicy{end}", f"policies{end}", namespaced=False)
    for end in ("", "Binding")
]
SHOP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: one}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web}
spec: {template: {spec: {containers: [{name: web, image: web}]}}}
"""
DEPLOYER = "system:serviceaccount:flux:one"


class Cluster(FakeCluster):
    """A cluster with policies; implements `ports.Trials`, too, as far as it is told.

    Attributes:
        us: Who asks.
        rightless: Users that RBAC stops.
        refused: Users whom the guard's trial refuses, beside who is nobody.
        asleep: Whether new policies don't come to work.
        deputy: Why nobody may act as others; empty where we may.
    """

    context = "shop"
    namespace = "shop"
    described = "context 'shop'"
    us = Sender("admin", frozenset({"system:masters"}))
    asleep = False
    deputy = ""

    def __init__(self) -> None:
        super().__init__(kinds=[*BUILTIN, *POLICIES])
        self.rightless: set[str] = set()
        self.refused: set[str] = set()

    def close(self) -> None:
        """Has no connections."""

    def trials(self) -> "Cluster":
        return self

    def whoami(self) -> Sender:
        return self.us

    def tried(self, sender: Sender, verb: str, kind: ResourceKind, body: JsonObject) -> Tried:
        if self.deputy:
            raise Rejected(self.deputy, code=403, reason="Forbidden")
        if sender.user in self.rightless:
            return Tried(403, message=f'User "x" cannot {verb} resource "x"')
        names = [key.name for key in self.store.objects if key.name.endswith(".trial")]
        if self.asleep or sender.user not in {"plumbline:guard-probe", *self.refused}:
            return Tried(200)
        return Tried(200, tuple(f"ValidatingAdmissionPolicy '{name}' says no" for name in names))

    def names(self) -> list[str]:
        """The policies and bindings that there are."""
        return sorted(f"{k.kind[25:]}{k.name}" for k in self.store.objects if k.group == GROUP)


@pytest.fixture(autouse=True)
def home(alone: Path) -> Path:
    """A user in a folder with a repository and a configuration."""
    (alone / "shop").mkdir()
    (alone / "shop" / "shop.yaml").write_text(SHOP)
    configure()
    return alone


@pytest.fixture(autouse=True)
def cluster(monkeypatch: pytest.MonkeyPatch) -> Iterator[Cluster]:
    """The cluster that every setting leads to; what waits for it doesn't really."""
    cluster = Cluster()
    for name in ("shop", "far"):
        cluster.add({"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}})
    monkeypatch.setattr("reconciler.bootstrap.open_cluster", lambda _: cluster)
    monkeypatch.setattr("reconciler.guard.trials._PATIENCE", 0.0)
    yield cluster


def configure(target: dict[str, Any] | None = None, **guard: Any) -> None:
    shop = {
        "name": "shop",
        "source": {"repo": "shop"},
        "namespace": "shop",
        "scope": {"namespaces": ["shop"]},
    }
    chosen = {"mode": "deny", "deployers": [{"identity": DEPLOYER}], **guard}
    settings = {"targets": [{**shop, **(target or {})}], "guard": chosen}
    Path("plumbline.yaml").write_text(yaml.safe_dump(settings))


def test_render_writes_the_policies(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["guard", "render"]) == 0
    found = list(yaml.safe_load_all(capsys.readouterr().out))
    assert [each["metadata"]["name"] for each in found] == [
        "plumbline-shop",
        "plumbline-shop",
        "plumbline.sessions",
        "plumbline.sessions.audit",
    ]


def test_render_tells_what_is_not_guarded(capsys: pytest.CaptureFixture[str]) -> None:
    more = "---\napiVersion: example.org/v1\nkind: Thing\nmetadata: {name: x}\n"
    Path("shop/more.yaml").write_text(more)
    assert main(["guard", "render"]) == 0
    assert "shop: Thing shop/x is not guarded" in capsys.readouterr().err


def test_install_tries_first_and_leaves_nothing_of_the_trial(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["guard", "install", "--yes"]) == 0
    assert cluster.names() == [
        "Bindingplumbline-shop",
        "Bindingplumbline.sessions.audit",
        "plumbline-shop",
        "plumbline.sessions",
    ]
    assert "installed: 4 objects written" in capsys.readouterr().err
    assert main(["guard", "status", "-o", "yaml"]) == 0
    states = [each["state"] for each in yaml.safe_load(capsys.readouterr().out)["objects"]]
    assert states == ["same"] * 4
    assert main(["guard", "install"]) == 0
    assert "nothing to write" in capsys.readouterr().out


def test_who_would_be_locked_out_is_told_and_nothing_is_written(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.refused.add(DEPLOYER)
    assert main(["guard", "install", "--yes"]) == 2
    said = capsys.readouterr().err
    assert f"  {DEPLOYER}: may not create ConfigMap shop/one and 1 more" in said
    assert cluster.names() == []


def test_a_controller_that_would_be_locked_out_is_told(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    metadata = {"name": "one", "namespace": "shop"}
    cluster.add({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    gc = "system:serviceaccount:kube-system:generic-garbage-collector"
    cluster.refused.add(gc)
    assert main(["guard", "install", "--yes"]) == 2
    assert f"{gc}: may not update ConfigMap shop/one and 1 more" in capsys.readouterr().err
    assert cluster.names() == []


def test_a_deployer_without_rights_is_perhaps_another(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.rightless.add(DEPLOYER)
    assert main(["guard", "install", "--yes"]) == 2
    assert "is that its name?" in capsys.readouterr().err
    assert cluster.names() == []


def test_policies_that_are_not_seen_at_work_are_not_trusted(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.asleep = True
    assert main(["guard", "install", "--yes"]) == 2
    assert "policy plumbline-shop.trial wasn't seen at work" in capsys.readouterr().err
    assert cluster.names() == []


def test_without_the_right_to_act_as_others_nothing_is_installed(cluster: Cluster) -> None:
    cluster.deputy = "we may not act as others"
    assert main(["guard", "install", "--yes"]) == 2
    assert cluster.names() == []


def test_what_only_warns_needs_no_trial(cluster: Cluster) -> None:
    configure(mode="warn")
    cluster.asleep = True
    assert main(["guard", "install", "--yes"]) == 0
    assert len(cluster.names()) == 4


def test_a_target_that_nobody_rolls_out_is_not_closed(capsys: pytest.CaptureFixture[str]) -> None:
    configure(deployers=[{"identity": DEPLOYER, "targets": ["other"]}])
    assert main(["guard", "install", "--yes"]) == 2
    assert "target shop has no deployer" in capsys.readouterr().err
    configure({"mode": "restore"}, deployers=[])
    assert main(["guard", "install", "--yes"]) == 0


def test_a_dry_run_and_nobody_to_ask_write_nothing(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["guard", "install", "--dry-run"]) == 1
    assert "4 objects to write, mode deny" in capsys.readouterr().out
    assert main(["guard", "install"]) == 2
    assert "there is nobody to ask" in capsys.readouterr().err
    assert cluster.names() == []


@pytest.mark.parametrize(("yes", "code"), [(True, 0), (False, 1)])
def test_a_person_is_asked(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch, yes: bool, code: int
) -> None:
    asked: list[str] = []

    def agreed(text: str) -> bool:
        asked.append(text)
        return yes

    monkeypatch.setattr("reconciler.cli.guard_install.agreed", agreed)
    assert main(["guard", "install"]) == code
    assert asked == ["Install the guard in mode deny?"]
    assert bool(cluster.names()) is yes
    if yes:
        assert main(["guard", "uninstall"]) == 0
        assert cluster.names() == []


def test_a_no_leaves_the_guard_where_it_is(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert main(["guard", "install", "--yes"]) == 0
    monkeypatch.setattr("reconciler.cli.guard_install.agreed", lambda _: False)
    assert main(["guard", "uninstall"]) == 1
    assert len(cluster.names()) == 4


def test_recorded_requests_of_kubernetes_own_stop_an_installation(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    def line(user: str) -> str:
        return json.dumps(
            {
                "stage": "ResponseComplete",
                "auditID": user,
                "verb": "patch",
                "user": {"username": user, "groups": []},
                "objectRef": {"resource": "configmaps", "namespace": "shop", "name": "one"},
                "responseStatus": {"code": 200},
                "requestURI": "/api/v1/namespaces/shop/configmaps/one",
                "stageTimestamp": "2026-11-24T12:00:00.000000Z",
                "requestReceivedTimestamp": "2026-11-24T12:00:00.000000Z",
            }
        )

    Path("audit.log").write_text(f"{line('jane')}\nno event\n")
    text = Path("plumbline.yaml").read_text() + "witnesses: {audit_log: audit.log}\n"
    Path("plumbline.yaml").write_text(text)
    assert main(["guard", "install", "--dry-run"]) == 1
    assert "! jane would be refused: 1 request in the audit log" in capsys.readouterr().out
    odd = "system:serviceaccount:kube-system:odd"
    Path("audit.log").write_text(f"{line(odd)}\n")
    assert main(["guard", "install", "--yes"]) == 2
    assert f"  {odd}: patch configmaps one in shop" in capsys.readouterr().err
    assert cluster.names() == []
    Path("audit.log").unlink()
    assert main(["guard", "install", "--yes"]) == 2
    assert "witnesses.audit_log: audit.log can't be read" in capsys.readouterr().err


def test_what_changed_is_replaced_and_what_is_no_longer_to_be_goes(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    Path("shop/far.yaml").write_text(
        "apiVersion: v1\nkind: ConfigMap\nmetadata: {name: x, namespace: far}\n"
    )
    assert main(["guard", "install", "--yes"]) == 0
    assert "plumbline-shop.in-far" in cluster.names()
    Path("shop/far.yaml").unlink()
    configure(ask="Ask us.")
    assert main(["guard", "status"]) == 1
    assert "ours, and no longer to be" in capsys.readouterr().out
    assert main(["guard", "install", "--yes"]) == 0
    assert "plumbline-shop.in-far" not in cluster.names()
    assert main(["guard", "status"]) == 0


def test_a_target_of_a_moment_leaves_sessions_alone(cluster: Cluster) -> None:
    assert main(["guard", "install", "--yes"]) == 0
    Path("plumbline.yaml").write_text("guard: {mode: warn}\n")
    assert main(["guard", "install", "--repo", "shop", "-n", "far", "--yes"]) == 0
    assert "plumbline.sessions" in cluster.names()
    assert main(["guard", "uninstall", "--repo", "shop", "--yes"]) == 0
    assert cluster.names() == ["Bindingplumbline.sessions.audit", "plumbline.sessions"]


def test_status_tells_whose_glass_is_broken(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(break_glass={"group": "fire"})
    assert main(["guard", "install", "--yes"]) == 0
    assert main(["guard", "status"]) == 0
    metadata = {
        "name": "by-hand",
        "namespace": "shop",
        "annotations": {"plumbline.dev/break-glass": "outage"},
    }
    cluster.add({"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata})
    capsys.readouterr()
    assert main(["guard", "status"]) == 1
    assert "! ConfigMap shop/by-hand  break-glass" in capsys.readouterr().out
    cluster.forbid("list", "Deployment")
    assert main(["guard", "status"]) == 2
    assert "can't be told: Deployment" in capsys.readouterr().err


def test_uninstall_of_one_target_leaves_the_others(cluster: Cluster) -> None:
    assert main(["guard", "install", "--yes"]) == 0
    assert main(["guard", "uninstall", "shop", "--dry-run"]) == 1
    assert len(cluster.names()) == 4
    assert main(["guard", "uninstall", "shop", "--yes"]) == 0
    assert cluster.names() == ["Bindingplumbline.sessions.audit", "plumbline.sessions"]
    assert main(["guard", "uninstall", "--yes"]) == 0
    assert main(["guard", "uninstall", "--yes"]) == 0
    assert cluster.names() == []


def test_a_cluster_that_does_not_have_policies_says_so(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    old = Cluster()
    for kind in POLICIES:
        del old.store.kinds[kind.api_version, kind.kind]
    monkeypatch.setattr("reconciler.bootstrap.open_cluster", lambda _: old)
    assert main(["guard", "status"]) == 2
    assert "Kubernetes has it from 1.30 on" in capsys.readouterr().err
    assert main(["guard", "render"]) == 0


def test_what_can_not_be_read_is_not_absent(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.forbid("list", "ValidatingAdmissionPolicy")
    assert main(["guard", "status"]) == 2
    assert "can't be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("guard", "said"),
    [
        ({"account": "plumbline"}, "guard.account: 'plumbline' is no NAMESPACE/NAME"),
        ({"allowed": ["group:"]}, "guard.allowed: 'group:': the group's name is missing"),
        ({"deployers": [{"identity": "account:x"}]}, "guard.deployers: 'account:x'"),
        ({"sessions": {"allowed": [""]}}, "guard.sessions.allowed: '': it is empty"),
        ({"break_glass": {"group": "x", "lasts": "48h"}}, "is not between a second and a day"),
        ({"break_glass": {"group": "x", "lasts": "soon"}}, "'soon' is no duration"),
        ({"mode": "refuse"}, "guard.mode"),
    ],
)
def test_settings_that_are_wrong_are_named(
    guard: dict[str, Any], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    configure(**guard)
    assert main(["guard", "render"]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["render", "-o", "json"], "guard render has no -o json"),
        (["install", "-o", "json"], "guard install has no -o json"),
        (["audit", "--yes"], "guard audit writes nothing"),
        (["audit", "--running", "--repo", "shop"], "--repo names manifests"),
        (["audit", "--rule", "seccomp"], "--write and --rule go with --fix"),
        (["audit", "--fix", "--yes"], "--fix asks nothing"),
        (["audit", "--fix", "--running"], "--fix edits manifests"),
        (["audit", "--fix", "--rule", "privileged"], "no edit alone fixes what it finds"),
        (["status", "--fix"], "--fix goes with guard audit"),
        (["status", "--measured-for", "1h"], "--measured-for goes with guard audit"),
        (["audit", "--measured-for", "1h"], "--measured-for goes with --measured"),
        (["audit", "--measured", "nothing"], "--measured nothing: No such file"),
        (["audit", "--measured", "shop/shop.yaml"], "--measured shop/shop.yaml: this is no JSON"),
        (["audit", "--measured", "agents"], "there is no history in"),
        (["render", "nothing"], "no target is named 'nothing'"),
    ],
)
def test_words_that_do_not_fit_are_refused(
    words: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["guard", *words]) == 2
    assert said in capsys.readouterr().err


@pytest.mark.parametrize(
    ("repo", "text"),
    [
        ("https://jane:hunter2@git.example/shop.git?token=x", "https://git.example/shop.git"),
        ("git@git.example:shop.git", "git@git.example:shop.git"),
        ("shop", "the repository shop"),
    ],
)
def test_a_source_is_told_without_its_password_and_where_on_a_machine_it_is(
    repo: str, text: str
) -> None:
    target = TargetSettings("shop", SourceSettings(repo, ref="main", path="deploy"))
    assert source_text(target) == f"{text} at main, folder deploy"


def test_audit_of_manifests_needs_no_cluster(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.unreachable = ClusterError("gone")
    assert main(["guard", "audit", "-o", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["summary"]["workloads"] == 1
    assert document["findings"][0]["source"] == {"path": "shop.yaml", "line": 5}
    ignore = [{"kind": "Deployment", "reason": "a toy"}]
    configure({"ignore": ignore})
    assert main(["guard", "audit"]) == 0
    assert "nothing amiss, 13 explained by rules" in capsys.readouterr().out
    configure({"ignore": [{**ignore[0], "until": "2020-01-01"}]})
    assert main(["guard", "audit", "-o", "markdown"]) == 1
    assert "13 findings" in capsys.readouterr().out


def test_audit_of_a_cluster_and_of_a_dump(
    cluster: Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    pod = {"containers": [{"name": "web", "image": "web"}]}
    for name, space in (("one", "shop"), ("two", "far")):
        cluster.add(
            {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "namespace": space},
             "spec": pod}
        )  # fmt: skip
    assert main(["guard", "audit", "--running", "-o", "yaml"]) == 1
    document = yaml.safe_load(capsys.readouterr().out)
    assert document["target"] == "context 'shop'"
    assert {each["resource"]["name"] for each in document["findings"]} == {"one"}
    assert main(["guard", "audit", "--running", "-n", "far", "-o", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert {each["resource"]["name"] for each in document["findings"]} == {"two"}
    cluster.forbid("list", "Job")
    assert main(["guard", "audit", "--running"]) == 2
    assert "note: Job could not be read" in capsys.readouterr().out
    live = [body for key, body in cluster.objects().items() if key.kind == "Pod"]
    Path("dump.json").write_text(json.dumps({"apiVersion": "v1", "kind": "List", "items": live}))
    assert main(["guard", "audit", "--live", "dump.json"]) == 1
    assert "dump.json: 1 workload" in capsys.readouterr().out


def test_several_targets_are_one_document(capsys: pytest.CaptureFixture[str]) -> None:
    settings = yaml.safe_load(Path("plumbline.yaml").read_text())
    settings["targets"].append({**settings["targets"][0], "name": "other"})
    Path("plumbline.yaml").write_text(yaml.safe_dump(settings))
    assert main(["guard", "audit", "-o", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    assert document["schema"] == "plumbline.dev/guard-audits/v1"
    assert [each["target"] for each in document["audits"]] == ["shop", "other"]


def test_one_target_s_trouble_is_not_the_others(capsys: pytest.CaptureFixture[str]) -> None:
    settings = yaml.safe_load(Path("plumbline.yaml").read_text())
    away = {"repo": str(Path("nowhere").resolve())}
    settings["targets"].append({"name": "other", "source": away})
    Path("plumbline.yaml").write_text(yaml.safe_dump(settings))
    assert main(["guard", "audit", "-o", "json"]) == 2
    out, err = capsys.readouterr()
    assert [each["target"] for each in json.loads(out)["audits"]] == ["shop"]
    assert "plumbline: other: " in err
    assert main(["guard", "audit", "other"]) == 2


def test_what_an_audit_finds_is_fixed_in_the_manifests(
    capsys: pytest.CaptureFixture[str],
) -> None:
    words = ["guard", "audit", "--repo", "shop", "-n", "shop"]
    file = Path("shop/shop.yaml")
    before = file.read_text()
    assert main([*words, "--fix", "--dry-run"]) == 1
    assert "+" in capsys.readouterr().out
    assert file.read_text() == before
    assert main([*words, "--fix", "--write", "-o", "json"]) == 1
    document = json.loads(capsys.readouterr().out)
    mended = {each["rule"] for each in document["fixed"]}
    assert (document["left"], "seccomp" in mended) == ([], True)
    assert main([*words, "-o", "json"]) == 1
    found = {each["rule"] for each in json.loads(capsys.readouterr().out)["findings"]}
    assert not mended & found
    assert main([*words, "--fix", "--write", "--rule", "root-filesystem-writable"]) == 1
    assert "readOnlyRootFilesystem: true" in file.read_text()

"""`plumbline doctor`, the whole of it, over a cluster in memory."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from reconciler.cli.main import main
from reconciler.core.errors import ClusterError, ConfigError
from tests.fakes.cluster import FakeCluster
from tests.fakes.slack import APP, BOT, FakeSlack

SHOP = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: Secret
metadata: {name: key, namespace: shop}
"""
CONFIGURATION = "targets: [{name: shop, source: {repo: shop}, scope: {namespaces: [shop]}}]\n"


class _Cluster(FakeCluster):
    """What `doctor` needs beyond the port: what the user calls the cluster."""

    address = "https://cluster.example"
    namespace = "default"
    described = "context 'shop'"
    context = "shop"

    def close(self) -> None:
        """Has no connections."""


@pytest.fixture
def home(alone: Path) -> Path:
    """A user in a folder with a repository, a configuration, and nothing else."""
    (alone / "shop").mkdir()
    (alone / "shop" / "shop.yaml").write_text(SHOP)
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "first")):
        subprocess.run(["git", *words], cwd=alone / "shop", check=True)
    (alone / "plumbline.yaml").write_text(CONFIGURATION)
    return alone


@pytest.fixture
def cluster(monkeypatch: pytest.MonkeyPatch) -> _Cluster:
    """The cluster that every setting leads to."""
    cluster = _Cluster()
    monkeypatch.setattr("reconciler.bootstrap.open_cluster", lambda _: cluster)
    return cluster


def _findings(capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, dict[str, Any]]:
    code = main(["doctor", "-o", "json", *words])
    document = json.loads(capsys.readouterr().out)
    return code, {each["topic"]: each for each in document["findings"]}


def test_all_is_well(home: Path, cluster: _Cluster, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = _findings(capsys)
    assert code == 0
    assert {each["state"] for each in found.values()} == {"good"}
    assert list(found) == [
        "configuration",
        "git",
        "kubeconfig",
        "API server",
        "shop: Git",
        "shop: rights",
        "shop: scope",
        "cache folder",
        "state folder",
    ]
    assert found["kubeconfig"]["text"] == "context 'shop', https://cluster.example"
    assert found["API server"]["text"].startswith("v1.37.0, ")


def test_text_is_for_people(
    home: Path, cluster: _Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["doctor"]) == 0
    out = capsys.readouterr().out
    assert "✓ configuration  targets: shop\n" in out
    assert out.endswith("✓ all 10 well\n")


def test_a_right_that_is_missing(
    home: Path, cluster: _Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.forbid("update", "Secret", "shop")
    code, found = _findings(capsys)
    assert code == 1
    assert found["shop: rights"]["state"] == "mend"
    cluster.forbid("list", "Secret")
    code, found = _findings(capsys)
    assert code == 2
    assert "unreadable" in found["shop: rights"]["text"]


def test_who_only_looks_needs_no_right_to_write(
    home: Path, cluster: _Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.forbid("update", "Secret", "shop")
    (home / "plumbline.yaml").write_text(CONFIGURATION + "cluster: {dry_runs: false}\n")
    code, found = _findings(capsys)
    assert code == 0
    assert found["shop: rights"]["text"].startswith("may get, list and watch ")


def test_the_right_to_keep_leases(
    home: Path, cluster: _Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "plumbline.yaml").write_text(CONFIGURATION + "lease: {namespace: ops}\n")
    code, found = _findings(capsys)
    assert code == 0
    assert found["Leases"]["text"] == "may keep them in ops"
    cluster.forbid("update", "Lease", "ops")
    code, found = _findings(capsys)
    assert code == 1
    assert "may not update them in ops" in found["Leases"]["text"]


def test_it_goes_on_after_a_configuration_that_cannot_be_read(
    home: Path, cluster: _Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "plumbline.yaml").write_text("tragets: []\n")
    code, found = _findings(capsys, "--state-dir", str(home / "state"))
    assert code == 2
    assert "did you mean targets?" in found["configuration"]["text"] + str(
        found["configuration"]["fix"]
    )
    assert found["API server"]["state"] == "good"
    assert found["state folder"]["text"].startswith(str(home / "state"))


def test_it_goes_on_without_a_cluster(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, found = _findings(capsys)
    assert code == 2
    assert found["kubeconfig"]["text"].startswith("no kubeconfig was found")
    assert found["shop: Git"]["text"].startswith("2 objects at ")
    assert "API server" not in found


def test_it_goes_on_where_the_server_does_not_answer(
    home: Path, cluster: _Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    cluster.unreachable = ClusterError("refused", fix="check the address")
    code, found = _findings(capsys)
    assert code == 2
    assert found["API server"] == {
        "topic": "API server",
        "state": "broken",
        "text": "refused",
        "fix": "check the address",
    }
    assert found["shop: Git"]["state"] == "good"


def test_a_repository_that_cannot_be_read(
    home: Path, cluster: _Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    text = CONFIGURATION.replace("repo: shop", "repo: shop, ref: nowhere")
    (home / "plumbline.yaml").write_text(text)
    code, found = _findings(capsys)
    assert code == 2
    assert found["shop: Git"]["state"] == "broken"
    assert found["state folder"]["state"] == "good"


def test_an_object_that_is_declared_twice(
    home: Path, cluster: _Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = home / "plain"
    folder.mkdir()
    (folder / "shop.yaml").write_text(f"{SHOP}---\n{SHOP}")
    (home / "plumbline.yaml").write_text(CONFIGURATION.replace("repo: shop", "repo: plain"))
    code, found = _findings(capsys)
    assert code == 2
    assert "is declared twice" in found["shop: manifests"]["text"]


def test_no_target_is_to_mend(
    home: Path, cluster: _Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "plumbline.yaml").unlink()
    code, found = _findings(capsys)
    assert code == 1
    assert "plumbline init" in found["configuration"]["fix"]


def test_a_target_that_there_is_not(
    home: Path, cluster: _Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = _findings(capsys, "shed")
    assert code == 2
    assert "'shed'" in found["configuration"]["text"]
    assert found["shop: Git"]["state"] == "good"


@pytest.mark.parametrize(("render", "topic"), [("helm", "helm"), ("kustomize", "kustomize")])
def test_a_renderer_that_is_named_must_be_there(
    home: Path,
    cluster: _Cluster,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
    render: str,
    topic: str,
) -> None:
    text = CONFIGURATION.replace("repo: shop", f"repo: shop, render: {render}")
    (home / "plumbline.yaml").write_text(text)
    monkeypatch.setattr("shutil.which", lambda *_, **__: None)
    _, found = _findings(capsys)
    assert found[topic]["state"] == "broken"
    monkeypatch.undo()


def test_settings_of_a_broken_source_are_told_once(
    home: Path,
    cluster: _Cluster,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> None:
        raise ConfigError("--repo is empty", fix="name one")

    monkeypatch.setattr("reconciler.bootstrap.open_source", refuse)
    code, found = _findings(capsys)
    assert code == 2
    assert found["shop: Git"]["text"] == "--repo is empty"


_SLACK = """\
notify:
  slack: {token_file: bot, channel: C0OPS, app_token_file: app, url: "URL"}
"""


@pytest.fixture
def slack(home: Path) -> Iterator[FakeSlack]:
    """A Slack that the configuration names, with its tokens."""
    with FakeSlack() as made:
        (home / "bot").write_text(BOT)
        (home / "app").write_text(APP)
        (home / "plumbline.yaml").write_text(CONFIGURATION + _SLACK.replace("URL", made.url))
        yield made


def test_slack_takes_its_tokens(
    slack: FakeSlack, cluster: _Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    code, found = _findings(capsys)
    assert code == 0
    assert found["Slack"]["text"] == "the bot of the workspace Example has all scopes"
    assert found["Slack, Socket Mode"]["text"] == "a connection is granted"


def test_a_scope_that_slack_was_not_asked_for(
    slack: FakeSlack, cluster: _Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    slack.scopes = {"usergroups:read"}
    code, found = _findings(capsys)
    assert code == 1
    assert found["Slack"]["text"] == (
        "without the scope channels:history, after an outage a message may be posted twice"
    )


def test_tokens_that_slack_refuses(
    home: Path, slack: FakeSlack, cluster: _Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "app").write_text("xapp-old")
    code, found = _findings(capsys)
    assert (code, found["Slack, Socket Mode"]["state"]) == (2, "broken")
    (home / "bot").write_text("xoxb-old")
    code, found = _findings(capsys)
    assert code == 2
    assert "Slack refuses auth.test: invalid_auth" in found["Slack"]["text"]
    assert "xoxb-old" not in str(found)


def test_what_is_told_in_the_cluster_must_be_allowed(
    home: Path, cluster: _Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    told = CONFIGURATION + "notify: {events: true, policy_reports: true}\n"
    (home / "plumbline.yaml").write_text(told)
    code, found = _findings(capsys)
    assert code == 2
    assert "doesn't serve wgpolicyk8s.io/v1alpha2" in found["shop: reports"]["text"]


def test_a_forge_that_cannot_be_asked(
    home: Path, cluster: _Cluster, capsys: pytest.CaptureFixture[str]
) -> None:
    (home / "plumbline.yaml").write_text(CONFIGURATION + "forge: {token_file: there-is-none}\n")
    code, found = _findings(capsys)
    assert code == 2
    assert "source.ref names none" in found["shop: forge"]["text"]

"""`plumbline images` on a real API server and real registries: moved, old, newer, closed, down."""

import base64
import json
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.core.moments import rfc3339
from tests.benchmarks.workload import commit
from tests.tools.controlplane import ControlPlane
from tests.tools.controlplane.certificates import Authority
from tests.tools.real_target import Ran, RealTarget
from tests.tools.registry import PASSWORD, USER, Pushed, RegistryServer
from tests.tools.running import Controller, until
from tests.tools.tokens import TokenServer

pytestmark = pytest.mark.xdist_group("images-real")

_PATIENCE = 60.0
NOW = datetime.now(UTC)


def days_ago(days: int) -> str:
    return rfc3339(NOW - timedelta(days=days))


def deployment(name: str, image: str, secret: str = "", replicas: int = 1) -> str:
    pull = f"imagePullSecrets: [{{name: {secret}}}], " if secret else ""
    return f"""\
apiVersion: apps/v1
kind: Deployment
metadata: {{name: {name}}}
spec:
  replicas: {replicas}
  selector: {{matchLabels: {{app: {name}}}}}
  template:
    metadata: {{labels: {{app: {name}}}}}
    spec: {{{pull}containers: [{{name: app, image: "{image}"}}]}}
"""


@dataclass
class World:
    """An application, where its images are, and how it is looked at.

    Attributes:
        target: Its repository and cluster.
        open: A registry that lets everybody in.
        closed: One that wants tokens.
        moved: What ran as `web:1.2.0` before the tag was moved, and what it is now.
    """

    target: RealTarget
    open: RegistryServer
    closed: RegistryServer
    moved: tuple[Pushed, Pushed]

    def images(self, *words: str, kubeconfig: Path | None = None) -> Ran:
        config = str(self.target.home / "plumbline.yaml")
        return self.target.run("images", "--config", config, *words, kubeconfig=kubeconfig)

    def found(self, ran: Ran, name: str) -> dict[str, dict[str, Any]]:
        """The drifts of a workload, by rule."""
        assert ran.document["schema"] == "plumbline.dev/images/v1"
        mine = [d for d in ran.document["drifts"] if d["resource"]["name"] == name]
        return {drift["rule"]: drift for drift in mine}


def run_as(plane: ControlPlane, namespace: str, name: str, *ids: str) -> None:
    """Says what a node would: pods of a Deployment run images of these ids."""
    deadline = time.monotonic() + _PATIENCE
    words = ("get", "pods", "-n", namespace, "-l", f"app={name}", "-o", "name")
    while len(pods := plane.kubectl(*words).stdout.split()) < len(ids):
        assert time.monotonic() < deadline, f"the pods of {name} aren't there"
        time.sleep(0.1)
    for pod, image_id in zip(sorted(pods), ids, strict=True):
        status = {
            "phase": "Running",
            "containerStatuses": [
                {
                    "name": "app",
                    "image": "as the runtime calls it",
                    "imageID": image_id,
                    "containerID": "containerd://4f0c",
                    "ready": True,
                    "restartCount": 0,
                    "state": {"running": {"startedAt": days_ago(3)}},
                }
            ],
        }
        patch = json.dumps({"status": status})
        place = ("-n", namespace, "--subresource=status", "--type=merge", "-p", patch)
        plane.kubectl("patch", pod, *place)


def configuration(registry: RegistryServer, closed: RegistryServer) -> str:
    return f"""\
images:
  docker_config: /nowhere
  policies:
    - {{image: "*/old", max_age: 90d}}
    - {{image: "*/behind", newer: minor}}
    - {{image: "*/pinned", digest: true, signature: true}}
  registries:
    - {{host: "{registry.host}", plain_http: true}}
    - {{host: "{closed.host}", plain_http: true}}
"""


@pytest.fixture(scope="module")
def world(plane_apart: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    plane = plane_apart
    folder = tmp_path_factory.mktemp("images")
    space = "images-real"
    with (
        TokenServer(USER, PASSWORD) as tokens,
        RegistryServer() as registry,
        RegistryServer(tokens=tokens) as closed,
    ):
        before = registry.push("web:1.2.0", "before", created=days_ago(9))
        after = registry.push("web:1.2.0", "after", created=days_ago(2))
        old = registry.push("old:2.0.0", "old", created=days_ago(200))
        behind = registry.push("behind:1.0.0", "behind", created=days_ago(5))
        tags = ["1.0.7", "1.4.0", "2.0.0", "1.9.0-rc.1", "latest", "20261101"]
        registry.tag("behind", behind, tags)
        pinned = registry.push("pinned:1", "pinned", created=days_ago(5))
        registry.sign("pinned", pinned.digest)
        secret = closed.push("shop/secret:1", "secret", created=days_ago(1))
        repo = folder / "repo"
        repo.mkdir()
        declared = {
            "web": deployment("web", f"{registry.host}/web:1.2.0", replicas=2),
            "old": deployment("old", f"{registry.host}/old:2.0.0"),
            "behind": deployment("behind", f"{registry.host}/behind:1.0.0"),
            "pinned": deployment("pinned", f"{registry.host}/pinned:1"),
            "secret": deployment("secret", f"{closed.host}/shop/secret:1", "pull"),
        }
        for name, text in declared.items():
            (repo / f"{name}.yaml").write_text(text)
        commit(repo)
        plane.create_namespace(space)
        auth = base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()
        pull = folder / "pull.json"
        pull.write_text(json.dumps({"auths": {closed.host: {"auth": auth}}}))
        kept = ("--type=kubernetes.io/dockerconfigjson", f"--from-file=.dockerconfigjson={pull}")
        plane.kubectl("create", "secret", "generic", "pull", "-n", space, *kept)
        plane.kubectl("apply", "-n", space, "-f", str(repo))
        home = folder / "home"
        home.mkdir()
        (home / "plumbline.yaml").write_text(configuration(registry, closed))
        run_as(plane, space, "web", *[f"{registry.host}/web@{p.digest}" for p in (before, after)])
        run_as(plane, space, "old", f"{registry.host}/old@{old.digest}")
        run_as(plane, space, "behind", f"docker-pullable://{registry.host}/behind@{behind.digest}")
        run_as(plane, space, "pinned", f"{registry.host}/pinned@{pinned.digest}")
        run_as(plane, space, "secret", f"{closed.host}/shop/secret@{secret.digest}")
        target = RealTarget(plane, repo, home, (space,))
        yield World(target, registry, closed, (before, after))
    plane.delete_namespace(space)


@pytest.fixture(scope="module")
def looked(world: World) -> Ran:
    return world.images("-o", "json")


def test_a_tag_that_moved_is_found_with_what_runs(world: World, looked: Ran) -> None:
    assert looked.code == 1
    found = world.found(looked, "web")
    before, after = world.moved
    assert set(found) == {"moved", "diverged"}
    assert found["moved"]["type"] == "Image"
    assert found["moved"]["running"] == [before.digest]
    assert found["moved"]["latest"] == f"{world.open.host}/web:1.2.0@{after.digest}"
    assert found["moved"]["age"] == pytest.approx(9 * 86400, abs=600)
    assert len(found["moved"]["containers"]) == 1
    assert len(found["diverged"]["containers"]) == 2


def test_an_image_that_is_too_old(world: World, looked: Ran) -> None:
    found = world.found(looked, "old")
    assert set(found) == {"old"}
    assert found["old"]["note"] == "built 200 days ago, 90 days are allowed"
    assert found["old"]["policy"] == "policies[1]"


def test_newer_tags_within_the_policy(world: World, looked: Ran) -> None:
    found = world.found(looked, "behind")
    assert set(found) == {"newer"}
    assert found["newer"]["latest"] == f"{world.open.host}/behind:1.4.0"
    (image,) = [i for i in looked.document["images"] if i["resource"]["name"] == "behind"]
    assert [(n["tag"], n["step"]) for n in image["newer"]] == [
        ("1.0.7", "patch"),
        ("1.4.0", "minor"),
        ("2.0.0", "major"),
    ]


def test_a_tag_without_a_digest_and_a_signature(world: World, looked: Ran) -> None:
    assert set(world.found(looked, "pinned")) == {"mutable"}
    (image,) = [i for i in looked.document["images"] if i["resource"]["name"] == "pinned"]
    assert image["signature"] == "cosign"
    assert image["since"] == days_ago(3)


def test_a_registry_that_wants_tokens_is_asked_with_the_pull_secret(
    world: World, looked: Ran
) -> None:
    assert world.found(looked, "secret") == {}
    (image,) = [i for i in looked.document["images"] if i["resource"]["name"] == "secret"]
    assert image["resolved"] == image["running"][0]["digest"]
    for ran in (looked, world.images(), world.images("-o", "markdown"), world.images("-o", "yaml")):
        assert ran.code == 1
        for text in (PASSWORD, base64.b64encode(f"{USER}:{PASSWORD}".encode()).decode()):
            assert text not in ran.stdout + ran.stderr
    kept = b"".join(file.read_bytes() for file in world.target.kept_files())
    assert PASSWORD.encode() not in kept


def test_who_may_not_read_secrets_is_told_what_is_missing(world: World) -> None:
    plane = world.target.plane
    space = world.target.namespaces[0]
    rules = ("--verb=get,list", "--resource=pods,replicasets.apps,jobs.batch")
    plane.kubectl("create", "role", "looks", "-n", space, *rules)
    plane.kubectl("create", "rolebinding", "looks", "-n", space, "--role=looks", "--user=eve")
    kubeconfig = world.target.await_right("eve", "list", "pods")
    ran = world.images("-o", "json", kubeconfig=kubeconfig)
    assert ran.code == 2
    found = world.found(ran, "secret")
    assert set(found) == {"unreadable"}
    assert found["unreadable"]["type"] == "Unreadable"
    assert f"registry {world.closed.host} wants credentials (401)" in found["unreadable"]["note"]
    # What can be told is told all the same.
    assert set(world.found(ran, "web")) == {"moved", "diverged"}


def test_who_may_not_read_pods_is_told_so(world: World) -> None:
    kubeconfig = world.target.plane.user_kubeconfig("nobody")
    ran = world.images("-o", "json", kubeconfig=kubeconfig)
    assert ran.code == 2
    assert ran.document["unreadable"][0].startswith("pods in images-real: ")
    assert ran.document["summary"]["unreadable"] >= 1


def test_a_dump_is_as_good(world: World, tmp_path: Path) -> None:
    words = ("get", "pods,replicasets,jobs", "-n", world.target.namespaces[0], "-o", "json")
    dump = tmp_path / "dump.json"
    dump.write_text(world.target.plane.kubectl(*words).stdout)
    ran = world.images("-o", "json", "--live", str(dump))
    assert set(world.found(ran, "web")) == {"moved", "diverged"}
    # No Secret is in a dump.
    assert set(world.found(ran, "secret")) == {"unreadable"}


def test_a_vulnerability_report_is_of_what_runs(world: World, tmp_path: Path) -> None:
    before, _ = world.moved
    found = {"VulnerabilityID": "CVE-2026-1", "PkgName": "openssl", "Severity": "CRITICAL"}
    report = {
        "ArtifactName": "web",
        "Metadata": {"RepoDigests": [f"{world.open.host}/web@{before.digest}"]},
        "Results": [{"Vulnerabilities": [found]}],
    }
    file = tmp_path / "trivy.json"
    file.write_text(json.dumps(report))
    ran = world.images("-o", "json", "--vulnerabilities", str(file))
    drift = world.found(ran, "web")["vulnerable"]
    assert drift["vulnerabilities"][0]["id"] == "CVE-2026-1"
    assert [r for d in ran.document["drifts"] if (r := d["rule"]) == "vulnerable"] == ["vulnerable"]


def test_the_controller_tells_what_is_stale_once(world: World, tmp_path: Path) -> None:
    file = yaml.safe_load((world.target.home / "plumbline.yaml").read_text())
    wanted = {
        "name": "shop",
        "source": {"repo": str(world.target.repo)},
        "namespace": world.target.namespaces[0],
    }
    more = {
        "images": {**file["images"], "interval": "1h"},
        "schedule": {"interval": "1s", "jitter": "0s"},
    }
    kubeconfig = world.target.plane.kubeconfig
    with Controller(tmp_path / "controller", kubeconfig, [wanted], more) as controller:
        controller.await_ready()
        until(lambda: controller.cycles("unmoved") >= 2, lambda: controller.log)
        events = controller.history()
    seen = [each for each in events if each["type"] == "seen"]
    told = {(each["resource"]["name"], each["reason"].partition(": ")[0]) for each in seen}
    assert ("old", "Image (low)") in told, seen
    assert {name for name, _ in told} == {"web", "old", "behind", "pinned"}
    ids = [each["drift"] for each in seen]
    assert len(set(ids)) == len(ids)
    assert {each["drift"] for each in events if each["type"] == "gone"} == set()


def test_a_registry_that_is_down_proves_nothing(world: World, looked: Ran) -> None:
    world.open.stop()
    try:
        down = world.images("-o", "json")
        text = world.images()
    finally:
        world.open.start()
    assert (down.code, text.code) == (2, 2)
    # Nothing but what is waited for: no library speaks for itself.
    for line in (down.stderr + text.stderr).splitlines():
        assert line.endswith(" …")
    reason = f"registry {world.open.host} can't be reached"
    for name in ("web", "old", "behind", "pinned"):
        found = world.found(down, name)
        assert found["unreadable"]["type"] == "Unreadable"
        assert found["unreadable"]["note"].endswith(reason)
    # Siblings that differ need no registry, nor does a tag without a digest.
    assert set(world.found(down, "web")) == {"unreadable", "diverged"}
    assert set(world.found(down, "pinned")) == {"unreadable", "mutable"}
    assert world.found(down, "secret") == {}
    assert "could not be told" in text.stdout.splitlines()[-1]
    assert world.images("-o", "json").code == looked.code == 1


def test_a_registry_s_certificate_must_be_trusted(world: World, tmp_path: Path) -> None:
    authority = Authority("registry", NOW)
    pair = authority.issue_server("registry", [], ["127.0.0.1"])
    (tmp_path / "ca.crt").write_bytes(authority.pair.certificate)
    with RegistryServer(certificate=pair) as secure:
        for trusted in (False, True):
            file = str(tmp_path / "ca.crt") if trusted else ""
            target = RealTarget(world.target.plane, tmp_path / "repo", tmp_path / "home")
            target.home.mkdir(exist_ok=True)
            (target.home / "plumbline.yaml").write_text(
                f'images: {{registries: [{{host: "{secure.host}", authority: "{file}"}}]}}\n'
            )
            target.repo.mkdir(exist_ok=True)
            target.declare("web.yaml", deployment("tls", f"{secure.host}/web:1"))
            config = str(target.home / "plumbline.yaml")
            ran = target.run("images", "-o", "json", "--config", config)
            (drift,) = ran.document["drifts"]
            assert (ran.code, drift["rule"]) == ((1, "gone") if trusted else (2, "unreadable"))
            assert trusted or "has a certificate that isn't trusted" in drift["note"]

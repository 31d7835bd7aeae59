"""`plumbline images`, the whole of it, over real HTTP servers."""

import base64
import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from reconciler.adapters.images.documents import digest_of
from reconciler.cli.main import main
from reconciler.core.resource import JsonObject, ResourceKey
from tests.fakes.answering_http import AnsweringServer, Call, Reply
from tests.unit.cli.conftest import Shop, commit

Captured = pytest.CaptureFixture[str]

CONFIG = json.dumps({"created": "2026-11-01T12:00:00Z"}).encode()


def manifest(words: str) -> bytes:
    content = {"schemaVersion": 2, "config": {"digest": digest_of(CONFIG)}, "words": words}
    return json.dumps(content).encode()


BEFORE, AFTER = manifest("before"), manifest("after")


class Images:
    """A registry of one repository, which may be told to fail.

    Attributes:
        tags: What the repository has.
        status: What all is answered with; 200 for what there is.
        wanted: The header that lets somebody in; empty for anybody.
    """

    def __init__(self) -> None:
        self.tags = {"1": BEFORE}
        self.status = 200
        self.wanted = ""

    def answer(self, call: Call) -> Reply:
        if self.status != 200:
            return Reply(self.status, {})
        if self.wanted and call.headers.get("Authorization") != self.wanted:
            return Reply(401, {}, {"WWW-Authenticate": "Basic realm=x"})
        kind, _, last = call.path.rpartition("/")
        if kind.endswith("/blobs"):
            return Reply(200, CONFIG)
        if call.path.endswith("/tags/list"):
            return Reply(200, {"tags": list(self.tags)})
        known = self.tags | {digest_of(each): each for each in (BEFORE, AFTER)}
        if kind.endswith("/manifests") and last in known:
            return Reply(200, known[last])
        return Reply(404, {"errors": [{"code": "MANIFEST_UNKNOWN"}]})


@dataclass
class World:
    shop: Shop
    images: Images
    address: str
    capsys: Captured

    def run(self, *words: str) -> tuple[int, str]:
        code = main(self.shop.words("images", "-n", "shop", *words))
        captured = self.capsys.readouterr()
        # A slow machine is told what is waited for, and nothing else.
        assert "plumbline:" not in captured.err
        return code, captured.out

    def document(self, *words: str) -> tuple[int, dict[str, Any]]:
        code, out = self.run("-o", "json", *words)
        return code, json.loads(out)


def pod(image: str = "registry.example/web:1", content: bytes = BEFORE, **more: Any) -> JsonObject:
    owner = {"apiVersion": "apps/v1", "kind": "Deployment", "name": "web", "uid": "d"}
    status = {
        "name": "web",
        "imageID": f"registry.example/web@{digest_of(content)}",
        "state": {"running": {"startedAt": "2026-11-20T12:00:00Z"}},
    }
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": "web-1",
            "namespace": "shop",
            "ownerReferences": [{**owner, "controller": True}],
        },
        "spec": {"containers": [{"name": "web", "image": image}], **more},
        "status": {"phase": "Running", "containerStatuses": [status]},
    }


def configure(shop: Shop, address: str, policies: str = "[]") -> None:
    (shop.folder / "plumbline.yaml").write_text(
        f"""\
images:
  policies: {policies}
  registries:
    - {{host: registry.example, mirror: "{address}", plain_http: true}}
"""
    )


@pytest.fixture
def world(shop: Shop, capsys: Captured) -> Iterator[World]:
    images = Images()
    with AnsweringServer(images.answer) as server:
        address = server.url.removeprefix("http://")
        configure(shop, address)
        shop.cluster.add(pod())
        yield World(shop, images, address, capsys)
        assert not server.failures, server.failures


def test_what_runs_as_declared(world: World) -> None:
    code, out = world.run()
    assert code == 0
    assert out.startswith("✓ Deployment shop/web  web  shop.yaml:12\n")
    assert "    registry.example/web:1\n" in out
    assert out.splitlines()[-1].endswith(": 1 image in 1 container, none stale")


def test_a_tag_that_moved(world: World) -> None:
    world.images.tags["1"] = AFTER
    code, document = world.document()
    assert code == 1
    (drift,) = document["drifts"]
    assert (drift["type"], drift["rule"]) == ("Image", "moved")
    assert drift["container"]["pod"] == "web-1"
    assert world.run("--exit-zero")[0] == 0


def test_a_registry_that_fails_proves_nothing(world: World) -> None:
    world.images.status = 403
    code, document = world.document("--exit-zero")
    assert code == 2
    (drift,) = document["drifts"]
    assert drift["type"] == "Unreadable"
    assert drift["note"].startswith(
        "unknown what its name means now: registry registry.example (by"
    )
    code, out = world.run()
    assert code == 2
    assert "\n    unreadable · unknown what its name means now: registry" in out


def test_pods_that_may_not_be_read(world: World) -> None:
    world.shop.cluster.forbid("list", "Pod")
    code, document = world.document()
    assert code == 2
    assert document["unreadable"][0].startswith("pods in shop: ")


@pytest.mark.parametrize("output", ["text", "json", "yaml", "markdown"])
def test_every_output_tells_the_same(world: World, output: str) -> None:
    world.images.tags["1"] = AFTER
    code, out = world.run("-o", output)
    assert code == 1
    assert "moved" in out
    assert "by now, 1 pod runs" in out


def test_policies_and_reports_of_scanners(world: World) -> None:
    text = (world.shop.folder / "plumbline.yaml").read_text()
    text = text.replace("policies: []", 'policies: [{image: "*/web", newer: major, digest: true}]')
    (world.shop.folder / "plumbline.yaml").write_text(text)
    world.images.tags |= {"2": AFTER, "7": BEFORE}
    report = {
        "ArtifactName": "registry.example/web:1",
        "Results": [{"Vulnerabilities": [{"VulnerabilityID": "CVE-1", "Severity": "LOW"}]}],
    }
    (world.shop.folder / "trivy.json").write_text(json.dumps(report))
    code, document = world.document("--vulnerabilities", "trivy.json")
    assert code == 1
    found = {drift["rule"]: drift for drift in document["drifts"]}
    assert set(found) == {"newer", "mutable", "vulnerable"}
    assert found["newer"]["latest"] == f"registry.example/web:7@{digest_of(BEFORE)}"


def test_several_targets_are_told_as_a_list(world: World) -> None:
    text = (world.shop.folder / "plumbline.yaml").read_text()
    targets = (
        "targets:\n"
        "  - {name: good, source: {repo: shop}, scope: {namespaces: [shop]}}\n"
        "  - {name: bad, source: {repo: nowhere}}\n"
    )
    (world.shop.folder / "plumbline.yaml").write_text(targets + text)
    for output in ("json", "yaml", "text"):
        assert main(["images", "-o", output, *world.shop.places()]) == 2
        captured = world.capsys.readouterr()
        assert "plumbline: bad: " in captured.err
        if output == "json":
            document = json.loads(captured.out)
            assert [each["target"] for each in document["reports"]] == ["good"]
    assert main(["images", "bad", *world.shop.places()]) == 2
    captured = world.capsys.readouterr()
    assert captured.out == ""
    assert "plumbline: " in captured.err


def test_pull_secrets_are_used_where_we_may_read_them(world: World) -> None:
    cluster = world.shop.cluster
    world.images.wanted = "Basic " + base64.b64encode(b"ann:s3same-0pen").decode()
    cluster.remove(ResourceKey("", "Pod", "shop", "web-1"))
    cluster.add(pod(imagePullSecrets=[{"name": "pull"}]))
    assert world.run()[0] == 2
    auths = {world.address: {"username": "ann", "password": "s3same-0pen"}}
    data = base64.b64encode(json.dumps({"auths": auths}).encode()).decode()
    secret = {
        "apiVersion": "v1",
        "kind": "Secret",
        "type": "kubernetes.io/dockerconfigjson",
        "metadata": {"name": "pull", "namespace": "shop"},
        "data": {".dockerconfigjson": data},
    }
    cluster.add(secret)
    assert world.run()[0] == 0
    configuration = world.shop.folder / "plumbline.yaml"
    text = configuration.read_text()
    configuration.write_text(f"{text}  pull_secrets: false\n")
    assert world.run()[0] == 2
    configuration.write_text(text)
    cluster.forbid("get", "Secret")
    code, out = world.run()
    assert code == 2
    assert "wants credentials (401)" in out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("--vulnerabilities", "none.json"), "none.json can't be read"),
        (("--live", "none"), "none"),
    ],
)
def test_what_cannot_be_read_is_told(world: World, words: tuple[str, ...], message: str) -> None:
    assert main(world.shop.words("images", *words)) == 2
    captured = world.capsys.readouterr()
    assert captured.out == ""
    assert message in captured.err


def test_a_tag_that_moved_is_pinned_where_it_is_declared(world: World) -> None:
    world.images.tags["1"] = AFTER
    code, out = world.run("--update", "--dry-run")
    pinned = f"registry.example/web:1@{digest_of(AFTER)}"
    assert (code, f'image: "{pinned}"' in out) == (1, True)
    assert pinned not in (world.shop.repo / "shop.yaml").read_text()
    code, out = world.run("--update", "--write")
    assert (code, "Written" in out) == (0, True)
    assert pinned in (world.shop.repo / "shop.yaml").read_text()
    commit(world.shop.repo)
    # The pods run the old one until it is deployed; that is another finding, and no name ends it.
    code, document = world.document()
    assert [each["rule"] for each in document["drifts"]] == ["differs"]
    code, document = world.document("--update", "--write")
    assert (code, document["fixed"], document["others"]) == (1, [], {"differs": 1})
    assert world.run("--update", "--write", "--exit-zero")[0] == 0


def test_an_update_where_not_all_is_known_says_so(world: World) -> None:
    world.images.status = 403
    assert world.run("--update", "--dry-run")[0] == 2


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["--write"], "go with --update"),
        (["--update"], "a folder has no pull requests"),
        (["--update", "--dry-run", "-o", "yaml"], "edits aren't told as yaml"),
        (["--update", "--write", "--ref", "HEAD"], "--ref names another revision"),
    ],
)
def test_updates_that_can_not_be_made_are_refused(
    shop: Shop, capsys: Captured, words: list[str], reason: str
) -> None:
    assert main(shop.words("images", *words)) == 2
    assert reason in capsys.readouterr().err


def test_an_update_of_several_targets(world: World) -> None:
    source = {"repo": str(world.shop.repo)}
    good = {"name": "good", "source": source, "namespace": "shop"}
    bad = {**good, "name": "bad", "source": {**source, "path": "nowhere"}}
    text = (world.shop.folder / "plumbline.yaml").read_text()
    (world.shop.folder / "plumbline.yaml").write_text(f"{text}targets: {json.dumps([good, bad])}\n")
    words = ["images", "--update", "--dry-run", "-o", "json", *world.shop.places()]
    assert main(words) == 2
    captured = world.capsys.readouterr()
    assert [each["target"] for each in json.loads(captured.out)["fixes"]] == ["good"]
    assert "bad: " in captured.err

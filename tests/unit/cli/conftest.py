"""A shop to try the command line on: a Git repository, and a cluster behind a real HTTP server."""

import os
import pty
import subprocess
import termios
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from reconciler.builtin import bundled_schema
from reconciler.core.normalize import expect
from reconciler.core.resource import JsonObject, ResourceKey
from tests.fakes.cluster import FakeCluster
from tests.fakes.embedded import EmbeddedServer

_SHOP = """\
apiVersion: v1
kind: Namespace
metadata: {name: shop}
---
apiVersion: v1
kind: ConfigMap
metadata: {name: settings, namespace: shop}
data:
  colour: blue
  size: large
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: web, namespace: shop}
spec:
  replicas: 2
  selector: {matchLabels: {app: web}}
  template:
    metadata: {labels: {app: web}}
    spec:
      containers: [{name: web, image: "registry.example/web:1"}]
"""

SETTINGS = ResourceKey("", "ConfigMap", "shop", "settings")
WEB = ResourceKey("apps", "Deployment", "shop", "web")


@dataclass(frozen=True)
class Shop:
    """What the tests of the verbs work on; the current folder is `folder`.

    Attributes:
        folder: Holds everything, and no configuration at first.
        repo: The Git repository that declares the shop.
        cluster: Where the shop lives, as declared.
        kubeconfig: The way to it.
    """

    folder: Path
    repo: Path
    cluster: FakeCluster
    kubeconfig: Path

    def words(self, *words: str) -> list[str]:
        """Gives a command line about the shop: a verb and its flags, and where everything is."""
        return [*words, "--repo", str(self.repo), *self.places()]

    def places(self) -> list[str]:
        """Gives the flags that say which cluster, and where things are kept."""
        return [
            *("--kubeconfig", str(self.kubeconfig)),
            *("--state-dir", str(self.folder / "state")),
            *("--cache-dir", str(self.folder / "cache")),
        ]

    def declare(self, text: str, name: str = "more.yaml") -> None:
        """Commits one more file."""
        (self.repo / name).write_text(text, encoding="utf-8")
        commit(self.repo)

    def recolour(self, colour: str = "red") -> None:
        """Edits the live ConfigMap by hand."""
        self.cluster.edit("kubectl-edit", SETTINGS, lambda body: _recolour(body, colour))

    @property
    def colour(self) -> str:
        """What the live ConfigMap says."""
        return str(self.cluster.objects()[SETTINGS]["data"]["colour"])

    @property
    def writes(self) -> int:
        """How many writes the cluster has got."""
        return self.cluster.requests.write


@dataclass(frozen=True)
class Terminal:
    """A pseudo-terminal.

    Attributes:
        hand: The end of whoever types and reads.
        line: The end of the program.
    """

    hand: int
    line: int

    def type(self, keys: bytes) -> None:
        """Presses keys."""
        os.write(self.hand, keys)

    def resize(self, columns: int) -> None:
        """Makes it so wide."""
        termios.tcsetwinsize(self.line, (24, columns))

    def shown(self) -> str:
        """Gives what has been written to it, up to a mark that is written now."""
        mark = b"<end>"
        os.write(self.line, mark)
        read = b""
        while not read.endswith(mark):
            read += os.read(self.hand, 65536)
        return read.removesuffix(mark).decode().replace("\r\n", "\n")


def commit(repo: Path) -> None:
    """Commits all that is in a folder, which becomes a repository if it is none."""
    identity = ("-c", "user.name=a", "-c", "user.email=a@example.com")
    for words in (("init", "-q"), ("add", "."), (*identity, "commit", "-qm", "a commit")):
        subprocess.run(["git", *words], cwd=repo, check=True)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    """A pseudo-terminal, which nothing uses yet."""
    hand, line = pty.openpty()
    yield Terminal(hand, line)
    os.close(line)
    os.close(hand)


def _recolour(body: JsonObject, colour: str) -> None:
    body["data"]["colour"] = colour


def _defaults(body: JsonObject) -> None:
    """Fills in what the API server would, by the product's own table of it."""
    node = bundled_schema().node(body["apiVersion"], body["kind"])
    bare = {name: body[name] for name in ("apiVersion", "kind")}
    made = expect(body, {**bare, "metadata": {"name": body["metadata"]["name"]}}, node).body
    body |= {name: value for name, value in made.items() if name != "metadata"}
    if body["kind"] == "Namespace":
        labels = body["metadata"].setdefault("labels", {})
        labels["kubernetes.io/metadata.name"] = body["metadata"]["name"]


@pytest.fixture
def alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """A user in an empty folder, who has no cluster and no configuration; gives the folder."""
    leave_alone(monkeypatch, tmp_path)
    return tmp_path


def leave_alone(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Takes from a user all but an empty folder."""
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "PLUMBLINE_CONFIG", "NO_COLOR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "no-kubeconfig"))
    monkeypatch.chdir(tmp_path)


@pytest.fixture
def shop(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Shop]:
    """A shop that lives as it is declared, and a user who has nothing else."""
    leave_alone(monkeypatch, tmp_path)
    repo = tmp_path / "shop"
    repo.mkdir()
    (repo / "shop.yaml").write_text(_SHOP, encoding="utf-8")
    commit(repo)
    cluster = FakeCluster(defaults=_defaults)
    for body in yaml.safe_load_all(_SHOP):
        cluster.add(body)
    with EmbeddedServer(cluster, tmp_path) as server:
        yield Shop(tmp_path, repo, cluster, server.kubeconfig)

"""Plumbline installed on a real node: its image, built here; a shop; a git server for pods."""

import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from tests.benchmarks.workload import commit
from tests.integration.sources.servers import HttpBackend
from tests.tools.controlplane.toolbox import Toolbox
from tests.tools.documents import ROOT
from tests.tools.node import Node
from tests.tools.node.building import Builder
from tests.tools.node.images import write_busybox
from tests.tools.running import until

IMAGE = "localhost/plumbline:test"
_SHOP = ROOT / "tests" / "demo" / "shop"
_IMAGES = ("registry.example/shop/web:2.4.1", "registry.example/shop/catalog:1.19.0")
#: What the shop's programs are here: something that answers its probes.
_SERVES = ("/bin/httpd", "-f", "-p", "8080", "-h", "/srv")
#: Pods are started, and images read from the disk.
PATIENCE = 180.0


@dataclass(frozen=True, slots=True)
class Installed:
    """A real cluster with a shop in it, and what is needed to install Plumbline there.

    Attributes:
        node: The cluster.
        helm: The real helm.
        plumbline: The command.
        repo: The shop's repository on this machine.
        url: Its address, as pods reach it.
        credentials: A line that lets git in there.
        folder: Where files go.
    """

    node: Node
    helm: Path
    plumbline: Path
    repo: Path
    url: str
    credentials: str
    folder: Path

    def run(self, *words: str | Path) -> str:
        """Runs a command of the README in the folder; gives what it says."""
        done = subprocess.run(
            [str(word) for word in words],
            cwd=self.folder,
            env={
                "HOME": str(self.folder),
                "PATH": f"{self.node.plane.kubectl_path.parent}:/usr/bin:/bin",
                "KUBECONFIG": str(self.node.plane.kubeconfig),
                "GIT_TERMINAL_PROMPT": "0",
                "PLUMBLINE_PROGRAMS__CREDENTIAL_HELPER": f"store --file={self.folder / 'git'}",
            },
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )
        assert done.returncode == 0, f"{words}\n{done.stdout}\n{done.stderr}"
        return done.stdout

    def kubectl(self, *words: str, check: bool = True) -> str:
        """Asks the cluster."""
        return self.node.plane.kubectl(*words, check=check).stdout

    def pod(self, *words: str) -> str:
        """Runs a command in Plumbline's pod."""
        return self.kubectl("exec", "-n", "plumbline", "deploy/plumbline", "--", *words)

    def configure(self, mode: str) -> None:
        """Writes a first configuration by `init`, with a mode of its own."""
        file = self.folder / "plumbline.yaml"
        file.unlink(missing_ok=True)
        self.run(self.plumbline, "init", "--repo", self.url, "--path", "deploy")
        content: dict[str, Any] = yaml.safe_load(file.read_text(encoding="utf-8"))
        content["targets"][0]["mode"] = mode
        # A context of this machine's kubeconfig is none of the pod's.
        del content["cluster"]
        file.write_text(yaml.safe_dump(content), encoding="utf-8")

    def await_ready(self) -> None:
        """Waits until the controller has looked at its targets."""
        words = ("rollout", "status", "deploy/plumbline", "-n", "plumbline", "--timeout=150s")
        done = self.node.plane.kubectl(*words, check=False)
        assert done.returncode == 0, done.stdout + done.stderr + self.trouble()

    def trouble(self) -> str:
        """Gives what may say why the controller isn't ready."""
        words = ("-n", "plumbline")
        told = self.kubectl("describe", "pods", *words, check=False)
        return told + self.kubectl("logs", "deploy/plumbline", "--tail=40", *words, check=False)

    def colour(self) -> str:
        """Gives a declared value, as it is live."""
        return self.kubectl("get", "cm", "shop-settings", "-n", "shop", "-o", "jsonpath={.data}")

    def edit(self, currency: str) -> None:
        """Edits a declared object by hand."""
        patch = f'{{"data": {{"currency": "{currency}"}}}}'
        self.kubectl("patch", "cm", "shop-settings", "-n", "shop", "--type=merge", "-p", patch)

    def await_restored(self) -> None:
        """Waits until the declared value is back."""
        until(lambda: '"EUR"' in self.colour(), f"it is restored; {self.trouble()}")


@pytest.fixture(scope="session")
def image(toolbox: Toolbox, node: Node, tmp_path_factory: pytest.TempPathFactory) -> None:
    """The product's image, built of this source tree and known to the node."""
    archive = tmp_path_factory.mktemp("image") / "plumbline.tar"
    Builder(toolbox.say).build(IMAGE, archive)
    node.import_image(archive)
    archive.unlink()


@pytest.fixture(scope="session")
def shop(
    node: Node, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Path, HttpBackend]]:
    """The shop, running as declared, and the git server that holds its repository."""
    folder = tmp_path_factory.mktemp("git")
    shutil.copytree(_SHOP, folder / "shop")
    commit(folder / "shop")
    tar = write_busybox(
        folder / "shop.tar", *_IMAGES, command=_SERVES, files={"srv/ready": "yes"}, user="65534"
    )
    node.import_image(tar)
    deploy = folder / "shop" / "deploy"
    node.plane.kubectl("apply", "-f", str(deploy / "00-namespace.yaml"))
    node.plane.kubectl("apply", "-f", str(deploy))
    with HttpBackend(folder, "s3cret", address=node.network.machine) as server:
        yield folder / "shop", server


@pytest.fixture
def installed(
    node: Node,
    image: None,
    shop: tuple[Path, HttpBackend],
    helm_path: Path,
    plumbline_path: Path,
    tmp_path: Path,
) -> Iterator[Installed]:
    """What installs Plumbline; what was installed is gone afterwards."""
    repo, server = shop
    host = server.host.replace(":", "%3a")
    made = Installed(
        node,
        helm_path,
        plumbline_path,
        repo,
        f"http://{server.host}/shop/.git",
        f"http://ann:s3cret@{host}",
        tmp_path,
    )
    (tmp_path / "git").write_text(made.credentials + "\n", encoding="utf-8")
    volume = tmp_path / "volume"
    volume.mkdir()
    # kubelet gives it to the pod's group.
    made.kubectl("apply", "-f", _manifest(tmp_path / "volume.yaml", _volume(volume)))
    yield made
    made.kubectl("delete", "namespace", "plumbline", "--ignore-not-found", "--wait")
    made.kubectl("delete", "persistentvolume", "local", "--wait")


def _volume(folder: Path) -> dict[str, Any]:
    name = {"key": "kubernetes.io/hostname", "operator": "In", "values": ["node"]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": "local"},
        "spec": {
            "capacity": {"storage": "1Gi"},
            "accessModes": ["ReadWriteOnce"],
            "local": {"path": str(folder)},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [name]}]}},
        },
    }


def _manifest(file: Path, body: dict[str, Any]) -> str:
    file.write_text(yaml.safe_dump(body), encoding="utf-8")
    return str(file)


@pytest.fixture(scope="session")
def plumbline_path() -> Path:
    """The command, as `make install` makes it."""
    return Path(sys.executable).parent / "plumbline"

"""The chart by the real helm, and a shop in the real cluster for whose keeper rights are made."""

import contextlib
import io
import json
import shutil
import subprocess
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.cli.main import main
from tests.benchmarks.workload import commit
from tests.tools.chart_documents import CHART
from tests.tools.controlplane import ControlPlane
from tests.tools.running import until

SHOP = Path(__file__).parents[2] / "demo" / "shop"
TARGET = {"name": "shop", "source": {"repo": "https://git.example/shop.git"}}
MINIMAL: Mapping[str, Any] = {"config": {"targets": [TARGET]}}


@dataclass(frozen=True, slots=True)
class Helm:
    """The real helm, speaking to the real API server.

    Attributes:
        path: The program.
        plane: The cluster.
        folder: Where values files go.
    """

    path: Path
    plane: ControlPlane
    folder: Path

    def run(
        self, *words: str, values: Mapping[str, Any] | None = MINIMAL
    ) -> "subprocess.CompletedProcess[str]":
        """Runs helm on these values, or on none, whatever comes of it."""
        flags: tuple[str, ...] = ()
        if values is not None:
            flags = ("--values", str(self._written(values)))
        home = {name: str(self.folder) for name in ("HOME", "HELM_CACHE_HOME", "HELM_CONFIG_HOME")}
        return subprocess.run(
            [str(self.path), *words, *flags],
            env={**home, "KUBECONFIG": str(self.plane.kubeconfig)},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

    def template(self, values: Mapping[str, Any] = MINIMAL) -> str:
        """Renders the chart as release `plumbline` in namespace `plumbline`."""
        done = self.run(*self._template, values=values)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refusal(self, values: Mapping[str, Any]) -> str:
        """Gives what helm says where it refuses values."""
        done = self.run(*self._template, values=values)
        assert done.returncode != 0, done.stdout
        return done.stderr

    def objects(self, values: Mapping[str, Any] = MINIMAL) -> list[dict[str, Any]]:
        """Gives the objects of the chart."""
        return [each for each in yaml.safe_load_all(self.template(values)) if each]

    def _written(self, values: Mapping[str, Any]) -> Path:
        file = self.folder / "values.yaml"
        file.write_text(yaml.safe_dump(dict(values)), encoding="utf-8")
        return file

    @property
    def _template(self) -> tuple[str, ...]:
        version = json.loads(self.plane.kubectl("version", "-o", "json").stdout)["serverVersion"]
        words = ("template", "plumbline", str(CHART), "--namespace", "plumbline")
        return (*words, "--kube-version", version["gitVersion"])


@pytest.fixture
def helm(helm_path: Path, control_plane: ControlPlane, tmp_path: Path) -> Helm:
    control_plane.kubectl("apply", "--server-side", "-f", "-", input=NAMESPACE)
    return Helm(helm_path, control_plane, tmp_path)


NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata: {name: plumbline}\n"


@dataclass(frozen=True, slots=True)
class Shop:
    """A repository, its objects in the real cluster, and a configuration for it.

    Attributes:
        plane: The cluster.
        namespace: Where they live, and the account.
        folder: Holds the repository `shop` and `plumbline.yaml`.
    """

    plane: ControlPlane
    namespace: str
    folder: Path

    @property
    def config(self) -> Path:
        """The configuration file."""
        return self.folder / "plumbline.yaml"

    def configure(self, **more: Any) -> None:
        """Writes the configuration: one target, and what else it is to say."""
        source = {"repo": str(self.folder / "shop"), "path": "deploy"}
        own = {"kind": "Role*", "name": "keeper", "reason": "its own rights"}
        target = {
            "name": "shop",
            "source": source,
            "scope": {"namespaces": [self.namespace]},
            "ignore": [own, {"kind": "ServiceAccount", "name": "keeper", "reason": "its own"}],
            **more.pop("target", {}),
        }
        self.config.write_text(yaml.safe_dump({"targets": [target], **more}), encoding="utf-8")

    def call(self, *words: str, kubeconfig: Path | None = None) -> tuple[int, str]:
        """Calls a verb; gives its exit code and all that it says."""
        flags = ["--kubeconfig", str(kubeconfig or self.plane.kubeconfig)]
        flags += ["--config", str(self.config)]
        flags += ["--state-dir", str(self.folder / "state")]
        flags += ["--cache-dir", str(self.folder / "cache")]
        out = io.StringIO()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
            code = main([*words, *flags])
        return code, out.getvalue()

    def grant(self, part: str) -> str:
        """Has the rights of a part written, and gives them to the account `keeper`."""
        file = self.folder / f"{part}.yaml"
        account = f"{self.namespace}/keeper"
        code, said = self.call("init", "--rbac", part, "--account", account, "--file", str(file))
        assert code == 0, said
        self.plane.kubectl("apply", "-f", str(file))
        return file.read_text(encoding="utf-8")

    def keeper(self) -> Path:
        """Gives the account's kubeconfig, once the authorizer knows its rights."""
        until(lambda: self.may("list", "configmaps"), "its rights are known")
        words = ("create", "token", "keeper", "-n", self.namespace)
        token = self.plane.kubectl(*words).stdout.strip()
        cluster = {"server": self.plane.url, "certificate-authority": str(self.plane.ca)}
        path = self.folder / "keeper.kubeconfig"
        document = {
            "current-context": "keeper",
            "contexts": [{"name": "keeper", "context": {"cluster": "c", "user": "keeper"}}],
            "clusters": [{"name": "c", "cluster": cluster}],
            "users": [{"name": "keeper", "user": {"token": token}}],
        }
        path.write_text(yaml.safe_dump(document), encoding="utf-8")
        return path

    def may(self, verb: str, resource: str) -> bool:
        """Whether the account may do something in the namespace."""
        account = f"--as=system:serviceaccount:{self.namespace}:keeper"
        words = ("auth", "can-i", verb, resource, "-n", self.namespace, account)
        return self.plane.kubectl(*words, check=False).stdout.strip() == "yes"


@pytest.fixture
def shop(control_plane: ControlPlane, tmp_path: Path) -> Iterator[Shop]:
    """The demo's shop, as declared."""
    namespace = f"shop-{uuid.uuid4().hex[:8]}"
    shutil.copytree(SHOP, tmp_path / "shop")
    for file in (tmp_path / "shop").rglob("*.yaml"):
        text = file.read_text(encoding="utf-8").replace(
            "namespace: shop", f"namespace: {namespace}"
        )
        if "kind: Namespace" in text:
            text = text.replace("name: shop", f"name: {namespace}")
        file.write_text(text, encoding="utf-8")
    commit(tmp_path / "shop")
    control_plane.kubectl("apply", "-R", "-f", str(tmp_path / "shop" / "deploy"))
    control_plane.kubectl("create", "serviceaccount", "keeper", "-n", namespace)
    made = Shop(control_plane, namespace, tmp_path)
    made.configure()
    yield made
    control_plane.delete_namespace(namespace)

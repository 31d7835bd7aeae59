"""Which programs there are and how each is built: the one place that knows versions and flags."""

import hashlib
import platform
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

MODULES = Path(__file__).resolve().parent.parent
"""The folder that holds the Go modules, each in a folder of its own."""


class Tool(StrEnum):
    """A program of the test control plane, by its file's name."""

    KUBE_APISERVER = "kube-apiserver"
    ETCD = "etcd"
    KUBECTL = "kubectl"
    KUBE_CONTROLLER_MANAGER = "kube-controller-manager"
    HELM = "helm"


ESSENTIAL = (Tool.KUBE_APISERVER, Tool.ETCD, Tool.KUBECTL)
"""What a control plane can't do without; also exactly what a published envtest archive holds."""


@dataclass(frozen=True, slots=True)
class Recipe:
    """How one program is built from a Go module beside this package."""

    tool: Tool
    module: str
    package: str
    versioned: str
    """The Go module whose version in go.mod is the program's version."""
    stamps: tuple[str, ...] = ()
    """Linker variables that take the version; a program built without them reports none."""

    def version(self, modules: Path = MODULES) -> str:
        """The program's version, such as `v1.37.2`, as go.mod requires it.

        Raises:
            ValueError: go.mod doesn't require the module.
        """
        text = (modules / self.module / "go.mod").read_text(encoding="utf-8")
        found = re.search(rf"^\s*(?:require\s+)?{re.escape(self.versioned)}\s+(v\S+)", text, re.M)
        if found is None:
            raise ValueError(f"{self.module}/go.mod does not require {self.versioned}")
        return found[1]

    def build_flags(self, modules: Path = MODULES) -> list[str]:
        """The flags of `go build`."""
        version = self.version(modules)
        major, minor, _ = version.removeprefix("v").split(".", 2)
        values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor, "version": version}
        linker = ["-s", "-w"]
        for stamp in self.stamps:
            linker += ["-X", f"{stamp}={values[stamp.rsplit('.', 1)[1]]}"]
        return ["-trimpath", "-ldflags", " ".join(linker)]


_KUBERNETES_STAMPS = tuple(
    f"k8s.io/{package}.{variable}"
    for package in ("component-base/version", "client-go/pkg/version")
    for variable in ("gitVersion", "gitMajor", "gitMinor")
)


def _kubernetes(tool: Tool) -> Recipe:
    package = f"k8s.io/kubernetes/cmd/{tool}"
    return Recipe(tool, "kubernetes", package, "k8s.io/kubernetes", _KUBERNETES_STAMPS)


RECIPES: Mapping[Tool, Recipe] = MappingProxyType(
    {
        recipe.tool: recipe
        for recipe in (
            _kubernetes(Tool.KUBE_APISERVER),
            Recipe(Tool.ETCD, "etcd", "go.etcd.io/etcd/server/v3", "go.etcd.io/etcd/server/v3"),
            _kubernetes(Tool.KUBECTL),
            _kubernetes(Tool.KUBE_CONTROLLER_MANAGER),
            Recipe(
                Tool.HELM,
                "helm",
                "helm.sh/helm/v3/cmd/helm",
                "helm.sh/helm/v3",
                ("helm.sh/helm/v3/internal/version.version",),
            ),
        )
    }
)


def go_platform() -> str:
    """This machine as Go and the published archives name it, such as `linux-amd64`."""
    machine = platform.machine().lower()
    names = {"x86_64": "amd64", "aarch64": "arm64"}
    return f"{sys.platform}-{names.get(machine, machine)}"


def cache_key(modules: Path = MODULES, machine: str | None = None) -> str:
    """Names what the programs are made of: another version, flag or platform is another key."""
    # The platform counts because a home folder may be shared between machines.
    digest = hashlib.sha256((machine or go_platform()).encode())
    for recipe in RECIPES.values():
        for name in ("go.mod", "go.sum"):
            digest.update((modules / recipe.module / name).read_bytes())
        digest.update("\0".join((recipe.package, *recipe.build_flags(modules))).encode())
    return digest.hexdigest()[:16]

"""Which programs there are and how each is built: the one place that knows versions and flags."""

import hashlib
import platform
import re
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

MODULES = Path(__file__).resolve().parent.parent
"""The folder that holds the Go modules, each in a folder of its own."""


class Tool(StrEnum):
    """A program of the test control plane or of the test node, by its file's name."""

    KUBE_APISERVER = "kube-apiserver"
    ETCD = "etcd"
    KUBECTL = "kubectl"
    KUBE_CONTROLLER_MANAGER = "kube-controller-manager"
    HELM = "helm"
    KUBELET = "kubelet"
    KUBE_PROXY = "kube-proxy"
    KUBE_SCHEDULER = "kube-scheduler"
    CONTAINERD = "containerd"
    CONTAINERD_SHIM = "containerd-shim-runc-v2"
    CTR = "ctr"
    GITEA = "gitea"
    SOPS = "sops"
    AGE_KEYGEN = "age-keygen"
    KUBE_SCORE = "kube-score"


ESSENTIAL = (Tool.KUBE_APISERVER, Tool.ETCD, Tool.KUBECTL)
"""What a control plane can't do without; also exactly what a published envtest archive holds."""

CONTROL_PLANE = (*ESSENTIAL, Tool.KUBE_CONTROLLER_MANAGER, Tool.HELM)
"""What is kept together for the control plane."""

NODE = (
    Tool.CONTAINERD,
    Tool.CONTAINERD_SHIM,
    Tool.CTR,
    Tool.KUBELET,
    Tool.KUBE_PROXY,
    Tool.KUBE_SCHEDULER,
)
"""What is kept together for a node: apart, so that a change here builds no control plane anew."""

FORGE = (Tool.GITEA,)
"""What is kept together for a real forge: apart likewise."""

ENCRYPTION = (Tool.SOPS, Tool.AGE_KEYGEN)
"""What is kept together for encrypted manifests: apart likewise."""

LINTER = (Tool.KUBE_SCORE,)
"""What the immutability audit is held against: apart likewise."""


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
    tags: tuple[str, ...] = ()
    """Build tags: parts of the program that aren't in it otherwise."""

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
        values = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
        values |= {"version": version, "Version": version}
        linker = ["-s", "-w"]
        for stamp in self.stamps:
            linker += ["-X", f"{stamp}={values[stamp.rsplit('.', 1)[1]]}"]
        tags = ["-tags", ",".join(self.tags)] if self.tags else []
        return ["-trimpath", *tags, "-ldflags", " ".join(linker)]


_KUBERNETES_STAMPS = tuple(
    f"k8s.io/{package}.{variable}"
    for package in ("component-base/version", "client-go/pkg/version")
    for variable in ("gitVersion", "gitMajor", "gitMinor")
)


def _kubernetes(tool: Tool, module: str = "kubernetes") -> Recipe:
    package = f"k8s.io/kubernetes/cmd/{tool}"
    return Recipe(tool, module, package, "k8s.io/kubernetes", _KUBERNETES_STAMPS)


def _containerd(tool: Tool) -> Recipe:
    module = "github.com/containerd/containerd/v2"
    package = f"{module}/cmd/{tool}"
    return Recipe(tool, "containerd", package, module, (f"{module}/version.Version",))


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
            _kubernetes(Tool.KUBELET, "kubelet"),
            _kubernetes(Tool.KUBE_PROXY, "kubelet"),
            _kubernetes(Tool.KUBE_SCHEDULER, "kubelet"),
            _containerd(Tool.CONTAINERD),
            _containerd(Tool.CONTAINERD_SHIM),
            _containerd(Tool.CTR),
            Recipe(
                Tool.GITEA,
                "gitea",
                "code.gitea.io/gitea",
                "code.gitea.io/gitea",
                ("main.Version",),
                ("sqlite", "sqlite_unlock_notify"),
            ),
            Recipe(
                Tool.SOPS,
                "sops",
                "github.com/getsops/sops/v3/cmd/sops",
                "github.com/getsops/sops/v3",
            ),
            Recipe(
                Tool.KUBE_SCORE,
                "kubescore",
                "github.com/zegl/kube-score/cmd/kube-score",
                "github.com/zegl/kube-score",
                ("main.version",),
            ),
            Recipe(Tool.AGE_KEYGEN, "sops", "filippo.io/age/cmd/age-keygen", "filippo.io/age"),
        )
    }
)


def go_platform() -> str:
    """This machine as Go and the published archives name it, such as `linux-amd64`."""
    machine = platform.machine().lower()
    names = {"x86_64": "amd64", "aarch64": "arm64"}
    return f"{sys.platform}-{names.get(machine, machine)}"


def cache_key(
    modules: Path = MODULES, machine: str | None = None, tools: Sequence[Tool] = CONTROL_PLANE
) -> str:
    """Names what programs are made of: another version, flag or platform is another key."""
    # The platform counts because a home folder may be shared between machines.
    digest = hashlib.sha256((machine or go_platform()).encode())
    for recipe in (RECIPES[tool] for tool in tools):
        for name in ("go.mod", "go.sum"):
            digest.update((modules / recipe.module / name).read_bytes())
        digest.update("\0".join((recipe.package, *recipe.build_flags(modules))).encode())
    return digest.hexdigest()[:16]

"""The cluster that the demo is shown on: a real control plane, or an embedded API server."""

import json
import os
import shlex
import sys
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Protocol, Self

from tests.demo.edits import NAMESPACE, Edit
from tests.tools.controlplane import ControlPlane, Toolbox

_EDITOR = Path(__file__).with_name("editor.py")

#: What the demo's dump holds: the shop's kinds, as `kubectl get` names them.
DUMPED = (
    "namespaces,deployments,services,configmaps,secrets,ingresses,horizontalpodautoscalers,"
    "poddisruptionbudgets,networkpolicies,serviceaccounts,roles,rolebindings"
)


class Playground(Protocol):
    """A cluster to play with, ended by the end of its `with` block."""

    @property
    def described(self) -> str:
        """What it is, to follow "on" in a sentence."""
        ...

    @property
    def by_hand(self) -> str:
        """What becomes of the kubectl commands that are shown, in a sentence."""
        ...

    @property
    def kubeconfig(self) -> Path:
        """How to reach it."""
        ...

    def apply(self, folder: Path) -> None:
        """Applies a folder's manifests, as kubectl does."""
        ...

    def edit(self, edit: Edit) -> None:
        """Does what somebody does by hand."""
        ...

    def dump(self, file: Path) -> None:
        """Writes what `kubectl get` would give."""
        ...


class RealPlayground(AbstractContextManager["RealPlayground"]):
    """etcd and kube-apiserver, and the real kubectl."""

    def __init__(self, tools: Toolbox) -> None:
        self._plane = ControlPlane(tools=tools)

    def __enter__(self) -> Self:
        self._plane.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._plane.stop()

    @property
    def described(self) -> str:
        """What it is."""
        version = json.loads(self._plane.kubectl("version", "-o", "json").stdout)
        return f"a real kube-apiserver {version['serverVersion']['gitVersion']}"

    @property
    def by_hand(self) -> str:
        """With kubectl."""
        return "Every kubectl command below is really run."

    @property
    def kubeconfig(self) -> Path:
        """The administrator's."""
        return self._plane.kubeconfig

    def apply(self, folder: Path) -> None:
        """Applies server-side, as `kubectl apply --server-side` does."""
        self._plane.kubectl("apply", "--server-side", "-f", str(folder))

    def edit(self, edit: Edit) -> None:
        """Runs the edit's own command."""
        # For `kubectl edit` alone; the process's environment is what the control plane passes on.
        os.environ["KUBE_EDITOR"] = shlex.join([sys.executable, str(_EDITOR)])
        self._plane.kubectl("-n", NAMESPACE, *edit.command)

    def dump(self, file: Path) -> None:
        """Runs `kubectl get`."""
        words = ("-n", NAMESPACE, "get", DUMPED, "-o", "json", "--show-managed-fields")
        file.write_text(self._plane.kubectl(*words).stdout)

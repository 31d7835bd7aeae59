"""A whole control plane: etcd and kube-apiserver, and kube-controller-manager when asked for."""

import datetime as dt
import http.client
import json
import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.tools.controlplane import flags
from tests.tools.controlplane.client import Client
from tests.tools.controlplane.errors import (
    ControlPlaneError,
    KubectlError,
    PortTakenError,
    StartError,
)
from tests.tools.controlplane.identity import Identity
from tests.tools.controlplane.recipes import Tool
from tests.tools.controlplane.servers import Server, free_port
from tests.tools.controlplane.toolbox import Toolbox
from tests.tools.started import Started

_TRIES = 5
_READY_WITHIN = 90.0


@dataclass(eq=False)
class ControlPlane(Started):
    """A Kubernetes API server of one's own, gone when the `with` block ends.

    It ends too when the process that started it is killed. What a started one offers: `url`,
    `kubeconfig` (the administrator's), `ca`, the `etcd` and `api_server` processes, each of which
    can be stopped and started again, and the methods below.
    """

    extra_args: Sequence[str] = ()
    """Flags of kube-apiserver, as `--name=value`; one replaces the default of the same name."""
    tools: Toolbox = field(default_factory=Toolbox)
    folder: Path | None = None
    """Where certificates, data and logs go; a temporary folder, removed at the end, if None."""
    advertise: str = ""
    """This machine's address for nodes and pods; on loopback alone if empty."""

    url: str = field(default="", init=False)
    kubeconfig: Path = field(default=Path(), init=False)
    kubectl_path: Path = field(default=Path(), init=False)
    ca: Path = field(default=Path(), init=False)
    etcd: Server = field(init=False, repr=False)
    api_server: Server = field(init=False, repr=False)
    controller_manager: Server | None = field(default=None, init=False, repr=False)
    _own_folder: Path | None = field(default=None, init=False, repr=False)
    _home: Path = field(default=Path(), init=False, repr=False)
    _identity: Identity = field(init=False, repr=False)
    _client: Client = field(init=False, repr=False)
    _servers: list[Server] = field(default_factory=list, init=False, repr=False)

    def start(self) -> None:
        """Starts etcd and kube-apiserver, and waits until namespace `default` exists.

        Raises:
            ToolsError: a program can't be had.
            StartError: a server doesn't become ready, or this control plane runs already.
            OSError: the folder can't be written.
        """
        if self._servers:
            raise StartError("this control plane runs already")
        programs = {tool: self.tools.tool(tool) for tool in (Tool.ETCD, Tool.KUBE_APISERVER)}
        self.kubectl_path = self.tools.tool(Tool.KUBECTL)
        try:
            self._prepare()
            port = _retried(lambda: self._start_etcd(programs[Tool.ETCD]))
            etcd_url = f"https://127.0.0.1:{port}"
            program = programs[Tool.KUBE_APISERVER]
            port = _retried(lambda: self._start_api_server(program, etcd_url))
        except BaseException:
            self.stop()
            raise
        self.url = f"https://{self.advertise or '127.0.0.1'}:{port}"
        self.kubeconfig = self._identity.admin_kubeconfig(self.url)

    def stop(self) -> None:
        """Stops every server, the last started first, and removes a folder of its own."""
        while self._servers:
            self._servers.pop().stop()
        self.controller_manager = None
        if self._own_folder is not None:
            shutil.rmtree(self._own_folder, ignore_errors=True)
            self._own_folder = None

    def wait_ready(self) -> None:
        """Waits until the API server serves; for after `api_server` was started again.

        Raises:
            StartError: it ends, or doesn't become ready.
        """
        self._wait_api_server(self.api_server, self._client)

    def start_controller_manager(self, extra_args: Sequence[str] = ()) -> Server:
        """Starts kube-controller-manager if it doesn't run, and waits until it works.

        Raises:
            ToolsError: it can't be had.
            StartError: it doesn't begin to work.
        """
        if self.controller_manager is None:
            program = self.tools.tool(Tool.KUBE_CONTROLLER_MANAGER)
            argv = flags.kube_controller_manager(
                program, self._identity, self.kubeconfig, extra_args
            )
            self.controller_manager = self._server(Tool.KUBE_CONTROLLER_MANAGER, argv)
        server = self.controller_manager
        if not server.running:
            server.start()
        # It has no port to ask; this account and this map are the work of two of its controllers.
        base = "/api/v1/namespaces/default"
        paths = (f"{base}/serviceaccounts/default", f"{base}/configmaps/kube-root-ca.crt")
        server.wait_until(lambda: all(map(self._client.answers, paths)), _READY_WITHIN, "at work")
        return server

    def start_scheduler(self) -> Server:
        """Starts kube-scheduler, which gives pods their nodes.

        Raises:
            ToolsError: it can't be had.
        """
        program = self.tools.tool(Tool.KUBE_SCHEDULER)
        kubeconfig = self.user_kubeconfig("system:kube-scheduler")
        server = self._server(Tool.KUBE_SCHEDULER, flags.kube_scheduler(program, kubeconfig))
        server.start()
        return server

    def user_kubeconfig(self, user: str, groups: Sequence[str] = ()) -> Path:
        """A kubeconfig whose client certificate is this user's, in these groups; without rights
        but those that RBAC gives."""
        return self._identity.user_kubeconfig(self.url, user, groups)

    def kubectl(
        self,
        *args: str,
        input: str | None = None,
        user: str | None = None,
        groups: Sequence[str] = (),
        timeout: float = 60,
        check: bool = True,
    ) -> subprocess.CompletedProcess[str]:
        """Runs kubectl, as the administrator or as another user.

        Raises:
            KubectlError: it takes too long, or, if `check`, it exits with an error.
        """
        config = self.kubeconfig if user is None else self.user_kubeconfig(user, groups)
        environ = {
            **os.environ,
            "KUBECONFIG": str(config),
            # Nothing of the developer's own shall matter or be touched: aliases, discovery cache.
            "KUBERC": "off",
            "KUBECACHEDIR": str(self._home / "kubectl-cache"),
        }
        try:
            done = subprocess.run(
                [str(self.kubectl_path), *args],
                env=environ,
                input=input,
                # Never the terminal's: a kubectl that asks shall get no answer, not wait for one.
                stdin=subprocess.DEVNULL if input is None else None,
                capture_output=True,
                text=True,
                timeout=timeout,
                check=False,
            )
        except subprocess.TimeoutExpired as error:
            # Whatever was asked for, it holds bytes.
            stderr = error.stderr.decode(errors="replace") if error.stderr else ""
            raise KubectlError(args, f"not done within {timeout:g} s", stderr) from error
        if check and done.returncode != 0:
            raise KubectlError(args, f"exit code {done.returncode}", done.stderr)
        return done

    def object_at(self, path: str) -> dict[str, Any]:
        """What the API server has at a path, asked without a program: for asking again and again.

        Raises:
            ControlPlaneError: the API server refuses.
        """
        status, answer = self._client.request("GET", path)
        if status != http.client.OK:
            raise ControlPlaneError(f"{path}: {status} {answer.decode(errors='replace')}")
        found: dict[str, Any] = json.loads(answer)
        return found

    def create_namespace(self, name: str) -> None:
        """Creates a namespace in which pods can be created at once.

        Raises:
            ControlPlaneError: the API server refuses.
        """
        self._create("/api/v1/namespaces", "Namespace", name)
        # Pods are refused as long as this isn't there, and without a kube-controller-manager it
        # never comes; with one, whoever is first makes it.
        account = f"/api/v1/namespaces/{name}/serviceaccounts"
        self._create(account, "ServiceAccount", "default", or_exists=True)

    def delete_namespace(self, name: str) -> None:
        """Asks for a namespace's deletion, and doesn't wait for it: it needs a
        kube-controller-manager to come to an end."""
        with suppress(OSError, http.client.HTTPException):
            self._client.request("DELETE", f"/api/v1/namespaces/{name}")

    def _create(self, path: str, kind: str, name: str, *, or_exists: bool = False) -> None:
        body = {"apiVersion": "v1", "kind": kind, "metadata": {"name": name}}
        status, answer = self._client.request("POST", path, body)
        if status != http.client.CREATED and not (or_exists and status == http.client.CONFLICT):
            raise ControlPlaneError(f"{kind} {name}: {status} {answer.decode(errors='replace')}")

    def _prepare(self) -> None:
        if self.folder is None:
            self._own_folder = Path(tempfile.mkdtemp(prefix="plumbline-controlplane-"))
        self._home = (self._own_folder or self.folder or Path()).absolute()
        self._home.mkdir(parents=True, exist_ok=True)
        reached = [self.advertise] if self.advertise else []
        self._identity = Identity.create(self._home / "pki", dt.datetime.now(dt.UTC), reached)
        self.ca = self._identity.ca

    def _server(self, tool: Tool, argv: Sequence[str]) -> Server:
        # Only a folder of our own is anybody's to remove.
        server = Server(tool, argv, self._home / f"{tool}.log", scratch=self._own_folder)
        self._servers.append(server)
        return server

    def _start_etcd(self, program: Path) -> int:
        port = free_port()
        data = self._home / "etcd"
        client = Client(self._identity, port)
        self.etcd = self._server(Tool.ETCD, flags.etcd(program, self._identity, data, port))
        self.etcd.start()
        self.etcd.wait_until(lambda: client.answers("/health"), _READY_WITHIN)
        return port

    def _start_api_server(self, program: Path, etcd_url: str) -> int:
        port = free_port()
        self._client = Client(self._identity, port)
        extra = flags.reachable(self._identity, self.advertise) if self.advertise else []
        extra = flags.merge(extra, self.extra_args)
        argv = flags.kube_apiserver(program, self._identity, etcd_url, port, extra)
        self.api_server = self._server(Tool.KUBE_APISERVER, argv)
        self.api_server.start()
        self._wait_api_server(self.api_server, self._client)
        return port

    @staticmethod
    def _wait_api_server(server: Server, client: Client) -> None:
        # It says that it's ready a moment before it has made namespace `default`.
        paths = ("/readyz", "/api/v1/namespaces/default")
        server.wait_until(lambda: all(map(client.answers, paths)), _READY_WITHIN)


def _retried(start: Callable[[], int]) -> int:
    """Chooses another port when somebody else was faster; returns the port that it got."""
    for _ in range(_TRIES - 1):
        with suppress(PortTakenError):
            return start()
    return start()

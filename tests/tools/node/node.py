"""A whole node beside a control plane of its own."""

import json
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.tools.controlplane import NODE, ControlPlane, StartError, Tool, Toolbox
from tests.tools.controlplane.servers import Server
from tests.tools.node import groups, images, init
from tests.tools.node.configuration import SANDBOX_IMAGE, SOCKET, Configuration
from tests.tools.node.network import Claim, Network
from tests.tools.node.packages import missing
from tests.tools.started import Started

NAME = "node"
"""The node's name in the cluster."""

_READY_WITHIN = 120.0
_GONE_WITHIN = 30.0
_GRACE = 0.1  # unshare doesn't listen, and nothing in the node is worth an orderly end
_FOLDERS = {"run": "/run", "log": "/var/log", "kubelet": "/var/lib/kubelet", "cni": "/var/lib/cni"}


@dataclass(eq=False)
class Node(Started):
    """A Kubernetes cluster of one node that runs real containers, gone when the `with` block ends.

    Its programs and all containers live in namespaces and control groups of their own, below one
    process: when that ends, also because whoever started it was killed, all of it ends. Images
    come from `import_image`: there is no registry.
    """

    tools: Toolbox = field(default_factory=Toolbox)
    extra_args: Sequence[str] = ()
    """Flags of kube-apiserver, as `--name=value`."""

    plane: ControlPlane = field(init=False, repr=False)
    _folder: Path = field(default=Path(), init=False, repr=False)
    _claim: Claim | None = field(default=None, init=False, repr=False)
    _server: Server | None = field(default=None, init=False, repr=False)

    @property
    def network(self) -> Network:
        """Its place in the network."""
        if self._claim is None:
            raise StartError("this node doesn't run")
        return self._claim.network

    def start(self) -> None:
        """Starts the control plane and the node, and waits until pods can run.

        Raises:
            ToolsError: A program can't be had.
            StartError: Something isn't installed, or doesn't become ready.
            OSError: We may not; this needs root.
        """
        if lacking := missing():
            raise StartError(
                f"not installed: {', '.join(lacking)}; `python -m tests.tools.node` installs them"
            )
        for tool in NODE:
            self.tools.tool(tool)
        self._claim = Claim.take()
        self.plane = ControlPlane(self.extra_args, tools=self.tools, advertise=self.network.machine)
        try:
            self.network.create()
            groups.create(self.network.name)
            self.plane.start()
            self.plane.start_controller_manager()
            self.plane.start_scheduler()
            self._start_node()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Ends every container and program, and removes what they have left."""
        if self._claim is None:
            return
        claim, self._claim = self._claim, None
        if self._server is not None:
            self._server.stop()
            self._server = None
        self.plane.stop()
        groups.remove(claim.network.name, _GONE_WITHIN)
        claim.network.remove()
        shutil.rmtree(self._folder)
        claim.give_back()

    def import_image(self, tar: Path) -> None:
        """Makes the images of a tar, an OCI or a Docker archive, known to the node.

        Raises:
            subprocess.CalledProcessError: containerd refuses it.
        """
        self.ctr("image", "import", str(tar))

    def ctr(self, *words: str) -> str:
        """Asks containerd, about what Kubernetes has there, and returns the answer.

        Raises:
            subprocess.CalledProcessError: It refuses; standard error is in the error's notes.
        """
        socket = self._folder / "run" / SOCKET.relative_to("/run")
        program = str(self.tools.tool(Tool.CTR))
        argv = [program, "--address", str(socket), "--namespace", "k8s.io", *words]
        done = subprocess.run(argv, capture_output=True, text=True, timeout=300, check=False)
        if done.returncode != 0:
            error = subprocess.CalledProcessError(done.returncode, done.args)
            error.add_note(done.stderr)
            raise error
        return done.stdout

    def snapshot_diff(self, container_id: str) -> Path:
        """Has containerd itself say what a container changed: a tar, with `.wh.` for what is gone.

        Raises:
            subprocess.CalledProcessError: It refuses.
        """
        socket = self._folder / "run" / SOCKET.relative_to("/run")
        path = self._folder / f"{container_id}.diff"
        program = str(self.tools.tool(Tool.CTR))
        argv = [program, "--address", str(socket), "--namespace", "k8s.io", "snapshot", "diff"]
        with path.open("wb") as file:
            subprocess.run([*argv, container_id], stdout=file, check=True, timeout=60)
        return path

    def log(self, tool: Tool) -> str:
        """What containerd, kubelet or kube-proxy has said."""
        return (self._folder / f"{tool}.log").read_text(encoding="utf-8", errors="replace")

    def _start_node(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="plumbline-node-"))
        configuration = Configuration(self._folder, self.network, f"/{self.network.name}")
        configuration.write(self.plane.ca, self.plane.user_kubeconfig("system:kube-proxy"))
        plan = self._folder / "plan.json"
        plan.write_text(json.dumps(self._plan(configuration)), encoding="utf-8")
        argv = [
            *("nsenter", f"--net=/run/netns/{self.network.name}"),
            *("unshare", "--mount", "--pid", "--fork", "--kill-child", "--mount-proc"),
            *(sys.executable, "-I", "-S", str(Path(init.__file__).resolve()), str(plan)),
        ]
        log = self._folder / "node.log"
        server = Server("node", argv, log, scratch=self._folder, grace=_GRACE)
        self._server = server
        server.start()
        server.wait_until(self._ready, _READY_WITHIN)
        self.network.unpin()
        pause = images.write_busybox(self._folder / "pause.tar", SANDBOX_IMAGE)
        self.import_image(pause)

    def _plan(self, configuration: Configuration) -> Mapping[str, Any]:
        kubelet = self.plane.user_kubeconfig(f"system:node:{NAME}", ["system:nodes"])
        address = self.network.node
        flags: dict[Tool, list[str]] = {
            Tool.CONTAINERD: [f"--config={configuration.containerd}"],
            Tool.KUBE_PROXY: [f"--config={configuration.proxy}", f"--hostname-override={NAME}"],
            Tool.KUBELET: [
                f"--config={configuration.kubelet}",
                f"--kubeconfig={kubelet}",
                f"--hostname-override={NAME}",
                f"--node-ip={address}",
            ],
        }
        programs = []
        for tool, words in flags.items():
            # Its own folder is where containerd looks for its shim.
            argv = [str(self.tools.tool(tool)), *words]
            programs.append({"argv": argv, "log": str(self._folder / f"{tool}.log")})
        programs[0]["socket"] = str(SOCKET)
        return {
            "groups": [str(path) for path in groups.programs(self.network.name)],
            "binds": {str(self._folder / name): path for name, path in _FOLDERS.items()},
            "programs": programs,
        }

    def _ready(self) -> bool:
        path = '{.status.conditions[?(@.type=="Ready")].status}'
        done = self.plane.kubectl("get", "node", NAME, "-o", f"jsonpath={path}", check=False)
        return done.stdout == "True"

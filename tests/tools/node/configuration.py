"""What the programs of a node are told: their configuration files, as data."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from tests.tools.node.network import Network
from tests.tools.node.packages import CNI_PLUGINS

SOCKET = Path("/run/containerd/containerd.sock")
"""Where containerd listens, as seen inside the node."""

SANDBOX_IMAGE = "localhost/pause:1"
"""What holds a pod's namespaces."""

_CONTAINERD = """\
version = 3
root = "{root}"
state = "/run/containerd"

[grpc]
address = "{socket}"

[plugins.'io.containerd.cri.v1.images'.pinned_images]
sandbox = "{sandbox}"

[plugins.'io.containerd.cri.v1.runtime']
# Without CAP_SYS_RESOURCE a lower oom_score_adj can't be had, and runc dies of it.
restrict_oom_score_adj = true

[plugins.'io.containerd.cri.v1.runtime'.cni]
bin_dirs = ["{plugins}"]
conf_dir = "{networks}"
"""


@dataclass(frozen=True, slots=True)
class Configuration:
    """Where the files are that the programs of one node read.

    Attributes:
        folder: Where they are written.
        network: The node's place in the network.
        cgroup: The control group, by its path below each hierarchy.
    """

    folder: Path
    network: Network
    cgroup: str

    @property
    def containerd(self) -> Path:
        """containerd's file."""
        return self.folder / "containerd.toml"

    @property
    def kubelet(self) -> Path:
        """kubelet's file."""
        return self.folder / "kubelet.yaml"

    @property
    def proxy(self) -> Path:
        """kube-proxy's file."""
        return self.folder / "kube-proxy.yaml"

    def write(self, ca: Path, proxy_kubeconfig: Path) -> None:
        """Writes them all.

        Args:
            ca: The certificate of who signs those that may ask the kubelet.
            proxy_kubeconfig: By what kube-proxy reaches the API server.
        """
        networks = self.folder / "networks"
        networks.mkdir()
        (networks / "10-bridge.conflist").write_text(json.dumps(self._bridge()), encoding="utf-8")
        text = _CONTAINERD.format(
            root=self.folder / "containerd",
            socket=SOCKET,
            sandbox=SANDBOX_IMAGE,
            plugins=CNI_PLUGINS,
            networks=networks,
        )
        self.containerd.write_text(text, encoding="utf-8")
        self._yaml(self.kubelet, self._kubelet(ca))
        self._yaml(self.proxy, self._proxy(proxy_kubeconfig))

    def _bridge(self) -> Mapping[str, Any]:
        ranges = [[{"subnet": self.network.pods}]]
        bridge = {
            "type": "bridge",
            "bridge": "pods",
            "isGateway": True,
            # Outside of the node nobody knows the way to a pod, but for this machine.
            "ipMasq": True,
            "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "ranges": ranges,
                "routes": [{"dst": "0.0.0.0/0"}],
                "dataDir": "/run/cni-addresses",
            },
        }
        ports = {"type": "portmap", "capabilities": {"portMappings": True}}
        return {"cniVersion": "1.0.0", "name": "pods", "plugins": [bridge, ports]}

    def _kubelet(self, ca: Path) -> Mapping[str, Any]:
        return {
            "apiVersion": "kubelet.config.k8s.io/v1beta1",
            "kind": "KubeletConfiguration",
            "authentication": {"x509": {"clientCAFile": str(ca)}, "anonymous": {"enabled": False}},
            "containerRuntimeEndpoint": f"unix://{SOCKET}",
            # Hybrid hierarchies: what version 1 has is what counts.
            "failCgroupV1": False,
            "cgroupDriver": "cgroupfs",
            "cgroupRoot": self.cgroup,
            "enforceNodeAllocatable": [],
            "failSwapOn": False,
            # A developer's full disk is no reason to throw pods out.
            "evictionHard": {"memory.available": "0%"},
            "imageGCHighThresholdPercent": 100,
            # Tests wait for what it does.
            "syncFrequency": "5s",
            "nodeStatusUpdateFrequency": "2s",
            "shutdownGracePeriod": "0s",
        }

    def _proxy(self, kubeconfig: Path) -> Mapping[str, Any]:
        return {
            "apiVersion": "kubeproxy.config.k8s.io/v1alpha1",
            "kind": "KubeProxyConfiguration",
            "mode": "iptables",
            "clientConnection": {"kubeconfig": str(kubeconfig)},
            "clusterCIDR": self.network.pods,
            # These limits are the whole machine's, not the node's.
            "conntrack": {"maxPerCore": 0, "min": 0},
        }

    @staticmethod
    def _yaml(path: Path, document: Mapping[str, Any]) -> None:
        path.write_text(yaml.safe_dump(document), encoding="utf-8")

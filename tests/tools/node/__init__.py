"""A real Kubernetes node for tests: containerd, kubelet, kube-proxy and real containers.

`Node` runs them beside a `ControlPlane`, inside namespaces of their own, so that nothing of them
stays on the machine; `images` makes what containers are made of; `fixtures` is the pytest plugin.
Only root can have one, on Linux.
"""

from tests.tools.node.node import Node
from tests.tools.node.packages import ensure

__all__ = ["Node", "ensure"]

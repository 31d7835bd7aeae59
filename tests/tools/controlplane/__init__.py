"""A real Kubernetes API server for tests: found or made, started in seconds, gone afterwards.

`Toolbox` says where the programs are and gets those that are missing; `ControlPlane` runs them;
`fixtures` is the pytest plugin; `python -m tests.tools.controlplane` is the command line.
"""

from tests.tools.controlplane.errors import (
    ControlPlaneError,
    KubectlError,
    StartError,
    ToolsError,
)
from tests.tools.controlplane.plane import ControlPlane
from tests.tools.controlplane.recipes import CONTROL_PLANE, ESSENTIAL, NODE, Tool
from tests.tools.controlplane.toolbox import Toolbox

__all__ = [
    "CONTROL_PLANE",
    "ESSENTIAL",
    "NODE",
    "ControlPlane",
    "ControlPlaneError",
    "KubectlError",
    "StartError",
    "Tool",
    "Toolbox",
    "ToolsError",
]

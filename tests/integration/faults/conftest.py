"""An API server that writes down every write with its body, and where controllers come from."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.tools.controlplane import ControlPlane
from tests.tools.controlplane.toolbox import Toolbox
from tests.tools.faults.forked import Nursery
from tests.tools.faults.world import Ground

_POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
- level: RequestResponse
  verbs: [create, update, patch, delete, deletecollection]
  resources: [{group: "", resources: [configmaps]}]
- level: None
"""


@pytest.fixture(scope="session")
def ground(toolbox: Toolbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Ground]:
    folder = tmp_path_factory.mktemp("ground")
    policy, log = folder / "policy.yaml", folder / "audit.log"
    policy.write_text(_POLICY, encoding="utf-8")
    log.touch()
    flags = [f"--audit-policy-file={policy}", f"--audit-log-path={log}"]
    # What is answered is in the file.
    flags.append("--audit-log-mode=blocking")
    with Nursery() as nursery, ControlPlane(extra_args=flags, tools=toolbox) as plane:
        yield Ground(plane, log, nursery)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder that isn't there yet."""
    return tmp_path / "world"

"""An API server that tells what it was asked, shared by all tests of one worker."""

from collections.abc import Iterator

import pytest

from tests.tools.controlplane import ControlPlane
from tests.tools.controlplane.toolbox import Toolbox
from tests.tools.running import Audited, audit_flags


@pytest.fixture(scope="session")
def audited(
    toolbox: Toolbox, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[ControlPlane, Audited]]:
    flags, audit = audit_flags(tmp_path_factory.mktemp("audit"))
    with ControlPlane(extra_args=flags, tools=toolbox) as plane:
        yield plane, audit

"""The pytest plugin: `pytest_plugins = ["tests.tools.gitea.fixtures"]`.

A Gitea that can't be had fails the tests that want one: a skip would look like a pass.
"""

from collections.abc import Iterator

import pytest

from tests.tools.controlplane.errors import ControlPlaneError
from tests.tools.controlplane.toolbox import Toolbox
from tests.tools.gitea.program import Program, ensure
from tests.tools.gitea.server import Gitea


@pytest.fixture(scope="session")
def gitea(toolbox: Toolbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gitea]:
    """A Gitea for the whole run of one xdist worker."""
    server = Gitea(_program(toolbox), tmp_path_factory.mktemp("gitea"))
    with server:
        yield server


def _program(toolbox: Toolbox) -> Program:
    try:
        return ensure(toolbox)
    except ControlPlaneError as error:
        # The message tells what to do; a traceback above it would only hide it.
        pytest.fail(str(error), pytrace=False)

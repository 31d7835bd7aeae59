"""The pytest plugin: `pytest_plugins = ["tests.tools.controlplane.fixtures"]`.

A control plane that can't be had fails the tests that want one, everywhere: a skip would look
like a pass.
"""

import uuid
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path

import pytest

from tests.tools.controlplane.errors import ControlPlaneError
from tests.tools.controlplane.plane import ControlPlane
from tests.tools.controlplane.recipes import Tool
from tests.tools.controlplane.toolbox import Toolbox


@pytest.fixture(scope="session")
def toolbox(pytestconfig: pytest.Config) -> Toolbox:
    """Where the programs are; getting one shows its progress through pytest's capture."""
    plain = Toolbox()

    def say(line: str) -> None:
        capture = pytestconfig.pluginmanager.getplugin("capturemanager")
        shown: AbstractContextManager[None] = (
            capture.global_and_fixture_disabled() if capture else nullcontext()
        )
        with shown:
            plain.say(line)

    return Toolbox(say=say)


@pytest.fixture(scope="session")
def control_plane(toolbox: Toolbox) -> Iterator[ControlPlane]:
    """An API server for the whole run, or for the whole run of one xdist worker."""
    plane = ControlPlane(tools=toolbox)
    with _loudly():
        plane.start()
    yield plane
    plane.stop()


@pytest.fixture(scope="session")
def controller_manager(control_plane: ControlPlane) -> ControlPlane:
    """The same control plane with kube-controller-manager, from the first test that asks on.

    A test that must have none starts a `ControlPlane` of its own.
    """
    with _loudly():
        control_plane.start_controller_manager()
    return control_plane


@pytest.fixture(scope="module")
def plane_apart(toolbox: Toolbox) -> Iterator[ControlPlane]:
    """A control plane with controllers for one module: what it does reaches no other test."""
    with ControlPlane(tools=toolbox) as plane:
        plane.start_controller_manager()
        yield plane


@pytest.fixture
def namespace(control_plane: ControlPlane) -> Iterator[str]:
    """The name of a fresh namespace; its deletion is asked for and not waited for."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    control_plane.create_namespace(name)
    yield name
    control_plane.delete_namespace(name)


@pytest.fixture(scope="session")
def helm_path(toolbox: Toolbox) -> Path:
    """The real helm."""
    with _loudly():
        return toolbox.tool(Tool.HELM)


@pytest.fixture(scope="session")
def kube_score_path(toolbox: Toolbox) -> Path:
    """The real kube-score."""
    with _loudly():
        return toolbox.tool(Tool.KUBE_SCORE)


@pytest.fixture(scope="session")
def sops_path(toolbox: Toolbox) -> Path:
    """The real sops; age-keygen is beside it."""
    with _loudly():
        toolbox.tool(Tool.AGE_KEYGEN)
        return toolbox.tool(Tool.SOPS)


@contextmanager
def _loudly() -> Iterator[None]:
    try:
        yield
    except ControlPlaneError as error:
        # The message tells what to do; a traceback above it would only hide it.
        pytest.fail(str(error), pytrace=False)

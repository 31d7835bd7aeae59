"""The pytest plugin. Tests that use these belong to the xdist group `node`: a node is dear."""

from collections.abc import Iterator

import pytest

from tests.tools.controlplane import Toolbox
from tests.tools.node.node import Node


@pytest.fixture(scope="session")
def node(toolbox: Toolbox) -> Iterator[Node]:
    """A cluster with one real node, for the whole run of one xdist worker.

    One that can't be had fails the tests that want it, everywhere: a skip would look like a pass.
    """
    with Node(tools=toolbox) as started:
        yield started

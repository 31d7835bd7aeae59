"""The pytest plugin. Tests that use these belong to the xdist group `node`: a node is dear."""

from collections.abc import Iterator

import pytest

from tests.tools.controlplane import Toolbox
from tests.tools.node.node import Node
from tests.tools.running import Audited, audit_flags


@pytest.fixture(scope="session")
def node_audit(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[str], Audited]:
    """The flags by which the node's API server logs its requests, and the log."""
    return audit_flags(tmp_path_factory.mktemp("node-audit"))


@pytest.fixture(scope="session")
def node(toolbox: Toolbox, node_audit: tuple[list[str], Audited]) -> Iterator[Node]:
    """A cluster with one real node, for the whole run of one xdist worker.

    One that can't be had fails the tests that want it, everywhere: a skip would look like a pass.
    """
    with Node(toolbox, extra_args=node_audit[0]) as started:
        yield started

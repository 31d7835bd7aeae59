"""The whole test suite's plug-ins."""

pytest_plugins = [
    "tests.tools.controlplane.fixtures",
    "tests.tools.gitea.fixtures",
    "tests.tools.node.fixtures",
]

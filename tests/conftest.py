"""The whole test suite's plug-ins."""

from hypothesis import settings

# No test judges by the clock: a machine that others use, too, is slow at times.
settings.register_profile("patient", deadline=None)
settings.load_profile("patient")

pytest_plugins = [
    "tests.tools.controlplane.fixtures",
    "tests.tools.gitea.fixtures",
    "tests.tools.node.fixtures",
]

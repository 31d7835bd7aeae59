"""What can go wrong with a test control plane, by who must act."""

from collections.abc import Sequence


class ControlPlaneError(Exception):
    """The root of this package's errors."""


class ToolsError(ControlPlaneError):
    """A program can't be had; the message says what was tried and what to do."""


class StartError(ControlPlaneError):
    """A server did not become ready; the message ends with the tail of its log."""


class PortTakenError(StartError):
    """Somebody else bound the chosen port first: worth another try with another one."""


class KubectlError(ControlPlaneError):
    """kubectl exited with an error, or not in time."""

    def __init__(self, args: Sequence[str], reason: str, stderr: str) -> None:
        super().__init__(f"kubectl {' '.join(args)}: {reason}\n{stderr}".rstrip())
        self.stderr = stderr

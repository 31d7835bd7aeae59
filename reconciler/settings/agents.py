"""Where node agents tell the controller what they see, and who they are."""

from dataclasses import dataclass
from enum import StrEnum


class AgentMode(StrEnum):
    """What the controller does about drift of running pods."""

    OBSERVE = "observe"  # reports it
    APPROVE = "approve"  # replaces the pod once a person has agreed
    RESTORE = "restore"  # replaces the pod by itself


@dataclass(frozen=True)
class AgentSettings:
    """Where node agents tell what they see, and what is done about drift of running pods.

    Attributes:
        address: Host and port where they are heard, by TLS alone; empty for nowhere.
        certificate: The PEM certificate.
        key: Its key.
        service_accounts: Whose tokens are those of agents, each as `namespace:name`.
        stale_after: A node that was silent for so long is unknown.
        pods: Whether running pods are compared with what they were made of, too; where agents are
            heard, they always are.
        mode: What is done about drift of running pods where no rule names its type; no target's
            mode counts for it.
    """

    address: str = ""
    certificate: str = ""
    key: str = ""
    service_accounts: tuple[str, ...] = ("plumbline:plumbline-agent",)
    stale_after: str = "5m"
    pods: bool = False
    mode: AgentMode = AgentMode.OBSERVE

    @property
    def looks_into_pods(self) -> bool:
        """Whether running pods are read at all."""
        return self.pods or bool(self.address)

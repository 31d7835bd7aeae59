"""Where node agents tell the controller what they see, and who they are."""

from dataclasses import dataclass
from enum import StrEnum


class AgentMode(StrEnum):
    """What the controller does about drift of running pods."""

    OBSERVE = "observe"  # reports it
    APPROVE = "approve"  # replaces the pod once a person has agreed
    RESTORE = "restore"  # replaces the pod by itself


class AgentAnswer(StrEnum):
    """How a pod is put right."""

    EVICT = "evict"  # it goes as its disruption budget allows, and its controller makes a new one
    QUARANTINE = "quarantine"  # it is kept without labels and network, and a new one is made


class AgentEvidence(StrEnum):
    """Whether what changed in a pod is kept on its node before the pod is replaced."""

    REQUIRED = "required"  # no pod is replaced without
    WANTED = "wanted"  # two minutes are waited for it
    OFF = "off"  # nothing is kept


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
        mode: What is done about a pod whose specification, files or processes drifted, where no
            rule names the type; no target's mode counts for it. On sessions, ports and images only
            a rule acts that names their type.
        answer: How a pod is put right: it goes, and its controller makes a new one; or it is kept
            without labels and without network to be examined, and a new one is made.
        evidence: Whether an agent keeps what changed in a pod before that is replaced.
        profiles: The file of images' profiles in each target's repository, as `plumbline propose
            --mode profile` writes it.
    """

    address: str = ""
    certificate: str = ""
    key: str = ""
    service_accounts: tuple[str, ...] = ("plumbline:plumbline-agent",)
    stale_after: str = "5m"
    pods: bool = False
    mode: AgentMode = AgentMode.OBSERVE
    answer: AgentAnswer = AgentAnswer.EVICT
    evidence: AgentEvidence = AgentEvidence.WANTED
    profiles: str = ".plumbline/profiles.json"

    @property
    def looks_into_pods(self) -> bool:
        """Whether running pods are read at all."""
        return self.pods or bool(self.address)

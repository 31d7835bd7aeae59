"""Where node agents tell the controller what they see, and who they are."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AgentSettings:
    """Where node agents tell what they see.

    Attributes:
        address: Host and port where they are heard, by TLS alone; empty for nowhere.
        certificate: The PEM certificate.
        key: Its key.
        service_accounts: Whose tokens are those of agents, each as `namespace:name`.
        stale_after: A node that was silent for so long is unknown.
        profiles: The file of images' profiles in each target's repository, as `plumbline propose
            --mode profile` writes it.
    """

    address: str = ""
    certificate: str = ""
    key: str = ""
    service_accounts: tuple[str, ...] = ("plumbline:plumbline-agent",)
    stale_after: str = "5m"
    profiles: str = ".plumbline/profiles.json"

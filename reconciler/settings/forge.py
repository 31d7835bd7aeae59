"""Where pull requests are opened, and under whose name."""

from dataclasses import dataclass, field


@dataclass(frozen=True)
class GitHubAppSettings:
    """A GitHub App, in place of somebody's token.

    Attributes:
        id: Its id; empty for no App.
        installation: The id of its installation.
        key_file: Holds its private key, in PEM.
    """

    id: str = ""
    installation: int = 0
    key_file: str = ""


@dataclass(frozen=True)
class ForgeSettings:
    """Where pull requests are opened, for targets whose repository has no other.

    Attributes:
        kind: `github`, `gitlab` or `gitea` (Forgejo, too); empty to tell by the repository's host.
        url: The forge's address, where it isn't that of the repository.
        token_file: Holds a token that may push branches and open pull requests; empty for none,
            and then nothing is proposed.
        app: A GitHub App.
        authority: A PEM file of authorities that vouch for it; empty for the system's.
        name: Whose commits they are.
        email: Their address.
        signing_key_file: A private key that commits are signed with, as for ssh; empty for
            unsigned ones.
        statuses: Whether the checked commit shows whether the cluster is as it says.
    """

    kind: str = ""
    url: str = ""
    token_file: str = ""
    app: GitHubAppSettings = field(default_factory=GitHubAppSettings)
    authority: str = ""
    name: str = "Plumbline"
    email: str = "plumbline@localhost"
    signing_key_file: str = ""
    statuses: bool = False

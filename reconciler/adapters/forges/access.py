"""How a forge is spoken to: by which right, how long, under which name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

#: Gives a token; asked before each use, since a file's may be another by then.
Token = Callable[[], str]


@dataclass(frozen=True, slots=True)
class GitHubApp:
    """A GitHub App, in place of somebody's token.

    Attributes:
        app: Its id, or its client id.
        installation: The id of its installation in the repository's organization.
        private_key: Gives its private key, in PEM.
    """

    app: str
    installation: int
    private_key: Callable[[], str] = field(repr=False)


@dataclass(frozen=True, slots=True)
class ForgeAccess:
    """How a forge is spoken to.

    Attributes:
        sign_in: A token, or on GitHub an App.
        authority: PEM file of the authorities that may have signed the forge's certificate; None
            for those that everybody trusts.
        seconds: How long connecting may take, and each wait for an answer.
        status: What a commit's status is called; two targets of one repository need two names.
        link: Where a commit's status leads; empty for nowhere.
    """

    sign_in: Token | GitHubApp = field(repr=False)
    authority: Path | None = None
    seconds: int = 20
    status: str = "plumbline"
    link: str = ""

    @property
    def verify(self) -> bool | str:
        """How `requests` is told whose certificates hold."""
        return str(self.authority) if self.authority else True


#: GitHub takes this much for a commit status (docs.github.com: REST API, commit statuses), GitLab
#: 255.
_DESCRIPTION = 140


def fitting(description: str) -> str:
    """Gives a commit status' description as every forge takes it."""
    return (
        description if len(description) <= _DESCRIPTION else f"{description[: _DESCRIPTION - 1]}…"
    )

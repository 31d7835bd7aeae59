"""A repository on the forge, as a test that plays its people asks about it."""

from dataclasses import dataclass
from typing import Any

from tests.tools.gitea.server import Gitea


@dataclass
class Hosted:
    """A repository of user ann's.

    Attributes:
        gitea: The forge.
        name: The repository's name there.
    """

    gitea: Gitea
    name: str

    def call(self, method: str, path: str, body: Any = None, user: str = "ann") -> Any:
        """Asks Gitea's API about it, as a user."""
        return self.gitea.call(method, f"/repos/ann/{self.name}{path}", body, user)

    def pulls(self, state: str = "open") -> list[dict[str, Any]]:
        """Gives its pull requests in a state."""
        found: list[dict[str, Any]] = self.call("GET", f"/pulls?state={state}")
        return found

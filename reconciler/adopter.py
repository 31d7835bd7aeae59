"""Opens the pull request that adopts a drift, when somebody asks for it."""

import re
import threading
from dataclasses import dataclass, field

from reconciler.bootstrap import Opened, adoption_of
from reconciler.controller import Look
from reconciler.core.adoption import Adoption
from reconciler.core.drift import Drift
from reconciler.core.pull_requests import PullRequestState
from reconciler.core.words import Hearing
from reconciler.forging import repository_of
from reconciler.proposing import Repository
from reconciler.settings import Settings, TargetSettings
from reconciler.submitting import branch_of, submit

#: A drift's id, as the request's text has it.
_ID = re.compile(r"\bd-[0-9a-f]{12}\b")


@dataclass(slots=True)
class Adopter:
    """Adopts drifts of one target, one after the other.

    Attributes:
        settings: For everything but the target.
        target: Which one.
        opened: The same, put together.
    """

    settings: Settings
    target: TargetSettings
    opened: Opened
    _busy: threading.Lock = field(default_factory=threading.Lock)

    def adopt(self, look: Look, drift: Drift) -> Hearing:
        """Proposes that Git says what is live, with all that the open request proposes already.

        Raises:
            PlumblineError: No forge is configured, or Git, the forge or the cluster can't be asked.
        """
        with self._busy:
            repository = repository_of(self.settings, self.target)
            wanted = {drift.id} | self._asked_before(repository)
            found = {each.id for each in look.detection.drifts}
            adoption = adoption_of(
                self.settings, self.target, self.opened, look, sorted(wanted & found)
            )
            pull = submit(adoption, repository)
        is_adopted = any(each.drift.id == drift.id for each in adoption.adopted)
        lines = [f"{drift.key} can't be adopted"]
        if is_adopted and pull is not None:
            lines = [f"Merge {pull.url} to have Git say what is live"]
        return Hearing(is_adopted, "\n".join([*lines, *_left(adoption, drift)]))

    def _asked_before(self, repository: Repository) -> set[str]:
        """Gives what the open request is about, as its text says."""
        there = repository.forge.find(branch_of(self.target.name))
        if there is None or there.state is not PullRequestState.OPEN:
            return set()
        return set(_ID.findall(there.body))


def _left(adoption: Adoption, drift: Drift) -> list[str]:
    """Says what of a drift isn't adopted, and why."""
    left = (each for each in adoption.left if each.drift == drift.id)
    return [f"Not {each.path or 'the object'}: {each.reason}" for each in left]

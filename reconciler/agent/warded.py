"""A container in which executions are asked about."""

from contextlib import ExitStack
from dataclasses import dataclass

from reconciler.agent.comparing import Comparison
from reconciler.agent.containers import Container
from reconciler.agent.covering import Cover
from reconciler.agent.mounts import Mount
from reconciler.core.enforcing import EnforcementRule


class UnseenError(Exception):
    """A container is so new that it isn't known."""


@dataclass(slots=True, eq=False)
class Ward:
    """A container in which executions are asked about.

    Attributes:
        container: Which one.
        rule: What is done there; None where no rule is left that matches.
        root: Its root's mount.
        comparison: Compares its files.
        stack: Holds its layers open.
        cover: Knows, and marks, what is mounted in it.
        is_open: Whether its layers are open.
    """

    container: Container
    rule: EnforcementRule | None
    root: Mount
    comparison: Comparison
    stack: ExitStack
    cover: Cover
    is_open: bool = True

    def is_wanted(self) -> bool:
        """Whether the container is there, as far as that is known."""
        return self.is_open

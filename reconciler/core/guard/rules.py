"""Who may do what, for all targets, as settings say it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.guard.subjects import Controller, Sender, Subject


class Mode(StrEnum):
    """What is done about a request that isn't allowed."""

    WARN = "warn"
    AUDIT = "audit"
    DENY = "deny"


@dataclass(frozen=True, slots=True)
class Rules:
    """Who may do what, for all targets.

    Attributes:
        mode: What is done about other writes.
        allowed: Who may write any target: Plumbline's own account, operators.
        deployers: By target's name, who applies what it declares.
        controllers: Kubernetes' own controllers.
        ask: A sentence for who is refused.
        group: The break-glass group; empty for none.
        seconds: For how long it lasts at most.
        sessions: By namespace, what is done about sessions.
        entering: Who may enter containers all the same.
    """

    mode: Mode
    allowed: tuple[Subject, ...]
    deployers: Mapping[str, tuple[Subject, ...]]
    controllers: tuple[Controller, ...]
    ask: str = ""
    group: str = ""
    seconds: int = 0
    sessions: Mapping[str, Mode] | None = None
    entering: tuple[Subject, ...] = ()

    def writers(self, target: str) -> tuple[Subject, ...]:
        """Gives who may write all of a target."""
        always = [each.subject for each in self.controllers if "*" in each.resources]
        return tuple(sorted({*self.allowed, *self.deployers.get(target, ()), *always}))

    def admits(self, target: str, sender: Sender, resource: str) -> bool:
        """Whether somebody may write a resource of a target, break-glass aside.

        The same as the policies say; tests hold it against the API server.
        """
        if sender.is_any(self.writers(target)):
            return True
        own = (each for each in self.controllers if each.may_write(resource))
        return sender.is_any([each.subject for each in own])

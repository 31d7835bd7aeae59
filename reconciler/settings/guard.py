"""Who may write what is declared, and who may enter containers, as the API server enforces it."""

from dataclasses import dataclass, field
from enum import StrEnum


class GuardMode(StrEnum):
    """What the API server does about a request that the guard doesn't allow."""

    WARN = "warn"  # lets it through, warns whoever sent it, and records it in the audit log
    AUDIT = "audit"  # lets it through, and records it in the audit log
    DENY = "deny"  # refuses it, and records it in the audit log


class Coverage(StrEnum):
    """Which objects are guarded in the namespaces of a target's scope."""

    KINDS = "kinds"  # all objects of the declared kinds
    OBJECTS = "objects"  # the declared ones alone


@dataclass(frozen=True)
class DeployerSettings:
    """Who applies what Git declares.

    Attributes:
        identity: A user, such as `system:serviceaccount:flux-system:kustomize-controller`;
            `account:NAMESPACE/NAME` for a service account, `group:NAME` for all of a group.
        targets: Targets' names, with `*`, `?` and `[...]`.
    """

    identity: str
    targets: tuple[str, ...] = ("*",)


@dataclass(frozen=True)
class SessionNamespaceSettings:
    """What is done about sessions in one namespace.

    Attributes:
        name: The namespace.
        mode: What is done there.
    """

    name: str
    mode: GuardMode


@dataclass(frozen=True)
class SessionSettings:
    """Sessions: exec, attach, port-forward, ephemeral containers.

    Attributes:
        mode: What is done about them in the namespaces of targets' scopes: `warn`, `audit` or
            `deny`.
        namespaces: Namespaces in which it is otherwise, or that are in no target's scope.
        allowed: Who may all the same, written as deployers are.
    """

    mode: GuardMode = GuardMode.AUDIT
    namespaces: tuple[SessionNamespaceSettings, ...] = ()
    allowed: tuple[str, ...] = ()


@dataclass(frozen=True)
class BreakGlassSettings:
    """Who may write all the same in an emergency, with a reason, for a while.

    Attributes:
        group: The group; empty for nobody.
        lasts: For how long at most the annotation `plumbline.dev/break-glass-until` may say.
    """

    group: str = ""
    lasts: str = "4h"


@dataclass(frozen=True)
class GuardSettings:
    """Who may write what targets declare; `plumbline guard` has the API server enforce it.

    Attributes:
        mode: What is done about other writes: `warn`, `audit` or `deny`.
        covers: Whether in the scope's namespaces all objects of the declared kinds are guarded,
            `kinds`, or the declared ones alone, `objects`.
        account: Plumbline's own service account, as NAMESPACE/NAME.
        deployers: Who applies what Git declares.
        allowed: Who else may write, such as operators that do so by themselves; written as
            deployers are.
        ask: A sentence for who is refused, such as whom to ask.
        sessions: Exec, attach, port-forward, ephemeral containers.
        break_glass: Who may write all the same in an emergency.
    """

    mode: GuardMode = GuardMode.WARN
    covers: Coverage = Coverage.KINDS
    account: str = "plumbline/plumbline"
    deployers: tuple[DeployerSettings, ...] = ()
    allowed: tuple[str, ...] = ()
    ask: str = ""
    sessions: SessionSettings = field(default_factory=SessionSettings)
    break_glass: BreakGlassSettings = field(default_factory=BreakGlassSettings)

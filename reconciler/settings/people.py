"""Who may say yes to what."""

from dataclasses import dataclass


@dataclass(frozen=True)
class PersonSettings:
    """One person under all their names.

    Attributes:
        name: As rules name them.
        identities: As doors and the cluster name them: `github:jane`, `gitlab:jane` or
            `gitea:jane` by a pull request, `slack:U0123ABCD` in Slack, `jane@bastion` by a command,
            `jane@example.org` in the cluster.
    """

    name: str
    identities: tuple[str, ...]


@dataclass(frozen=True)
class ApprovalRuleSettings:
    """Who may say yes to some drifts. The first rule that speaks of a drift decides.

    Attributes:
        approvers: Persons, identities or groups (`slack:S0123`, a user group; `slack:C0123`, who
            presses in that channel; `group:sre`, of the cluster, by annotation), with `*`, `?` and
            `[...]`; empty for anybody.
        kind: The object's kind, with `*`, `?` and `[...]`, as in the next three.
        group: Its API group.
        namespace: Its namespace.
        name: Its name.
        severity: How much it must matter at least: `high`, `medium` or `low`.
        needed: How many of them must say yes.
        own: Whether somebody may say yes about what they changed themselves.
    """

    approvers: tuple[str, ...] = ()
    kind: str = "*"
    group: str = "*"
    namespace: str = "*"
    name: str = "*"
    severity: str = "low"
    needed: int = 1
    own: bool = False


@dataclass(frozen=True)
class ApprovalSettings:
    """Whose yes counts, and for how long.

    Attributes:
        lasts: For so long a yes counts, if nothing moves meanwhile.
        people: Who has several names.
        rules: Who may say yes to what; where no rule speaks, anybody but who changed it.
    """

    lasts: str = "24h"
    people: tuple[PersonSettings, ...] = ()
    rules: tuple[ApprovalRuleSettings, ...] = ()

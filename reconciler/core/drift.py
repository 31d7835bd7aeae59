"""What drift is, as data: types, severities, changes of fields."""

from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any

from reconciler.core.desired import SourceLocation
from reconciler.core.ownership import FieldManager
from reconciler.core.path import Path
from reconciler.core.resource import ResourceKey

if TYPE_CHECKING:
    from reconciler.core.actors import Actor


class DriftType(StrEnum):
    """The kinds of drift that a comparison of objects can find (DESIGN, section 4)."""

    MISSING = "Missing"
    MODIFIED = "Modified"
    UNMANAGED = "Unmanaged"
    PENDING = "Pending"
    UNREADABLE = "Unreadable"


class ChangeType(StrEnum):
    """How a field differs, seen from Git to live."""

    ADDED = "added"
    REMOVED = "removed"
    CHANGED = "changed"


class Severity(StrEnum):
    """How much a drift matters, the worst first in every listing."""

    HIGH = "high"
    MEDIUM = "medium"
    LOW = "low"


@dataclass(frozen=True, slots=True)
class MaskedDigest:
    """Keyed digests of a masked change's two values: they tell a change, not a value.

    Attributes:
        desired: Digest of the value in Git, empty where there is none.
        live: Digest of the live value, empty where there is none.
    """

    desired: str
    live: str


@dataclass(frozen=True, slots=True)
class Change:
    """One field that differs.

    Attributes:
        path: Where, with list items by their merge keys.
        change: Added, removed or changed, seen from Git to live.
        desired: The value that Git (with the server's defaults) wants; None where it has none.
        live: The live value; None where there is none.
        by: Who set the live value; None for a removal and where the server doesn't know.
        candidates: For a removal, who could have done it, the latest first.
        last_changed: When the object was last written by anybody but a status writer, RFC 3339.
        masked: Set once the values have been masked.
        actor: Who really did it, where the request was witnessed.
    """

    path: Path
    change: ChangeType
    desired: Any
    live: Any
    by: FieldManager | None = None
    candidates: tuple[FieldManager, ...] = ()
    last_changed: str = ""
    masked: MaskedDigest | None = None
    actor: "Actor | None" = None


@dataclass(frozen=True, slots=True)
class Hidden:
    """A difference that a rule explains; counted, and shown by `explain`.

    Attributes:
        change: What differs.
        rule: The rule's name.
        reason: The rule's reason.
    """

    change: Change
    rule: str
    reason: str


class DecisionAction(StrEnum):
    """What is to be done about a drift; but for `wait`, in the order of caution."""

    OBSERVE = "observe"  # report it, and leave it
    PROPOSE = "propose"  # open a pull request
    APPROVE = "approve"  # restore it once a person has said yes
    RESTORE = "restore"  # restore it now
    WAIT = "wait"  # do nothing yet


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done about a drift, and why (DESIGN, section 8).

    Attributes:
        action: What is to be done.
        rule: The policy rule that decided.
        reason: In a sentence.
        until: For `wait`, the time until which, RFC 3339; empty where that isn't known.
        plan: For `approve` and `propose`, the digest of the plan that a person may say yes to;
            empty elsewhere.
        note: What of the reason is news of its own, though the decision is the same: why an
            annotation counts for nothing; empty for nothing.
    """

    action: DecisionAction
    rule: str
    reason: str
    until: str = ""
    plan: str = ""
    note: str = ""

    def with_note(self, note: str) -> "Decision":
        """Gives the decision with something more to tell."""
        return replace(self, reason=f"{self.reason}; {note}", note=f"{self.note}{note}")


@dataclass(frozen=True, slots=True)
class Drift:
    """One object that isn't as declared, or that couldn't be read.

    Attributes:
        id: `d-` and 12 hex digits; the same while the drift lasts, whoever looks.
        type: Which kind of drift.
        severity: How much it matters.
        key: The object.
        api_version: As declared; as read for an unmanaged object.
        uid: The live object's uid, empty where it isn't live.
        source: Where it is declared; None for an unmanaged object.
        changes: What differs; empty but for `Modified` and `Pending`.
        hidden: What differs and is explained by a rule.
        note: What a reader must know: why unreadable, why it can't simply be replaced.
        by: For `Unmanaged`, who made it.
        first_seen: When Plumbline first saw it, RFC 3339; empty until known.
        decision: What is to be done; None until decided.
        actor: For `Missing` and `Unmanaged`, who deleted or made it, where that was witnessed.
        owner: For a drift of a pod, the declared object that makes it.
    """

    id: str
    type: DriftType
    severity: Severity
    key: ResourceKey
    api_version: str
    uid: str = ""
    source: SourceLocation | None = None
    changes: tuple[Change, ...] = ()
    hidden: tuple[Hidden, ...] = ()
    note: str = ""
    by: FieldManager | None = None
    first_seen: str = ""
    decision: Decision | None = None
    actor: "Actor | None" = None
    owner: ResourceKey | None = None

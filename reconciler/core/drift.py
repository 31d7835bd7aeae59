"""What drift is, as data: types, severities, changes of fields."""

import hashlib
from dataclasses import dataclass, replace
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Final

from reconciler.core.desired import SourceLocation
from reconciler.core.ownership import FieldManager
from reconciler.core.path import Path
from reconciler.core.resource import ResourceKey
from reconciler.core.terms import ChangeType, Severity

if TYPE_CHECKING:
    from reconciler.core.actors import Actor

    # Only who looks into containers needs these, and a check imports no more than it must.
    from reconciler.core.containers import ContainerDrift, ContainerRef

__all__ = [
    "IN_PODS",
    "Change",
    "ChangeType",
    "Decision",
    "DecisionAction",
    "Drift",
    "DriftType",
    "Hidden",
    "MaskedDigest",
    "Severity",
    "StaleImage",
    "id_of",
]


class DriftType(StrEnum):
    """The kinds of drift (DESIGN, section 4): those of objects, then those of running pods."""

    MISSING = "Missing"
    MODIFIED = "Modified"
    UNMANAGED = "Unmanaged"
    PENDING = "Pending"
    UNREADABLE = "Unreadable"
    POD_SPEC = "PodSpec"
    FILE = "File"
    PROCESS = "Process"
    SESSION = "Session"
    PORT = "Port"
    IMAGE = "Image"


#: The types that a running pod has against its template and its images. Writing the object that
#: is declared puts none of them right: only a new pod does.
IN_PODS: Final = frozenset(
    {
        DriftType.POD_SPEC,
        DriftType.FILE,
        DriftType.PROCESS,
        DriftType.SESSION,
        DriftType.PORT,
        DriftType.IMAGE,
    }
)


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
class StaleImage:
    """What is wrong with the image of one container of a workload (DESIGN, section 6).

    Attributes:
        container: The container's name.
        declared: The image that Git declares; empty where it declares no such container.
        running: Digests of what runs, the most often run one first.
        latest: The image to run in its place; empty where none is known.
        age: How old the running image is, in seconds; None where that isn't known.
        rule: What is wrong, such as `moved` or `old`.
    """

    container: str
    declared: str
    running: tuple[str, ...]
    latest: str
    age: int | None
    rule: str


@dataclass(frozen=True, slots=True)
class Drift:
    """One object that isn't as declared, or that couldn't be read; or what drifted in a pod.

    Of a pod there may be several, each of one thing in one of its containers.

    Attributes:
        id: `d-` and 12 hex digits; the same while the drift lasts, whoever looks.
        type: Which kind of drift.
        severity: How much it matters.
        key: The object; of what drifted in a pod, the pod.
        api_version: As declared; as read for an unmanaged object and for a pod.
        uid: The live object's uid, empty where it isn't live.
        source: Where it, or the pod's owner, is declared; None for an unmanaged object.
        changes: What differs; empty but for `Modified`, `Pending` and `PodSpec`.
        hidden: What differs and is explained by a rule.
        note: What a reader must know: why unreadable, why it can't simply be replaced.
        by: For `Unmanaged`, who made it.
        first_seen: When Plumbline first saw it, RFC 3339; empty until known.
        decision: What is to be done; None until decided.
        actor: For `Missing` and `Unmanaged`, who deleted or made it, and for `Session` who asked
            for it, where that was witnessed.
        container: In which container it was seen; None for a drift of an object or a whole pod.
        seen: What was seen there, as the node's agent says it; None likewise.
        owner: The declared workload whose pod it is; None for a drift of an object.
        image: For `Image`, of which the object is the workload, what is wrong.
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
    container: "ContainerRef | None" = None
    seen: "ContainerDrift | None" = None
    owner: ResourceKey | None = None
    image: StaleImage | None = None

    @property
    def subject(self) -> tuple[ResourceKey, bool]:
        """The object, and whether it is what is in it, as a pod, that drifted."""
        return self.key, self.is_in_pod

    @property
    def is_in_pod(self) -> bool:
        """Whether it is of a running pod, not of an object as declared; see `IN_PODS`."""
        return self.type in IN_PODS


def id_of(target: str, type_: DriftType, key: ResourceKey) -> str:
    """Gives the id of a drift of a whole object: `d-` and 12 digits, the same whoever looks.

    What was seen in containers is named by `ranking.drift_id`.
    """
    text = "\0".join((target, type_, key.group, key.kind, key.namespace, key.name))
    return f"d-{hashlib.blake2b(text.encode(), digest_size=6).hexdigest()}"

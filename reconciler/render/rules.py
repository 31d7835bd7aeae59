"""The kinds of findings: what each means, and what can be done about it."""

from dataclasses import dataclass
from typing import Final

from reconciler.core.drift import DriftType
from reconciler.core.merge import Effect


@dataclass(frozen=True, slots=True)
class Rule:
    """A kind of finding.

    Attributes:
        id: Stays the same for good.
        name: For lists of rules.
        short: In a sentence.
        help: What it means, and what can be done.
    """

    id: str
    name: str
    short: str
    help: str


_REPLACE: Final = (
    "Find out who did it and why: `plumbline containers` shows all of it, `plumbline history` "
    "since when. Then delete the pod: its owner makes a new one from the image."
)
_RESTORE: Final = (
    "`plumbline explain KIND/NAME` accounts for every field; `plumbline restore` shows the plan "
    "that puts it right. If what is live is right, declare it; if it is nobody's business, write "
    "an ignore rule with its reason."
)

DRIFT_RULES: Final = {
    DriftType.MODIFIED: Rule(
        "drift-modified",
        "Modified",
        "A live object differs from what the server would make of its declaration.",
        f"Fields were changed, added or removed in the cluster. {_RESTORE}",
    ),
    DriftType.MISSING: Rule(
        "drift-missing",
        "Missing",
        "An object is declared and not live.",
        f"It was deleted, or never applied. {_RESTORE}",
    ),
    DriftType.UNMANAGED: Rule(
        "drift-unmanaged",
        "Unmanaged",
        "An object is live in the target's scope, and nobody declared it.",
        "Declare it, ignore it by a rule with its reason, or delete it.",
    ),
    DriftType.PENDING: Rule(
        "drift-pending",
        "Pending",
        "Live is what an earlier commit declared, and Git has moved on.",
        "Nobody edited it by hand: it is not rolled out yet. Look at whoever deploys.",
    ),
    DriftType.UNREADABLE: Rule(
        "drift-unreadable",
        "Unreadable",
        "An object could not be read, so whether it drifted is unknown.",
        "`plumbline doctor` checks access and rights, each with its fix.",
    ),
    DriftType.POD_SPEC: Rule(
        "drift-pod-spec",
        "PodSpec",
        "A running pod differs from its owner's template, or from its siblings.",
        f"It was changed after it was made. {_REPLACE}",
    ),
    DriftType.FILE: Rule(
        "drift-file",
        "File",
        "A file in a running container isn't as its image has it.",
        f"It was added, changed or removed since the container began. {_REPLACE}",
    ),
    DriftType.PROCESS: Rule(
        "drift-process",
        "Process",
        "A process in a container runs what its image doesn't hold.",
        f"Its code came after the container began, or from elsewhere. {_REPLACE}",
    ),
    DriftType.SESSION: Rule(
        "drift-session",
        "Session",
        "Somebody came into a running container from outside.",
        f"It was by exec, attach, or from the machine. {_REPLACE}",
    ),
    DriftType.PORT: Rule(
        "drift-port",
        "Port",
        "A container listens where its spec declares nothing.",
        f"Declare the port if it is meant to be there. {_REPLACE}",
    ),
    DriftType.IMAGE: Rule(
        "drift-image",
        "Image",
        "A container runs another image than it should.",
        "`plumbline images` shows what runs, and what there is.",
    ),
}

EFFECT_RULES: Final = {
    Effect.OVERWRITE: Rule(
        "merge-overwrites",
        "MergeOverwrites",
        "Merging would overwrite what somebody changed in the cluster.",
        "Find out why it was changed there. If it is to stay, declare it in this pull request; "
        "else merge, and it is gone.",
    ),
    Effect.UNKNOWN: Rule(
        "merge-unknown",
        "MergeUnknown",
        "What merging would do to an object could not be told.",
        "`plumbline doctor` checks access and rights, each with its fix.",
    ),
    Effect.CHANGE: Rule(
        "merge-changes",
        "MergeChanges",
        "Merging would change what is live, as the pull request says.",
        "This is what the pull request is for; nothing is lost by it.",
    ),
    Effect.ADOPT: Rule(
        "merge-adopts",
        "MergeAdopts",
        "The pull request declares what was changed in the cluster.",
        "Nothing changes live; after the merge it is no drift any more.",
    ),
    Effect.KEEP: Rule(
        "merge-keeps",
        "MergeKeeps",
        "An object drifted, and the pull request leaves that as it is.",
        f"It is drift before and after the merge. {_RESTORE}",
    ),
}

RULES: Final = (*DRIFT_RULES.values(), *EFFECT_RULES.values())

"""What became of each action of a plan. A failure of one object is an outcome, not an exception."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.resource import ResourceKey


class OutcomeType(StrEnum):
    """How an action ended."""

    RESTORED = "restored"  # written, and a fresh comparison found the object in sync
    CONFLICT = "conflict"  # the object moved since the plan was made; nothing was written
    REFUSED = "refused"  # the API server said no; nothing was written
    UNVERIFIED = "unverified"  # written, but a fresh comparison still finds drift or failed
    SKIPPED = "skipped"  # not tried, since something it needs failed


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one action.

    Attributes:
        key: The object.
        outcome: How the action ended.
        reason: Why, in a sentence without secrets; empty for a restored object.
    """

    key: ResourceKey
    outcome: OutcomeType
    reason: str = ""

"""What merging a pull request would do to what is live, as data."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.drift import Drift


class Effect(StrEnum):
    """What rolling out the head would do to one object, what asks most of a reader first."""

    OVERWRITE = "overwrite"  # what somebody changed in the cluster would be lost
    UNKNOWN = "unknown"  # it could not be read or compared
    CHANGE = "change"  # live is as the base says, and the head says otherwise
    ADOPT = "adopt"  # drift of the base that the head declares: Git comes to say what live says
    KEEP = "keep"  # drift of the base that the head leaves as it is


@dataclass(frozen=True, slots=True)
class MergeEffect:
    """What merging would do to one object in one way; an object may be affected in several.

    Attributes:
        effect: In which way.
        drift: The object, with the changes that this is about: seen from the head to live, but for
            `adopt`, which are seen from the base. The id is that of the object's drift.
    """

    effect: Effect
    drift: Drift


@dataclass(frozen=True, slots=True)
class Merge:
    """A pull request beside the cluster.

    Attributes:
        base: The commit that is merged by now, and taken for what is deployed.
        head: The commit that would be.
        effects: By effect, then the worst first.
    """

    base: str
    head: str
    effects: tuple[MergeEffect, ...] = ()

    def of(self, effect: Effect) -> tuple[MergeEffect, ...]:
        """Gives the effects of one kind."""
        return tuple(each for each in self.effects if each.effect is effect)

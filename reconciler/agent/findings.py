"""What a look at a container's files begins with, and what it ends with."""

from collections import Counter
from dataclasses import dataclass, field

from reconciler.core.containers import Expected, FileDrift
from reconciler.core.grading import ExpectedRule


@dataclass(frozen=True, slots=True)
class Root:
    """A container's root, as its overlay is made; descriptors of directories.

    Attributes:
        upper: What the container wrote; -1 for one that can't be written.
        lowers: The image's layers, the topmost first.
        data: Layers that hold only content.
        prefix: How the names of overlay's attributes begin.
        points: Where something is mounted in the container, and the directories above.
    """

    upper: int
    lowers: tuple[int, ...]
    data: tuple[int, ...]
    prefix: str
    points: frozenset[str]


@dataclass(slots=True)
class Findings:
    """What was found in one container's files; filled while looking.

    Attributes:
        drifts: What differs.
        expected: What differs as a rule expects, by rule: how many files, how many bytes.
        unknown: What couldn't be told.
        unlisted: How many differences more there are.
        entries: How many files of the container's own layer were looked at.
    """

    drifts: list[FileDrift] = field(default_factory=list)
    expected: Counter[ExpectedRule] = field(default_factory=Counter)
    sizes: Counter[ExpectedRule] = field(default_factory=Counter)
    unknown: list[str] = field(default_factory=list)
    unlisted: int = 0
    entries: int = 0

    def expectations(self) -> tuple[Expected, ...]:
        """Gives what is expected, as it is reported."""
        return tuple(
            Expected(rule.name, rule.reason, count, self.sizes[rule])
            for rule, count in sorted(self.expected.items(), key=lambda item: item[0].name)
        )

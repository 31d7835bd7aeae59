"""What a look at a container's files begins with, and what it ends with."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field

from reconciler.core.containers import Expected, FileDrift, WrittenPlace
from reconciler.core.drift import Severity
from reconciler.core.grading import ExpectedRule

_SEVERITIES = tuple(Severity)


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
        unlisted: How many differences more there are, by how much they matter.
        entries: How many files of the container's own layer were looked at.
        written: Where the container wrote what is no drift.
    """

    drifts: list[FileDrift] = field(default_factory=list)
    expected: Counter[ExpectedRule] = field(default_factory=Counter)
    sizes: Counter[ExpectedRule] = field(default_factory=Counter)
    _places: dict[Severity, list[int]] = field(
        default_factory=lambda: {each: [] for each in Severity}
    )
    unknown: list[str] = field(default_factory=list)
    unlisted: Counter[Severity] = field(default_factory=Counter)
    entries: int = 0
    written: tuple[WrittenPlace, ...] = ()

    def has_room(self, severity: Severity, limit: int) -> bool:
        """Whether a difference will be listed; counts it where it won't.

        Args:
            severity: How much it matters.
            limit: So many are listed.
        """
        if len(self.drifts) < limit or any(self._lesser(severity)):
            return True
        self.unlisted[severity] += 1
        return False

    def tell(self, drift: FileDrift, limit: int) -> None:
        """Lists a difference, in place of one that matters less where there are too many."""
        if not self.has_room(drift.severity, limit):
            return
        if len(self.drifts) < limit:
            self._places[drift.severity].append(len(self.drifts))
            self.drifts.append(drift)
            return
        lesser = next(each for each in self._lesser(drift.severity) if each)
        place = lesser.pop()
        self.unlisted[self.drifts[place].severity] += 1
        self._places[drift.severity].append(place)
        self.drifts[place] = drift

    def _lesser(self, severity: Severity) -> Iterator[list[int]]:
        """Gives the places of differences that matter less, those that matter least first."""
        for each in reversed(_SEVERITIES[_SEVERITIES.index(severity) + 1 :]):
            yield self._places[each]

    def unlisted_words(self) -> str:
        """Says how many differences aren't listed; empty where all are."""
        total = sum(self.unlisted.values())
        counts = (f"{self.unlisted[each]:,} {each}" for each in Severity if self.unlisted[each])
        return f"{total:,} differences more are not listed ({', '.join(counts)})" if total else ""

    def expectations(self) -> tuple[Expected, ...]:
        """Gives what is expected, as it is reported."""
        return tuple(
            Expected(rule.name, rule.reason, count, self.sizes[rule])
            for rule, count in sorted(self.expected.items(), key=lambda item: item[0].name)
        )

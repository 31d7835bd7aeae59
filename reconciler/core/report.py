"""The finished report: everything that was read, found and done, with secrets already masked."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import TYPE_CHECKING, Final

from reconciler.core.desired import SourceLocation
from reconciler.core.drift import Drift
from reconciler.core.outcome import Outcome
from reconciler.core.resource import ResourceKey

if TYPE_CHECKING:
    from reconciler.core.baseline import Baselined
    from reconciler.core.merge import Merge

#: Said wherever nobody witnessed the requests.
PROGRAMS: Final = (
    "who did it is told by field manager, which names a program: where an audit log or a webhook "
    "is configured, `plumbline run` names persons"
)


class Comparison(StrEnum):
    """Which of the two comparisons was made (DESIGN, section 4)."""

    SERVER = "server"
    OFFLINE = "offline"


@dataclass(frozen=True, slots=True)
class Requests:
    """How many requests the run made to the API server, by what they were.

    Attributes:
        list: LISTs, one for each kind and scope however many pages it had.
        get: Reads of single objects, and of discovery documents.
        dry_run: Dry-run writes.
        write: Real writes.
    """

    list: int = 0
    get: int = 0
    dry_run: int = 0
    write: int = 0


@dataclass(frozen=True, slots=True)
class Unproven:
    """Something that the comparison could not prove, said rather than guessed.

    Attributes:
        key: The object.
        path: The field as people write it; empty for the whole object.
        reason: Why it couldn't be told.
    """

    key: ResourceKey
    path: str
    reason: str


@dataclass(frozen=True, slots=True)
class Insight:
    """How far a look saw into running pods, beyond the drifts that it lists.

    Attributes:
        untold: Pods of which not all could be told: what was known of their containers isn't gone.
        unclaimed: Pods of which it couldn't be told whose they are: nothing known of them is gone.
        unlisted: The ids of drifts that were seen and are too many to be listed.
        notes: What a reader should know.
    """

    untold: frozenset[ResourceKey] = frozenset()
    unlisted: frozenset[str] = frozenset()
    unclaimed: frozenset[ResourceKey] = frozenset()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Summary:
    """The one-line truth; `resources` counts declared objects and unmanaged ones.

    Attributes:
        resources: How many objects were looked at.
        in_sync: How many are as declared.
        drifted: How many aren't.
        unreadable: How many couldn't be read.
        hidden: How many differences rules explain.
        pods: How many pods aren't as their templates and images; they are none of the above.
    """

    resources: int
    in_sync: int
    drifted: int
    unreadable: int
    hidden: int = 0
    pods: int = 0


@dataclass(frozen=True, slots=True)
class Report:
    """One look at one target.

    Attributes:
        target: Its name.
        revision: What Git says, as a commit's hash.
        checked_at: When, RFC 3339 in UTC.
        comparison: Which comparison was made.
        summary: The counts.
        requests: What it cost the API server.
        drifts: The worst first, then by namespace, kind, name.
        unproven: What couldn't be proven.
        outcomes: What was done; empty for a check.
        notes: What a reader should know, such as scopes not looked into.
        declared: Every declared object that was looked at, and where it is declared, in the order
            of the files.
        merge: What a pull request would do, where two commits were compared; all else then speaks
            of the base.
        baseline: What was known before, where a baseline was given; `drifts` and `summary.drifted`
            then hold only what is new or worse.
        insight: How far running pods were seen into; None where nobody looked.
    """

    target: str
    revision: str
    checked_at: str
    comparison: Comparison
    summary: Summary
    requests: Requests
    drifts: tuple[Drift, ...]
    unproven: tuple[Unproven, ...] = ()
    outcomes: tuple[Outcome, ...] = ()
    notes: tuple[str, ...] = ()
    declared: Mapping[ResourceKey, SourceLocation] = field(default_factory=dict, repr=False)
    merge: "Merge | None" = None
    baseline: "Baselined | None" = None
    insight: Insight | None = None

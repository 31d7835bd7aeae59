"""The finished report: everything that was read, found and done, with secrets already masked."""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from reconciler.core.drift import Drift
from reconciler.core.outcome import Outcome
from reconciler.core.resource import ResourceKey

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
class Summary:
    """The one-line truth; `resources` counts declared objects and unmanaged ones.

    Attributes:
        resources: How many objects were looked at.
        in_sync: How many are as declared.
        drifted: How many aren't.
        unreadable: How many couldn't be read.
        hidden: How many differences rules explain.
    """

    resources: int
    in_sync: int
    drifted: int
    unreadable: int
    hidden: int = 0


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

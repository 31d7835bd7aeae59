"""One cycle of the controller, for those who tell of it."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.plan import Plan
from reconciler.core.report import Report


class CycleResult(StrEnum):
    """How a cycle ended."""

    DONE = "done"  # looked, and did what was decided
    UNMOVED = "unmoved"  # nothing moved since the last look: nothing was even compared
    STANDBY = "standby"  # another replica leads
    FAILED = "failed"  # a side could not be read, or the history not be written


@dataclass(frozen=True, slots=True)
class Cycle:
    """One cycle, for those who tell of it.

    Attributes:
        target: The target's name.
        result: How it ended.
        seconds: How long it took.
        report: What was found, or what was left after a restore; None unless it was done.
        error: Why it failed; empty unless it did.
        before: What was found before a restore; None where there was none.
        waiting: The plan that waits for a person; None where none does.
        refused: Whether it failed since the commit may not be acted on.
    """

    target: str
    result: CycleResult
    seconds: float
    report: Report | None = None
    error: str = ""
    before: Report | None = None
    waiting: Plan | None = None
    refused: bool = False

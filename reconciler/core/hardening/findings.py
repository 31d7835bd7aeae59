"""What the audit finds, and by which rules."""

from dataclasses import dataclass
from enum import StrEnum

from reconciler.core.desired import SourceLocation
from reconciler.core.drift import Severity
from reconciler.core.path import Path
from reconciler.core.resource import ResourceKey


@dataclass(frozen=True, slots=True)
class HardeningRule:
    """One thing that a container should or shouldn't be.

    Attributes:
        id: Such as `run-as-root`.
        severity: How much it matters.
        reason: What is wrong about it.
        fix: What to write.
        controls: The controls that ask for it, such as `CIS Kubernetes 5.2.2`.
    """

    id: str
    severity: Severity
    reason: str
    fix: str
    controls: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Spot:
    """A place at which something is amiss, before rules say how much that matters.

    Attributes:
        rule: The rule's id.
        path: The field, from the object's root; where it is missing, where it should be.
        container: The container's name; empty where all of the pod is meant.
        detail: What is there; never the value of a secret.
    """

    rule: str
    path: Path
    container: str = ""
    detail: str = ""


class Verdict(StrEnum):
    """What a measurement says about a container's root."""

    SAFE = "safe"  # it never wrote outside its volumes
    MOUNTS = "mounts"  # it wrote only where volumes can be
    WRITES = "writes"  # it wrote elsewhere
    UNTOLD = "untold"  # it wasn't measured, not long enough, or not all of it could be told


@dataclass(frozen=True, slots=True)
class Measure:
    """What was measured of a container that may write to its root.

    Attributes:
        verdict: What that comes to.
        pods: In how many pods it was measured for long enough.
        seconds: For how long at least.
        by_owner: Whether pods were told by their owners; else by their names.
        mounts: Directories that would have to be volumes.
        reason: Why a read-only root isn't proposed; empty where it is.
    """

    verdict: Verdict
    pods: int
    seconds: int
    by_owner: bool
    mounts: tuple[str, ...] = ()
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Finding:
    """Something that is amiss.

    Attributes:
        rule: By which rule.
        key: The object.
        source: Where it is declared; None for a live one.
        path: As in `Spot`, as are the next two.
        container: The container's name.
        detail: What is there.
        measure: What was measured of it; None where nothing was to be.
    """

    rule: HardeningRule
    key: ResourceKey
    source: SourceLocation | None
    path: Path
    container: str
    detail: str
    measure: Measure | None = None


@dataclass(frozen=True, slots=True)
class Audit:
    """What an audit came to.

    Attributes:
        target: What was audited: a target's name, or what the user called it.
        revision: What Git says; empty for what is live.
        workloads: How many objects with containers were looked at.
        containers: How many containers.
        findings: What is amiss, by object, the worst first.
        ignored: How many findings ignore rules explain.
        notes: What a reader should know, such as what could not be read.
        is_partial: Whether something could not be read.
    """

    target: str
    revision: str
    workloads: int
    containers: int
    findings: tuple[Finding, ...]
    ignored: int = 0
    notes: tuple[str, ...] = ()
    is_partial: bool = False

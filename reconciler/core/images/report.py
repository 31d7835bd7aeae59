"""The finished report about images."""

from dataclasses import dataclass
from datetime import timedelta
from enum import StrEnum

from reconciler.core.drift import Severity
from reconciler.core.images.facts import Signature, Unknown
from reconciler.core.images.running import Use
from reconciler.core.images.versions import Newer
from reconciler.core.images.vulnerabilities import Scan, Vulnerability


class ImageRule(StrEnum):
    """What is wrong with an image, or can't be told of it."""

    DIFFERS = "differs"  # a pod names another image than Git declares
    MOVED = "moved"  # the declared tag resolves to another image than the one that runs
    DIVERGED = "diverged"  # pods of one workload run different images under one name
    GONE = "gone"  # the registry has no such image any more
    OLD = "old"  # it is older than the policy allows
    NEWER = "newer"  # there is a newer tag, within what the policy asks for
    MUTABLE = "mutable"  # declared by a tag alone, where the policy wants a digest
    UNSIGNED = "unsigned"  # no signature is there, where the policy wants one
    BASE = "base"  # its base image has been built anew since
    VULNERABLE = "vulnerable"  # a scanner's report names it
    UNREADABLE = "unreadable"  # it couldn't be told


@dataclass(frozen=True, slots=True)
class ImageDrift:
    """One thing that is wrong with the image of one container of a workload.

    Attributes:
        id: `d-` and 12 hex digits; the same while the drift lasts, whoever looks.
        rule: What is wrong.
        severity: How much it matters.
        use: The container, with all that runs of it.
        text: What was found, in a sentence.
        running: The digests that it is about, the most often run one first.
        latest: The image to run in its place; empty where none is known.
        age: How old the running image is; None where that isn't known.
        policy: The policy that wants it otherwise.
        vulnerabilities: For `vulnerable`, what was found in it.
    """

    id: str
    rule: ImageRule
    severity: Severity
    use: Use
    text: str
    running: tuple[str, ...] = ()
    latest: str = ""
    age: timedelta | None = None
    policy: str = ""
    vulnerabilities: tuple[Vulnerability, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageEntry:
    """One container of a workload, and all that is known of its image.

    Attributes:
        use: The container, with all that runs of it.
        digests: Each digest that runs, and how many containers run it, the most often run first.
        since: Since when the longest-running one runs, RFC 3339; empty where none does.
        resolved: What the declared tag or digest resolves to now; empty where that isn't known.
        created: When the image that runs (else the declared one) was built; empty where unknown.
        age: How long ago that was; None where unknown.
        newer: The newest tag of each step.
        unlisted: Why newer tags couldn't be looked for; empty where they could.
        signature: Whether a signature is there; None where it wasn't looked for.
        base: What it was built on, by its own word; empty where it doesn't say.
        policy: The policy that speaks of it.
        drifts: What is wrong with it.
        scanned: The scanners' reports that are of it.
    """

    use: Use
    digests: tuple[tuple[str, int], ...]
    since: str
    resolved: str
    created: str
    age: timedelta | None
    newer: tuple[Newer, ...]
    unlisted: str
    signature: Signature | Unknown | None
    base: str
    policy: str
    drifts: tuple[ImageDrift, ...]
    scanned: tuple[Scan, ...] = ()


@dataclass(frozen=True, slots=True)
class ImageSummary:
    """The one-line truth.

    Attributes:
        images: How many images, by name.
        containers: How many containers of workloads were looked at.
        stale: How many of them have findings.
        unreadable: Of how many something couldn't be told.
    """

    images: int
    containers: int
    stale: int
    unreadable: int


@dataclass(frozen=True, slots=True)
class ImageReport:
    """One look at the images of one target.

    Attributes:
        target: Its name.
        revision: What Git says, as a commit's hash.
        checked_at: When, RFC 3339 in UTC.
        summary: The counts.
        entries: Every container of every workload, by namespace, workload and container.
        unread: Why pods couldn't be read, and where; empty where they could.
        notes: What a reader should know.
    """

    target: str
    revision: str
    checked_at: str
    summary: ImageSummary
    entries: tuple[ImageEntry, ...]
    unread: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()

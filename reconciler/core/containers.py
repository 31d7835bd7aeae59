"""What drift is inside a container, as data: files, processes, sessions, ports (DESIGN, section 4).

Names and words of a container are foreign: bytes that aren't UTF-8 stand in them as lone
surrogates, as `os.fsdecode` gives them, and are escaped where they are rendered.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Final, TypeAlias

from reconciler.core.container_files import FileState as FileState
from reconciler.core.container_files import FileType as FileType
from reconciler.core.terms import ChangeType, Severity

#: The name of a container that only holds its pod's namespaces.
SANDBOX: Final = "(sandbox)"


class Origin(StrEnum):
    """Where a process's code comes from, if not from its container's image."""

    ADDED = "added"  # a file that the image doesn't hold
    CHANGED = "changed"  # a file of the image with other content
    DELETED = "deleted"  # a file that is gone
    MEMORY = "memory"  # a file that only ever was in memory
    VOLUME = "volume"  # a volume or a bind mount
    LOADER = "loader"  # started by the loader of dynamic libraries, which is the image's own
    LIBRARY = "library"  # a library that the image doesn't hold, in a program that it does
    SCRIPT = "script"  # read by an interpreter, which is the image's own
    OUTSIDE = "outside"  # none of the container's mounts
    PROFILE = "profile"  # the image, whose profile doesn't have it run


@dataclass(frozen=True, slots=True)
class ContainerRef:
    """Which container; what isn't known is empty.

    Attributes:
        namespace: The pod's namespace.
        pod: The pod's name.
        pod_uid: The pod's uid.
        container: The container's name in the pod; for the one that only holds the pod's
            namespaces `SANDBOX`; outside of Kubernetes the runtime's name.
        container_id: The runtime's id.
        image: The image's name, as the runtime was told.
        image_digest: The image's digest, such as `sha256:…`.
        node: The machine's name.
    """

    namespace: str
    pod: str
    pod_uid: str
    container: str
    container_id: str
    image: str = ""
    image_digest: str = ""
    node: str = ""

    def __str__(self) -> str:
        names = [part for part in (self.namespace, self.pod, self.container) if part]
        return "/".join(names) or self.container_id[:12]


@dataclass(frozen=True, slots=True)
class FileDrift:
    """A file that isn't as the image has it.

    Attributes:
        path: As the container sees it.
        change: Added, changed or removed, seen from the image to the container.
        severity: How much it matters.
        why: Why it matters that much, in a few words: `executable`, `cron`.
        was: As the image has it; None for an added file.
        now: As it is; None for a removed one.
        text_diff: For small text, the unified diff; empty where it isn't had. Secrets are masked.
        note: What a reader must know.
    """

    path: str
    change: ChangeType
    severity: Severity
    why: str
    was: FileState | None
    now: FileState | None
    text_diff: str = ""
    note: str = ""


@dataclass(frozen=True, slots=True)
class Parent:
    """One of a process's parents, the nearest first.

    Attributes:
        pid: Its number on the machine.
        name: Its short name, which a process may choose.
    """

    pid: int
    name: str


@dataclass(frozen=True, slots=True)
class ProcessDrift:
    """A process that runs what its image doesn't hold.

    Attributes:
        pid: Its number on the machine.
        container_pid: Its number as the container sees it.
        executable: What it runs, as the container sees it.
        origin: Where that comes from.
        code: The library or script, where it isn't the executable itself.
        command: Its words; secrets are masked.
        user: As whom it runs, by number.
        started_at: When it was started, RFC 3339.
        parents: The nearest first, up to the container's first process or what is outside.
        severity: How much it matters.
        note: What a reader must know.
    """

    pid: int
    container_pid: int
    executable: str
    origin: Origin
    command: tuple[str, ...]
    user: str
    started_at: str
    severity: Severity
    code: str = ""
    parents: tuple[Parent, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class SessionDrift:
    """A process that came into the container from outside its own tree.

    Attributes:
        verb: `exec` for one that the runtime started; `enter` for one that joined the container's
            namespaces otherwise, such as by nsenter.
        pid: Its number on the machine.
        container_pid: Its number as the container sees it.
        user: As whom it runs, by number. Who asked for it isn't known to the node.
        command: Its words; secrets are masked.
        started_at: When it was started, RFC 3339.
        severity: How much it matters.
        parents: Whence it came.
        note: What a reader must know.
    """

    verb: str
    pid: int
    container_pid: int
    user: str
    command: tuple[str, ...]
    started_at: str
    severity: Severity
    parents: tuple[Parent, ...] = ()
    note: str = ""


@dataclass(frozen=True, slots=True)
class Listener:
    """A socket on which a process of a container waits for others.

    Attributes:
        protocol: `TCP` or `UDP`, as Kubernetes writes them.
        address: Where; `0.0.0.0` and `::` for everywhere.
        port: Its number.
        pid: Whose it is, by number on the machine.
    """

    protocol: str
    address: str
    port: int
    pid: int


@dataclass(frozen=True, slots=True)
class PortDrift:
    """A container listens where its spec declares nothing.

    Attributes:
        listener: Where, and who.
        severity: How much it matters.
    """

    listener: Listener
    severity: Severity


ContainerDrift: TypeAlias = FileDrift | ProcessDrift | SessionDrift | PortDrift


@dataclass(frozen=True, slots=True)
class Expected:
    """Differences that a rule expects: counted, and not drift.

    Attributes:
        rule: The rule's name.
        reason: Its reason.
        count: How many files.
        size: Their size in bytes.
    """

    rule: str
    reason: str
    count: int
    size: int


@dataclass(frozen=True, slots=True)
class Outside:
    """A place in a container that isn't of its image: a volume, a bind mount.

    Attributes:
        path: Where the container sees it.
        source: What it is: `emptyDir scratch`, `tmpfs`, a path of the machine.
        writable: Whether the container may write there.
    """

    path: str
    source: str
    writable: bool


@dataclass(frozen=True, slots=True)
class WrittenPlace:
    """A directory in which a container wrote what is expected, or what is no difference by now.

    Attributes:
        path: The directory: the innermost one that the image has, or else the outermost one that
            the container made. `/` also stands for all that are too many to be named.
        files: How many files differ there, and in what was made below; 0 where none is left.
        expected: Whether a rule expects to be written there.
        hides: Whether the image has files there, which a volume in this place would hide.
    """

    path: str
    files: int
    expected: bool
    hides: bool


@dataclass(frozen=True, slots=True)
class ContainerLook:
    """What one look at one container found.

    Attributes:
        container: Which one.
        drifts: The worst first.
        expected: What rules expect.
        listening: Where it listens.
        outside: Places in it that aren't of its image.
        unknown: What couldn't be told, and why; a look with any of these proves nothing absent.
        started_at: When its first process was started, RFC 3339; empty where that isn't known.
        written: Where it wrote what is no drift, and would need a volume if it couldn't.
        shells: Paths of the shells that are in it.
    """

    container: ContainerRef
    drifts: tuple[ContainerDrift, ...] = ()
    expected: tuple[Expected, ...] = ()
    listening: tuple[Listener, ...] = ()
    outside: tuple[Outside, ...] = ()
    unknown: tuple[str, ...] = ()
    started_at: str = ""
    written: tuple[WrittenPlace, ...] = ()
    shells: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeLook:
    """One look at all containers of a machine.

    Attributes:
        node: The machine's name.
        checked_at: When, RFC 3339.
        looks: One a container, the worst first.
        notes: What a reader should know.
    """

    node: str
    checked_at: str
    looks: tuple[ContainerLook, ...]
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class NodeReport:
    """What a node's agent said last.

    Attributes:
        look: What it said.
        received_at: When the controller received that, RFC 3339.
    """

    look: NodeLook
    received_at: str

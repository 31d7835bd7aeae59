"""A file in a container, or in its image, as data."""

from dataclasses import dataclass
from enum import StrEnum


class FileType(StrEnum):
    """What sort of file something is."""

    REGULAR = "file"
    DIRECTORY = "directory"
    SYMLINK = "symlink"
    FIFO = "fifo"
    SOCKET = "socket"
    CHARACTER = "character device"
    BLOCK = "block device"


@dataclass(frozen=True, slots=True)
class FileState:
    """A file as it is, or as the image has it.

    Attributes:
        type: What sort of file.
        mode: Permission bits with setuid, setgid and sticky.
        uid: The owner's number.
        gid: The group's number.
        size: In bytes; 0 for what has no content.
        modified: When its content was last changed, RFC 3339.
        sha256: Of its content, 64 hex digits; empty where there is none, or it wasn't read.
        target: Where a symbolic link points, as it is written there.
        capabilities: Of an executable, the raw attribute `security.capability` in hex.
        device: Of a device, its two numbers as `major:minor`.
    """

    type: FileType
    mode: int
    uid: int
    gid: int
    size: int = 0
    modified: str = ""
    sha256: str = ""
    target: str = ""
    capabilities: str = ""
    device: str = ""

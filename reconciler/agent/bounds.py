"""How much of a container is looked at, so that none can make a look endless."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a look at one container stops at; what was left out is always said.

    Attributes:
        files: So many differences are listed, those that matter most; the rest is counted, and
            its content isn't read.
        entries: So many files of the container's own layer are looked at.
        depth: So deep are directories looked into.
        file_bytes: Content of a longer file isn't read.
        total_bytes: So much content is read.
        text_bytes: Text up to this size is shown as a difference.
        text_lines: Likewise by lines; each side.
        texts: So many such differences are made.
        processes: So many processes are looked at.
    """

    files: int = 20_000
    entries: int = 2_000_000
    depth: int = 256
    file_bytes: int = 1 << 30
    total_bytes: int = 16 << 30
    text_bytes: int = 64 << 10
    text_lines: int = 1500
    texts: int = 200
    processes: int = 5_000

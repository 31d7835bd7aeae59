"""Mount tables: `/proc/PID/mountinfo`, and what it says of overlays (proc(5), overlayfs.rst)."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

_OCTAL = re.compile(rb"\\([0-7]{3})")


@dataclass(frozen=True, slots=True)
class Mount:
    """One mount of a process.

    Attributes:
        number: The mount's id.
        device: `major:minor` of the file system.
        root: What of the file system is mounted.
        point: Where, as the process sees it.
        writable: Whether it may be written, as far as the mount goes.
        kind: The file system's type.
        options: The file system's own options; of those that repeat, the values joined by `:`.
    """

    number: int
    device: str
    root: str
    point: str
    writable: bool
    kind: str
    options: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Overlay:
    """The directories of an overlay, as whoever mounted it named them.

    Attributes:
        upper: Where what the container writes goes; empty for one that can't be written.
        lowers: The image's layers, the topmost first.
        data: Layers that hold only content which others refer to.
        prefix: How the names of overlay's extended attributes begin.
    """

    upper: str
    lowers: tuple[str, ...]
    data: tuple[str, ...]
    prefix: str


def read_mounts(content: bytes) -> tuple[Mount, ...]:
    """Reads a mount table; lines that can't be read are left out."""
    return tuple(mount for line in content.splitlines() if (mount := _mount(line)) is not None)


def _mount(line: bytes) -> Mount | None:
    fields, _, rest = line.partition(b" - ")
    words, tail = fields.split(b" "), rest.split(b" ")
    if len(words) < 6 or len(tail) < 3:
        return None
    return Mount(
        number=int(words[0]),
        device=words[2].decode("ascii"),
        root=_plain(words[3]),
        point=_plain(words[4]),
        writable=b"ro" not in words[5].split(b",") and b"ro" not in tail[2].split(b","),
        kind=_plain(tail[0]),
        options=_options(tail[2]),
    )


def _options(field: bytes) -> dict[str, str]:
    options: dict[str, str] = {}
    for option in field.split(b","):
        name, _, value = option.partition(b"=")
        key, text = _plain(name).removesuffix("+"), _plain(value)
        # The newer interface names each layer by itself: `lowerdir+=/a,lowerdir+=/b`.
        options[key] = f"{options[key]}:{text}" if key in options else text
    return options


def _plain(field: bytes) -> str:
    if b"\\" not in field:
        return field.decode("utf-8", "surrogateescape")
    plain = _OCTAL.sub(lambda match: bytes([int(match[1], 8) & 0xFF]), field)
    return plain.decode("utf-8", "surrogateescape")


def overlay_of(mount: Mount) -> Overlay | None:
    """Gives the directories of an overlay; None for another file system."""
    if mount.kind != "overlay":
        return None
    layers, _, data = mount.options.get("lowerdir", "").partition("::")
    upper = mount.options.get("upperdir", "")
    prefix = "user.overlay." if "userxattr" in mount.options else "trusted.overlay."
    named = mount.options.get("datadir", "")
    return Overlay(
        _unescaped(upper), _split(layers, upper), _split(f"{data}:{named}", upper), prefix
    )


def _split(text: str, upper: str) -> tuple[str, ...]:
    """Reads layers: those with a relative name are beside the upper one's folder.

    containerd names `12/fs:11/fs`, from `…/snapshots`, where the whole names are too long for the
    kernel, and Docker `l/NAME:…`, from `…/overlay2`; the upper ones are `…/snapshots/13/fs` and
    `…/overlay2/ID/diff`.
    """
    base = upper.rsplit("/", 2)[0]
    parts = (_unescaped(part) for part in re.split(r"(?<!\\):", text) if part)
    return tuple(part if part.startswith("/") else f"{base}/{part}" for part in parts)


def _unescaped(text: str) -> str:
    return re.sub(r"\\([:,\\])", r"\1", text)


def mount_at(mounts: Sequence[Mount], point: str) -> Mount | None:
    """Gives what is mounted at a place: the last one, which covers what was there before."""
    return next((mount for mount in reversed(mounts) if mount.point == point), None)

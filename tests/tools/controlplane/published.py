"""The published envtest archives: the fast way to a control plane, where they can be reached."""

import hashlib
import tarfile
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Collection
from dataclasses import dataclass
from http.client import HTTPException, HTTPResponse
from pathlib import Path
from typing import IO, Any

import yaml

from tests.tools.controlplane.cache import Say
from tests.tools.controlplane.errors import ControlPlaneError
from tests.tools.controlplane.recipes import Tool

INDEX_VARIABLE = "ENVTEST_INDEX_URL"
"""Names another index, such as a mirror's; `off` asks none. Not a PLUMBLINE_ name: the product
refuses those that it doesn't know."""

INDEX_URL = (
    "https://raw.githubusercontent.com/kubernetes-sigs/controller-tools/HEAD/envtest-releases.yaml"
)

# For each connection and each read: somebody without a network waits no longer than this.
_TIMEOUT = 5.0
_INDEX_LIMIT = 16 << 20
_ARCHIVE_LIMIT = 1 << 30
_PROGRAM_LIMIT = 1 << 30
_CHUNK = 1 << 20


class PublishedError(ControlPlaneError):
    """There is no usable published archive; the message says why."""


@dataclass(frozen=True, slots=True)
class Archive:
    """One entry of the index."""

    version: str
    name: str
    sha512: str
    url: str


def fetch(
    index_url: str, version: str, machine: str, wanted: Collection[Tool], into: Path, say: Say
) -> None:
    """Downloads the archive for a version and platform, verifies it, and unpacks what is wanted.

    Raises:
        PublishedError: it can't be reached, isn't there, or isn't what the index says.
    """
    if urllib.parse.urlsplit(index_url).scheme not in ("http", "https"):
        raise PublishedError(f"{index_url!r} is not an http(s) address")
    try:
        with _open(index_url) as answer:
            index = answer.read(_INDEX_LIMIT)
        archive = choose(index, version, machine)
        if urllib.parse.urlsplit(archive.url).scheme not in ("http", "https"):
            raise PublishedError(f"{archive.name} is at {archive.url!r}: not http(s)")
        say(f"downloading {archive.name}")
        path = into / "envtest.tar.gz"
        with _open(archive.url) as answer, path.open("wb") as file:
            found = _copy(answer, file, _ARCHIVE_LIMIT)
    except (OSError, HTTPException) as error:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        raise PublishedError(f"{index_url}: {reason}") from error
    if found != archive.sha512.lower():
        raise PublishedError(f"{archive.url}: checksum is {found}, not {archive.sha512}")
    unpack(path, wanted, into)
    path.unlink()


def choose(index: bytes, version: str, machine: str) -> Archive:
    """The archive of this version, else of the newest patch of the same minor version.

    Raises:
        PublishedError: the index has none, or can't be understood.
    """
    try:
        releases: dict[str, Any] = yaml.safe_load(index)["releases"]
        offered = {
            name: Archive(name, file, str(entry["hash"]), str(entry["selfLink"]))
            for name, files in releases.items()
            for file, entry in files.items()
            if file == f"envtest-{name}-{machine}.tar.gz"
        }
    except (yaml.YAMLError, KeyError, TypeError, AttributeError) as error:
        raise PublishedError(f"the index can't be understood: {error!r}") from error
    minor = version.rpartition(".")[0] + "."
    patches = {
        int(patch): archive
        for name, archive in offered.items()
        if name.startswith(minor) and (patch := name.removeprefix(minor)).isdecimal()
    }
    archive = offered.get(version) or (patches[max(patches)] if patches else None)
    if archive is None:
        raise PublishedError(f"the index has no archive of {version} for {machine}")
    return archive


def unpack(archive: Path, wanted: Collection[Tool], into: Path) -> None:
    """Writes the wanted programs of an archive, flat, whatever else the archive names.

    Raises:
        PublishedError: a program is missing or too large, or the archive is damaged.
    """
    missing = {str(tool) for tool in wanted}
    try:
        # Only plain files, only by their own last name, written by us: no link, no "..", no mode
        # and no owner of the archive takes effect.
        with tarfile.open(archive, "r|gz") as members:
            for member in members:
                name = member.name.rpartition("/")[2]
                if not member.isreg() or name not in missing:
                    continue
                content = members.extractfile(member)
                if content is None or member.size > _PROGRAM_LIMIT:
                    raise PublishedError(f"{archive.name}: {name} is not a program")
                with content, (into / name).open("xb") as file:
                    _copy(content, file, _PROGRAM_LIMIT)
                missing.discard(name)
    except (tarfile.TarError, EOFError, OSError) as error:
        raise PublishedError(f"{archive.name} can't be unpacked: {error}") from error
    if missing:
        raise PublishedError(f"{archive.name} lacks {', '.join(sorted(missing))}")


def _open(url: str) -> HTTPResponse:
    # The callers have made sure that it's http(s).
    answer: HTTPResponse = urllib.request.urlopen(url, timeout=_TIMEOUT)  # noqa: S310
    return answer


def _copy(source: IO[bytes] | HTTPResponse, target: IO[bytes], limit: int) -> str:
    """Copies and returns the SHA-512 of what passed."""
    digest = hashlib.sha512()
    size = 0
    while chunk := source.read(_CHUNK):
        size += len(chunk)
        if size > limit:
            raise PublishedError(f"more than {limit} bytes")
        digest.update(chunk)
        target.write(chunk)
    return digest.hexdigest()

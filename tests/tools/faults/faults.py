"""What can go wrong with one HTTP request, and which requests are meant."""

from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import parse_qs, urlsplit


class On(StrEnum):
    """Which sort of request."""

    LIST = "list"
    WATCH = "watch"
    GET = "get"
    DRY_RUN = "dry run"
    WRITE = "write"
    LEASE = "lease"
    REFS = "refs"  # git ls-remote, and the first half of a fetch
    PACK = "pack"  # the second half
    HISTORY = "history"  # the controller's own word of an append, see `stepping`
    OTHER = "other"


@dataclass(frozen=True, slots=True)
class Refused:
    """The server's answer is another one; it never got the request.

    Attributes:
        status: The HTTP status.
        retry_after: Seconds that are asked for; 0 for none.
    """

    status: int
    retry_after: int = 0


@dataclass(frozen=True, slots=True)
class Reset:
    """The connection breaks before the server gets the request."""


@dataclass(frozen=True, slots=True)
class Lost:
    """The server does what it was asked, and the connection breaks before it can say so."""


@dataclass(frozen=True, slots=True)
class Half:
    """The server does what it was asked, and the connection breaks amid its answer."""


@dataclass(frozen=True, slots=True)
class Cut:
    """Of a watch: the connection breaks amid the next event."""


@dataclass(frozen=True, slots=True)
class Expired:
    """Of a watch: in place of the next event the server says that its beginning is gone (410)."""


@dataclass(frozen=True, slots=True)
class Withheld:
    """Of a watch: no bookmark comes through, as long as it lives."""


@dataclass(frozen=True, slots=True)
class Delayed:
    """It takes longer.

    Attributes:
        seconds: How much.
    """

    seconds: float


#: These befall a request as it comes.
RequestFault = Refused | Reset | Lost | Half | Delayed
#: These befall a watch that is under way.
WatchFault = Cut | Expired | Withheld
Fault = RequestFault | WatchFault

#: Every way in which a connection breaks or is slow.
BREAKS: tuple[RequestFault, ...] = (Reset(), Lost(), Half(), Delayed(0.3))
#: Everything that befalls a watch alone.
ON_WATCHES: tuple[WatchFault, ...] = (Cut(), Expired(), Withheld())


@dataclass(frozen=True, slots=True)
class Asked:
    """One request as it came.

    Attributes:
        on: Its sort.
        method: The HTTP method.
        target: Path and query.
        body: What it brought.
    """

    on: On
    method: str
    target: str
    body: bytes = b""

    @property
    def path(self) -> str:
        """The path alone."""
        return urlsplit(self.target).path


def sort_of(method: str, target: str, body: bytes) -> On:
    """Says of which sort a request to an API server or a Git server is."""
    parts = urlsplit(target)
    query = parse_qs(parts.query)
    path = parts.path
    if path.endswith("/info/refs"):
        return On.REFS
    if path.endswith("/git-upload-pack"):
        return On.PACK
    if "/leases" in path:
        return On.LEASE
    if query.get("watch") == ["1"]:
        return On.WATCH
    if method == "GET":
        return _sort_of_read(path)
    if path.endswith("reviews"):
        return On.OTHER
    # A DELETE says so in its body.
    return On.DRY_RUN if "dryRun" in query or b'"dryRun"' in body else On.WRITE


def _sort_of_read(path: str) -> On:
    """Tells collections from objects by the parts of their address; the rest is discovery."""
    words = path.strip("/").split("/")
    below = {"api": 2, "apis": 3}.get(words[0])
    if below is None or len(words) <= below:
        return On.OTHER
    rest = words[below:]
    if rest[0] == "namespaces" and len(rest) > 2:
        rest = rest[2:]
    return On.LIST if len(rest) == 1 else On.GET

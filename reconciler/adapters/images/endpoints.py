"""Where a registry is asked: its own address, or a mirror's."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from reconciler.core.images.naming import DEFAULT_HOST

#: Docker Hub is named otherwise than its registry is
#: (github.com/distribution/distribution: the same everywhere since Docker 1.6).
_DEFAULT_ADDRESS: Final = "registry-1.docker.io"


@dataclass(frozen=True, slots=True)
class Endpoint:
    """Where the images of a host are asked for.

    Attributes:
        host: Under which name its credentials are kept.
        address: Host and port.
        prefix: A folder in which a mirror keeps them; empty for none.
        plain: Whether it speaks HTTP without TLS.
        authority: A PEM file of authorities that vouch for it; None for the system's.
    """

    host: str
    address: str
    prefix: str = ""
    plain: bool = False
    authority: Path | None = None

    @property
    def url(self) -> str:
        """Its address as a URL."""
        return f"{'http' if self.plain else 'https'}://{self.address}"

    def repository(self, path: str) -> str:
        """Gives the path of a repository there."""
        return f"{self.prefix}/{path}" if self.prefix else path


@dataclass(frozen=True, slots=True)
class Endpoints:
    """The registries that need words of their own.

    Attributes:
        known: By host, as in images' names.
    """

    known: Mapping[str, Endpoint] = field(default_factory=dict)

    def of(self, host: str) -> Endpoint:
        """Gives where a host's images are asked for."""
        found = self.known.get(host)
        if found is not None:
            return found
        return Endpoint(host, _DEFAULT_ADDRESS if host == DEFAULT_HOST else host)

"""Answers that go on, through a proxy, by urllib3."""

import threading
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field

import urllib3
from urllib3.exceptions import HTTPError

from reconciler.adapters.cluster.access import Access
from reconciler.adapters.cluster.credentials import ClientCertificate
from reconciler.adapters.cluster.cut import Cut
from reconciler.adapters.cluster.proxied import mapped, new_pool
from reconciler.adapters.cluster.streams import Stream
from reconciler.adapters.cluster.wire import Limits, broken, seconds

_PIECE = 64 * 1024
#: The proxy answers TCP's probes for a server that is gone, so that only silence tells.
_LIMITS = Limits(read=90.0)


@dataclass(slots=True)
class ProxiedStreamWire:
    """Connections through the proxy that a kubeconfig's `proxy-url` names.

    Attributes:
        access: Which server, through which proxy.
        limits: How long to wait for it.
    """

    access: Access
    limits: Limits = _LIMITS
    _pool: urllib3.PoolManager | None = None
    _certificate: ClientCertificate | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    @property
    def dead_after(self) -> float:
        """As silence tells."""
        return self.limits.read

    def open(self, target: str, headers: Mapping[str, str], cut: Cut) -> Stream:
        """Asks once; see `StreamWire`."""
        pool = self._pooled()
        try:
            response = pool.request(
                "GET",
                f"{self.access.server}{target}",
                headers=dict(headers),
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except HTTPError as error:
            raise mapped(error, self.limits.read) from error
        cut.binds(_shutting(response))
        return _ProxiedStream(response, self.limits.read)

    def _pooled(self) -> urllib3.PoolManager:
        # A credential program's certificates are short-lived: another one, another pool.
        certificate = self.access.credentials.certificate()
        with self._lock:
            if self._pool is None or certificate != self._certificate:
                self._pool = new_pool(self.access, self.limits)
                self._certificate = certificate
            return self._pool


@dataclass(frozen=True, slots=True)
class _ProxiedStream:
    response: urllib3.BaseHTTPResponse
    limit: float

    @property
    def status(self) -> int:
        return self.response.status

    @property
    def retry_after(self) -> float:
        return seconds(self.response.headers.get("Retry-After"))

    def pieces(self) -> Iterator[bytes]:
        while True:
            try:
                piece = self.response.read1(_PIECE, decode_content=False)
            except HTTPError as error:
                raise mapped(error, self.limit) from error
            except (OSError, ValueError) as error:  # it was cut while it was read
                raise broken(error, self.limit) from error
            if not piece:
                return
            yield piece

    def close(self) -> None:
        self.response.close()


def _shutting(response: urllib3.BaseHTTPResponse) -> Callable[[], None]:
    def shut() -> None:
        # It says so in several ways when there is nothing any more to be shut.
        with suppress(OSError, ValueError, RuntimeError):
            response.shutdown()

    return shut

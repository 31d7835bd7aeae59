"""Requests through a proxy, by urllib3."""

import threading
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import urllib3
from urllib3.exceptions import (
    HTTPError,
    InsecureRequestWarning,
    NewConnectionError,
    ProxyError,
    ReadTimeoutError,
    SSLError,
)

from reconciler.adapters.cluster.access import Access
from reconciler.adapters.cluster.tls import tls_context
from reconciler.adapters.cluster.wire import (
    READ_SECONDS,
    USUAL,
    Answer,
    Limits,
    WireError,
    seconds,
)
from reconciler.core.errors import ConfigError

_CONNECTIONS = 16


@dataclass(slots=True)
class ProxiedWire:
    """Connections through the proxy that a kubeconfig's `proxy-url` names.

    Attributes:
        access: Which server, through which proxy.
        limits: How long to wait for it.
    """

    access: Access
    limits: Limits = USUAL
    _pool: urllib3.PoolManager | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def request(
        self, method: str, target: str, body: bytes | None, headers: Mapping[str, str]
    ) -> Answer:
        """Asks once; see `Wire`."""
        with self._lock:
            if self._pool is None:
                self._pool = new_pool(self.access, self.limits)
            pool = self._pool
        try:
            response = pool.request(
                method,
                f"{self.access.server}{target}",
                body=body,
                headers={"Accept-Encoding": "gzip", **headers},
                retries=False,
                redirect=False,
            )
        except HTTPError as error:
            raise mapped(error, self.limits.read) from error
        wait = seconds(response.headers.get("Retry-After"))
        warnings = tuple(response.headers.getlist("Warning"))
        return Answer(response.status, response.data, wait, warnings)

    def close(self) -> None:
        """Closes all connections, and forgets the client's certificate."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.clear()


def new_pool(access: Access, limits: Limits) -> urllib3.PoolManager:
    """Makes connections through the proxy, each as long as it is used.

    Raises:
        ConfigError: The proxy, or a certificate, can't be used.
    """
    settings: dict[str, Any] = {
        "maxsize": _CONNECTIONS,
        "timeout": urllib3.Timeout(connect=limits.connect, read=limits.read),
    }
    if access.server.startswith("https:"):
        settings["ssl_context"] = tls_context(access, access.credentials.certificate())
        if access.server_name:
            settings["server_hostname"] = access.server_name
            settings["assert_hostname"] = access.server_name
        if not access.verify:
            settings["cert_reqs"] = "CERT_NONE"
            settings["assert_hostname"] = False
            urllib3.disable_warnings(InsecureRequestWarning)
    try:
        if access.proxy.startswith("socks"):
            from urllib3.contrib.socks import SOCKSProxyManager

            return SOCKSProxyManager(access.proxy, **settings)
        return urllib3.ProxyManager(access.proxy, **settings)
    except (ImportError, HTTPError, ValueError) as error:
        raise ConfigError(
            f"the proxy-url of {access.described} can't be used",
            fix="give http://HOST:PORT; for socks5:// also install the package pysocks",
        ) from error


def mapped(error: HTTPError, limit: float = READ_SECONDS) -> WireError:
    """Says what is wrong; without the error's own text, which holds addresses."""
    match error:
        case SSLError():
            what = "could not be verified by TLS"
            fix = "check certificate-authority and tls-server-name of this context's cluster"
            return WireError(what, fix, sent=False, repeats=0)
        case ProxyError() | NewConnectionError():
            fix = "check proxy-url and server of this context's cluster"
            what = "can't be reached through its proxy"
            return WireError(what, fix, sent=False, repeats=1)
        case ReadTimeoutError():
            fix = "try again when it is less busy"
            what = f"sent nothing for {limit:.0f} s"
            return WireError(what, fix, sent=True, repeats=0)
        case _:
            fix = "try again; if it stays so, look at the proxy's log"
            return WireError("broke off the connection", fix, sent=True, repeats=3)

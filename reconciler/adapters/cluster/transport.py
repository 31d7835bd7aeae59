"""Requests to one API server: kept connections, time limits, repetition of what may be repeated."""

import random
import ssl
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlencode, urlsplit

import orjson
import urllib3
from urllib3.exceptions import (
    ConnectTimeoutError,
    HTTPError,
    LocationValueError,
    NameResolutionError,
    NewConnectionError,
    ProxyError,
    SSLError,
    TimeoutError,
)

from reconciler.adapters.cluster.kubeconfig import Access
from reconciler.adapters.cluster.tls import tls_context
from reconciler.core.errors import ClusterError, ConfigError

Query = Mapping[str, str]

#: Connections kept open: as many as there are threads that ask at once.
_CONNECTIONS = 16
#: Seconds to connect, and between two pieces of an answer. The API server itself gives up an
#: ordinary request after 60 (--request-timeout).
_CONNECT_SECONDS = 10.0
_READ_SECONDS = 65.0
_TRIES = 4
_FIRST_DELAY = 0.1
_LONGEST_DELAY = 10.0
_UNAUTHORIZED = 401
_TOO_MANY = 429
#: What passes by itself: the server is busy (API priority and fairness), restarts, or its etcd
#: chooses a leader.
_PASSING = frozenset({_TOO_MANY, 500, 502, 503, 504})
#: Of a dry run 500 isn't among them: a webhook that can't be called would be called again.
_PASSING_FOR_WRITES = _PASSING - {500}
_JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Answer:
    """The server's answer.

    Attributes:
        status: The HTTP status.
        data: The raw body.
        retry_after: Seconds that the server asks to wait; 0 where it doesn't.
    """

    status: int
    data: bytes
    retry_after: float = 0.0

    @property
    def ok(self) -> bool:
        """Whether the server did what it was asked."""
        return 200 <= self.status < 300

    def json(self) -> Any:
        """Decodes the body; an empty map where it isn't JSON, such as a proxy's error page."""
        try:
            return orjson.loads(self.data)
        except orjson.JSONDecodeError:
            return {}


@dataclass(frozen=True, slots=True)
class Timing:
    """The clock and its use, so that tests needn't wait."""

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random


@dataclass(slots=True)
class Transport:
    """Makes requests to one API server; safe to use from many threads.

    Attributes:
        access: Which server, and who we are to it.
        timing: How to wait.
    """

    access: Access
    timing: Timing = field(default_factory=Timing)
    _pool: urllib3.PoolManager | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def get(self, path: str, query: Query | None = None, accept: str = _JSON) -> Answer:
        """Reads; repeated where that may help.

        Raises:
            ClusterError: The server couldn't be reached, or doesn't know us.
            ConfigError: Our credentials can't be had.
        """
        return self._repeated("GET", path, query, None, accept, _PASSING)

    def ask(self, method: str, path: str, query: Query | None, body: object) -> Answer:
        """Asks something that changes nothing, such as a dry run; repeated where that may help.

        Raises:
            ClusterError: The server couldn't be reached, or doesn't know us.
            ConfigError: Our credentials can't be had.
        """
        data = orjson.dumps(body)
        return self._repeated(method, path, query, data, _JSON, _PASSING_FOR_WRITES)

    def write(self, method: str, path: str, query: Query | None, body: object) -> Answer:
        """Writes; repeated only where the server can't have begun with it.

        Raises:
            ClusterError: The server couldn't be reached, and may have written or not, or it
                doesn't know us.
            ConfigError: Our credentials can't be had.
        """
        data = orjson.dumps(body)
        for attempt in range(_TRIES):
            try:
                answer = self._authorized(method, path, query, data, _JSON)
            except NewConnectionError as fault:
                if attempt:
                    raise self._unreachable(fault) from fault
                answer = Answer(_TOO_MANY, b"")
            except HTTPError as fault:
                raise self._unreachable(fault, "; whether it wrote is unknown") from fault
            if answer.status != _TOO_MANY:
                break
            self._wait(attempt, answer)
        return answer

    def close(self) -> None:
        """Closes all connections."""
        with self._lock:
            pool, self._pool = self._pool, None
        if pool is not None:
            pool.clear()

    def _repeated(
        self,
        method: str,
        path: str,
        query: Query | None,
        body: bytes | None,
        accept: str,
        passing: frozenset[int],
    ) -> Answer:
        for attempt in range(_TRIES):
            last = attempt == _TRIES - 1
            try:
                answer = self._authorized(method, path, query, body, accept)
            except HTTPError as fault:
                # A server that isn't there is tried once more; a person may be waiting.
                gone = isinstance(fault, NewConnectionError | ConnectTimeoutError | SSLError)
                if last or (gone and attempt):
                    raise self._unreachable(fault) from fault
                answer = Answer(_TOO_MANY, b"")
            if answer.status not in passing or last:
                break
            self._wait(attempt, answer)
        return answer

    def _wait(self, attempt: int, answer: Answer) -> None:
        delay = _FIRST_DELAY * 2**attempt * (0.5 + self.timing.jitter() / 2)
        self.timing.sleep(min(max(delay, answer.retry_after), _LONGEST_DELAY))

    def _authorized(
        self, method: str, path: str, query: Query | None, body: bytes | None, accept: str
    ) -> Answer:
        answer = self._once(method, path, query, body, accept)
        if answer.status == _UNAUTHORIZED and self.access.credentials.renew():
            self.close()
            answer = self._once(method, path, query, body, accept)
        if answer.status == _UNAUTHORIZED:
            raise ClusterError(
                f"{self._server} doesn't accept the credentials of {self.access.described}",
                fix="log in again, or choose another context with --context",
            )
        return answer

    def _once(
        self, method: str, path: str, query: Query | None, body: bytes | None, accept: str
    ) -> Answer:
        url = f"{self.access.server}{path}"
        if query:
            url = f"{url}?{urlencode(query)}"
        headers = {"Accept": accept, "User-Agent": "plumbline"}
        authorization = self.access.credentials.authorization()
        if authorization:
            headers["Authorization"] = authorization
        if body is not None:
            headers["Content-Type"] = _JSON
        response = self._pooled().request(
            method, url, body=body, headers=headers, retries=False, redirect=False
        )
        return Answer(response.status, response.data, _seconds(response.headers.get("Retry-After")))

    def _pooled(self) -> urllib3.PoolManager:
        with self._lock:
            if self._pool is None:
                self._pool = _new_pool(self.access)
            return self._pool

    @property
    def _server(self) -> str:
        """The server without what an address may hold beyond host and port."""
        parts = urlsplit(self.access.server)
        return f"{parts.hostname}:{parts.port}" if parts.port else str(parts.hostname)

    def _unreachable(self, fault: HTTPError, further: str = "") -> ClusterError:
        what, fix = _explained(fault)
        return ClusterError(f"the API server {self._server} {what}{further}", fix=fix)


def _new_pool(access: Access) -> urllib3.PoolManager:
    settings: dict[str, Any] = {
        "num_pools": 1,
        "maxsize": _CONNECTIONS,
        "timeout": urllib3.Timeout(connect=_CONNECT_SECONDS, read=_READ_SECONDS),
    }
    if access.server.startswith("https:"):
        settings["ssl_context"] = tls_context(access, access.credentials.certificate())
        if access.server_name:
            settings["server_hostname"] = access.server_name
            settings["assert_hostname"] = access.server_name
        if not access.verify:
            settings["cert_reqs"] = ssl.CERT_NONE
            settings["assert_hostname"] = False
            urllib3.disable_warnings(urllib3.exceptions.InsecureRequestWarning)
    if not access.proxy:
        return urllib3.PoolManager(**settings)
    try:
        if access.proxy.startswith("socks"):
            from urllib3.contrib.socks import SOCKSProxyManager

            return SOCKSProxyManager(access.proxy, **settings)
        return urllib3.ProxyManager(access.proxy, **settings)
    except (ImportError, HTTPError, LocationValueError, ValueError) as error:
        raise ConfigError(
            f"the proxy-url of {access.described} can't be used",
            fix="give http://HOST:PORT; for socks5:// also install the package pysocks",
        ) from error


def _seconds(retry_after: str | None) -> float:
    """Reads Retry-After; the API server sends whole seconds, never a date."""
    return float(retry_after) if retry_after and retry_after.isdecimal() else 0.0


def _explained(fault: HTTPError) -> tuple[str, str]:
    """Says what is wrong and what to do; never with the library's text, which holds addresses."""
    match fault:
        case SSLError():
            why = getattr(fault.args[0] if fault.args else None, "verify_message", "")
            return (
                f"could not be verified by TLS{f': {why}' if why else ''}",
                "check certificate-authority and tls-server-name of this context's cluster",
            )
        case NameResolutionError():
            return "has a name that can't be resolved", "check server of this context's cluster"
        case ProxyError():
            return "can't be reached through its proxy", "check proxy-url of this context's cluster"
        case ConnectTimeoutError():
            return (
                f"did not answer within {_CONNECT_SECONDS:.0f} s",
                "check the network, a VPN, and server of this context's cluster",
            )
        case NewConnectionError():
            return (
                "refuses connections",
                "check that the cluster runs, and server of this context's cluster",
            )
        case TimeoutError():
            return f"sent nothing for {_READ_SECONDS:.0f} s", "try again when it is less busy"
        case _:
            return "broke off the connection", "try again; if it stays so, look at the server's log"

"""Requests to one API server: authorized, and repeated where they may be."""

import json
import random
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from urllib.parse import urlencode

import orjson

from reconciler.adapters.cluster.access import Access
from reconciler.adapters.cluster.wire import Answer, DirectWire, Wire, WireError
from reconciler.core.errors import ClusterError

Query = Mapping[str, str]
Permit = Callable[[], None]

_TRIES = 4
_FIRST_DELAY = 0.1
_LONGEST_DELAY = 10.0
_UNAUTHORIZED = 401
_TOO_MANY = 429
#: What passes by itself: the server is busy (API priority and fairness), restarts, or its etcd
#: chooses a leader.
_PASSING = frozenset({_TOO_MANY, 500, 502, 503, 504})
#: Said by a 500 that doesn't: a webhook that can't be called, each time after a long wait.
_WEBHOOK = b"webhook"
#: The form of documents that nothing else is said of.
JSON = "application/json"


@dataclass(frozen=True, slots=True)
class Timing:
    """The clock and its use, so that tests needn't wait."""

    sleep: Callable[[float], None] = time.sleep
    monotonic: Callable[[], float] = time.monotonic
    jitter: Callable[[], float] = random.random


class Transport:
    """Makes requests to one API server; safe to use from many threads.

    Attributes:
        access: Which server, and who we are to it.
    """

    def __init__(
        self, access: Access, timing: Timing | None = None, wire: Wire | None = None
    ) -> None:
        """Connects to nothing yet.

        Args:
            access: Which server, and who we are to it.
            timing: How to wait; real time if None.
            wire: Makes the requests; the one that suits the access if None.
        """
        self.access = access
        self._timing = timing or Timing()
        self._wire = wire or _wire_to(access)

    def get(self, path: str, query: Query | None = None, accept: str = JSON) -> Answer:
        """Reads; repeated where that may help.

        Raises:
            ClusterError: The server couldn't be reached, or doesn't know us.
            ConfigError: Our credentials can't be had.
        """
        request = _Request("GET", target_of(path, query), None, accept)
        return self._repeated(request)

    def ask(self, method: str, path: str, query: Query | None, body: object) -> Answer:
        """Asks something that changes nothing, such as a dry run; repeated where that may help.

        Raises:
            ClusterError: The server couldn't be reached, or doesn't know us.
            ConfigError: Our credentials can't be had.
        """
        request = _Request(method, target_of(path, query), _encoded(body), JSON)
        return self._repeated(request)

    def write(
        self,
        method: str,
        path: str,
        query: Query | None,
        body: object,
        permit: Permit | None = None,
    ) -> Answer:
        """Writes; repeated only where the server can't have begun with it.

        Args:
            method: The HTTP method.
            path: The address.
            query: What the address says beyond that.
            body: What is sent.
            permit: Called before every single attempt; raises where it may not be made. A later
                one is seconds after the first, when what permitted that one may be lost.

        Raises:
            ClusterError: The server couldn't be reached, and may have written or not, or it
                doesn't know us.
            ConfigError: Our credentials can't be had.
        """
        request = _Request(method, target_of(path, query), _encoded(body), JSON)
        for attempt in range(_TRIES):
            last = attempt == _TRIES - 1
            if permit is not None:
                permit()
            try:
                answer = self._authorized(request)
            except WireError as error:
                if error.sent:
                    raise unreachable(
                        self.access, error, "; whether it wrote is unknown"
                    ) from error
                if last or attempt >= error.repeats:
                    raise unreachable(self.access, error) from error
                answer = Answer(_TOO_MANY, b"")
            if answer.status != _TOO_MANY or last:
                break
            self._wait(attempt, answer)
        return answer

    def close(self) -> None:
        """Closes all connections."""
        self._wire.close()

    def _repeated(self, request: "_Request") -> Answer:
        for attempt in range(_TRIES):
            last = attempt == _TRIES - 1
            try:
                answer = self._authorized(request)
            except WireError as error:
                if last or attempt >= error.repeats:
                    raise unreachable(self.access, error) from error
                answer = Answer(_TOO_MANY, b"")
            if last or answer.status not in _PASSING or _WEBHOOK in answer.data:
                break
            self._wait(attempt, answer)
        return answer

    def _wait(self, attempt: int, answer: Answer) -> None:
        delay = _FIRST_DELAY * 2**attempt * (0.5 + self._timing.jitter() / 2)
        self._timing.sleep(min(max(delay, answer.retry_after), _LONGEST_DELAY))

    def _authorized(self, request: "_Request") -> Answer:
        answer = self._once(request)
        if answer.status == _UNAUTHORIZED and self.access.credentials.renew():
            self._wire.close()
            answer = self._once(request)
        if answer.status == _UNAUTHORIZED:
            raise unaccepted(self.access)
        return answer

    def _once(self, request: "_Request") -> Answer:
        headers = headers_of(self.access, request.accept)
        if request.body is not None:
            headers["Content-Type"] = JSON
        return self._wire.request(request.method, request.target, request.body, headers)


@dataclass(frozen=True, slots=True)
class _Request:
    method: str
    target: str
    body: bytes | None = field(repr=False)
    accept: str


def headers_of(access: Access, accept: str) -> dict[str, str]:
    """Gives the headers that every request has.

    Raises:
        ConfigError: Our credentials can't be had.
    """
    headers = {"Accept": accept, "User-Agent": "plumbline"}
    authorization = access.credentials.authorization()
    if authorization:
        headers["Authorization"] = authorization
    # kubernetes.io/docs/reference/access-authn-authz/authentication, user impersonation.
    for name, value in zip(("User", "Group"), access.acting_as, strict=True):
        if value:
            headers[f"Impersonate-{name}"] = value
    return headers


def unreachable(access: Access, error: WireError, further: str = "") -> ClusterError:
    """Says of which server it is that no answer came."""
    return ClusterError(f"the API server {access.address} {error.what}{further}", fix=error.fix)


def unaccepted(access: Access) -> ClusterError:
    """Says that the server doesn't know us."""
    return ClusterError(
        f"{access.address} doesn't accept the credentials of {access.described}",
        fix="log in again, or choose another context with --context",
    )


def _encoded(body: object) -> bytes:
    try:
        return orjson.dumps(body)
    except orjson.JSONEncodeError:
        # Integers beyond 64 bits, which a custom kind may have: for the server to judge.
        return json.dumps(body).encode()


def target_of(path: str, query: Query | None) -> str:
    """Gives path and query as they stand in a request."""
    return f"{path}?{urlencode(query)}" if query else path


def _wire_to(access: Access) -> Wire:
    if access.proxy:
        from reconciler.adapters.cluster.proxied import ProxiedWire  # urllib3 takes its time

        return ProxiedWire(access)
    return DirectWire(access)

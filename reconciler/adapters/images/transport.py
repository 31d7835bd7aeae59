"""Requests to registries: who asks, how long, how much, how often.

Of the clients on PyPI none is fit for this. oras 0.2 is kept, but asks without a time limit, reads
answers of any size, never looks at a digest or at `Retry-After`, keeps one token for all
repositories, and has its errors quote what servers say; python-dxf and docker-registry-client
haven't been kept for a year and for nine. So the token flow is written here, small, on `requests`.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Final, TypeAlias
from urllib.parse import urljoin, urlsplit

import requests
from requests import exceptions
from requests.auth import AuthBase

from reconciler.adapters.images.challenges import Challenge, challenges
from reconciler.adapters.images.credentials import Credential
from reconciler.adapters.images.endpoints import Endpoint
from reconciler.adapters.images.failing import Attempt
from reconciler.adapters.images.tokens import Sent, Tokens

_CONNECT_SECONDS: Final = 10.0
_READ_SECONDS: Final = 20.0
#: An answer that trickles in for longer than this is given up.
_WHOLE_SECONDS: Final = 60.0
_TRIES: Final = 3
_PAUSE_SECONDS: Final = 1.0
#: More than this nobody waits for a registry, whatever it says.
_LONGEST_PAUSE: Final = 30.0
_TIRED: Final = frozenset({429, 500, 502, 503, 504})
_REDIRECTS: Final = 5
_TOKEN_LIMIT: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Reply:
    """What a registry answered.

    Attributes:
        status: HTTP's.
        headers: By names in small letters.
        content: All of it.
    """

    status: int
    headers: Mapping[str, str]
    content: bytes


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of a registry.

    Attributes:
        endpoint: Which registry.
        path: Below its address, beginning with a slash; with the query, if any.
        attempt: For errors.
        credentials: To try in turn; nobody's right is tried last.
        accept: Which types are understood; empty for any.
        limit: How many bytes are read; no answer that we want is near to it.
    """

    endpoint: Endpoint
    path: str
    attempt: Attempt
    credentials: tuple[Credential, ...] = ()
    accept: str = ""
    limit: int = 4 << 20


#: A registry, a repository, and the credentials that there are for it.
_Door: TypeAlias = tuple[str, str, tuple[Credential, ...]]


class _Bearing(AuthBase):
    """Sets exactly this header, and has `requests` not look for another in ~/.netrc."""

    def __init__(self, authorization: str) -> None:
        self._authorization = authorization

    def __call__(self, request: requests.PreparedRequest) -> requests.PreparedRequest:
        if self._authorization:
            request.headers["Authorization"] = self._authorization
        return request


class Transport:
    """Asks registries. Safe to use from many threads."""

    def __init__(
        self,
        sleep: Callable[[float], None] = time.sleep,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        """Asks nothing yet.

        Args:
            sleep: Waits.
            monotonic: Measures time.
        """
        self._sleep = sleep
        self._monotonic = monotonic
        self._tokens = Tokens(monotonic)
        # What let us in last: it saves a refusal each time. One namespace's right is not another's,
        # so it is kept by what there was to try, too.
        self._opened: dict[_Door, tuple[Challenge, Credential | None]] = {}
        # Who doesn't answer once isn't waited for again.
        self._dead: dict[str, exceptions.RequestException] = {}
        self._tired: set[str] = set()
        self._session = requests.Session()
        self._session.cookies.set_policy(DefaultCookiePolicy(allowed_domains=()))
        self._session.headers["User-Agent"] = "plumbline"

    def ask(self, question: Question, repository: str) -> Reply:
        """Asks a registry, showing it what it wants to see; gives its answer, whichever it is.

        Args:
            question: What is asked.
            repository: For which right.

        Raises:
            RegistryError: It can't be reached, or lets nobody in whom we can show.
        """
        place = (question.endpoint.url, repository, question.credentials)
        opened = self._opened.get(place)
        reply = self._patiently(question, self._header(question, *opened) if opened else "")
        if reply.status != 401:
            return reply
        if opened:
            self._opened.pop(place, None)
            self._tokens.forget(*opened)
        for challenge in challenges(reply.headers.get("www-authenticate", "")):
            for credential in (*question.credentials, None):
                header = self._header(question, challenge, credential)
                if header is None:
                    continue
                let_in = self._patiently(question, header)
                if let_in.status not in (401, 403):
                    self._opened[place] = (challenge, credential)
                    return let_in
        raise question.attempt.refused(reply.status, known=bool(question.credentials))

    def _header(
        self, question: Question, challenge: Challenge, credential: Credential | None
    ) -> str | None:
        def asking(sent: Sent) -> tuple[int, bytes]:
            reply = self._token_reply(question, sent)
            return reply.status, reply.content

        return self._tokens.header(
            challenge, credential, question.endpoint, question.attempt, asking
        )

    def _token_reply(self, question: Question, sent: Sent) -> Reply:
        method = "GET" if sent.form is None else "POST"
        return self._once(
            question,
            method,
            sent.url,
            sent.authorization,
            _TOKEN_LIMIT,
            query=sent.query,
            form=sent.form,
        )

    def _patiently(self, question: Question, header: str | None) -> Reply:
        """Asks again where a registry says that it is tired; if that doesn't help, never again."""
        place = question.endpoint.address
        reply = self._followed(question, header or "")
        for number in range(1, _TRIES):
            if reply.status not in _TIRED or place in self._tired:
                break
            pause = _pause(reply.headers.get("retry-after", ""), number)
            if pause is None:
                break
            self._sleep(pause)
            reply = self._followed(question, header or "")
        if reply.status in _TIRED:
            self._tired.add(place)
        return reply

    def _followed(self, question: Question, header: str) -> Reply:
        """Asks, and goes where a registry says that its blobs are: without what lets us in."""
        url = f"{question.endpoint.url}{question.path}"
        own = urlsplit(url).netloc
        for _ in range(_REDIRECTS + 1):
            reply = self._once(question, "GET", url, header, question.limit)
            if reply.status not in (301, 302, 303, 307, 308):
                return reply
            # `requests` has refused what is no address.
            url = urljoin(url, reply.headers.get("location", ""))
            parts = urlsplit(url)
            plain = parts.scheme == "http" and question.endpoint.plain
            if not parts.hostname or not (parts.scheme == "https" or plain):
                raise question.attempt.strange("it sends us where no https is spoken")
            if parts.netloc != own:
                header = ""
        raise question.attempt.strange("it sends us in circles")

    def _once(
        self,
        question: Question,
        method: str,
        url: str,
        authorization: str,
        limit: int,
        *,
        query: Mapping[str, str] | None = None,
        form: Mapping[str, str] | None = None,
    ) -> Reply:
        place = urlsplit(url).netloc
        if place in self._dead:
            raise question.attempt.unreachable(self._dead[place])

        def send() -> Reply:
            authority = question.endpoint.authority
            deadline = self._monotonic() + _WHOLE_SECONDS
            with self._session.request(
                method,
                url,
                params=query,
                data=form,
                headers={"Accept": question.accept or "*/*"},
                auth=_Bearing(authorization),
                timeout=(_CONNECT_SECONDS, _READ_SECONDS),
                verify=str(authority) if authority else True,
                allow_redirects=False,
                stream=True,
            ) as response:
                content = self._read(response, limit, deadline)
                headers = {name.lower(): value for name, value in response.headers.items()}
                return Reply(response.status_code, headers, content)

        try:
            return _twice(send)
        except exceptions.RequestException as error:
            if isinstance(error, exceptions.ConnectionError | exceptions.Timeout):
                self._dead[place] = error
            raise question.attempt.unreachable(error) from None
        except (OSError, ValueError):
            # A certificate file that isn't there, an address that is none.
            raise question.attempt.strange("it can't be asked") from None

    def _read(self, response: requests.Response, limit: int, deadline: float) -> bytes:
        content = bytearray()
        for chunk in response.iter_content(1 << 16):
            content += chunk
            if len(content) > limit:
                raise exceptions.ContentDecodingError
            if self._monotonic() > deadline:
                raise exceptions.ReadTimeout
        return bytes(content)


def _twice(send: Callable[[], Reply]) -> Reply:
    """Sends again where a connection breaks: one that was kept may have been closed just now."""
    try:
        return send()
    except (exceptions.SSLError, exceptions.ProxyError, exceptions.Timeout):
        raise
    except exceptions.ConnectionError:
        return send()


def _pause(retry_after: str, number: int) -> float | None:
    """Says how long to wait before the next try; None where nobody would wait so long."""
    if not (retry_after.isascii() and retry_after.isdigit()):
        return _PAUSE_SECONDS * number
    seconds = float(retry_after)
    return seconds if seconds <= _LONGEST_PAUSE else None

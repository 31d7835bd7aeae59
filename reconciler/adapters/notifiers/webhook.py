"""Notices for programs: CloudEvents over HTTP, signed.

Events are CloudEvents 1.0 in JSON's structured mode (github.com/cloudevents/spec, json-format.md
and http-protocol-binding.md): the whole event is the body. Its `id` is the same for the same
notice, however often it is sent, so that a receiver can drop what it had already.
"""

import hashlib
import hmac
import http.client
import re
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Final
from urllib.parse import quote, urlsplit

import orjson

from reconciler.adapters.notifiers.answers import PASSING
from reconciler.core.errors import ConfigError, NotifierError
from reconciler.core.notices import Notice
from reconciler.core.resource import JsonObject
from reconciler.render.notice_documents import NOTICE, notice_document
from reconciler.render.notices import pressing

#: Begins the events' `type`; how the drift stands follows.
TYPE: Final = "dev.plumbline.drift."

#: Which header says when the body was signed, in seconds since 1970, and which one has the
#: signature: `sha256=` and the hex digits of HMAC-SHA256 over the time, a dot, and the body. A
#: receiver refuses what was signed long ago, so that nobody can send it again.
TIMESTAMP: Final = "X-Plumbline-Timestamp"
SIGNATURE: Final = "X-Plumbline-Signature"

#: Seconds until a connection or an answer must be there.
_TIMEOUT: Final = 10.0

#: How long a body may be; a longer one goes without values, and if need be without all drifts.
#: Receivers that take less than this are rare, and an event without values still tells enough.
_LIMIT: Final = 256 * 1024
_FEWEST: Final = 200

_SERVER_FAULT: Final = 500

#: The longest wait that an answer may ask for, in seconds: a wrong date must not silence us.
_LONGEST: Final = 3600.0


class WebhookNotifier:
    """Sends notices to one address; implements `ports.Notifier`. Follows no redirect."""

    def __init__(
        self,
        name: str,
        url: str,
        secret: bytes,
        *,
        authority: Path | None = None,
        clock: Callable[[], float] = time.time,
    ) -> None:
        """Sends nothing yet.

        Args:
            name: What the user calls it, for messages.
            url: Where to; may hold a token in its path or query, which is never shown.
            secret: What is signed with; empty to sign nothing.
            authority: A PEM file of authorities that vouch for the server; None for the system's.
            clock: Gives the time in seconds since 1970.

        Raises:
            ConfigError: The URL isn't one that can be sent to, or the authorities can't be read.
        """
        self._name = name
        place = _place(name, url)
        self._host, self._port, self._path = place.host, place.port, place.path
        self._secret = secret
        self._clock = clock
        self._context = _context(name, authority) if place.is_secure else None

    def show(self, notice: Notice, shown: str) -> str:
        """Sends a notice; see `ports.Notifier`. What was confirmed isn't sent again."""
        event = event_of(notice)
        if event["id"] != shown:
            self._post(_encoded(notice, event))
        return str(event["id"])

    def _post(self, body: bytes) -> None:
        headers = {
            "Content-Type": "application/cloudevents+json; charset=utf-8",
            "User-Agent": "plumbline",
            **self._signed(body),
        }
        connection = self._connection()
        try:
            connection.request("POST", self._path, body, headers)
            with connection.getresponse() as answer:
                status, after = answer.status, answer.headers.get("Retry-After", "")
        except (OSError, http.client.HTTPException) as error:
            # Their texts may quote what was sent or what came back.
            raise NotifierError(
                f"the webhook {self._name!r} can't be reached at {self._host}: {_kind(error)}",
                fix="see that it runs and that this machine may connect to it",
            ) from error
        finally:
            connection.close()
        self._judge(status, after)

    def _judge(self, status: int, after: str) -> None:
        if 200 <= status < 300:
            return
        passing = status in PASSING or status >= _SERVER_FAULT
        raise NotifierError(
            f"the webhook {self._name!r} at {self._host} answered {status}",
            fix="look at the receiver's log" if passing else _FIXES.get(status, _FIX),
            after=self._wait(after) if passing else 0.0,
            lasting=not passing,
        )

    def _signed(self, body: bytes) -> dict[str, str]:
        if not self._secret:
            return {}
        timestamp = str(int(self._clock()))
        digest = hmac.digest(self._secret, timestamp.encode() + b"." + body, hashlib.sha256)
        return {TIMESTAMP: timestamp, SIGNATURE: f"sha256={digest.hex()}"}

    def _connection(self) -> http.client.HTTPConnection:
        if self._context is None:
            return http.client.HTTPConnection(self._host, self._port, timeout=_TIMEOUT)
        return http.client.HTTPSConnection(
            self._host, self._port, timeout=_TIMEOUT, context=self._context
        )

    def _wait(self, after: str) -> float:
        """Reads how many seconds to wait: a count, or a date (RFC 9110, 10.2.3)."""
        if after.isdecimal():
            return min(float(after), _LONGEST)
        try:
            moment = parsedate_to_datetime(after)
        except ValueError:
            return 0.0
        return min(max(moment.timestamp() - self._clock(), 0.0), _LONGEST)


@dataclass(frozen=True, slots=True)
class _Place:
    host: str
    port: int | None
    path: str
    is_secure: bool


def _place(name: str, url: str) -> _Place:
    """Takes a URL apart.

    Raises:
        ConfigError: It can't be sent to.
    """
    try:
        parts = urlsplit(url)
        host = (parts.hostname or "").encode("idna").decode()
        port = parts.port
    except ValueError:
        parts, host, port = urlsplit(""), "", None
    path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
    if parts.scheme not in ("http", "https") or not host or not _PRINTABLE.fullmatch(path):
        raise ConfigError(
            f"the webhook {name!r} has no URL that can be sent to",
            fix="write it as in https://hooks.example.com/drift, other signs percent-encoded",
        )
    if parts.username is not None or parts.password is not None:
        raise ConfigError(
            f"the URL of the webhook {name!r} has a user or a password in it",
            fix="take it out; the receiver knows us by the signature",
        )
    return _Place(host, port, path, parts.scheme == "https")


_PRINTABLE: Final = re.compile(r"[!-~]+")
_FIX: Final = "look at what the receiver wants"
_FIXES: Final = {
    401: "see that both sides have the same secret",
    403: "see that both sides have the same secret",
    404: "correct its URL",
    405: "correct its URL: it must take POST",
    410: "correct its URL, or take the notifier out",
    413: "let the receiver take bodies of 256 KiB",
}


def event_of(notice: Notice) -> JsonObject:
    """Gives a notice as a CloudEvent, without its data."""
    return {
        "specversion": "1.0",
        "id": _id(notice),
        "source": f"/plumbline/{quote(notice.target, safe='')}",
        "type": TYPE + pressing(notice).value,
        "subject": notice.subject,
        "time": _time(notice),
        "datacontenttype": "application/json",
        "dataschema": f"https://{NOTICE}",
    }


def _id(notice: Notice) -> str:
    whole = orjson.dumps(notice_document(notice), option=orjson.OPT_SORT_KEYS)
    return hashlib.blake2b(whole, digest_size=16).hexdigest()


def _time(notice: Notice) -> str:
    times = [event.time for episode in notice.episodes for event in episode.life]
    return max(times, default=max(episode.first_seen for episode in notice.episodes))


def _encoded(notice: Notice, event: JsonObject) -> bytes:
    whole = orjson.dumps({**event, "data": notice_document(notice)})
    if len(whole) > _LIMIT:
        whole = orjson.dumps({**event, "data": notice_document(notice, values=False)})
    if len(whole) > _LIMIT:
        short = notice_document(notice, values=False, most=_FEWEST)
        whole = orjson.dumps({**event, "data": short})
    return whole


def _context(name: str, authority: Path | None) -> ssl.SSLContext:
    try:
        return ssl.create_default_context(cafile=authority)
    except (OSError, ssl.SSLError) as error:
        raise ConfigError(
            f"the authorities of the webhook {name!r} can't be read from {authority}",
            fix="name a PEM file of certificates",
        ) from error


def _kind(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return "its certificate isn't one that we trust"
        case TimeoutError():
            return f"no answer within {_TIMEOUT:.0f} s"
        case ConnectionRefusedError():
            return "nobody listens there"
        case _:
            return type(error).__name__

"""How a registry is shown who asks: Basic, or a token that its own token server gives.

https://distribution.github.io/distribution/spec/auth/token/ and .../oauth/ describe the second.
"""

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlsplit

import orjson

from reconciler.adapters.images.challenges import Challenge
from reconciler.adapters.images.credentials import Credential
from reconciler.adapters.images.endpoints import Endpoint
from reconciler.adapters.images.failing import Attempt

#: The specification's own default: a token that doesn't say how long it holds.
_LEAST_SECONDS: Final = 60.0
#: Renewed so long before its end.
_MARGIN_SECONDS: Final = 10.0
_CLIENT: Final = "plumbline"


@dataclass(frozen=True, slots=True)
class Sent:
    """A request of ours to a token server.

    Attributes:
        url: Where.
        query: What follows the address.
        form: What is posted; None for a GET.
        authorization: The header; empty for none.
    """

    url: str
    query: Mapping[str, str]
    form: Mapping[str, str] | None = None
    authorization: str = ""


#: Asks a token server; gives HTTP's status and what it answered.
Asking = Callable[[Sent], tuple[int, bytes]]


class Tokens:
    """Keeps tokens as long as they hold. Safe to use from many threads."""

    def __init__(self, monotonic: Callable[[], float] = time.monotonic) -> None:
        """Has none yet."""
        self._monotonic = monotonic
        self._kept: dict[tuple[str, str, str, str], tuple[str, float]] = {}

    def header(
        self,
        challenge: Challenge,
        credential: Credential | None,
        endpoint: Endpoint,
        attempt: Attempt,
        ask: Asking,
    ) -> str | None:
        """Gives the `Authorization` header that a registry wants; None where we can't give it.

        Args:
            challenge: What the registry wants to see.
            credential: Whose right; None for nobody's.
            endpoint: The registry.
            attempt: For the error.
            ask: Asks the token server.

        Raises:
            RegistryError: The token server can't be asked, or doesn't answer as it must.
        """
        if challenge.scheme == "basic":
            return f"Basic {credential.basic}" if credential and credential.user else None
        if challenge.scheme != "bearer":
            return None
        key = _key(challenge, credential)
        token, until = self._kept.get(key, ("", 0.0))
        if not token or self._monotonic() >= until:
            got = self._fetch(challenge, credential, endpoint, attempt, ask)
            if got is None:
                return None
            token, seconds = got
            self._kept[key] = (token, self._monotonic() + seconds - _MARGIN_SECONDS)
        return f"Bearer {token}"

    def forget(self, challenge: Challenge, credential: Credential | None) -> None:
        """Drops a token that a registry has refused before its end."""
        self._kept.pop(_key(challenge, credential), None)

    def _fetch(
        self,
        challenge: Challenge,
        credential: Credential | None,
        endpoint: Endpoint,
        attempt: Attempt,
        ask: Asking,
    ) -> tuple[str, float] | None:
        if not _is_fit(challenge.realm, endpoint):
            # A password doesn't go where everybody can read it, whoever says so.
            raise attempt.strange("it names a token server that isn't reached by https")
        status, content = ask(_request(challenge, credential))
        if status in (401, 403) or (status == 400 and credential is not None):
            return None
        if status != 200:
            raise attempt.strange(f"its token server answers {status}")
        try:
            told: Any = orjson.loads(content)
        except orjson.JSONDecodeError:
            told = None
        token = (told.get("token") or told.get("access_token")) if isinstance(told, dict) else None
        if not isinstance(token, str) or not token.isascii() or not token.isprintable():
            raise attempt.strange("its token server gives no token")
        lasts = told.get("expires_in")
        seconds = float(lasts) if isinstance(lasts, int | float) else _LEAST_SECONDS
        return token, max(seconds, _LEAST_SECONDS)


def _key(challenge: Challenge, credential: Credential | None) -> tuple[str, str, str, str]:
    mark = credential.mark if credential else ""
    return challenge.realm, challenge.service, challenge.scope, mark


def _is_fit(realm: str, endpoint: Endpoint) -> bool:
    try:
        parts = urlsplit(realm)
    except ValueError:
        return False
    plain = parts.scheme == "http" and endpoint.plain
    return bool(parts.hostname) and (parts.scheme == "https" or plain)


def _request(challenge: Challenge, credential: Credential | None) -> Sent:
    wanted = {"service": challenge.service, "scope": challenge.scope}
    wanted = {name: value for name, value in wanted.items() if value}
    if credential is not None and credential.identity_token:
        form = {
            **wanted,
            "grant_type": "refresh_token",
            "client_id": _CLIENT,
            "refresh_token": credential.identity_token,
        }
        return Sent(challenge.realm, {}, form)
    basic = f"Basic {credential.basic}" if credential is not None else ""
    return Sent(challenge.realm, wanted, None, basic)

"""Speaks to the controller: one request, by TLS alone, within a time."""

import http.client
import json
import ssl
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

#: Below the controller's own address.
_PATH: Final = "/agents"
#: Seconds to connect, and between two pieces of an answer.
_PATIENCE: Final = 15.0
#: An answer names at most 5,000 containers.
_ANSWER: Final = 1 << 20
_TOKEN: Final = 8192
_SHOWN: Final = 300


class PostError(Exception):
    """The controller didn't take it; says why. Holds nothing of the token."""


@dataclass(frozen=True, slots=True)
class Controller:
    """Where the controller is, and how it is spoken to.

    Attributes:
        host: Its name, which its certificate must have.
        port: Its port.
        path: What its address begins with; empty for nothing.
        authority: File of the PEM certificates that it is verified with; None for the system's.
        token: File of the token that is shown to it.
    """

    host: str
    port: int
    path: str
    authority: Path | None
    token: Path

    @classmethod
    def at(cls, url: str, authority: str | None, token: str) -> "Controller":
        """Reads an address.

        Raises:
            ValueError: It is no https address, or has more than host, port and path.
        """
        parts = urlsplit(url)
        if parts.scheme != "https" or not parts.hostname:
            raise ValueError("write https://HOST:PORT")
        if parts.username is not None or parts.query or parts.fragment:
            raise ValueError("write https://HOST:PORT alone")
        path = parts.path.rstrip("/")
        if not f"{parts.hostname}{path}".isascii() or any(c <= " " for c in path):
            raise ValueError("write https://HOST:PORT in ASCII")
        held = Path(authority) if authority is not None else None
        return cls(parts.hostname, parts.port or 443, path, held, Path(token))

    def post(self, body: bytes) -> frozenset[str]:
        """Sends a word. The token and the authority are read anew: both are renewed.

        Args:
            body: The word, compressed by gzip.

        Returns:
            The ids of containers that the controller must be told whole; where there are any, it
            took nothing.

        Raises:
            PostError: The controller didn't take it.
        """
        headers = {
            "Authorization": f"Bearer {self._shown()}",
            "Content-Type": "application/json",
            "Content-Encoding": "gzip",
        }
        connection = http.client.HTTPSConnection(
            self.host, self.port, timeout=_PATIENCE, context=self._context()
        )
        try:
            connection.request("POST", f"{self.path}{_PATH}", body, headers)
            answer = connection.getresponse()
            held = answer.read(_ANSWER)
        except ssl.SSLCertVerificationError as error:
            raise PostError(f"its certificate isn't good: {error.verify_message}") from None
        except (OSError, http.client.HTTPException) as error:
            raise PostError(_why(error)) from None
        finally:
            connection.close()
        return _lacking(answer.status, held)

    def _shown(self) -> str:
        try:
            with self.token.open(encoding="ascii") as file:
                token = file.read(_TOKEN).strip()
        except (OSError, UnicodeDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it holds no token"
            raise PostError(f"the token {self.token} can't be read: {reason}") from None
        if not token or not token.isprintable() or " " in token:
            raise PostError(f"the token {self.token} can't be read: it holds no token")
        return token

    def _context(self) -> ssl.SSLContext:
        try:
            context = ssl.create_default_context(cafile=self.authority)
        except (OSError, ValueError) as error:
            reason = getattr(error, "strerror", None) or "no PEM certificates"
            raise PostError(f"the authority {self.authority} can't be read: {reason}") from None
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        return context


def _why(error: Exception) -> str:
    if isinstance(error, TimeoutError):
        return f"it doesn't answer within {_PATIENCE:.0f} seconds"
    # The text of these names an address, and what the system says of it.
    return (getattr(error, "strerror", None) or str(error) or type(error).__name__)[:_SHOWN]


def _lacking(status: int, held: bytes) -> frozenset[str]:
    try:
        said = json.loads(held) if held else {}
    except (ValueError, RecursionError):
        said = {}
    if not isinstance(said, dict):
        said = {}
    if status != HTTPStatus.OK:
        why = str(said.get("error") or "")[:_SHOWN]
        raise PostError(f"it answers {status}{f': {why}' if why else ''}")
    lacking = said.get("lacking")
    if not isinstance(lacking, list):
        raise PostError("what answers there is no controller")
    return frozenset(str(each) for each in lacking)

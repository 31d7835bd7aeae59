"""Slack's interactions by HTTP: each is signed, and believed for five minutes.

As docs.slack.dev/authentication/verifying-requests-from-slack says, by the SDK's own check: the
signature is over the raw body and its time, and compared in constant time.
"""

import json
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from email.message import Message
from http import HTTPStatus
from typing import Any, Final
from urllib.parse import parse_qs

from slack_sdk.signature import Clock, SignatureVerifier

from reconciler.adapters.doors.slack_desk import SlackDesk, Told
from reconciler.adapters.receiving import Bounds, JsonServer, Reply
from reconciler.adapters.serving_tls import Tls
from reconciler.adapters.slack_web import BASE_URL
from reconciler.core.errors import ConfigError
from reconciler.core.words import Hearing, Word

PATH: Final = "/slack"

#: A payload repeats the whole message, which Slack limits itself.
_LIMIT: Final = 1 << 20
_CONNECTIONS: Final = 16

_PROOFS: Final = ("X-Slack-Signature", "X-Slack-Request-Timestamp")


class SlackHttp(JsonServer):
    """Takes what people press in Slack, where Slack can reach us.

    Args:
        address: Host and port to listen at; port 0 for any free one.
        signing_secret: The app's; nothing else proves that Slack sends something.
        bot_token: The app's bot token, with `users:read`, `usergroups:read` and `chat:write`.
        hear: Takes a word down; may take its time.
        told: Is told what became of each request, and why. Must not raise.
        tls: The certificate; None for plain HTTP, as behind a proxy.
        clock: Tells the time, with its zone.
        base_url: Where Slack's methods are.

    Raises:
        ConfigError: There is no secret. Or it can't listen there.
    """

    def __init__(
        self,
        address: tuple[str, int],
        signing_secret: str,
        bot_token: str,
        hear: Callable[[Word], Hearing],
        *,
        told: Told,
        tls: Tls | None = None,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        base_url: str = BASE_URL,
    ) -> None:
        if not signing_secret.strip():
            raise ConfigError(
                "the door for Slack would believe anybody",
                fix="give it the signing secret of the app's basic information",
            )
        super().__init__(address, PATH, Bounds(body=_LIMIT, connections=_CONNECTIONS), tls)
        self._verifier = SignatureVerifier(signing_secret.strip(), _Clock(clock))
        self._desk = SlackDesk(bot_token, hear, told, clock, base_url)

    def lets_in(self, headers: Message, certificate: Mapping[str, Any]) -> bool:
        """Whether it is worth reading: without any proof it isn't."""
        if all(name in headers for name in _PROOFS):
            return True
        self._desk.refuse("no signature")
        return False

    def answer(self, body: bytes, headers: Message) -> Reply:
        """Acknowledges a request at once; what it says is heard elsewhere."""
        if not self._is_genuine(body, headers):
            self._desk.refuse("a wrong signature, or an old one")
            return Reply(HTTPStatus.UNAUTHORIZED)
        self._desk.take(_payload(body))
        return Reply(HTTPStatus.OK)

    def after(self, body: bytes) -> None:
        """Does nothing: what was said is heard in another thread."""

    def stop(self) -> None:
        """Ends listening, and lets what is under way finish."""
        super().stop()
        self._desk.close()

    def _is_genuine(self, body: bytes, headers: Message) -> bool:
        proofs = {name: str(headers[name]) for name in _PROOFS}
        try:
            return self._verifier.is_valid_request(body, proofs)
        except (ValueError, TypeError, ArithmeticError):
            # A time that is no number, a signature that isn't ASCII, a body that isn't UTF-8.
            return False


class _Clock(Clock):
    """Our clock, as the SDK asks it."""

    def __init__(self, clock: Callable[[], datetime]) -> None:
        self._clock = clock

    def now(self) -> float:
        return self._clock().timestamp()


def _payload(body: bytes) -> object:
    """Reads the form's one field that matters; None where there is none."""
    try:
        fields = parse_qs(body.decode(), max_num_fields=8)
        return json.loads(fields.get("payload", ["null"])[0])
    except (ValueError, RecursionError):
        return None

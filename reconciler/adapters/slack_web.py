"""Slack's Web API by its own client, with its errors as ours."""

import http.client
import logging
from collections.abc import Callable, Mapping
from typing import Any, Final, TypeAlias

from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_handlers import (
    ConnectionErrorRetryHandler,
    RateLimitErrorRetryHandler,
    ServerErrorRetryHandler,
)
from slack_sdk.web import SlackResponse, WebClient

from reconciler.core.errors import NotifierError

BASE_URL: Final = "https://slack.com/api/"

#: Seconds that Slack may take for an answer.
_TIMEOUT: Final = 15

#: The longest wait that an answer may ask for, in seconds.
_LONGEST: Final = 3600.0

#: What Slack's errors ask of somebody (docs.slack.dev/reference/methods, each method's "Errors");
#: all that aren't here and none of Slack's own troubles last, too.
_TO_BE_INSTALLED: Final = "give it the bot token (xoxb-…) of the installed app"
_FIXES: Final = {
    "account_inactive": _TO_BE_INSTALLED,
    "invalid_auth": _TO_BE_INSTALLED,
    "not_allowed_token_type": _TO_BE_INSTALLED,
    "not_authed": _TO_BE_INSTALLED,
    "token_expired": _TO_BE_INSTALLED,
    "token_revoked": _TO_BE_INSTALLED,
    "channel_not_found": "correct the channel's ID, and invite the app: /invite @plumbline",
    "not_in_channel": "invite the app to the channel: /invite @plumbline",
    "is_archived": "name a channel that isn't archived",
    "restricted_action": "let the app post in that channel, in its posting permissions",
}
#: Slack's own troubles, which pass.
_PASSING: Final = frozenset(
    {
        "accesslimited",
        "fatal_error",
        "internal_error",
        "ratelimited",
        "rate_limited",
        "request_timeout",
        "service_unavailable",
        "team_added_to_org",
    }
)
_TOO_MANY: Final = 429
_SERVER_FAULT: Final = 500

Answer: TypeAlias = Mapping[str, Any]


class SlackRefusal(NotifierError):  # noqa: N818 - an answer of Slack's, named by its word
    """Slack answered and refused.

    Attributes:
        word: Slack's own word for it, such as `message_not_found`.
    """

    def __init__(self, message: str, word: str, *, fix: str, after: float, lasting: bool) -> None:
        super().__init__(message, fix=fix, after=after, lasting=lasting)
        self.word = word


def web_client(token: str, base_url: str = BASE_URL, *, patient: bool = False) -> WebClient:
    """Gives a client that logs nothing: what it would log holds messages and answers.

    Args:
        token: Whose.
        base_url: Where Slack's methods are.
        patient: Whether it tries once more after a short wait. Only for what may be done twice.
    """
    again = [ConnectionErrorRetryHandler(), ServerErrorRetryHandler(), RateLimitErrorRetryHandler()]
    return WebClient(
        token,
        base_url=base_url,
        timeout=_TIMEOUT,
        logger=quiet_logger(),
        retry_handlers=[*again] if patient else [],
    )


def quiet_logger() -> logging.Logger:
    """Gives a logger that belongs to no other one, and says nothing."""
    return logging.Logger("slack", logging.CRITICAL + 1)  # noqa: LOG001 - it shall have no parent


def asked(what: str, call: Callable[[], SlackResponse]) -> Answer:
    """Calls Slack.

    Args:
        what: Which method it is, for messages.
        call: Does it.

    Raises:
        SlackRefusal: It answered that it won't.
        NotifierError: It can't be reached, or answered nonsense.
    """
    try:
        data = call().data
    except SlackApiError as error:
        # Its text quotes the whole answer, which may hold what was sent.
        raise _refusal(what, error) from None
    except (SlackClientError, OSError, http.client.HTTPException, ValueError) as error:
        raise NotifierError(
            f"Slack can't be reached for {what}: {_kind(error)}",
            fix="see that this machine may connect to slack.com",
        ) from None
    return data if isinstance(data, Mapping) else {}


def _refusal(what: str, error: SlackApiError) -> SlackRefusal:
    response: Any = error.response
    data = response.data if isinstance(response.data, Mapping) else {}
    status = int(response.status_code)
    word = str(data.get("error", ""))
    if not word.replace("_", "").isalnum():
        # No word of Slack's: the SDK puts the beginning of a page there that is no JSON.
        word = f"status {status}"
    passing = word in _PASSING or status == _TOO_MANY or status >= _SERVER_FAULT
    fix = "it is tried again" if passing else _FIXES.get(word, "see what Slack says of this error")
    if word == "missing_scope":
        fix = f"give the app the scope {_scope(data)} and install it again"
    passing = passing or word.startswith("status 2")
    after = _seconds(response.headers) if passing else 0.0
    message = f"Slack refuses {what}: {word}"
    return SlackRefusal(message, word, fix=fix, after=after, lasting=not passing)


def _scope(data: Answer) -> str:
    needed = str(data.get("needed", ""))
    return needed if needed.replace(":", "").replace(",", "").replace(".", "").isalnum() else ""


def _seconds(headers: Answer) -> float:
    found = next((v for name, v in headers.items() if str(name).lower() == "retry-after"), "")
    text = str(found[0] if isinstance(found, list) and found else found)
    return min(float(text), _LONGEST) if text.isdecimal() else 0.0


def _kind(error: Exception) -> str:
    reason = getattr(error, "reason", error)
    return type(reason if isinstance(reason, Exception) else error).__name__

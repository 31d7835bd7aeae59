"""What a Slack app may do, by Slack's own word."""

from dataclasses import dataclass
from typing import Final

from slack_sdk.web import SlackResponse

from reconciler.adapters.slack_web import asked, web_client

#: What the bot can't do without, and what it does better with; each with what is lost otherwise.
_NEEDED: Final = ("chat:write", "files:write")
_USEFUL: Final = {
    "channels:history": "after an outage a message may be posted twice",
    "users:read": "nobody's press is heard",
    "usergroups:read": "approvers by user group aren't known",
}
#: For private channels these are the same.
_SAME: Final = {"channels:history": "groups:history"}


@dataclass(frozen=True, slots=True)
class SlackAccess:
    """What a bot token is for.

    Attributes:
        team: The workspace's name.
        needed: Scopes that are missing, and without which nothing is told.
        lost: By each scope that is missing beside these, what is lost without it.
    """

    team: str
    needed: tuple[str, ...]
    lost: dict[str, str]


def bot_access(token: str, base_url: str) -> SlackAccess:
    """Asks Slack about a bot token.

    Raises:
        NotifierError: Slack refuses it, or can't be reached.
    """
    client = web_client(token, base_url)
    answers: list[SlackResponse] = []

    def call() -> SlackResponse:
        answers.append(client.auth_test())
        return answers[-1]

    team = str(asked("auth.test", call).get("team") or "")
    # docs.slack.dev/apis/web-api: each answer names the token's scopes in a header.
    named = next(
        (value for name, value in answers[-1].headers.items() if name.lower() == "x-oauth-scopes"),
        "",
    )
    text = named[0] if isinstance(named, list) else str(named)
    scopes = {scope.strip() for scope in text.split(",")}
    has = scopes | {scope for scope, same in _SAME.items() if same in scopes}
    needed = tuple(scope for scope in _NEEDED if scope not in has)
    lost = {scope: loss for scope, loss in _USEFUL.items() if scope not in has}
    return SlackAccess(team, needed, lost)


def try_app_token(token: str, base_url: str) -> None:
    """Asks Slack for an address to connect to, and leaves it.

    Raises:
        NotifierError: Slack refuses the token, or can't be reached.
    """
    client = web_client(token, base_url)
    asked("apps.connections.open", lambda: client.apps_connections_open(app_token=token))

"""Slack's interactions by Socket Mode: we connect to Slack, and nobody has to reach us."""

import threading
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from slack_sdk.errors import SlackClientError
from slack_sdk.socket_mode.builtin.client import SocketModeClient
from slack_sdk.socket_mode.client import BaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from slack_sdk.web import WebClient

from reconciler.adapters.doors.slack_desk import DoorResult, SlackDesk, Told
from reconciler.adapters.slack_web import BASE_URL, asked, quiet_logger, web_client
from reconciler.core.errors import ConfigError, NotifierError
from reconciler.core.words import Hearing, Word

#: Seconds before a second try to connect, doubled with each further one, up to the longest.
_FIRST_PAUSE: Final = 1.0
_LONGEST_PAUSE: Final = 60.0

#: Seconds between looks at whether the connection still holds.
_PING: Final = 5.0


class SlackSocket:
    """Takes what people press in Slack, wherever we are.

    Args:
        app_token: The app-level token (`xapp-…`) with `connections:write`.
        bot_token: The app's bot token, with `users:read`, `usergroups:read` and `chat:write`.
        hear: Takes a word down; may take its time.
        told: Is told what became of each press, and why there is no connection. Must not raise.
        clock: Tells the time, with its zone.
        base_url: Where Slack's methods are.
        ping: Seconds between looks at whether the connection still holds.

    Raises:
        ConfigError: A token is missing.
    """

    def __init__(
        self,
        app_token: str,
        bot_token: str,
        hear: Callable[[Word], Hearing],
        *,
        told: Told,
        clock: Callable[[], datetime] = lambda: datetime.now(UTC),
        base_url: str = BASE_URL,
        ping: float = _PING,
    ) -> None:
        if not app_token.strip() or not bot_token.strip():
            raise ConfigError(
                "a token for Slack is missing",
                fix="give both: the app-level token (xapp-…) and the bot token (xoxb-…)",
            )
        self._app_token = app_token.strip()
        self._told = told
        self._base_url = base_url
        self._ping = ping
        self._desk = SlackDesk(bot_token, hear, told, clock, base_url)
        self._client: SocketModeClient | None = None
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._connect, name="slack-socket", daemon=True)

    def start(self) -> None:
        """Begins to connect; what fails is tried again until it works."""
        self._client = SocketModeClient(
            self._app_token,
            logger=quiet_logger(),
            web_client=web_client(self._app_token, self._base_url),
            ping_interval=self._ping,
        )
        self._client.socket_mode_request_listeners.append(self._listen)
        self._thread.start()

    @property
    def is_connected(self) -> bool:
        """Whether Slack can tell us something now."""
        return self._client is not None and self._client.is_connected()

    def stop(self) -> None:
        """Ends the connection, and lets what is under way finish."""
        self._stopping.set()
        if self._client is not None:
            self._thread.join()
            self._client.close()
        self._desk.close()

    def _connect(self) -> None:
        """Connects for the first time; from then on the client connects again by itself."""
        client, pause = self._client, _FIRST_PAUSE
        while client is not None and not self._stopping.is_set():
            try:
                client.wss_uri = self._address(client.web_client)
                client.connect()
                return
            except NotifierError as error:
                self._told(DoorResult.FAILED, error.message)
                self._stopping.wait(max(pause, error.after))
                pause = min(2 * pause, _LONGEST_PAUSE)

    def _address(self, client: WebClient) -> str:
        opened = asked(
            "apps.connections.open", lambda: client.apps_connections_open(app_token=self._app_token)
        )
        return str(opened["url"])

    def _listen(self, client: BaseSocketModeClient, request: SocketModeRequest) -> None:
        """Acknowledges, whatever it is; Slack shows the person a failure after three seconds."""
        try:
            client.send_socket_mode_response(SocketModeResponse(request.envelope_id))
        except SlackClientError as error:
            # The person said it all the same, and is answered another way.
            self._told(DoorResult.UNANSWERED, type(error).__name__)
        payload = request.payload if request.type == "interactive" else None
        self._desk.take(payload, request.envelope_id)

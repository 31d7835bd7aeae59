"""Doors as they are configured: through which people speak to the controller."""

from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from reconciler.adapters.telemetry.logs import Logs
from reconciler.adapters.telemetry.metrics import Metrics
from reconciler.core.errors import ConfigError
from reconciler.core.words import Hearing, Word
from reconciler.settings import SlackSettings
from reconciler.settings.addresses import address_of
from reconciler.settings.named_files import named_text


def open_doors(
    settings: SlackSettings,
    hear: Callable[[Word], Hearing],
    logs: Logs,
    metrics: Metrics,
    stack: ExitStack,
) -> None:
    """Begins to hear what people press in Slack, where that is configured.

    Args:
        settings: By which doors.
        hear: Takes a word down; called in threads of its own.
        logs: Tells what became of each press.
        metrics: Counts them.
        stack: Is given what must be ended.

    Raises:
        ConfigError: A token, an address or a certificate isn't as it must be.
    """
    is_reached = bool(settings.address)
    if not (settings.app_token_file or is_reached):
        return
    if not settings.token_file:
        raise ConfigError(
            "notify.slack hears people, and has no token to answer them with",
            fix="name notify.slack.token_file, which holds the bot token (xoxb-…)",
        )
    from reconciler.adapters.doors.slack_desk import DoorResult

    def told(result: DoorResult, why: str) -> None:
        metrics.count_press(result.value)
        # Who isn't Slack shall not fill the log.
        if result is not DoorResult.REFUSED:
            logs.say("slack", result=result.value, **({"why": why} if why else {}))

    token = named_text("notify.slack.token_file", settings.token_file)
    told_by, clock = told, lambda: datetime.now(UTC)
    if settings.app_token_file:
        from reconciler.adapters.doors.slack_socket import SlackSocket

        app_token = named_text("notify.slack.app_token_file", settings.app_token_file)
        socket = SlackSocket(
            app_token, token, hear, told=told_by, clock=clock, base_url=settings.url
        )
        socket.start()
        stack.callback(socket.stop)
    if is_reached:
        from reconciler.adapters.doors.slack_http import SlackHttp
        from reconciler.adapters.serving_tls import Tls

        certificate = settings.certificate
        http = SlackHttp(
            address_of("notify.slack.address", settings.address),
            named_text("notify.slack.signing_secret_file", settings.signing_secret_file),
            token,
            hear,
            told=told_by,
            tls=Tls(Path(certificate), Path(settings.key)) if certificate else None,
            clock=clock,
            base_url=settings.url,
        )
        http.start()
        stack.callback(http.stop)

"""Doors as they are configured: through which people speak to the controller."""

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.adapters.telemetry.logs import Logs
from reconciler.adapters.telemetry.metrics import Metrics
from reconciler.core.errors import ConfigError
from reconciler.core.words import Hearing, Word
from reconciler.settings import SlackSettings
from reconciler.settings.addresses import address_of
from reconciler.settings.named_files import text_named

if TYPE_CHECKING:
    from reconciler.adapters.doors.slack_desk import Told
    from reconciler.adapters.doors.slack_http import SlackHttp
    from reconciler.adapters.doors.slack_socket import SlackSocket


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
    if not (settings.app_token_file or settings.address):
        return
    if not settings.token_file:
        raise ConfigError(
            "notify.slack hears people, and has no token to answer them with",
            fix="name notify.slack.token_file, which holds the bot token (xoxb-…)",
        )
    token = text_named("notify.slack.token_file", settings.token_file)
    told = _telling(logs, metrics)
    doors: list[SlackSocket | SlackHttp] = []
    if settings.app_token_file:
        doors.append(_socket(settings, token, hear, told))
    if settings.address:
        doors.append(_http(settings, token, hear, told))
    for door in doors:
        door.start()
        stack.callback(door.stop)


def _socket(
    settings: SlackSettings, token: str, hear: Callable[[Word], Hearing], told: "Told"
) -> "SlackSocket":
    from reconciler.adapters.doors.slack_socket import SlackSocket

    app_token = text_named("notify.slack.app_token_file", settings.app_token_file)
    return SlackSocket(app_token, token, hear, told=told, base_url=settings.url)


def _http(
    settings: SlackSettings, token: str, hear: Callable[[Word], Hearing], told: "Told"
) -> "SlackHttp":
    from reconciler.adapters.doors.slack_http import SlackHttp
    from reconciler.adapters.serving_tls import Tls

    if not settings.signing_secret_file:
        raise ConfigError(
            "notify.slack.address would believe anybody",
            fix="name notify.slack.signing_secret_file, which holds the app's signing secret",
        )
    certificate = settings.certificate
    return SlackHttp(
        address_of("notify.slack.address", settings.address),
        text_named("notify.slack.signing_secret_file", settings.signing_secret_file),
        token,
        hear,
        told=told,
        tls=Tls(Path(certificate), Path(settings.key)) if certificate else None,
        base_url=settings.url,
    )


def _telling(logs: Logs, metrics: Metrics) -> "Told":
    from reconciler.adapters.doors.slack_desk import DoorResult

    def told(result: DoorResult, why: str) -> None:
        metrics.count_press(result.value)
        # Who isn't Slack shall not fill the log.
        if result is not DoorResult.REFUSED:
            logs.say("slack", result=result.value, **({"why": why} if why else {}))

    return told

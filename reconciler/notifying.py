"""Notifiers as they are configured, each with what it is to tell of."""

import socket
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from reconciler.adapters.history.database import DatabaseHistory
from reconciler.core.drift import Severity
from reconciler.core.errors import ConfigError
from reconciler.core.routing import Matcher, Route, Silence, at_least, problems_of
from reconciler.delivery import Desk, Teller, Telling
from reconciler.ports import Cluster, Notifier
from reconciler.settings import NotifySettings, RouteSettings, SilenceSettings, SlackSettings
from reconciler.settings.durations import seconds_of
from reconciler.settings.named_files import text_named


def telling_of(
    settings: NotifySettings,
    targets: Sequence[str],
    history: DatabaseHistory,
    leads: Callable[[str], bool],
    say: Callable[..., None],
    stack: ExitStack,
    cluster: Callable[[], Cluster],
) -> Telling | None:
    """Starts to tell whom is to be told; None where that is nobody.

    Args:
        settings: Whom, and of what.
        targets: The names of all targets.
        history: Knows what happened, and what was told.
        leads: Whether this replica acts for a target.
        say: Tells of trouble, in the log.
        stack: Is given what must be ended.
        cluster: Opens the cluster, for what is told there.

    Raises:
        ConfigError: An address, a file or a route isn't as it must be.
    """
    notifiers = notifiers_of(settings, cluster)
    if not notifiers:
        if settings.routes:
            raise ConfigError(
                "notify.routes lead to nobody: no notifier is configured",
                fix="set notify.slack, notify.webhook.url or notify.apprise_file",
            )
        return None
    desk = Desk(
        history,
        {name: history.notices(name) for name in targets},
        leads,
        routes_of(settings, list(notifiers)),
        tuple(map(_silence, settings.silences)),
        lambda: datetime.now(UTC),
        say,
    )
    tellers = [Teller(name, notifier, desk) for name, notifier in notifiers.items()]
    for teller in tellers:
        teller.start()
        stack.callback(teller.stop)
    return Telling(desk, tellers)


def notifiers_of(settings: NotifySettings, cluster: Callable[[], Cluster]) -> dict[str, Notifier]:
    """Gives the notifiers that are configured, by the names that routes have for them.

    Args:
        settings: Which ones.
        cluster: Opens the cluster, for what is told there.

    Raises:
        ConfigError: An address or a file isn't as it must be.
    """
    found: dict[str, Notifier] = {}
    if settings.apprise_file:
        from reconciler.adapters.notifiers.apprise import AppriseNotifier

        lines = text_named("notify.apprise_file", settings.apprise_file).splitlines()
        urls = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
        found["apprise"] = AppriseNotifier("apprise", urls)
    if settings.webhook.url:
        from reconciler.adapters.notifiers.webhook import WebhookNotifier

        file, authority = settings.webhook.secret_file, settings.webhook.authority
        secret = _secret(file) if file else b""
        found["webhook"] = WebhookNotifier(
            "webhook",
            settings.webhook.url,
            secret,
            authority=Path(authority) if authority else None,
        )
    return {**found, **_in_slack(settings.slack), **_in_cluster(settings, cluster)}


def _secret(file: str) -> bytes:
    setting = "notify.webhook.secret_file"
    return text_named(setting, file, if_empty="give it a secret, and the receiver too").encode()


def _in_slack(settings: SlackSettings) -> dict[str, Notifier]:
    channels = [("slack", settings.channel)] if settings.channel else []
    channels += [(f"slack/{each.name}", each.channel) for each in settings.channels]
    twice = [name for name, count in Counter(name for name, _ in channels).items() if count > 1]
    if twice:
        raise ConfigError(
            f"notify.slack.channels name several {', '.join(twice)}",
            fix="give each a name of its own",
        )
    if not settings.token_file:
        if channels:
            raise ConfigError(
                "notify.slack names a channel, and no token",
                fix="name notify.slack.token_file, which holds the bot token (xoxb-…)",
            )
        return {}
    if not channels:
        raise ConfigError(
            "notify.slack has a token, and names no channel",
            fix="set notify.slack.channel to the ID at the end of the channel's details",
        )
    from reconciler.adapters.notifiers.slack import SlackNotifier

    token = text_named("notify.slack.token_file", settings.token_file)
    return {
        name: SlackNotifier(name, token, channel, base_url=settings.url, link=settings.link)
        for name, channel in channels
    }


def _in_cluster(settings: NotifySettings, cluster: Callable[[], Cluster]) -> dict[str, Notifier]:
    found: dict[str, Notifier] = {}
    if settings.events:
        from reconciler.adapters.notifiers.kubernetes_events import KubernetesEvents

        found["events"] = KubernetesEvents("events", cluster(), socket.gethostname())
    if settings.policy_reports:
        from reconciler.adapters.notifiers.policy_reports import PolicyReports

        found["policy_reports"] = PolicyReports("policy_reports", cluster())
    return found


def routes_of(settings: NotifySettings, notifiers: Sequence[str]) -> tuple[Route, ...]:
    """Gives what goes where: all to everyone, where nothing is said.

    Raises:
        ConfigError: A route leads nowhere, or has no meaning, or none leads to a notifier.
    """
    if not settings.routes:
        return tuple(Route(name, group_above=5) for name in notifiers)
    routes = tuple(
        _route(f"notify.routes[{number}]", route) for number, route in enumerate(settings.routes, 1)
    )
    problems = problems_of(routes, notifiers)
    if problems:
        raise ConfigError(
            f"notify.routes: {'; '.join(problems)}",
            fix=f"these are configured: {', '.join(notifiers)}",
        )
    return routes


def _route(where: str, route: RouteSettings) -> Route:
    try:
        return Route(
            route.to,
            Matcher(
                targets=route.targets,
                namespaces=route.namespaces,
                kinds=route.kinds,
                severities=at_least(Severity(route.severity)),
            ),
            repeat=timedelta(seconds=seconds_of(f"{where}.repeat", route.repeat)),
            group_above=route.group_above,
            resolved=route.resolved,
        )
    except ValueError as error:
        raise ConfigError(f"{where}: {error}", fix="the README has every setting") from None


def _silence(silence: SilenceSettings) -> Silence:
    until = silence.until if silence.until.tzinfo else silence.until.replace(tzinfo=UTC)
    matcher = Matcher(silence.targets, silence.namespaces, silence.kinds, silence.names)
    return Silence(matcher, until, silence.reason)

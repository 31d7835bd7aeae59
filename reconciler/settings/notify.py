"""Whom to tell, where, and of what."""

from dataclasses import dataclass, field
from datetime import datetime

from reconciler.settings.slack import SlackSettings


@dataclass(frozen=True)
class WebhookSettings:
    """A webhook that gets each notice as a CloudEvent.

    Attributes:
        url: Where to; empty for no webhook.
        secret_file: Holds what it is signed with; empty for unsigned.
        authority: A PEM file of authorities that vouch for it; empty for the system's.
    """

    url: str = ""
    secret_file: str = ""
    authority: str = ""


@dataclass(frozen=True)
class RouteSettings:
    """What one notifier tells of. The first route to it that fits a drift counts.

    Attributes:
        to: The notifier: `slack`, `slack/NAME` for a further channel, `apprise`, `webhook`,
            `events` or `policy_reports`.
        severity: How much it must matter at least: `high`, `medium` or `low`.
        targets: Targets' names, with `*`, `?` and `[...]`, as in the next two.
        namespaces: Namespaces.
        kinds: Kinds.
        repeat: After so long without news it is told again, such as `24h`; empty for never.
        group_above: More drifts than that which are found in one look are told in one message.
        resolved: Whether it is told when they are gone.
    """

    to: str
    severity: str = "low"
    targets: tuple[str, ...] = ("*",)
    namespaces: tuple[str, ...] = ("*",)
    kinds: tuple[str, ...] = ("*",)
    repeat: str = ""
    group_above: int = 5
    resolved: bool = True


@dataclass(frozen=True)
class SilenceSettings:
    """What nobody is told of for a while.

    Attributes:
        until: When it ends, with its zone.
        reason: Why.
        targets: Targets' names, with `*`, `?` and `[...]`, as in the next three.
        namespaces: Namespaces.
        kinds: Kinds.
        names: Objects' names.
    """

    until: datetime
    reason: str
    targets: tuple[str, ...] = ("*",)
    namespaces: tuple[str, ...] = ("*",)
    kinds: tuple[str, ...] = ("*",)
    names: tuple[str, ...] = ("*",)


@dataclass(frozen=True)
class NotifySettings:
    """Whom the controller tells.

    Attributes:
        apprise_file: Holds addresses of mail, Teams, Discord, PagerDuty and others, one a line, as
            github.com/caronc/apprise writes them; empty for none.
        webhook: A webhook.
        slack: A Slack app.
        events: Whether drifted objects get Kubernetes Events.
        policy_reports: Whether drift is kept in PolicyReports, or in the Reports of OpenReports.
        routes: What goes where; none for everything to everyone that is set up.
        silences: What nobody is told of for a while.
    """

    apprise_file: str = ""
    webhook: WebhookSettings = field(default_factory=WebhookSettings)
    slack: SlackSettings = field(default_factory=SlackSettings)
    events: bool = False
    policy_reports: bool = False
    routes: tuple[RouteSettings, ...] = ()
    silences: tuple[SilenceSettings, ...] = ()

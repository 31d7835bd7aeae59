"""Whom to tell, where, and of what."""

from dataclasses import dataclass, field
from datetime import datetime


@dataclass(frozen=True)
class SlackSettings:
    """One Slack channel, in which people are told and answer.

    Attributes:
        channel: Its id, such as `C0123456789`; empty for no Slack.
        token_file: Holds the bot token (`xoxb-…`).
        app_token_file: Holds the app-level token (`xapp-…`) with which Socket Mode is opened, so
            that buttons need no address of ours; empty for no Socket Mode.
        signing_secret_file: Holds the signing secret, where Slack sends what people press to
            `address`.
        address: Host and port where that is taken, at `/slack`; empty for nowhere.
        api: The Web API's address, where it isn't Slack's own.
    """

    channel: str = ""
    token_file: str = ""
    app_token_file: str = ""
    signing_secret_file: str = ""
    address: str = ""
    api: str = ""


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
        to: The notifier: `slack`, `apprise`, `webhook`, `events` or `reports`.
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
        slack: A Slack channel.
        apprise_file: Holds addresses of mail, Teams, Discord, PagerDuty and others, one a line, as
            github.com/caronc/apprise writes them; empty for none.
        webhook: A webhook.
        events: Whether Kubernetes Events are written for the drifted objects.
        reports: Whether PolicyReports are kept, which policy pages show.
        routes: What goes where; none for everything to everyone that is set up.
        silences: What nobody is told of for a while.
    """

    slack: SlackSettings = field(default_factory=SlackSettings)
    apprise_file: str = ""
    webhook: WebhookSettings = field(default_factory=WebhookSettings)
    events: bool = False
    reports: bool = False
    routes: tuple[RouteSettings, ...] = ()
    silences: tuple[SilenceSettings, ...] = ()

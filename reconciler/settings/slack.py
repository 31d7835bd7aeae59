"""Where in Slack people are told, and how what they press comes back."""

from dataclasses import dataclass


@dataclass(frozen=True)
class SlackChannelSettings:
    """One more channel, with a name by which routes lead there.

    Attributes:
        name: Routes lead to it by `slack/NAME`.
        channel: The channel's ID, such as `C0123ABCD`.
    """

    name: str
    channel: str


@dataclass(frozen=True)
class SlackSettings:
    """A Slack app.

    Attributes:
        token_file: Holds the app's bot token (`xoxb-…`); empty for no Slack.
        channel: The channel's ID, such as `C0123ABCD`, to which routes lead by `slack`.
        channels: Further channels.
        app_token_file: Holds the app-level token (`xapp-…`), with which presses come by Socket
            Mode; empty where they don't.
        signing_secret_file: Holds the app's signing secret, for presses by HTTP.
        address: Host and port where presses come by HTTP, at `/slack`; empty for nowhere.
        certificate: The PEM certificate for it; empty for plain HTTP, as behind a proxy.
        key: Its key.
        link: Where all of a drift can be read, with `{target}` and `{drift}` in it; empty to put
            what is too long for a message into a file in its thread.
        url: Where Slack's methods are; another address for GovSlack.
    """

    token_file: str = ""
    channel: str = ""
    channels: tuple[SlackChannelSettings, ...] = ()
    app_token_file: str = ""
    signing_secret_file: str = ""
    address: str = ""
    certificate: str = ""
    key: str = ""
    link: str = ""
    url: str = "https://slack.com/api/"

"""What `doctor` looks at of those who are told and asked: Slack, forges, the cluster."""

from collections.abc import Iterator, Sequence

from reconciler.cli.findings import Finding, State, good, of_error
from reconciler.cli.rights_checks import check_grants
from reconciler.core.errors import PlumblineError
from reconciler.core.live import Listing
from reconciler.core.pull_requests import revert_branch
from reconciler.core.resource import Catalog
from reconciler.core.rights import answer_rights, event_rights, report_needs
from reconciler.core.terms import PodAnswer
from reconciler.ports import Cluster
from reconciler.settings import (
    AgentMode,
    AgentSettings,
    NotifySettings,
    Settings,
    SlackSettings,
    TargetSettings,
)
from reconciler.settings.named_files import text_named

_SCOPES = "add it to the app's bot scopes and install the app again"


def check_slack(settings: SlackSettings) -> Iterator[Finding]:
    """Says whether Slack takes the tokens, and what they lack; nothing where there is no Slack."""
    if not settings.token_file:
        return
    from reconciler.adapters.slack_access import bot_access, try_app_token

    topic = "Slack"
    try:
        token = text_named("notify.slack.token_file", settings.token_file)
        access = bot_access(token, settings.url)
    except PlumblineError as error:
        yield of_error(topic, error)
        return
    for scope in access.needed:
        yield Finding(topic, State.BROKEN, f"the scope {scope} is missing", _SCOPES)
    for scope, loss in access.lost.items():
        yield Finding(topic, State.MEND, f"without the scope {scope}, {loss}", _SCOPES)
    if not (access.needed or access.lost):
        yield good(topic, f"the bot of the workspace {access.team} has all scopes")
    if settings.app_token_file:
        try:
            app_token = text_named("notify.slack.app_token_file", settings.app_token_file)
            try_app_token(app_token, settings.url)
            yield good("Slack, Socket Mode", "a connection is granted")
        except PlumblineError as error:
            yield of_error("Slack, Socket Mode", error)


def check_forge(settings: Settings, target: TargetSettings) -> Iterator[Finding]:
    """Says whether a target's forge can be asked; nothing where no forge is configured."""
    if not (settings.forge.token_file or settings.forge.app.id):
        return
    from reconciler.forging import repository_of

    topic = f"{target.name}: forge"
    try:
        repository = repository_of(settings, target)
        found = repository.forge.find(revert_branch(target.name))
    except PlumblineError as error:
        yield of_error(topic, error)
        return
    latest = f"the latest pull request is #{found.number}" if found else "no pull request yet"
    yield good(topic, f"its pull requests can be read; {latest}")


def check_answering(
    name: str,
    settings: AgentSettings,
    cluster: Cluster,
    catalog: Catalog,
    listings: Sequence[Listing],
) -> Iterator[Finding]:
    """Says whether pods may be replaced, where that is wanted.

    Args:
        name: The target's.
        settings: What is done with pods that drifted.
        cluster: Is asked.
        catalog: What the server serves.
        listings: What a look reads that looks into pods, too.
    """
    if settings.mode is not AgentMode.OBSERVE:
        rights = answer_rights(listings, PodAnswer(settings.answer.value))
        yield check_grants(f"{name}: pods", cluster, catalog, rights)


def check_telling(
    name: str,
    settings: NotifySettings,
    cluster: Cluster,
    catalog: Catalog,
    listings: Sequence[Listing],
) -> Iterator[Finding]:
    """Says whether what is told in the cluster may be written there.

    Args:
        name: The target's.
        settings: What is told.
        cluster: Is asked.
        catalog: What the server serves.
        listings: What a check reads.
    """
    if settings.events:
        yield check_grants(f"{name}: Events", cluster, catalog, event_rights(listings))
    if settings.policy_reports:
        needs = report_needs(listings, catalog)
        topic = f"{name}: reports"
        for kind in needs.unknown:
            text = f"the cluster doesn't serve {kind}"
            yield Finding(topic, State.BROKEN, text, "install their definitions")
        if needs.rights:
            yield check_grants(topic, cluster, catalog, needs.rights)

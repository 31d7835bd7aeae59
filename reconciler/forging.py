"""Forges as they are configured: what opens the pull requests of a target."""

import re
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.core.deciding import Mode, Policy
from reconciler.core.errors import ConfigError
from reconciler.core.redact import Redaction
from reconciler.memory import cache_folder
from reconciler.settings import ForgeSettings, Settings, TargetSettings, surroundings
from reconciler.settings.named_files import text_named

if TYPE_CHECKING:
    from reconciler.adapters.forges.access import ForgeAccess
    from reconciler.adapters.forges.place import ForgeKind
    from reconciler.adapters.history.database import DatabaseHistory
    from reconciler.adapters.sources.signing import SigningKey
    from reconciler.following import Follower
    from reconciler.ports import Forge
    from reconciler.proposing import Proposer, Repository

#: A pull request's page on each kind of forge; what follows the number leads to a part of it.
_PULL_REQUEST = re.compile(
    r"(?P<project>https?://[^\s?#]+?)(?:/-)?/(?P<word>pulls?|merge_requests)/(?P<number>[0-9]{1,9})"
    r"(?:[/?#]\S*)?"
)


def follower_of(
    settings: Settings,
    target: TargetSettings,
    policy: Policy,
    memory: "DatabaseHistory",
    redaction: Redaction,
    leads: Callable[[], bool],
    say: Callable[..., None],
) -> "Follower | None":
    """Gives what keeps a target's pull request; None where nothing is ever proposed or marked.

    Args:
        settings: Which forge.
        target: Which target.
        policy: What is to be done about its drifts.
        memory: Knows what happened, and what was proposed.
        redaction: Makes digests that nobody else can make.
        leads: Whether this replica acts for the target.
        say: Tells what happens, in the log.

    Raises:
        ConfigError: Something is to be proposed, and no forge is configured, or not as it must be.
    """
    proposes = Mode.PROPOSE in (policy.mode, *(rule.action for rule in policy.rules))
    is_configured = bool(settings.forge.token_file or settings.forge.app.id)
    if proposes and not is_configured:
        raise ConfigError(
            f"target {target.name} is to be proposed by pull requests, and no forge is configured",
            fix="name forge.token_file, or choose another mode",
        )
    if not (proposes or (settings.forge.statuses and is_configured)):
        return None
    from reconciler.following import Follower

    repository = repository_of(settings, target)
    proposer = _proposer(target.name, repository, policy, memory, redaction)
    marks = repository.forge if settings.forge.statuses else None
    return Follower(target.name, proposer, marks, leads, say)


def proposer_of(
    settings: Settings,
    target: TargetSettings,
    policy: Policy,
    memory: "DatabaseHistory",
    redaction: Redaction,
) -> "Proposer":
    """Gives what keeps a target's pull request, for a command that acts once.

    Raises:
        ConfigError: No forge is configured, or not as it must be.
    """
    repository = repository_of(settings, target)
    return _proposer(target.name, repository, policy, memory, redaction)


def _proposer(
    target: str,
    repository: "Repository",
    policy: Policy,
    memory: "DatabaseHistory",
    redaction: Redaction,
) -> "Proposer":
    from reconciler.proposing import Proposer

    store = memory.notices(target)
    return Proposer(target, repository, policy, memory, store, redaction, lambda: datetime.now(UTC))


def repository_of(settings: Settings, target: TargetSettings) -> "Repository":
    """Gives where a target's pull requests are. Asks nothing yet.

    Raises:
        ConfigError: The repository is on no forge that is known, or a setting isn't as it must be.
    """
    from reconciler.adapters.forges.choosing import open_forge
    from reconciler.adapters.forges.place import forge_place
    from reconciler.adapters.sources.branches import GitBranches
    from reconciler.adapters.sources.signing import Identity
    from reconciler.proposing import Repository

    forge = settings.forge
    where = f"target {target.name}"
    if not (forge.token_file or forge.app.id):
        raise ConfigError(
            f"{where}: no forge is configured", fix="name forge.token_file, or forge.app"
        )
    if not target.source.ref:
        raise ConfigError(
            f"{where}: a pull request goes into a branch, and source.ref names none",
            fix="name the branch, such as main",
        )
    place = forge_place(target.source.repo, _forge_kind(forge.kind), forge.url)
    return Repository(
        forge=open_forge(place, _access(forge, target.name)),
        branches=GitBranches(
            target.source.repo,
            cache_folder(settings),
            Identity(forge.name, forge.email),
            _signing(forge),
            settings.programs.credential_helper,
            surroundings().variables,
        ),
        base=target.source.ref,
        door=place.kind.value,
    )


def pull_request_at(settings: Settings, url: str) -> "tuple[Forge, int]":
    """Gives the forge that a pull request is on, and its number there. Asks nothing yet.

    Args:
        settings: By which right the forge is spoken to.
        url: The pull request's page.

    Raises:
        ConfigError: It is no pull request's, or no forge is configured.
    """
    from reconciler.adapters.forges.choosing import open_forge
    from reconciler.adapters.forges.place import ForgeKind, forge_place

    found = _PULL_REQUEST.fullmatch(url)
    if found is None:
        raise ConfigError(
            "--comment names no pull request",
            fix="give its page, such as https://git.example/shop/deploy/pulls/7",
        )
    forge = settings.forge
    if not (forge.token_file or forge.app.id):
        raise ConfigError(
            "--comment needs a right to comment",
            fix="name a file that holds a token: forge.token_file, or PLUMBLINE_FORGE__TOKEN_FILE",
        )
    # GitHub's pages are below pull, Gitea's below pulls, GitLab's below -/merge_requests.
    named = {"pull": ForgeKind.GITHUB, "pulls": ForgeKind.GITEA}
    kind = _forge_kind(forge.kind) or named.get(found["word"], ForgeKind.GITLAB)
    place = forge_place(found["project"], kind, forge.url)
    return open_forge(place, _access(forge, "check")), int(found["number"])


def _forge_kind(name: str) -> "ForgeKind | None":
    from reconciler.adapters.forges.place import ForgeKind

    try:
        return ForgeKind(name) if name else None
    except ValueError:
        known = ", ".join(ForgeKind)
        raise ConfigError(
            f"forge.kind: {name!r} is none that is known", fix=f"it may be {known}"
        ) from None


def _access(forge: ForgeSettings, target: str) -> "ForgeAccess":
    from reconciler.adapters.forges.access import ForgeAccess, GitHubApp

    authority = Path(forge.authority) if forge.authority else None
    status = f"plumbline/{target}"
    if forge.app.id:
        key = _reading("forge.app.key_file", forge.app.key_file)
        app = GitHubApp(forge.app.id, forge.app.installation, key)
        return ForgeAccess(app, authority, status=status)
    return ForgeAccess(_reading("forge.token_file", forge.token_file), authority, status=status)


def _signing(forge: ForgeSettings) -> "SigningKey | None":
    from reconciler.adapters.sources.signing import KeyKind, SigningKey

    if not forge.signing_key_file:
        return None
    return SigningKey(KeyKind.SSH, Path(forge.signing_key_file))


def _reading(name: str, file: str) -> Callable[[], str]:
    """Gives what reads a secret each time: it may be renewed."""

    def read() -> str:
        return text_named(name, file, if_empty="write the secret into it")

    read()
    return read

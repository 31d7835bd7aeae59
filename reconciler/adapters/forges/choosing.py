"""From where a repository's pull requests are to what speaks with that forge."""

from reconciler.adapters.forges.access import ForgeAccess, GitHubApp
from reconciler.adapters.forges.place import ForgeKind, ForgePlace
from reconciler.core.errors import ConfigError
from reconciler.ports import Forge


def open_forge(place: ForgePlace, access: ForgeAccess) -> Forge:
    """Makes what speaks with a forge; nothing is asked yet.

    Raises:
        ConfigError: This forge knows no Apps.
    """
    # Late imports: each client is heavy, and a program needs one of them at most.
    if place.kind is ForgeKind.GITHUB:
        from reconciler.adapters.forges.github import GitHubForge

        return GitHubForge(place, access)
    if isinstance(access.sign_in, GitHubApp):
        raise ConfigError(f"{place.kind} knows no GitHub Apps", fix="give a token instead")
    if place.kind is ForgeKind.GITLAB:
        from reconciler.adapters.forges.gitlab import GitLabForge

        return GitLabForge(place, access, access.sign_in)
    from reconciler.adapters.forges.gitea import GiteaForge

    return GiteaForge(place, access, access.sign_in)

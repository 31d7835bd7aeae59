"""Where a repository's pull requests are: which forge, at which address, by which name."""

import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Final
from urllib.parse import SplitResult, unquote, urlsplit

from reconciler.core.errors import ConfigError


class ForgeKind(StrEnum):
    """Whose API a forge speaks."""

    GITHUB = "github"
    GITLAB = "gitlab"
    GITEA = "gitea"
    FORGEJO = "forgejo"  # began as Gitea, and has kept its API


@dataclass(frozen=True, slots=True)
class ForgePlace:
    """Where pull requests of one repository are.

    Attributes:
        kind: Whose API it is.
        api: The API's address, without a slash at its end.
        project: The repository's name on the forge, such as `shop/deploy`.
    """

    kind: ForgeKind
    api: str
    project: str


_SCHEMES: Final = ("https", "http", "ssh", "git")
#: What ssh's users write: `git@host:path`.
_SCP_LIKE: Final = re.compile(r"(?:[^@/:\s]+@)?(?P<host>\[[^\]/\s]+\]|[^/:\s]+):(?P<path>.+)", re.S)
#: What a forge's own names are made of; anything else would change an API's address.
_NAME: Final = re.compile(r"[\w.-]+(?:/[\w.-]+)+", re.ASCII)

#: Hosts of which everybody knows what they run, and beginnings of names that tell it.
_HOSTS: Final = {
    "github.com": ForgeKind.GITHUB,
    "gitlab.com": ForgeKind.GITLAB,
    "gitea.com": ForgeKind.GITEA,
    "codeberg.org": ForgeKind.FORGEJO,
}
#: Customers of GitHub's cloud with data residency have names of their own below this one.
_GHE_CLOUD: Final = ".ghe.com"

_FIX = "name the forge's kind (github, gitlab, gitea or forgejo)"


def forge_place(repo: str, kind: ForgeKind | None = None, address: str = "") -> ForgePlace:
    """Tells where the pull requests of a repository are.

    Args:
        repo: The repository's URL, or `git@host:path`. User and password in it don't count.
        kind: Whose API it is; None to tell it by the host's name.
        address: Where people open the forge, such as `https://git.example/forge`; empty for
            `https://` and the repository's host. Needed where that is below a path, or on a port
            that an ssh URL doesn't name.

    Raises:
        ConfigError: It can't be told.
    """
    web, host, path = _parted(repo)
    if address:
        given = _address(address)
        host, web = given.hostname or "", f"{given.scheme}://{given.netloc}{given.path}"
        # The path of a repository's https URL begins with that of its forge.
        inside = given.path.strip("/")
        if inside and path.startswith(f"{inside}/"):
            path = path.removeprefix(f"{inside}/")
    found = kind or _kind(host)
    if found is None:
        raise ConfigError(f"{host} doesn't tell which kind of forge it is", fix=_FIX)
    project = path.removesuffix("/").removesuffix(".git")
    if not _NAME.fullmatch(project) or ".." in project.split("/"):
        raise ConfigError(
            "the repository's URL doesn't name a repository of a forge",
            fix="write its address as the forge shows it, such as https://git.example/shop/deploy",
        )
    if found is not ForgeKind.GITLAB and project.count("/") != 1:
        raise ConfigError(
            f"{found} has no repository {project}: it takes an owner and a name",
            fix="where the forge is below a path, name its address with it",
        )
    return ForgePlace(found, _api(found, web, host), project)


def _parted(repo: str) -> tuple[str, str, str]:
    """Gives where the forge's pages would be, its host, and the repository's path there."""
    if "://" in repo:
        parts = _split(repo)
        if parts.scheme in _SCHEMES and parts.hostname:
            is_web = parts.scheme in ("http", "https")
            # The port of ssh:// and git:// is not that of the pages.
            server = parts.netloc.rpartition("@")[2] if is_web else _bracketed(parts.hostname)
            scheme = parts.scheme if is_web else "https"
            return f"{scheme}://{server}", parts.hostname, unquote(parts.path).strip("/")
    elif (match := _SCP_LIKE.fullmatch(repo)) is not None:
        host = match["host"].lower()
        return f"https://{host}", host.strip("[]"), match["path"].strip("/")
    raise ConfigError(
        "pull requests need a repository on a forge, and this one is none",
        fix="give the repository's https or ssh URL",
    )


def _address(address: str) -> SplitResult:
    parts = _split(address)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.username is not None:
        raise ConfigError(
            "a forge's address is a web address without credentials",
            fix="write it as https://host or https://host/path",
        )
    return parts._replace(path=parts.path.rstrip("/"))


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        _ = parts.port
    except ValueError as error:
        raise ConfigError("a forge's address isn't a URL", fix="check host and port") from error
    return parts


def _bracketed(host: str) -> str:
    return f"[{host}]" if ":" in host else host


def _kind(host: str) -> ForgeKind | None:
    host = host.lower()
    if host in _HOSTS:
        return _HOSTS[host]
    if host.endswith(_GHE_CLOUD):
        return ForgeKind.GITHUB
    first = host.partition(".")[0]
    return ForgeKind(first) if first in list(ForgeKind) else None


def _api(kind: ForgeKind, web: str, host: str) -> str:
    match kind:
        case ForgeKind.GITHUB if host.lower() == "github.com":
            return "https://api.github.com"
        case ForgeKind.GITHUB if host.lower().endswith(_GHE_CLOUD):
            return f"https://api.{host.lower()}"
        case ForgeKind.GITHUB:
            # https://docs.github.com/en/enterprise-server/rest: "/api/v3 on your own host".
            return f"{web}/api/v3"
        case ForgeKind.GITLAB:
            return f"{web}/api/v4"
        case _:
            return f"{web}/api/v1"

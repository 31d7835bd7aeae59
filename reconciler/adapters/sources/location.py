"""Where a repository is, and what of it is asked for: told apart, checked, and safe to print."""

import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from reconciler.core.errors import ConfigError

_ALLOWED_SCHEMES = ("https", "http", "ssh", "git")
_SCHEME = re.compile(r"([A-Za-z][A-Za-z0-9+.-]*)://")
#: Git's `transport::address`, of which `ext::` runs any command.
_HELPER = re.compile(r"[A-Za-z0-9][A-Za-z0-9+.-]*::")
#: What ssh's users write: `git@host:path`. A slash before the colon makes it a path, as for Git.
_SCP_LIKE = re.compile(r"(?:[^@/:\s]+@)?(?:\[[^\]/\s]+\]|[^/:\s]+):")
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u2028\u2029]")

_USERINFO = re.compile(r"\b([A-Za-z][A-Za-z0-9+.-]*)://([^\s/?#'\"]*)@")
_QUERY_SECRET = re.compile(
    r"([?&][A-Za-z_-]*(?:token|password|secret|key|signature|sig)=)[^&\s'\"]+", re.IGNORECASE
)

#: What no ref holds (git help check-ref-format), and `:` and spaces, that make a revision something
#: else than a commit. `~`, `^` and `@{…}` stay: a local repository knows what they mean.
_NOT_IN_REF = re.compile(r"[\x00-\x20\x7f:?*\[\\]|\.\.")


@dataclass(frozen=True, slots=True)
class LocalFolder:
    """A repository, or a plain folder, on this machine.

    Attributes:
        path: The folder.
        is_url: Whether it was written as file://: then always a repository, never its work tree.
    """

    path: Path
    is_url: bool = False


@dataclass(frozen=True, slots=True)
class RemoteUrl:
    """A repository elsewhere.

    Attributes:
        url: What Git is told: without credentials, which would show in a list of processes.
        shown: What people are told.
        authorization: The HTTP header of the credentials that the URL held, empty for none.
        header_scope: To which server alone the header goes.
    """

    url: str
    shown: str
    authorization: str = ""
    header_scope: str = ""

    def __repr__(self) -> str:
        return f"RemoteUrl({self.shown!r})"


Location = LocalFolder | RemoteUrl


def mask_url(text: str) -> str:
    """Masks passwords and tokens in all URLs of a text."""
    text = _USERINFO.sub(_mask_userinfo, text)
    return _QUERY_SECRET.sub(r"\1***", text)


def _mask_userinfo(matched: "re.Match[str]") -> str:
    scheme, userinfo = matched[1], matched[2]
    user, colon, _ = userinfo.partition(":")
    if scheme.lower() in ("http", "https"):
        # A token often stands in the user's place.
        return f"{scheme}://***@"
    return f"{scheme}://{user}:***@" if colon else matched[0]


def locate(repo: str) -> Location:
    """Tells what kind of place a repository is in.

    Raises:
        ConfigError: It is none that this program reads.
    """
    if not repo.strip():
        raise ConfigError("--repo is empty", fix="name a repository's URL or folder")
    if repo.startswith("-"):
        raise ConfigError(
            "--repo begins with a hyphen, which Git would take for an option",
            fix="name a URL, or a folder as ./-folder",
        )
    if _CONTROL.search(repo):
        raise ConfigError("--repo holds a control character", fix="delete it")
    if _HELPER.match(repo):
        raise ConfigError(
            f"--repo names the transport {repo.partition('::')[0]}::, which can run commands",
            fix=f"use one of {_schemes()}, or a folder",
        )
    scheme = _SCHEME.match(repo)
    if scheme is not None:
        return _of_url(repo, scheme[1].lower())
    if _SCP_LIKE.match(repo) and not Path(repo).exists():
        _refuse_hyphen(repo.rpartition("@")[2], mask_url(repo))
        return RemoteUrl(repo, repo)
    return LocalFolder(Path(repo).expanduser())


def _of_url(repo: str, scheme: str) -> Location:
    # Late: a local folder needs none of it.
    from urllib.parse import unquote, urlsplit

    shown = mask_url(repo)
    if scheme not in (*_ALLOWED_SCHEMES, "file"):
        raise ConfigError(f"--repo {shown}: {scheme}:// isn't read", fix=f"use one of {_schemes()}")
    try:
        parts = urlsplit(repo)
        host = parts.hostname or ""
        _ = parts.port
    except ValueError as error:
        raise ConfigError(f"--repo {shown} isn't a URL", fix="check host and port") from error
    if scheme == "file":
        if host not in ("", "localhost"):
            raise ConfigError(
                f"--repo {shown} names a file on another host",
                fix="write file:///path for a folder of this machine, or use ssh://",
            )
        return LocalFolder(Path(unquote(parts.path)), is_url=True)
    if not host:
        raise ConfigError(f"--repo {shown} names no host", fix="write scheme://host/path")
    _refuse_hyphen(host, shown)
    _refuse_hyphen(parts.username or "", shown)
    if scheme in ("http", "https") and parts.username is not None:
        return _without_credentials(repo, shown)
    if parts.password is not None:
        # ssh takes no password from a URL, and git:// has none at all.
        raise ConfigError(
            f"--repo {shown}: a password has no use in {scheme}://", fix="delete it; ssh uses keys"
        )
    return RemoteUrl(repo, shown)


def _without_credentials(repo: str, shown: str) -> RemoteUrl:
    import base64
    from urllib.parse import unquote, urlsplit, urlunsplit

    parts = urlsplit(repo)
    server = parts.netloc.rpartition("@")[2]
    user = unquote(parts.username or "")
    token = base64.b64encode(f"{user}:{unquote(parts.password or '')}".encode()).decode()
    return RemoteUrl(
        urlunsplit(parts._replace(netloc=server)),
        shown,
        authorization=f"Authorization: Basic {token}",
        header_scope=f"{parts.scheme}://{server}/",
    )


def _refuse_hyphen(part: str, shown: str) -> None:
    if part.startswith("-"):
        raise ConfigError(
            f"--repo {shown}: host or user begins with a hyphen, which ssh would take for an "
            "option",
            fix="check the URL",
        )


def _schemes() -> str:
    return ", ".join(f"{scheme}://" for scheme in (*_ALLOWED_SCHEMES, "file"))


def check_ref(ref: str) -> str:
    """Gives a ref that is safe to hand to Git; empty for the default one.

    Raises:
        ConfigError: It isn't.
    """
    if ref.startswith("-"):
        raise ConfigError(
            f"--ref {printable(ref)} begins with a hyphen, which Git would take for an option",
            fix="name a branch, tag or commit; a branch so named as refs/heads/…",
        )
    if _NOT_IN_REF.search(ref):
        raise ConfigError(
            f"--ref {printable(ref)} isn't the name of a branch, tag or commit",
            fix="name one branch, tag or commit, such as main, v1.2 or a full hash",
        )
    return ref


def check_path(path: str, field: str = "--path") -> str:
    """Gives a path inside the repository in its shortest form; empty for all of it.

    Raises:
        ConfigError: It leads out of the repository.
    """
    if _CONTROL.search(path):
        raise ConfigError(f"{field} holds a control character", fix="delete it")
    if PurePosixPath(path).is_absolute() or ".." in PurePosixPath(path).parts:
        raise ConfigError(
            f"{field} {path} leads out of the repository",
            fix="name a path from the repository's top, without a leading / and without ..",
        )
    # pathlib leaves out "." and doubled slashes.
    shortest = str(PurePosixPath(path))
    return "" if shortest == "." else shortest


def printable(text: str, limit: int = 300) -> str:
    """Gives foreign text as one harmless line: no escapes, no passwords, not endless."""
    line = _CONTROL.sub(" ", mask_url(text)).strip()
    return line if len(line) <= limit else f"{line[:limit]}…"

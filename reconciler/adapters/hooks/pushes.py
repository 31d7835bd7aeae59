"""What a hook tells of a push: which repository, which ref. Nothing else of it is read."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qs, urlsplit

import orjson

#: Where forges put a repository's addresses: GitLab in `project`, all others in `repository`.
_HOLDERS: Final = ("repository", "project")
_ADDRESSES: Final = (
    "clone_url",
    "git_http_url",
    "git_ssh_url",
    "git_url",
    "html_url",
    "http_url",
    "ssh_url",
    "url",
    "web_url",
)

#: What ssh's users write, as in `git@host:path`; no scheme has its slashes there.
_SCP_LIKE = re.compile(r"(?:[^@/\s]+@)?(?P<host>\[[^\]/\s]+\]|[^/:@\s]+):(?P<path>(?!//).*)", re.S)


class Repository(NamedTuple):
    """A repository, however it is addressed.

    Attributes:
        host: In lower case, without user and port: a forge has another one for ssh.
        path: In lower case, as forges compare, without `.git` and outer slashes.
    """

    host: str
    path: str


@dataclass(frozen=True, slots=True)
class Push:
    """A push that somebody told of.

    Attributes:
        repositories: Where to, by each address that was told.
        ref: What was moved, such as `refs/heads/main`.
    """

    repositories: frozenset[Repository]
    ref: str

    def concerns(self, repo: str, ref: str) -> bool:
        """Whether it may have moved what is read from a repository.

        Args:
            repo: The repository's address.
            ref: Branch, tag or full ref; empty for the default branch, which isn't known here.
                A commit is never moved.
        """
        if repository_of(repo) not in self.repositories:
            return False
        return ref in ("", "HEAD") or self.ref in {f"{start}{ref}" for start in _STARTS}


#: How a ref may be written short.
_STARTS: Final = ("", "refs/", "refs/heads/", "refs/tags/")


def repository_of(address: str) -> Repository | None:
    """Reads a repository's address; None where it names no other machine."""
    scp_like = _SCP_LIKE.fullmatch(address)
    if scp_like is not None:
        host, path = scp_like["host"].strip("[]"), scp_like["path"]
    else:
        try:
            parts = urlsplit(address)
            host, path = parts.hostname or "", parts.path
        except ValueError:
            return None
    path = path.strip("/").removesuffix(".git").rstrip("/")
    return Repository(host.lower(), path.lower()) if host and path else None


def push_of(body: bytes, content_type: str) -> Push | None:
    """Reads a hook; None where it tells of no push.

    Args:
        body: As it was sent.
        content_type: Its kind: GitHub and Gitea can also send JSON as a form's one field.

    Raises:
        ValueError: It is no JSON.
    """
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        fields = parse_qs(body.decode("utf-8", "replace"), max_num_fields=1)
        body = fields.get("payload", [""])[0].encode()
    told = orjson.loads(body)
    if not isinstance(told, Mapping):
        return None
    ref = told.get("ref")
    found = frozenset(_repositories(told))
    return Push(found, ref) if isinstance(ref, str) and ref and found else None


def _repositories(told: Mapping[str, Any]) -> Iterator[Repository]:
    for holder in _HOLDERS:
        told_of = told.get(holder)
        if not isinstance(told_of, Mapping):
            continue
        for name in _ADDRESSES:
            address = told_of.get(name)
            repository = repository_of(address) if isinstance(address, str) else None
            if repository is not None:
                yield repository

"""Writes branches of a repository on a server: each is a base and one commit on it."""

import posixpath
import re
import tempfile
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

from reconciler.adapters.process import Completed
from reconciler.adapters.sources.attended import attended
from reconciler.adapters.sources.clone import Clone, credentials
from reconciler.adapters.sources.git import Git, failure
from reconciler.adapters.sources.location import RemoteUrl, check_path, check_ref, locate
from reconciler.adapters.sources.signing import Identity, Signature, SigningKey
from reconciler.core.errors import ConfigError, SourceError
from reconciler.core.pull_requests import BranchContent

#: Only branches that begin so are ever written: no slip of a setting overwrites somebody's.
PREFIX = "plumbline/"

_PUSH_SECONDS = 300
_COMMIT = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")

_FILE_MODE, _EXECUTABLE_MODE = "100644", "100755"


@dataclass(frozen=True, slots=True)
class _Commit:
    """What makes a commit the same as another, whenever it was made."""

    tree: str
    parents: tuple[str, ...]
    author: str
    signed: bool
    message: str


@dataclass(frozen=True, slots=True)
class GitBranches:
    """See `ports.Branches`.

    Attributes:
        repo: The repository's URL, or `git@host:path`.
        cache: The folder of this user's own in which clones are kept; the source's.
        identity: Who makes the commits, and signs them off.
        signing: The key that signs them; None for no signature.
        credential_helper: As git's `credential.helper`; none is used unless named here.
        environ: This process's environment, of which git gets what `git.KEPT_VARIABLES` names.
    """

    repo: str = field(repr=False)
    cache: Path
    identity: Identity
    signing: SigningKey | None = None
    credential_helper: str = ""
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)

    def push(self, branch: str, content: BranchContent) -> str:
        """Makes a branch exactly its base and one commit, in place of what it was.

        Returns:
            The commit; the one that is there already where it has the same content.

        Raises:
            SourceError: The repository can't be reached, or refuses.
            ConfigError: The branch, the base or a path is none that may be written.
        """
        name = _full_name(branch)
        if not _COMMIT.match(content.base):
            raise ConfigError("a branch begins from a commit", fix="give its full hash")
        clone = self._clone()
        with clone.held(content.base) as folder, ExitStack() as stack:
            there = clone.refs(folder, [name]).get(name, "")
            if there:
                self._get(clone, folder, name)
            work = _Work(clone.git, folder)
            wanted = self._wanted(work, content)
            if there and work.read(there) == wanted:
                return there
            signature = None
            if self.signing is not None:
                signature = stack.enter_context(self.signing.ready(self.environ))
            commit = work.commit(wanted, self.identity, signature)
            self._send(clone, folder, f"{commit}:{name}", f"{name}:{there}")
            return commit

    def delete(self, branch: str) -> None:
        """Takes a branch away; one that isn't there is fine.

        Raises:
            SourceError: The repository can't be reached, or refuses.
            ConfigError: The branch is none that may be written.
        """
        name = _full_name(branch)
        clone = self._clone()
        with clone.held() as folder:
            there = clone.refs(folder, [name]).get(name)
            if there:
                self._send(clone, folder, f":{name}", f"{name}:{there}")

    def _clone(self) -> Clone:
        place = locate(self.repo)
        if not isinstance(place, RemoteUrl):
            raise ConfigError(
                "branches are pushed to a server, and the repository is a folder of this machine",
                fix="name the repository by its URL",
            )
        settings = credentials(place, self.credential_helper)
        return Clone(Git(self.environ, settings), place, self.cache / "repos")

    def _get(self, clone: Clone, folder: Path, name: str) -> None:
        """Gets what the branch is now; where it can't be had, it is written anew."""
        command = ["fetch", "--quiet", "--depth=1", "--no-tags", "--no-recurse-submodules",
                   "--no-write-fetch-head", "--no-auto-maintenance", "--refmap=", "--",
                   clone.remote.url, name]  # fmt: skip
        answer = attended(clone.git, folder, command, seconds=_PUSH_SECONDS)
        if answer.code != 0:
            raise failure(f"{clone.remote.shown} can't be fetched", answer)

    def _wanted(self, work: "_Work", content: BranchContent) -> _Commit:
        message = f"{content.message.strip()}\n\nSigned-off-by: {self.identity}\n"
        return _Commit(
            tree=work.tree(content.base, content.files),
            parents=(content.base,),
            author=str(self.identity),
            signed=self.signing is not None,
            message=message,
        )

    def _send(self, clone: Clone, folder: Path, what: str, lease: str) -> None:
        """Pushes; refused where the branch isn't what it was when we looked."""
        command = ["push", "--porcelain", "--no-verify", "--no-signed", "--no-follow-tags",
                   "--recurse-submodules=no", f"--force-with-lease={lease}", "--",
                   clone.remote.url, what]  # fmt: skip
        answer = attended(clone.git, folder, command, seconds=_PUSH_SECONDS)
        if answer.code != 0:
            raise _refusal(clone.remote, answer)


def _refusal(remote: RemoteUrl, answer: Completed) -> SourceError:
    """Says why a push failed; `--porcelain` tells of refused refs on stdout, after a `!`."""
    shown = f"{remote.shown} doesn't take the branch"
    lines = answer.stdout.splitlines()
    refused = [line.rsplit(b"\t", 1)[-1] for line in lines if line.startswith(b"!")]
    if any(b"stale info" in each for each in refused):
        return SourceError(
            f"{shown}: somebody else has pushed to it meanwhile",
            fix="nothing: it is looked at again by itself",
        )
    if refused:
        said = b"".join(b"remote: " + each + b"\n" for each in refused)
        answer = Completed(answer.code, answer.stdout, said + answer.stderr)
    error = failure(shown, answer)
    return SourceError(
        error.message, fix=error.fix or "check who may push to this branch, by the forge's rules"
    )


def _full_name(branch: str) -> str:
    check_ref(branch)
    if not branch.startswith(PREFIX) or branch.endswith(("/", ".lock", ".")) or "//" in branch:
        raise ConfigError(
            f"a branch of this program is named {PREFIX}…, and follows git's rules for names",
            fix="give the target a name without spaces and signs",
        )
    return f"refs/heads/{branch}"


@dataclass(frozen=True, slots=True)
class _Work:
    """Makes and reads objects in a kept clone."""

    git: Git
    folder: Path

    def tree(self, base: str, files: Mapping[str, str | None]) -> str:
        """Gives the tree of a base with these files in it."""
        with tempfile.TemporaryDirectory(prefix="plumbline-index-") as scratch:
            index = {"GIT_INDEX_FILE": f"{scratch}/index"}
            self._ask(["read-tree", base], index)
            modes = self._modes(base, list(files))
            lines = []
            for path, text in sorted(files.items()):
                if text is None:
                    if path in modes:
                        lines.append(f"0 {'0' * len(base)}\t{path}")
                    continue
                blob = self._ask(["hash-object", "-w", "--stdin"], stdin=text.encode())
                lines.append(f"{modes.get(path, _FILE_MODE)} {blob}\t{path}")
            told = "".join(f"{line}\0" for line in lines).encode()
            self._ask(["update-index", "-z", "--index-info"], index, stdin=told)
            return self._ask(["write-tree"], index)

    def _modes(self, base: str, paths: Sequence[str]) -> dict[str, str]:
        """Gives the modes of files that the base has."""
        for path in paths:
            if not path or check_path(path, "a file's path") != path or _is_gits(path):
                raise ConfigError(
                    "a file's path doesn't lead to a file inside the repository",
                    fix="give it from the repository's top, without . and ..",
                )
        modes: dict[str, str] = {}
        # Each folder on the way is asked for too: through a symlink nothing is written.
        asked = sorted({part for path in paths for part in _with_parents(path)})
        listed = self._ask(["ls-tree", "-z", base, "--", *asked]) if asked else ""
        for line in listed.split("\0"):
            facts, _, name = line.partition("\t")
            mode = facts.partition(" ")[0]
            # Of a folder that is asked for beside what is in it, git lists all that is in it.
            if name not in asked or mode == "040000":
                continue
            if mode not in (_FILE_MODE, _EXECUTABLE_MODE) or name not in paths:
                raise SourceError(
                    f"{name} is not a regular file there, and isn't written over",
                    fix="make it a file, or name another path",
                )
            modes[name] = mode
        return modes

    def read(self, commit: str) -> _Commit:
        """Reads a commit's content."""
        raw = self._ask(["cat-file", "commit", commit], strip=False)
        head, _, message = raw.partition("\n\n")
        facts = [line.partition(" ") for line in head.split("\n")]
        author = next((value for name, _, value in facts if name == "author"), "")
        return _Commit(
            tree=next((value for name, _, value in facts if name == "tree"), ""),
            parents=tuple(value for name, _, value in facts if name == "parent"),
            # Behind the address stand the time and its zone.
            author=author.rsplit(" ", 2)[0],
            signed=any(name.startswith("gpgsig") for name, _, _ in facts),
            message=message,
        )

    def commit(self, wanted: _Commit, identity: Identity, signature: Signature | None) -> str:
        """Makes a commit."""
        settings = (
            [part for each in signature.settings for part in ("-c", each)] if signature else []
        )
        parents = [part for each in wanted.parents for part in ("-p", each)]
        return self._ask(
            [*settings, "commit-tree", *(["-S"] if signature else []), *parents, "-F", "-",
             wanted.tree],
            {**identity.variables, **(signature.variables if signature else {})},
            stdin=wanted.message.encode(),
        )  # fmt: skip

    def _ask(
        self,
        arguments: Sequence[str],
        variables: Mapping[str, str] | None = None,
        *,
        stdin: bytes = b"",
        strip: bool = True,
    ) -> str:
        answer = self.git.ask(arguments, folder=self.folder, stdin=stdin, variables=variables)
        if answer.code != 0:
            raise failure("the branch's commit can't be made", answer)
        text = answer.stdout.decode(errors="replace")
        return text.strip() if strip else text


def _with_parents(path: str) -> list[str]:
    found = [path]
    while parent := posixpath.dirname(found[-1]):
        found.append(parent)
    return found


def _is_gits(path: str) -> bool:
    return any(part.lower() in (".git", ".gitmodules") for part in path.split("/"))

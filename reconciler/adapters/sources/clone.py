"""Keeps bare, shallow clones of remote repositories, one a URL, and pins what is asked for."""

import fcntl
import hashlib
import os
import re
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.process import Completed
from reconciler.adapters.sources.attended import attended
from reconciler.adapters.sources.git import Git, failure
from reconciler.adapters.sources.gittree import GitTree
from reconciler.adapters.sources.location import RemoteUrl
from reconciler.core.errors import ConfigError, SourceError

_HASH = re.compile(r"(?:[0-9a-f]{40}|[0-9a-f]{64})\Z")

#: Seconds that asking a server for its refs, and fetching from it, may take.
_ASK_SECONDS = 60
_FETCH_SECONDS = 900
#: Seconds between two looks at a lock that another run holds.
_LOCK_PAUSE = 0.05

#: Every fetch leaves a pack of its own; from so many on they are made one, and old commits dropped.
_PACKS_LIMIT = 30

#: What `git fetch` takes for "all history", also to complete a shallow clone.
_ALL_HISTORY = "--depth=2147483647"
_EVERYTHING = ("+refs/heads/*:refs/all/heads/*", "+refs/tags/*:refs/all/tags/*")


@dataclass(frozen=True, slots=True)
class Clone:
    """A kept clone of one remote repository.

    Attributes:
        git: How git is run; its settings hold the URL's credentials.
        remote: Where it comes from.
        cache: The folder in which clones are kept, each with its lock.
        since: A commit of which it must be told whether what is pinned descends from it; empty
            for none. Then so much history is fetched.
    """

    git: Git
    remote: RemoteUrl
    cache: Path
    since: str = ""

    @contextmanager
    def pinned(self, ref: str) -> Iterator[GitTree]:
        """Pins a ref to a commit, gets that commit if it isn't here, and gives its files.

        While the files are used, no other run tidies the clone.

        Raises:
            ConfigError: The server has no such ref.
            SourceError: The server can't be reached, or the cache can't be written.
        """
        folder = self._folder()
        with _locked(folder.with_suffix(".lock"), shared=True) as held:
            name, commit = ("", ref) if _HASH.match(ref) else self._ask(folder.parent, ref)
            if self._has(folder, commit) and self._tells_descent(folder, commit):
                yield GitTree(self.git, folder, commit)
                return
            held.release()
        with _locked(folder.with_suffix(".lock"), shared=False):
            # Another run may have got it while this one waited.
            if not self._has(folder, commit):
                commit = self._get(folder, name, commit)
            if not self._tells_descent(folder, commit):
                self._deepen(folder, commit)
            yield GitTree(self.git, folder, commit)

    @contextmanager
    def held(self, commit: str = "") -> Iterator[Path]:
        """Gives the clone's folder to one user alone, with a commit in it if one is named.

        Raises:
            ConfigError: The server has no such commit.
            SourceError: The server can't be reached, or the cache can't be written.
        """
        folder = self._folder()
        with _locked(folder.with_suffix(".lock"), shared=False):
            if not commit:
                if not (folder / "HEAD").exists():
                    self._make(folder, commit)
            elif not self._has(folder, commit):
                self._get(folder, "", commit)
            yield folder

    def refs(self, folder: Path, names: Sequence[str]) -> dict[str, str]:
        """Asks the server for refs by their full names; gives the commits of those it has.

        Raises:
            SourceError: The server can't be asked.
        """
        answer = self.git.ask(
            ["ls-remote", "--", self.remote.url, *names],
            folder=folder,
            network=True,
            seconds=_ASK_SECONDS,
            ceiling=folder,
        )
        if answer.code != 0:
            raise failure(f"{self.remote.shown} can't be asked for its refs", answer)
        refs: dict[str, str] = {}
        for line in answer.stdout.decode(errors="replace").splitlines():
            commit, _, name = line.partition("\t")
            if _HASH.match(commit):
                refs[name] = commit
        return refs

    def _folder(self) -> Path:
        folder = self.cache / f"{hashlib.sha256(self.remote.url.encode()).hexdigest()[:32]}.git"
        try:
            self.cache.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as error:
            raise SourceError(
                f"{self.cache} can't be written: {error.strerror}", fix="name another cache folder"
            ) from error
        return folder

    def _ask(self, folder: Path, ref: str) -> tuple[str, str]:
        """Asks the server for a ref; gives its full name and its commit."""
        names = _full_names(ref)
        peeled = [f"{name}^{{}}" for name in names]
        refs = self.refs(folder, [*names, *peeled])
        # An annotated tag is told twice: itself, and with ^{} the commit that it points to.
        found = {name: refs.get(f"{name}^{{}}", refs[name]) for name in names if name in refs}
        if len(set(found.values())) > 1:
            raise ConfigError(
                f"--ref {ref} is both {' and '.join(found)} in {self.remote.shown}",
                fix="write the one that you mean in full",
            )
        if not found:
            raise ConfigError(
                f"{self.remote.shown} has no branch or tag {ref or 'HEAD'}",
                fix="check --ref; a commit must be given by its full hash",
            )
        return next(iter(found.items()))

    def _has(self, folder: Path, commit: str) -> bool:
        if not folder.is_dir():
            return False
        # rev-list asks for the commit's whole tree as well: a broken-off fetch doesn't count.
        answer = self.git.ask(["cat-file", "-e", f"{commit}^{{tree}}"], folder=folder)
        return answer.code == 0

    def _get(self, folder: Path, name: str, commit: str) -> str:
        """Fetches a ref, or a commit where there is no ref; gives the commit that is there now."""
        if not (folder / "HEAD").exists():
            self._make(folder, commit)
        if name:
            answer = self._fetch(folder, ["--depth=1"], [f"+{name}:refs/fetched"])
            if answer.code != 0:
                raise failure(f"{self.remote.shown} can't be fetched", answer)
            commit = self._commit(folder, "refs/fetched")
        else:
            self._fetch_commit(folder, commit)
            commit = self._commit(folder, commit)
        self._keep(folder, commit)
        return commit

    def _make(self, folder: Path, commit: str) -> None:
        algorithm = "sha256" if len(commit) == 64 else "sha1"
        answer = self.git.ask(
            [
                "init",
                "--quiet",
                "--bare",
                "--template=",
                f"--object-format={algorithm}",
                str(folder),
            ],
            folder=folder.parent,
        )
        if answer.code != 0:
            raise failure(f"a clone can't be made in {folder.parent}", answer)

    def _tells_descent(self, folder: Path, commit: str) -> bool:
        """Whether it can be told here if a commit descends from `since`."""
        if self.since in ("", commit) or not (folder / "shallow").exists():
            return True
        words = ["merge-base", "--is-ancestor", self.since, commit]
        return self.git.ask(words, folder=folder).code == 0

    def _deepen(self, folder: Path, commit: str) -> None:
        answer = self._fetch(folder, [_ALL_HISTORY], [f"+{commit}:refs/fetched"])
        if answer.code != 0:
            answer = self._fetch(folder, [_ALL_HISTORY], _EVERYTHING)
        if answer.code != 0:
            raise failure(f"the history of {self.remote.shown} can't be fetched", answer)

    def _fetch_commit(self, folder: Path, commit: str) -> None:
        answer = self._fetch(folder, ["--depth=1"], [f"+{commit}:refs/fetched"])
        if answer.code == 0:
            return
        # Some servers hand out only what a branch or tag points to.
        answer = self._fetch(folder, [_ALL_HISTORY], _EVERYTHING)
        if answer.code != 0:
            raise failure(f"{self.remote.shown} can't be fetched", answer)
        if not self._has(folder, commit):
            raise ConfigError(
                f"{self.remote.shown} has no commit {commit} in any branch or tag",
                fix="check --ref; push the commit if it is only local",
            )

    def _commit(self, folder: Path, name: str) -> str:
        answer = self.git.ask(
            ["rev-parse", "--verify", "--quiet", f"{name}^{{commit}}"], folder=folder
        )
        if answer.code != 0:
            raise ConfigError("--ref names no commit", fix="name a branch, tag or commit")
        return answer.stdout.decode().strip()

    def _fetch(self, folder: Path, options: Sequence[str], refs: Sequence[str]) -> Completed:
        always = ["--quiet", "--no-tags", "--no-recurse-submodules", "--no-write-fetch-head",
                  "--no-auto-maintenance", "--refmap="]  # fmt: skip
        command = ["fetch", *always, *options, "--", self.remote.url, *refs]
        return attended(self.git, folder, command, seconds=_FETCH_SECONDS)

    def _keep(self, folder: Path, commit: str) -> None:
        """Keeps the commit from being tidied away, and tidies where it is time."""
        packs = len(list((folder / "objects" / "pack").glob("*.pack")))
        if packs > _PACKS_LIMIT:
            for name in ("refs/fetched", *self._kept(folder)):
                self.git.ask(["update-ref", "-d", name], folder=folder)
        self.git.ask(["update-ref", f"refs/kept/{commit}", commit], folder=folder)
        if packs > _PACKS_LIMIT:
            self.git.ask(["gc", "--quiet", "--prune=now"], folder=folder, seconds=_FETCH_SECONDS)

    def _kept(self, folder: Path) -> list[str]:
        answer = self.git.ask(
            ["for-each-ref", "--format=%(refname)", "refs/kept", "refs/all"], folder=folder
        )
        return answer.stdout.decode().split()


def _full_names(ref: str) -> list[str]:
    if not ref or ref == "HEAD":
        return ["HEAD"]
    if ref.startswith("refs/"):
        return [ref]
    return [f"refs/heads/{ref}", f"refs/tags/{ref}"]


@dataclass(slots=True)
class _Lock:
    handle: int

    def release(self) -> None:
        fcntl.flock(self.handle, fcntl.LOCK_UN)


@contextmanager
def _locked(path: Path, *, shared: bool) -> Iterator[_Lock]:
    """Holds a lock between processes.

    Raises:
        SourceError: It can't be had in time.
    """
    try:
        handle = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW, 0o600)
    except OSError as error:
        raise SourceError(
            f"{path} can't be written: {error.strerror}", fix="name another cache folder"
        ) from error
    try:
        way = fcntl.LOCK_SH if shared else fcntl.LOCK_EX
        deadline = time.monotonic() + _FETCH_SECONDS
        while True:
            try:
                fcntl.flock(handle, way | fcntl.LOCK_NB)
                break
            except BlockingIOError:
                if time.monotonic() > deadline:
                    raise SourceError(
                        f"another run has held {path} for too long", fix="look for a hanging run"
                    ) from None
                time.sleep(_LOCK_PAUSE)
        yield _Lock(handle)
    finally:
        os.close(handle)


def credentials(remote: RemoteUrl, helper: str) -> tuple[tuple[str, str], ...]:
    """Gives the settings by which git signs in to a server."""
    settings = []
    if remote.authorization:
        settings.append((f"http.{remote.header_scope}.extraHeader", remote.authorization))
    if helper:
        settings.append(("credential.helper", helper))
    return tuple(settings)

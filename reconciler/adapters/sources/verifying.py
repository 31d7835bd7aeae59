"""Which commits may be acted on: signed by an allowed key, and never behind the last one."""

import hashlib
import shutil
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from reconciler.adapters.process import ProcessError, run
from reconciler.adapters.sources.git import Git
from reconciler.adapters.sources.gittree import GitTree
from reconciler.adapters.sources.location import printable
from reconciler.core.errors import ConfigError, SourceError, UnverifiedError
from reconciler.ports import AcceptedRevision

_GPG_SECONDS = 60
#: A keyring of a whole company has less.
_KEYS_LIMIT = 16 << 20

#: What stands in a line of an SSH allowed_signers file (ssh-keygen(1), ALLOWED SIGNERS).
_SSH_KEYS = (b" ssh-", b" ecdsa-sha2-", b" sk-ssh-", b" sk-ecdsa-", b" cert-authority")

#: What git says of a good signature: gpg's own status line, or ssh-keygen's with a principal.
_GOOD = (b"\n[GNUPG:] VALIDSIG ", b'Good "git" signature for ')


@dataclass(frozen=True, slots=True)
class Verification:
    """What a commit must have to be acted on.

    Attributes:
        keys: Files with OpenPGP public keys, or SSH allowed signers.
        accepted: Remembers the last commit that was acted on; None where one may go back.
        exception: A commit that is accepted though it is behind; empty for none.
        environ: This process's environment.
    """

    keys: tuple[Path, ...]
    accepted: AcceptedRevision | None
    exception: str = ""
    environ: Mapping[str, str] = field(default_factory=dict, repr=False)
    _known: set[tuple[str, str]] = field(default_factory=set, compare=False, repr=False)

    def since(self) -> str:
        """Gives the commit that all later ones must descend from; empty for none."""
        return self.accepted.load() if self.accepted is not None else ""

    def accept(self, tree: GitTree, since: str) -> None:
        """Accepts a commit, or refuses it.

        Args:
            tree: The commit's files.
            since: What `since` gave when it was looked for.

        Raises:
            UnverifiedError: It isn't signed by an allowed key, or is behind.
            ConfigError: A file of keys can't be read.
            SourceError: It can't be verified here.
        """
        contents = [_read(file) for file in self.keys]
        named = hashlib.sha256(b"\0".join(contents)).hexdigest()
        if (tree.commit, named) not in self._known:
            self._verify(tree, contents)
            self._known.add((tree.commit, named))
        if self.accepted is None or tree.commit == since:
            return
        if since and tree.commit != self.exception:
            _require_descent(tree, since)
        self.accepted.save(tree.commit)

    def _verify(self, tree: GitTree, contents: Sequence[bytes]) -> None:
        with self._trusting(tree.git, contents) as (git, variables):
            answer = git.ask(
                ["verify-commit", "--raw", tree.commit], folder=tree.folder, variables=variables
            )
        if answer.code == 0 and any(each in b"\n" + answer.stderr for each in _GOOD):
            return
        reason = _reason(answer.stderr)
        raise UnverifiedError(
            f"commit {tree.commit} is refused: {reason}",
            fix="sign it with a key that source.verify.keys holds; nothing is restored from it",
            commit=tree.commit,
        )

    @contextmanager
    def _trusting(
        self, git: Git, contents: Sequence[bytes]
    ) -> Iterator[tuple[Git, Mapping[str, str]]]:
        """Gives a git that trusts these keys and no others; nothing of them stays behind."""
        home = Path(tempfile.mkdtemp(prefix="plumbline-keys-"))
        try:
            signers = [each for each in contents if _is_signers(each)]
            (home / "signers").write_bytes(b"\n".join(signers))
            rings = [each for each in contents if not _is_signers(each)]
            for number, ring in enumerate(rings):
                (home / f"{number}.keys").write_bytes(ring)
                self._import(home, home / f"{number}.keys", self.keys[contents.index(ring)])
            # Above the repository's own configuration, which could name any program.
            settings = (
                ("gpg.program", "gpg"),
                ("gpg.openpgp.program", "gpg"),
                ("gpg.x509.program", "/nonexistent"),
                ("gpg.ssh.program", "ssh-keygen"),
                ("gpg.ssh.allowedSignersFile", str(home / "signers")),
                ("gpg.ssh.revocationFile", ""),
                ("gpg.minTrustLevel", "undefined"),
            )
            yield replace(git, settings=(*git.settings, *settings)), {"GNUPGHOME": str(home)}
        finally:
            shutil.rmtree(home, ignore_errors=True)

    def _import(self, home: Path, ring: Path, named: Path) -> None:
        environ = {"GNUPGHOME": str(home), "PATH": self.environ.get("PATH", "")}
        words = ["gpg", "--batch", "--quiet", "--no-tty", "--no-autostart", "--import", str(ring)]
        try:
            done = run(words, environ=environ, seconds=_GPG_SECONDS, output_limit=1 << 20)
        except ProcessError as error:
            raise SourceError(f"commits can't be verified: {error}", fix="install gpg") from error
        if done.code != 0:
            raise ConfigError(
                f"source.verify.keys: {named} holds neither OpenPGP keys nor SSH allowed signers",
                fix="export them by gpg --export --armor, or write lines of allowed_signers",
            )


def _is_signers(content: bytes) -> bool:
    lines = content.splitlines()
    return any(key in line for line in lines for key in _SSH_KEYS if not line.startswith(b"#"))


def _read(file: Path) -> bytes:
    try:
        with file.open("rb") as opened:
            content = opened.read(_KEYS_LIMIT)
    except OSError as error:
        raise ConfigError(
            f"source.verify.keys: {file} can't be read: {error.strerror}",
            fix="mount what holds the keys",
        ) from None
    if not content.strip():
        raise ConfigError(f"source.verify.keys: {file} is empty", fix="write the keys into it")
    return content


def _reason(said: bytes) -> str:
    """Says in our words why git found no good signature."""
    for sign, reason in (
        (b"BADSIG", "its signature isn't of what it holds"),
        (b"Could not verify signature", "its signature isn't of what it holds"),
        (b"EXPKEYSIG", "its key has expired"),
        (b"REVKEYSIG", "its key was revoked"),
        (b"EXPSIG", "its signature has expired"),
        (b"NO_PUBKEY", "it is signed by a key that isn't allowed"),
        (b"No principal matched", "it is signed by a key that isn't allowed"),
        (b'Good "git" signature with', "it is signed by a key that isn't allowed"),
    ):
        if sign in said:
            return reason
    words = printable(said.decode(errors="replace"))
    return f"its signature can't be verified: {words}" if words else "it isn't signed"


def _require_descent(tree: GitTree, since: str) -> None:
    answer = tree.git.ask(["merge-base", "--is-ancestor", since, tree.commit], folder=tree.folder)
    if answer.code != 0:
        raise UnverifiedError(
            f"commit {tree.commit} is refused: it doesn't descend from {since}, which was "
            "accepted last",
            fix="revert by a new commit; or, where it is meant, name it in source.verify.accept",
            commit=tree.commit,
        )

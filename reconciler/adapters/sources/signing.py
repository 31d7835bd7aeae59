"""Who makes commits, and with which key they are signed."""

import re
import shutil
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from reconciler.adapters.process import ProcessError, run
from reconciler.core.errors import ConfigError, SourceError

#: Git takes these away from names and addresses, or ends a header with them.
_NOT_IN_IDENTITY = re.compile(r"[<>\x00-\x1f\x7f]")

_GPG_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Identity:
    """Who makes a commit.

    Attributes:
        name: Their name.
        email: Their address; a forge may show the account that has it.
    """

    name: str
    email: str

    def __post_init__(self) -> None:
        for what, text in (("name", self.name), ("address", self.email)):
            if not text.strip() or _NOT_IN_IDENTITY.search(text):
                raise ConfigError(
                    f"the {what} of who commits is empty, or holds <, > or a control character",
                    fix="give a name and a mail address, such as Plumbline and bot@example.dev",
                )

    def __str__(self) -> str:
        return f"{self.name} <{self.email}>"

    @property
    def variables(self) -> Mapping[str, str]:
        """How git is told."""
        return {
            f"GIT_{role}_{what}": value
            for role in ("AUTHOR", "COMMITTER")
            for what, value in (("NAME", self.name), ("EMAIL", self.email))
        }


class KeyKind(StrEnum):
    """What kind of key signs."""

    SSH = "ssh"
    OPENPGP = "openpgp"


@dataclass(frozen=True, slots=True)
class SigningKey:
    """A key that signs commits.

    Attributes:
        kind: What kind it is.
        file: The private key, without a passphrase: nobody is there to type one.
    """

    kind: KeyKind
    file: Path

    @contextmanager
    def ready(self, environ: Mapping[str, str]) -> Iterator["Signature"]:
        """Makes the key usable while the context lasts; nothing of it stays behind.

        Raises:
            ConfigError: There is no such file.
            SourceError: The key can't be used.
        """
        if not self.file.is_file():
            raise ConfigError(
                f"the signing key {self.file} isn't there", fix="check the path and its rights"
            )
        if self.kind is KeyKind.SSH:
            yield Signature(("gpg.format=ssh", f"user.signingKey={self.file.absolute()}"), {})
            return
        # A keyring of its own: the user's own one has other keys and other settings.
        home = Path(tempfile.mkdtemp(prefix="plumbline-gpg-"))
        variables = {"GNUPGHOME": str(home), "PATH": environ.get("PATH", "")}
        try:
            self._gpg(["--import", str(self.file.absolute())], variables)
            listed = self._gpg(["--list-secret-keys", "--with-colons"], variables)
            found = re.search(r"^fpr:+([0-9A-F]+):", listed, re.M)
            if found is None:
                raise SourceError(
                    f"{self.file} holds no private OpenPGP key",
                    fix="export it by gpg --export-secret-keys --armor",
                )
            settings = ("gpg.format=openpgp", f"user.signingKey={found[1]}")
            yield Signature(settings, {"GNUPGHOME": str(home)})
        finally:
            _end_agent(variables)
            shutil.rmtree(home, ignore_errors=True)

    def _gpg(self, arguments: list[str], variables: Mapping[str, str]) -> str:
        try:
            done = run(
                ["gpg", "--batch", "--quiet", "--no-tty", *arguments],
                environ=variables,
                seconds=_GPG_SECONDS,
                output_limit=1 << 20,
            )
        except ProcessError as error:
            raise SourceError(str(error), fix="install gpg") from error
        if done.code != 0:
            raise SourceError(
                f"gpg can't read the signing key {self.file}",
                fix="export it by gpg --export-secret-keys --armor, without a passphrase",
            )
        return done.stdout.decode(errors="replace")


@dataclass(frozen=True, slots=True)
class Signature:
    """How git is told to sign.

    Attributes:
        settings: Of git, as `name=value`.
        variables: Of its environment.
    """

    settings: tuple[str, ...]
    variables: Mapping[str, str]


def _end_agent(variables: Mapping[str, str]) -> None:
    """Ends the agent that gpg has started for a keyring: it would hold the key for ever."""
    try:
        run(
            ["gpgconf", "--kill", "gpg-agent"],
            environ=variables,
            seconds=_GPG_SECONDS,
            output_limit=1 << 16,
        )
    except ProcessError:
        # It also ends by itself once its folder is gone.
        return

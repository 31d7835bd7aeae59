"""A key of age's, and the real sops that encrypts for it."""

import os
import subprocess
from dataclasses import dataclass
from pathlib import Path

from reconciler.adapters.sources.sops import Sops


@dataclass(frozen=True, slots=True)
class Age:
    """A key.

    Attributes:
        sops: Encrypts for it.
        file: Holds it.
        recipient: Its public half.
    """

    sops: Path
    file: Path
    recipient: str

    def encrypted(self, path: str, text: str | bytes, *options: str) -> bytes:
        """Gives a file's content encrypted, in the form that its name says."""
        words = [str(self.sops), "encrypt", "--age", self.recipient, *options]
        done = subprocess.run(
            [*words, "--filename-override", path, "/dev/stdin"],
            input=text.encode() if isinstance(text, str) else text,
            env={"HOME": "/nonexistent", "PATH": ""},
            check=True,
            capture_output=True,
        )
        return done.stdout

    @property
    def decrypts(self) -> Sops:
        """What decrypts by it."""
        return Sops(str(self.sops), dict(os.environ), self.file)


def keep_key(sops: Path, file: Path) -> Age:
    """Makes a key, by the age-keygen beside sops."""
    keygen = sops.parent / "age-keygen"
    subprocess.run([keygen, "-o", file], check=True, capture_output=True)
    told = subprocess.run([keygen, "-y", file], check=True, capture_output=True, text=True)
    return Age(sops, file, told.stdout.strip())

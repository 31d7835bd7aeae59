"""Decrypts files by the real sops, with no more of this process's environment than it must have."""

import hashlib
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import Any
from urllib.parse import urlsplit

from reconciler.adapters.process import Completed, ProcessError, run
from reconciler.adapters.sources.ciphertext import documents_of, metadata_of_sops
from reconciler.adapters.sources.programs import (
    NO_PROXY_THERE,
    find_program,
    program_identity,
    safe_words,
)
from reconciler.core.errors import ConfigError, ManifestProblem, SourceError
from reconciler.core.sealing import leaves

_SECONDS = 60

#: What each key service's client reads (getsops/sops README, "Encrypting using …", and the SDKs'
#: own documentation). Nothing else of the environment is handed down.
KMS_VARIABLES: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "aws": (
            "AWS_ACCESS_KEY_ID",
            "AWS_SECRET_ACCESS_KEY",
            "AWS_SESSION_TOKEN",
            "AWS_REGION",
            "AWS_DEFAULT_REGION",
            "AWS_ROLE_ARN",
            "AWS_ROLE_SESSION_NAME",
            "AWS_WEB_IDENTITY_TOKEN_FILE",
            "AWS_CONTAINER_CREDENTIALS_FULL_URI",
            "AWS_CONTAINER_CREDENTIALS_RELATIVE_URI",
            "AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE",
            "AWS_STS_REGIONAL_ENDPOINTS",
            "AWS_ENDPOINT_URL_KMS",
        ),
        "gcp": ("GOOGLE_APPLICATION_CREDENTIALS", "GOOGLE_CREDENTIALS"),
        "azure": (
            "AZURE_TENANT_ID",
            "AZURE_CLIENT_ID",
            "AZURE_CLIENT_SECRET",
            "AZURE_CLIENT_CERTIFICATE_PATH",
            "AZURE_FEDERATED_TOKEN_FILE",
            "AZURE_AUTHORITY_HOST",
        ),
        "vault": ("VAULT_ADDR", "VAULT_TOKEN", "VAULT_NAMESPACE", "VAULT_CACERT"),
    }
)
#: For all of them.
_NETWORK = ("HTTPS_PROXY", "NO_PROXY", "SSL_CERT_FILE", "SSL_CERT_DIR")

#: Where Azure's key vaults are, in its clouds; elsewhere a token of ours has no business.
_AZURE_VAULTS = (".vault.azure.net", ".vault.azure.cn", ".vault.usgovcloudapi.net")

#: sops' exit codes (getsops/sops cmd/sops/codes/codes.go) in our words: its own print digests of
#: the plain text.
_REASONS: Mapping[int, tuple[str, str]] = MappingProxyType(
    {
        51: (
            "its MAC doesn't match: it was changed after it was encrypted",
            "undo the change and edit it by `sops edit`; nothing is restored meanwhile",
        ),
        52: ("it has no MAC, so nobody can tell whether it was changed", "encrypt it again"),
        128: (
            "no key that is at hand decrypts it",
            "encrypt it for this key by `sops updatekeys`, or correct the target's source.decrypt",
        ),
    }
)
_FLAT_ADDRESS = re.compile(rb"(vault_address|vault_url)\s*=\s*(\S+)")


@dataclass(frozen=True, slots=True)
class Sops:
    """Decrypts what sops has encrypted.

    Attributes:
        program: sops, by name or path.
        environ: This process's environment.
        age_key_file: A file with age identities; None for none.
        kms: Key services that may be asked, by their name in `KMS_VARIABLES`.
    """

    program: str
    environ: Mapping[str, str] = field(repr=False)
    age_key_file: Path | None = None
    kms: tuple[str, ...] = ()

    def identity(self) -> tuple[str, ...]:
        """Gives all that the result depends on, but for the files.

        Raises:
            ConfigError: The key file can't be read.
            SourceError: The program is missing.
        """
        key = hashlib.sha256(self._key()).hexdigest()
        return ("sops", program_identity(self._find()), key, *self.kms)

    def decrypt(self, path: str, content: bytes, limit: int) -> bytes | ManifestProblem:
        """Decrypts a file; what it holds is written nowhere.

        Args:
            path: Its path, of which the ending tells sops its form.
            content: What it holds.
            limit: How many bytes it may become.

        Raises:
            ConfigError: The key file can't be read.
            SourceError: sops can't be run.
        """
        stranger = self._stranger(path, content)
        if stranger:
            return ManifestProblem(
                path,
                0,
                f"it names the key service {stranger}, which isn't ours; it isn't asked",
                "allow it in the target's source.decrypt.kms, or take that key out of the file",
            )
        self._key()
        program = self._find()
        with tempfile.TemporaryDirectory(prefix="plumbline-sops-") as name:
            words = [program, "decrypt", "--filename-override", f"file{_ending(path)}"]
            try:
                done = run(
                    # What is read there is ciphertext: only what it becomes mustn't be written.
                    [*words, "/dev/stdin"],
                    environ=self._environment(name),
                    folder=Path(name),
                    stdin=content,
                    seconds=_SECONDS,
                    output_limit=limit,
                )
            except ProcessError as error:
                raise SourceError(
                    f"{path} can't be decrypted: {error}", fix="run sops by hand to see why"
                ) from None
            if done.code == 0:
                return done.stdout
            return _problem(path, done, Path(name))

    def _find(self) -> str:
        return find_program(
            ("sops",), self.program, self.environ, "the target's encrypted files need it"
        )

    def _key(self) -> bytes:
        if self.age_key_file is None:
            return b""
        try:
            content = self.age_key_file.read_bytes()
        except OSError as error:
            raise ConfigError(
                f"source.decrypt.age_key_file: {self.age_key_file} can't be read: {error.strerror}",
                fix="mount the file that holds the age identity",
            ) from None
        if b"AGE-" not in content:
            raise ConfigError(
                f"source.decrypt.age_key_file: {self.age_key_file} holds no age identity",
                fix="name the file that `age-keygen -o` wrote",
            )
        return content

    def _environment(self, home: str) -> dict[str, str]:
        given = [*_NETWORK] if self.kms else []
        for service in self.kms:
            given += KMS_VARIABLES[service]
        environ = {name: self.environ[name] for name in given if name in self.environ}
        # No gpg, no agent and no key of the user's is found there.
        environ |= {"PATH": home, "HOME": home, "XDG_CONFIG_HOME": home, "TMPDIR": home}
        environ |= {"LC_ALL": "C", "AWS_EC2_METADATA_DISABLED": str("aws" not in self.kms).lower()}
        if not self.kms:
            environ |= {"HTTP_PROXY": NO_PROXY_THERE, "HTTPS_PROXY": NO_PROXY_THERE}
        if self.age_key_file is not None:
            environ["SOPS_AGE_KEY_FILE"] = str(self.age_key_file.absolute())
        return environ

    def _stranger(self, path: str, content: bytes) -> str:
        """Gives a key service's address that an author wrote and nobody here allows."""
        own = self.environ.get("VAULT_ADDR", "").rstrip("/") if "vault" in self.kms else ""
        for field_name, address in _addresses(path, content):
            host = _host(address)
            if field_name == "vault_url":
                is_ours = address.startswith("https://") and host.endswith(_AZURE_VAULTS)
            else:
                # Without our token, too: what it names may be on this machine or beside it.
                is_ours = own != "" and address.rstrip("/") == own
            if not is_ours:
                return host or "(none)"
        return ""


def _addresses(path: str, content: bytes) -> Iterator[tuple[str, str]]:
    """Gives the addresses that a file names, each with its field: Vault's, or Azure's vault's."""
    if path.endswith((".env", ".ini")):
        for found in _FLAT_ADDRESS.finditer(content):
            yield found[1].decode(), found[2].decode(errors="replace").strip("\"'")
        return
    for document in documents_of(content):
        metadata: Any = metadata_of_sops(document.value) or {}
        for place, value in leaves(metadata):
            if place[-1:] in (("vault_address",), ("vault_url",)):
                yield str(place[-1]), str(value)


def _host(address: str) -> str:
    try:
        return urlsplit(address).hostname or ""
    except ValueError:
        return ""


def _ending(path: str) -> str:
    """Gives a file's ending where sops knows it; it takes others for binary."""
    ending = Path(path).suffix
    return ending if ending in (".yaml", ".yml", ".json", ".env", ".ini") else ".bin"


def _problem(path: str, done: Completed, home: Path) -> ManifestProblem:
    reason, fix = _REASONS.get(done.code, ("", "run `sops decrypt` by hand to see all it says"))
    if not reason:
        words = safe_words(done.stderr.decode(errors="replace"), home)
        reason = f"sops says: {words or f'exit code {done.code}'}"
    return ManifestProblem(path, 0, f"it can't be decrypted: {reason}", fix)

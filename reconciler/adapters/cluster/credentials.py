"""How this program shows an API server who it is, and how it renews what has expired."""

import base64
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from time import monotonic
from typing import Any, Protocol

from reconciler.core.errors import ConfigError

#: How long a token read from a file is used before it is read again; client-go does the same
#: (transport/token_source.go), since a pod's token is replaced under it.
_TOKEN_FILE_SECONDS = 60.0
#: A credential is renewed this long before it ends, so that it doesn't end under way.
_EXPIRY_MARGIN = timedelta(seconds=20)


@dataclass(frozen=True, slots=True, repr=False)
class ClientCertificate:
    """A client's certificate and private key, both PEM; not shown, because of the key."""

    certificate: bytes
    key: bytes


class Credentials(Protocol):
    """Who we are to the API server."""

    def authorization(self) -> str | None:
        """Gives the value of the Authorization header, renewed where it had expired.

        Raises:
            ConfigError: It can't be had; the message names the file or program.
        """
        ...

    def certificate(self) -> ClientCertificate | None:
        """Gives the certificate to be shown in the TLS handshake.

        Raises:
            ConfigError: It can't be had; the message names the file or program.
        """
        ...

    def renew(self) -> bool:
        """Forgets what the server has just refused; False where nothing else can be had."""
        ...


@dataclass(frozen=True, slots=True, repr=False)
class FixedCredentials:
    """Credentials that never change: a certificate, a token, a password, or none at all."""

    header: str | None = None
    client_certificate: ClientCertificate | None = None

    def authorization(self) -> str | None:
        """Gives the fixed header."""
        return self.header

    def certificate(self) -> ClientCertificate | None:
        """Gives the fixed certificate."""
        return self.client_certificate

    def renew(self) -> bool:
        """There is nothing else to be had."""
        return False


@dataclass(slots=True, repr=False)
class TokenFileCredentials:
    """A token in a file that somebody else replaces, as kubelet does in a pod."""

    path: Path
    client_certificate: ClientCertificate | None = None
    clock: Callable[[], float] = monotonic
    _header: str = ""
    _read_at: float = 0.0

    def authorization(self) -> str | None:
        """Gives the token as it was in the file within the last minute."""
        if not self._header or self.clock() - self._read_at > _TOKEN_FILE_SECONDS:
            try:
                token = self.path.read_text(encoding="utf-8").strip()
            except (OSError, UnicodeDecodeError) as error:
                raise ConfigError(
                    f"the token file {self.path} can't be read",
                    fix="check its path and permissions; in a pod, automountServiceAccountToken",
                ) from error
            if not token:
                raise ConfigError(f"the token file {self.path} is empty", fix="write a token to it")
            self._header = f"Bearer {token}"
            self._read_at = self.clock()
        return self._header

    def certificate(self) -> ClientCertificate | None:
        """Gives the certificate that goes with the token, if any."""
        return self.client_certificate

    def renew(self) -> bool:
        """Reads the file again the next time; worth it if it holds another token now."""
        refused, self._header = self._header, ""
        return self.authorization() != refused


@dataclass(slots=True, repr=False)
class ExecCredentials:
    """Credentials that a program gives (client.authentication.k8s.io), such as a cloud's.

    Attributes:
        config: The user's `exec` in the kubeconfig.
        cluster: The cluster's entry, handed to the program where it asks for it.
        folder: The kubeconfig's folder, in which the program runs.
        user: The user's name in the kubeconfig, for messages.
        clock: Tells the time, with its zone.
    """

    config: Mapping[str, Any]
    cluster: Mapping[str, Any]
    folder: Path
    user: str
    clock: Callable[[], datetime] = lambda: datetime.now(UTC)
    _status: Mapping[str, Any] | None = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def authorization(self) -> str | None:
        """Gives the program's token, asking it again where that has expired."""
        token = self._current().get("token")
        return f"Bearer {token}" if token else None

    def certificate(self) -> ClientCertificate | None:
        """Gives the program's certificate, asking it again where that has expired."""
        status = self._current()
        certificate, key = status.get("clientCertificateData"), status.get("clientKeyData")
        if certificate and key:
            return ClientCertificate(str(certificate).encode(), str(key).encode())
        return None

    def renew(self) -> bool:
        """Asks the program again the next time."""
        with self._lock:
            self._status = None
        return True

    def _current(self) -> Mapping[str, Any]:
        with self._lock:
            if self._status is None or self._expired(self._status):
                self._status = self._run()
            return self._status

    def _expired(self, status: Mapping[str, Any]) -> bool:
        expires = status.get("expirationTimestamp")
        if not expires:
            return False
        try:
            moment = datetime.fromisoformat(str(expires))
        except ValueError:
            return True
        if moment.tzinfo is None:
            moment = moment.replace(tzinfo=UTC)
        return self.clock() > moment - _EXPIRY_MARGIN

    def _run(self) -> Mapping[str, Any]:
        # The official client takes half a second to import: only for whom it's needed.
        from kubernetes.config import exec_provider, kube_config
        from kubernetes.config.config_exception import ConfigException

        # The client has no types of its own.
        plugin: Any = exec_provider
        node: Any = kube_config.ConfigNode
        command = str(self.config.get("command") or "")
        try:
            provider = plugin.ExecProvider(
                node("exec", dict(self.config)),
                str(self.folder),
                node("cluster", dict(self.cluster)),
            )
            status: Mapping[str, Any] = provider.run() or {}
        except (ConfigException, OSError, KeyError, TypeError, AttributeError) as error:
            # What the program printed isn't repeated: nobody knows what it holds.
            hint = " ".join(str(self.config.get("installHint") or "").split())
            raise ConfigError(
                f"the credential program {command!r} of user {self.user!r} failed",
                fix=hint or f"run it by hand, or log in again: {command}",
            ) from error
        if not status.get("token") and not status.get("clientCertificateData"):
            raise ConfigError(
                f"the credential program {command!r} of user {self.user!r} gave neither a token "
                "nor a certificate",
                fix="log in again with the tool that made this kubeconfig",
            )
        return status


@dataclass(slots=True, repr=False)
class ProviderCredentials:
    """A token of an `auth-provider` entry (oidc, gcp), had through the official client.

    Attributes:
        kubeconfig: The merged kubeconfig, reduced to this context.
        user: The user's name in it, for messages.
    """

    kubeconfig: Mapping[str, Any]
    user: str
    _configuration: Any = None
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def authorization(self) -> str | None:
        """Gives the provider's token; the official client refreshes it where it has expired."""
        with self._lock:
            if self._configuration is None:
                self._configuration = self._load()
            header = self._configuration.get_api_key_with_prefix("BearerToken")
        if not header:
            raise ConfigError(
                f"the auth-provider of user {self.user!r} gave no token",
                fix="log in again, or move this user to an exec plugin",
            )
        return str(header)

    def certificate(self) -> ClientCertificate | None:
        """These providers know tokens only."""
        return None

    def renew(self) -> bool:
        """Loads the configuration again the next time."""
        with self._lock:
            self._configuration = None
        return True

    def _load(self) -> Any:
        from kubernetes import client, config

        loader: Any = config
        configuration = client.Configuration()
        try:
            loader.load_kube_config_from_dict(
                dict(self.kubeconfig), client_configuration=configuration, persist_config=False
            )
        except Exception as error:  # the provider's own libraries raise what they like
            raise ConfigError(
                f"the auth-provider of user {self.user!r} failed",
                fix="log in again, or move this user to an exec plugin",
            ) from error
        return configuration


def basic_header(username: str, password: str) -> str:
    """Gives the Authorization header of a name and a password."""
    return f"Basic {base64.b64encode(f'{username}:{password}'.encode()).decode()}"

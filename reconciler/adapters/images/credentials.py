"""By which right a registry is asked: Docker's configuration, its helpers, and pull secrets.

Nothing of it is ever shown. A namespace's pull secrets are used for that namespace's images alone,
as kubelet does; the operator's own configuration for all.
"""

import base64
import binascii
import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import orjson

from reconciler.adapters.process import ProcessError, run
from reconciler.core.errors import RegistryError
from reconciler.core.images.naming import DEFAULT_HOST
from reconciler.core.resource import JsonObject, ResourceKey

#: How Docker's configuration calls Docker Hub (github.com/docker/cli: cli/config/configfile).
_DEFAULT_KEYS: Final = ("https://index.docker.io/v1/", "index.docker.io", "docker.io")
#: k8s.io/api/core/v1: SecretTypeDockerConfigJson and SecretTypeDockercfg, with their keys.
_SECRETS: Final = {
    "kubernetes.io/dockerconfigjson": ".dockerconfigjson",
    "kubernetes.io/dockercfg": ".dockercfg",
}
#: The name that a helper gives for a token in place of a password
#: (github.com/docker/docker-credential-helpers).
_TOKEN: Final = "<token>"  # noqa: S105 - a word of the protocol
_HELPER_SECONDS: Final = 20.0
_LIMIT: Final = 1 << 20


@dataclass(frozen=True, slots=True)
class Credential:
    """A name and a password, or a token that is exchanged for others.

    Attributes:
        user: The name; empty with a token.
        password: The password.
        identity_token: A refresh token, in place of the two.
    """

    user: str = ""
    password: str = field(default="", repr=False)
    identity_token: str = field(default="", repr=False)

    @property
    def basic(self) -> str:
        """What follows `Basic` in a header."""
        return base64.b64encode(f"{self.user}:{self.password}".encode()).decode()

    @property
    def mark(self) -> str:
        """Tells two credentials apart, and neither to anybody."""
        text = "\0".join((self.user, self.password, self.identity_token))
        return hashlib.sha256(text.encode()).hexdigest()


class Keychain:
    """Finds credentials; safe to use from many threads."""

    def __init__(
        self,
        folder: Path | None,
        environ: Mapping[str, str],
        secrets: Mapping[ResourceKey, JsonObject] | None = None,
    ) -> None:
        """Reads nothing yet.

        Args:
            folder: Where Docker's `config.json` is; None for nowhere.
            environ: What its helpers see.
            secrets: Pull secrets, as read from the cluster.
        """
        self._file = folder / "config.json" if folder else None
        self._environ = {
            name: value for name, value in environ.items() if not name.startswith("PLUMBLINE_")
        }
        self._auths: dict[str, list[Mapping[str, Any]]] = {}
        for key, body in sorted((secrets or {}).items()):
            self._auths.setdefault(key.namespace, []).append(_of_secret(body))

    def find(self, host: str, path: str, namespace: str) -> tuple[Credential, ...]:
        """Gives the credentials to try for a repository, the best first; none for nobody's.

        Raises:
            RegistryError: Docker's configuration can't be read, or its helper fails.
        """
        found = [
            credential
            for auths in self._auths.get(namespace, ())
            if (credential := _in_auths(auths, host, path)) is not None
        ]
        own = self._own(host, path)
        return tuple(dict.fromkeys([*found, *([own] if own else [])]))

    def _own(self, host: str, path: str) -> Credential | None:
        configuration = self._configuration()
        helpers = configuration.get("credHelpers")
        helper = ""
        if isinstance(helpers, Mapping):
            helper = next((str(helpers[key]) for key in _keys(host) if key in helpers), "")
        if helper:
            return self._helped(helper, host)
        auths = configuration.get("auths")
        found = _in_auths(auths, host, path) if isinstance(auths, Mapping) else None
        store = configuration.get("credsStore")
        if found is None and isinstance(store, str) and store:
            return self._helped(store, host)
        return found

    def _configuration(self) -> Mapping[str, Any]:
        if self._file is None:
            return {}
        try:
            content = orjson.loads(self._file.read_bytes())
        except FileNotFoundError:
            return {}
        except (OSError, orjson.JSONDecodeError) as error:
            reason = getattr(error, "strerror", None) or "it is no JSON"
            raise RegistryError(
                f"{self._file} can't be read: {reason}",
                fix="mend it, or name another folder in images.docker_config",
            ) from None
        return content if isinstance(content, Mapping) else {}

    def _helped(self, helper: str, host: str) -> Credential | None:
        """Asks a helper: github.com/docker/docker-credential-helpers describes how."""
        program = f"docker-credential-{helper}"
        if "/" in helper:
            raise RegistryError(f"{self._file}: {helper!r} is no name of a credential helper")
        asked = next(iter(_keys(host)))
        try:
            done = run(
                [program, "get"],
                environ=self._environ,
                stdin=asked.encode(),
                seconds=_HELPER_SECONDS,
                output_limit=_LIMIT,
            )
        except ProcessError as error:
            raise RegistryError(
                f"the credentials of {host} can't be had: {error}",
                fix=f"install {program}, or name another folder in images.docker_config",
            ) from None
        if done.code:
            # It says on standard output that it has none; nothing of what it says is quoted.
            if b"credentials not found" in done.stdout.lower():
                return None
            raise RegistryError(
                f"the credentials of {host} can't be had: {program} fails",
                fix=f"see what `echo {asked} | {program} get` says",
            )
        return _of_helper(done.stdout, program)


def _of_helper(answer: bytes, program: str) -> Credential | None:
    try:
        told = orjson.loads(answer)
        user, secret = str(told["Username"]), str(told["Secret"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        raise RegistryError(f"{program} gives no credentials that can be read") from None
    if not secret:
        return None
    return Credential(identity_token=secret) if user == _TOKEN else Credential(user, secret)


def _keys(host: str) -> tuple[str, ...]:
    """Gives the names under which a host's credentials may be kept."""
    if host == DEFAULT_HOST:
        return _DEFAULT_KEYS
    return (host, f"https://{host}", f"https://{host}/", f"https://{host}/v2/", f"http://{host}")


def _in_auths(auths: Mapping[str, Any], host: str, path: str) -> Credential | None:
    """Finds a repository's own entry, its folder's, or its host's, as kubelet and Podman do."""
    parts = path.split("/")
    for count in range(len(parts), 0, -1):
        found = _of_auth(auths.get("/".join((host, *parts[:count]))))
        if found is not None:
            return found
    return next((c for key in _keys(host) if (c := _of_auth(auths.get(key))) is not None), None)


def _of_auth(auth: Any) -> Credential | None:
    if not isinstance(auth, Mapping):
        return None
    if token := auth.get("identitytoken"):
        return Credential(identity_token=str(token))
    user, password = str(auth.get("username") or ""), str(auth.get("password") or "")
    if user or password:
        return Credential(user, password)
    try:
        text = base64.b64decode(str(auth.get("auth") or ""), validate=True).decode()
    except (binascii.Error, UnicodeDecodeError):
        return None
    user, colon, password = text.partition(":")
    return Credential(user, password.rstrip("\0")) if colon else None


def _of_secret(body: JsonObject) -> Mapping[str, Any]:
    """Gives the `auths` of a pull secret; none where it is another kind of Secret, or damaged."""
    data = body.get("data")
    key = _SECRETS.get(str(body.get("type")))
    if key is None or not isinstance(data, Mapping):
        return {}
    try:
        content = orjson.loads(base64.b64decode(str(data.get(key) or "")))
    except (binascii.Error, orjson.JSONDecodeError):
        return {}
    if key == ".dockerconfigjson" and isinstance(content, Mapping):
        content = content.get("auths")
    return content if isinstance(content, Mapping) else {}

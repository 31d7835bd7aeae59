"""Finds the API server to talk to: a kubeconfig's context, or the pod's own service account.

Reads what clientcmd of k8s.io/client-go reads, and merges files as it does: of several entries
of one name, and of several current contexts, the first file's wins; a relative path is relative
to the file it stands in.
"""

import base64
import binascii
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from reconciler.adapters.cluster.access import Access, ServiceAccount
from reconciler.adapters.cluster.credentials import (
    ClientCertificate,
    Credentials,
    ExecCredentials,
    FixedCredentials,
    ProviderCredentials,
    TokenFileCredentials,
    basic_header,
)
from reconciler.core.errors import ConfigError


@dataclass(frozen=True, slots=True)
class _Entry:
    """A named entry, with the file it stands in."""

    name: str
    body: Mapping[str, Any]
    file: Path

    def path(self, field: str) -> Path | None:
        value = self.body.get(field)
        return self.file.parent / str(value) if value else None


def find_access(
    kubeconfig: str | None,
    context: str | None,
    search: Sequence[Path],
    account: ServiceAccount | None = None,
) -> Access:
    """Finds the API server.

    Args:
        kubeconfig: The file that the user named; it must be there.
        context: The context that the user named; the current one if None.
        search: Files to merge where the user named none; those that aren't there are passed over.
        account: The pod's account, used where no file is there.

    Raises:
        ConfigError: There is none, or it lacks something; the message names file and entry.
    """
    files = [Path(kubeconfig).expanduser()] if kubeconfig else [f for f in search if f.is_file()]
    if files:
        return _Kubeconfig(files, [_read(file) for file in files]).access(context or "")
    account = account or ServiceAccount()
    if not context and (account.folder / "token").is_file():
        ca, space = account.folder / "ca.crt", account.folder / "namespace"
        return Access(
            server=account.server,
            credentials=TokenFileCredentials(account.folder / "token"),
            ca=_text(ca) if ca.is_file() else "",
            namespace=_text(space).strip() if space.is_file() else "",
        )
    looked = ", ".join(str(file) for file in search) or "nowhere"
    raise ConfigError(
        f"no kubeconfig was found (looked for {looked})",
        fix="name one with --kubeconfig or KUBECONFIG, or compare with a dump: --live FILE",
    )


@dataclass(frozen=True, slots=True, repr=False)
class _Kubeconfig:
    files: Sequence[Path]
    documents: Sequence[Mapping[str, Any]]

    def access(self, named: str) -> Access:
        name = named or self._current()
        context = self._entry("contexts", "context", name, "context")
        cluster_name = str(context.body.get("cluster") or "")
        cluster = self._entry("clusters", "cluster", cluster_name, f"cluster of context {name!r}")
        user_name = str(context.body.get("user") or "")
        user = _Entry("", {}, context.file)
        if user_name:
            user = self._entry("users", "user", user_name, f"user of context {name!r}")
        server = str(cluster.body.get("server") or "").rstrip("/")
        if not _is_address(server):
            raise ConfigError(
                f"{cluster.file}: cluster {cluster.name!r} has no usable server address",
                fix="give it server: https://HOST:PORT",
            )
        return Access(
            server=server,
            credentials=_credentials(user, cluster),
            ca=_data(cluster, "certificate-authority").decode("ascii", errors="replace"),
            verify=not cluster.body.get("insecure-skip-tls-verify"),
            server_name=str(cluster.body.get("tls-server-name") or ""),
            proxy=str(cluster.body.get("proxy-url") or ""),
            context=name,
            namespace=str(context.body.get("namespace") or ""),
        )

    def _current(self) -> str:
        for document in self.documents:
            if document.get("current-context"):
                return str(document["current-context"])
        raise ConfigError(
            f"{self._shown}: no current context is set",
            fix="name one with --context; `kubectl config get-contexts` lists them",
        )

    def _entry(self, listed: str, field: str, name: str, meant: str) -> _Entry:
        known = []
        for file, document in zip(self.files, self.documents, strict=True):
            for entry in _entries(document, listed):
                known.append(str(entry.get("name")))
                if entry.get("name") == name:
                    body = entry.get(field)
                    return _Entry(name, body if isinstance(body, Mapping) else {}, file)
        raise ConfigError(
            f"{self._shown}: the {meant} is named {name!r}, and {listed} has no such entry",
            fix=f"{listed} has: {', '.join(dict.fromkeys(known)) or 'nothing'}",
        )

    @property
    def _shown(self) -> str:
        return ", ".join(str(file) for file in self.files)


def _is_address(server: str) -> bool:
    try:
        parts = urlsplit(server)
        return parts.scheme in ("https", "http") and bool(parts.hostname) and parts.port != 0
    except ValueError:  # a port that isn't a number, or a bracket left open
        return False


def _entries(document: Mapping[str, Any], listed: str) -> list[Mapping[str, Any]]:
    entries = document.get(listed)
    return [e for e in entries if isinstance(e, Mapping)] if isinstance(entries, list) else []


def _credentials(user: _Entry, cluster: _Entry) -> Credentials:
    body = user.body
    certificate, key = _data(user, "client-certificate"), _data(user, "client-key")
    if bool(certificate) != bool(key):
        raise ConfigError(
            f"{user.file}: user {user.name!r} has only one of client-certificate and client-key",
            fix="give both",
        )
    pair = ClientCertificate(certificate, key) if certificate else None
    token_file = user.path("tokenFile")
    if token_file is not None:
        return TokenFileCredentials(token_file, pair)
    if body.get("token"):
        return FixedCredentials(f"Bearer {body['token']}", pair)
    if body.get("username") and "password" in body:
        return FixedCredentials(basic_header(str(body["username"]), str(body["password"])), pair)
    if pair is not None:
        return FixedCredentials(None, pair)
    if isinstance(body.get("exec"), Mapping):
        return ExecCredentials(body["exec"], cluster.body, user.file.parent, user.name)
    if isinstance(body.get("auth-provider"), Mapping):
        return ProviderCredentials(_reduced(user, cluster), user.name)
    return FixedCredentials()


def _reduced(user: _Entry, cluster: _Entry) -> dict[str, Any]:
    """Gives a kubeconfig of one context, for the official client; without TLS, which is ours."""
    context = {"cluster": cluster.name, "user": user.name}
    return {
        "current-context": "only",
        "contexts": [{"name": "only", "context": context}],
        "clusters": [{"name": cluster.name, "cluster": {"server": cluster.body.get("server")}}],
        "users": [{"name": user.name, "user": dict(user.body)}],
    }


def _data(entry: _Entry, field: str) -> bytes:
    """Gives what `FIELD-data` holds, or the file that `FIELD` names; empty where neither is."""
    data = entry.body.get(f"{field}-data")
    if data:
        try:
            return base64.b64decode(str(data), validate=True)
        except (binascii.Error, ValueError) as error:
            raise ConfigError(
                f"{entry.file}: {field}-data of {entry.name!r} isn't base64",
                fix="let the tool that made this kubeconfig make it anew",
            ) from error
    path = entry.path(field)
    if path is None:
        return b""
    try:
        return path.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"{entry.file}: {field} of {entry.name!r} can't be read: {path}",
            fix="check that path and its permissions",
        ) from error


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="ascii", errors="replace")
    except OSError as error:
        raise ConfigError(f"{path} can't be read", fix="check its permissions") from error


def _read(file: Path) -> Mapping[str, Any]:
    try:
        content = file.read_bytes()
    except OSError as error:
        raise ConfigError(
            f"the kubeconfig {file} can't be read: {error.strerror}",
            fix="check --kubeconfig, KUBECONFIG and the file's permissions",
        ) from error
    document = _parsed(file, content)
    if not isinstance(document, Mapping):
        raise ConfigError(
            f"the kubeconfig {file} isn't a map of clusters, users and contexts",
            fix="check that it is the right file",
        )
    return document


def _parsed(file: Path, content: bytes) -> object:
    if content.lstrip().startswith(b"{"):
        import orjson

        try:
            parsed: object = orjson.loads(content)
        except orjson.JSONDecodeError:
            pass  # YAML's own maps begin like that too
        else:
            return parsed
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        return yaml.load(content, Loader=loader) or {}  # noqa: S506 - a safe loader
    except yaml.YAMLError as error:
        # Its text quotes the line, which may hold a token.
        mark = getattr(error, "problem_mark", None)
        line = f", line {mark.line + 1}" if mark else ""
        raise ConfigError(
            f"the kubeconfig {file} isn't YAML{line}", fix="correct it, or make it anew"
        ) from None

"""Registries as they are configured, and what is wanted of their images."""

import re
from collections.abc import Mapping, Sequence
from datetime import timedelta
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from reconciler.core.errors import ClusterError, ConfigError
from reconciler.core.images.policy import ImagePolicy
from reconciler.core.images.versions import Step, TagFilter
from reconciler.core.images.vulnerabilities import Grade, Scan
from reconciler.core.resource import JsonObject, ResourceKey, ResourceKind
from reconciler.images.freshness import SecretReader, Watchman
from reconciler.settings import ImagePolicySettings, RegistrySettings, Settings, surroundings
from reconciler.settings.durations import seconds_of

if TYPE_CHECKING:
    from reconciler.adapters.images.endpoints import Endpoint, Endpoints
    from reconciler.ports import Cluster, Registry

T = TypeVar("T", bound=StrEnum)

_SECRETS = ResourceKind("", "v1", "Secret", "secrets", namespaced=True)
_HOST = re.compile(r"[A-Za-z0-9.-]+(?::[0-9]{1,5})?|\[[0-9A-Fa-f:]+\](?::[0-9]{1,5})?")
_FOLDER = re.compile(r"[a-z0-9]+(?:[._-]+[a-z0-9]+)*(?:/[a-z0-9]+(?:[._-]+[a-z0-9]+)*)*")


def watchman_of(
    settings: Settings, cluster: "Cluster | None", scans: Sequence[Scan] = ()
) -> Watchman:
    """Gives what looks at images. Asks nothing yet.

    Args:
        settings: Which registries, and what is wanted.
        cluster: Where pull secrets are; None for a dump, which never holds what could be used.
        scans: What scanners said.

    Raises:
        ConfigError: A policy or a registry isn't as it must be; the message names it.
    """
    endpoints = endpoints_of(settings.images.registries)

    def open_registry(secrets: Mapping[ResourceKey, JsonObject]) -> "Registry":
        from reconciler.adapters.images.credentials import Keychain
        from reconciler.adapters.images.registry import OciRegistry

        around = surroundings()
        named = settings.images.docker_config
        folder = Path(named).expanduser() if named else around.docker_config
        return OciRegistry(endpoints, Keychain(folder, around.variables, secrets))

    secrets = cluster if settings.images.pull_secrets else None
    return Watchman(
        open_registry=open_registry,
        policies=policies_of(settings.images.policies),
        scans=tuple(scans),
        read_secret=_reading(secrets) if secrets is not None else None,
    )


def policies_of(policies: Sequence[ImagePolicySettings]) -> tuple[ImagePolicy, ...]:
    """Gives what is wanted of images.

    Raises:
        ConfigError: A policy isn't as it must be.
    """
    return tuple(_policy(f"images.policies[{n}]", each) for n, each in enumerate(policies, 1))


def _policy(where: str, policy: ImagePolicySettings) -> ImagePolicy:
    age = seconds_of(f"{where}.max_age", policy.max_age)
    try:
        pattern = re.compile(policy.tags) if policy.tags else None
    except re.error as error:
        raise ConfigError(
            f"{where}.tags: {error}", fix=r"write it as v?(?P<version>\d+\.\d+\.\d+)-alpine"
        ) from None
    return ImagePolicy(
        name=where.removeprefix("images."),
        image=policy.image,
        max_age=timedelta(seconds=age) if policy.max_age else None,
        newer=_one_of(Step, f"{where}.newer", policy.newer) if policy.newer else None,
        tags=TagFilter(pattern, policy.prereleases),
        digest=policy.digest,
        signature=policy.signature,
        base=policy.base,
        vulnerabilities=_one_of(Grade, f"{where}.vulnerabilities", policy.vulnerabilities),
    )


def _one_of(kind: type[T], where: str, word: str) -> T:
    try:
        return kind(word)
    except ValueError:
        known = ", ".join(kind)
        raise ConfigError(f"{where}: {word!r} is none of them", fix=f"it may be {known}") from None


def endpoints_of(registries: Sequence[RegistrySettings]) -> "Endpoints":
    """Gives where registries are asked.

    Raises:
        ConfigError: One isn't as it must be.
    """
    from reconciler.adapters.images.endpoints import Endpoints

    known = {each.host: _endpoint(n, each) for n, each in enumerate(registries, 1)}
    return Endpoints(known)


def _endpoint(number: int, registry: RegistrySettings) -> "Endpoint":
    from reconciler.adapters.images.endpoints import Endpoint, Endpoints

    where = f"images.registries[{number}]"
    if not _HOST.fullmatch(registry.host):
        raise ConfigError(
            f"{where}.host: {registry.host!r} is no host", fix="write it as registry.example:5000"
        )
    own = Endpoints().of(registry.host)
    host, slash, folder = registry.mirror.partition("/")
    if registry.mirror and not (_HOST.fullmatch(host) and (_FOLDER.fullmatch(folder) or not slash)):
        raise ConfigError(
            f"{where}.mirror: {registry.mirror!r} is no host with a folder",
            fix="write it as mirror.example:5000 or mirror.example/docker-hub, without https://",
        )
    authority = Path(registry.authority).expanduser() if registry.authority else None
    if authority is not None and not authority.is_file():
        raise ConfigError(f"{where}.authority: {registry.authority!r} is no file", fix="mount it")
    return Endpoint(
        host=host or own.host,
        address=host or own.address,
        prefix=folder,
        plain=registry.plain_http,
        authority=authority,
    )


def scans_in(reports: Sequence[Path]) -> tuple[Scan, ...]:
    """Reads scanners' reports.

    Raises:
        ConfigError: One can't be read, or is none.
    """
    if not reports:
        return ()
    from reconciler.adapters.images.scanners import read_scans

    return tuple(scan for file in reports for scan in read_scans(file))


def _reading(cluster: "Cluster") -> SecretReader:
    """Gives what reads a pull secret; that we may not read it is no trouble by itself."""

    def read(key: ResourceKey) -> JsonObject | None:
        try:
            return cluster.get(_SECRETS, key)
        except ClusterError:
            # Then the registry says that it wants credentials, where it does.
            return None

    return read

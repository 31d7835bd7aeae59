"""All that can be set, and where it was set: flags beat environment beat file beat defaults.

This module is the only reader of the environment. The file and the `PLUMBLINE_` variables are
read by `configuration`, with pydantic-settings, and only where there are any: importing that
takes longer than comparing a thousand objects.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any

from reconciler.core.errors import ConfigError

ENV_PREFIX = "PLUMBLINE_"
DEFAULT_FILE = "plumbline.yaml"


class Renderer(StrEnum):
    """How manifests are made of what the repository holds."""

    AUTO = "auto"  # found by what the folder holds
    PLAIN = "plain"  # YAML and JSON files as they are
    KUSTOMIZE = "kustomize"
    HELM = "helm"


@dataclass(frozen=True)
class SourceSettings:
    """Where a target is declared.

    Attributes:
        repo: A Git URL or a folder.
        ref: Branch, tag or commit; empty for the default branch (of a folder: what is checked out).
        path: Folder or file inside the repository; empty for all of it.
        render: How the manifests are made.
        values: Helm's values files, as paths inside the repository, the last one winning.
        release: Helm's release name; empty for the target's name.
    """

    repo: str
    ref: str = ""
    path: str = ""
    render: Renderer = Renderer.AUTO
    values: tuple[str, ...] = ()
    release: str = ""


@dataclass(frozen=True)
class ScopeSettings:
    """Where unmanaged objects are looked for.

    Attributes:
        namespaces: Their names; empty for nowhere.
    """

    namespaces: tuple[str, ...] = ()


@dataclass(frozen=True)
class IgnoreSettings:
    """A difference that is not drift. Every pattern takes `*`, `?` and `[...]`.

    Attributes:
        reason: Why; shown wherever the rule hides something.
        path: The field, with everything below it, such as `metadata.annotations["example.com/*"]`;
            empty for whole objects, which then are never unmanaged.
        kind: The object's kind.
        group: Its API group.
        namespace: Its namespace.
        name: Its name.
        manager: Who set the field, by field manager.
        value: The live value, as text.
        until: The last day on which the rule holds; needed in a shared file where it isn't meant
            for good.
    """

    reason: str
    path: str = ""
    kind: str = "*"
    group: str = "*"
    namespace: str = "*"
    name: str = "*"
    manager: str = ""
    value: str = "*"
    until: date | None = None


@dataclass(frozen=True)
class TargetSettings:
    """One thing to keep true.

    Attributes:
        name: Shown in reports.
        source: Where it is declared.
        namespace: For manifests that name none; empty for the kubeconfig context's.
        scope: Where unmanaged objects are looked for.
        ignore: What is not drift.
    """

    name: str
    source: SourceSettings
    namespace: str = ""
    scope: ScopeSettings = ScopeSettings()
    ignore: tuple[IgnoreSettings, ...] = ()


@dataclass(frozen=True)
class ClusterSettings:
    """Which cluster.

    Attributes:
        kubeconfig: The file; empty for `$KUBECONFIG`, `~/.kube/config`, or the pod's own account.
        context: Which of its contexts; empty for the current one.
    """

    kubeconfig: str = ""
    context: str = ""


@dataclass(frozen=True)
class ProgramSettings:
    """Which programs render manifests.

    Attributes:
        helm: Path or name of Helm 3.
        kustomize: Path or name of kustomize or kubectl; empty for whichever is found.
    """

    helm: str = "helm"
    kustomize: str = ""


@dataclass(frozen=True)
class Settings:
    """All settings.

    Attributes:
        targets: What to keep true.
        cluster: Which cluster.
        programs: Which programs render manifests.
        cache_dir: Where clones and answers are kept, which can be had again; empty for the
            user's cache folder.
        state_dir: Where sightings and the inventory are kept, which can't; empty for the user's
            state folder.
    """

    targets: tuple[TargetSettings, ...] = ()
    cluster: ClusterSettings = field(default_factory=ClusterSettings)
    programs: ProgramSettings = field(default_factory=ProgramSettings)
    cache_dir: str = ""
    state_dir: str = ""


@dataclass(frozen=True)
class Surroundings:
    """What the process was started with, beyond its flags.

    Attributes:
        kubeconfig_files: Where a kubeconfig is looked for, the first that is there winning.
        no_color: Whether the user wants no colour (no-color.org).
        cache_dir: The user's cache folder for this program.
        state_dir: The user's state folder for this program.
    """

    kubeconfig_files: tuple[Path, ...]
    no_color: bool
    cache_dir: Path
    state_dir: Path


def load_settings(
    file: str | None, flags: Mapping[str, Any], environ: Mapping[str, str] | None = None
) -> Settings:
    """Puts all settings together.

    Args:
        file: The configuration file that was named; None for `plumbline.yaml`, if there is one.
        flags: What flags say, by the names of `Settings`' fields (nested ones as maps).
        environ: The environment; the process's own if None.

    Raises:
        ConfigError: A file can't be read, or a setting is misspelt or wrong.
    """
    env = os.environ if environ is None else environ
    named = file or env.get(f"{ENV_PREFIX}CONFIG", "")
    found = named or (DEFAULT_FILE if Path(DEFAULT_FILE).is_file() else "")
    path = Path(found) if found else None
    variables = {k for k in env if k.startswith(ENV_PREFIX)} - {f"{ENV_PREFIX}CONFIG"}
    if path is None and not variables:
        return _of_flags(flags)
    from reconciler.configuration import read_configuration  # pydantic takes its time to import

    return read_configuration(path, flags, {name: env[name] for name in variables})


def _of_flags(flags: Mapping[str, Any]) -> Settings:
    values = dict(flags)
    for name, default in (("cluster", ClusterSettings()), ("programs", ProgramSettings())):
        if name in values:
            values[name] = replace(default, **values[name])
    return Settings(**values)


def surroundings(environ: Mapping[str, str] | None = None) -> Surroundings:
    """Reads what the environment says beyond Plumbline's own settings."""
    env = os.environ if environ is None else environ
    home = Path(env.get("HOME") or Path.home())
    named = [Path(each) for each in env.get("KUBECONFIG", "").split(os.pathsep) if each]
    return Surroundings(
        kubeconfig_files=tuple(named) or (home / ".kube" / "config",),
        no_color=bool(env.get("NO_COLOR")),
        cache_dir=_folder(env, "XDG_CACHE_HOME", home / ".cache"),
        state_dir=_folder(env, "XDG_STATE_HOME", home / ".local" / "state"),
    )


def _folder(env: Mapping[str, str], variable: str, default: Path) -> Path:
    named = Path(env.get(variable, ""))
    # The XDG specification has a relative one ignored.
    return (named if named.is_absolute() else default) / "plumbline"


def target_named(settings: Settings, name: str) -> TargetSettings:
    """Gives a configured target.

    Raises:
        ConfigError: There is none of this name.
    """
    for target in settings.targets:
        if target.name == name:
            return target
    known = ", ".join(target.name for target in settings.targets) or "none"
    raise ConfigError(
        f"no target is named {name!r}; configured: {known}",
        fix=f"name one of them, or add it to targets in {DEFAULT_FILE}",
    )

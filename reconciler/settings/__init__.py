"""All that can be set, and where it was set: flags beat environment beat file beat defaults.

This package is the only reader of the environment. The file and the `PLUMBLINE_` variables are
read by `configuration`, with pydantic-settings, and only where there are any: importing that
takes longer than comparing a thousand objects.
"""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from reconciler.core.errors import ConfigError
from reconciler.settings.agents import AgentAnswer, AgentEvidence, AgentMode, AgentSettings
from reconciler.settings.forge import ForgeSettings, GitHubAppSettings
from reconciler.settings.guard import (
    BreakGlassSettings,
    Coverage,
    DeployerSettings,
    GuardMode,
    GuardSettings,
    SessionNamespaceSettings,
    SessionSettings,
)
from reconciler.settings.images import ImagePolicySettings, ImageSettings, RegistrySettings
from reconciler.settings.model import (
    ENV_PREFIX,
    ClusterSettings,
    HistorySettings,
    HookSettings,
    LeaseSettings,
    ProgramSettings,
    ScheduleSettings,
    ServeSettings,
    Settings,
    TraceSettings,
    WitnessSettings,
)
from reconciler.settings.notify import (
    NotifySettings,
    RouteSettings,
    SilenceSettings,
    WebhookSettings,
)
from reconciler.settings.people import (
    ApprovalRuleSettings,
    ApprovalSettings,
    PersonSettings,
)
from reconciler.settings.slack import SlackChannelSettings, SlackSettings
from reconciler.settings.target import (
    DecryptProvider,
    DecryptSettings,
    IgnoreSettings,
    KeyService,
    Mode,
    Renderer,
    RuleSettings,
    ScopeSettings,
    SourceSettings,
    TargetSettings,
    VerifyMode,
    VerifySettings,
    WindowSettings,
)

__all__ = [
    "DEFAULT_FILE",
    "ENV_PREFIX",
    "AgentAnswer",
    "AgentEvidence",
    "AgentMode",
    "AgentSettings",
    "NotifySettings",
    "RouteSettings",
    "SilenceSettings",
    "SlackChannelSettings",
    "SlackSettings",
    "WebhookSettings",
    "ForgeSettings",
    "GitHubAppSettings",
    "TraceSettings",
    "ApprovalRuleSettings",
    "ApprovalSettings",
    "PersonSettings",
    "BreakGlassSettings",
    "Coverage",
    "DeployerSettings",
    "GuardMode",
    "GuardSettings",
    "SessionNamespaceSettings",
    "SessionSettings",
    "ClusterSettings",
    "HookSettings",
    "IgnoreSettings",
    "ImagePolicySettings",
    "ImageSettings",
    "RegistrySettings",
    "WindowSettings",
    "WitnessSettings",
    "RuleSettings",
    "ServeSettings",
    "ScheduleSettings",
    "Mode",
    "LeaseSettings",
    "HistorySettings",
    "ProgramSettings",
    "Renderer",
    "ScopeSettings",
    "Settings",
    "SourceSettings",
    "Surroundings",
    "TargetSettings",
    "DecryptProvider",
    "DecryptSettings",
    "KeyService",
    "VerifyMode",
    "VerifySettings",
    "configuration_file",
    "load_settings",
    "surroundings",
    "target_named",
]

DEFAULT_FILE = "plumbline.yaml"


@dataclass(frozen=True)
class Surroundings:
    """What the process was started with, beyond its flags.

    Attributes:
        kubeconfig_files: Where a kubeconfig is looked for, the first that is there winning.
        api_server: The API server's address in a pod, as kubelet gives it; empty elsewhere.
        docker_config: The folder of Docker's `config.json`, which need not be there.
        no_color: Whether the user wants no colour (no-color.org).
        cache_dir: The user's cache folder for this program.
        state_dir: The user's state folder for this program.
        variables: All of them, for the programs that we start; each gets but a few.
    """

    kubeconfig_files: tuple[Path, ...]
    api_server: str
    docker_config: Path
    no_color: bool
    cache_dir: Path
    state_dir: Path
    variables: Mapping[str, str] = field(repr=False)


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
    path = configuration_file(file, env)
    variables = {k for k in env if k.startswith(ENV_PREFIX)} - {f"{ENV_PREFIX}CONFIG"}
    if path is None and not variables:
        return _of_flags(flags)
    from reconciler.settings.configuration import (
        read_configuration,  # pydantic takes its time to import
    )

    return read_configuration(path, flags, {name: env[name] for name in variables})


def configuration_file(file: str | None, environ: Mapping[str, str] | None = None) -> Path | None:
    """Says which file is read: the one that was named, or `plumbline.yaml`, if there is one."""
    env = os.environ if environ is None else environ
    named = file or env.get(f"{ENV_PREFIX}CONFIG", "")
    found = named or (DEFAULT_FILE if Path(DEFAULT_FILE).is_file() else "")
    return Path(found) if found else None


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
        api_server=_api_server(env),
        docker_config=Path(env.get("DOCKER_CONFIG") or home / ".docker"),
        no_color=bool(env.get("NO_COLOR")),
        cache_dir=_folder(env, "XDG_CACHE_HOME", home / ".cache"),
        state_dir=_folder(env, "XDG_STATE_HOME", home / ".local" / "state"),
        variables=dict(env),
    )


def _api_server(env: Mapping[str, str]) -> str:
    """Gives what every pod is told of the API server, as rest.InClusterConfig of client-go does."""
    host, port = env.get("KUBERNETES_SERVICE_HOST", ""), env.get("KUBERNETES_SERVICE_PORT", "")
    if not host or not port:
        return ""
    return f"https://[{host}]:{port}" if ":" in host else f"https://{host}:{port}"


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

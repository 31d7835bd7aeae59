"""The flags that verbs share, and what they mean as settings."""

import argparse
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from reconciler.core.errors import ConfigError
from reconciler.settings import (
    DEFAULT_FILE,
    Renderer,
    ScopeSettings,
    Settings,
    SourceSettings,
    TargetSettings,
    load_settings,
    target_named,
)


def add_target_options(parser: argparse.ArgumentParser, *, many: bool) -> None:
    """Adds the flags that say what is compared with what."""
    if many:
        add_target_names(parser)
    else:
        parser.add_argument(
            "target",
            nargs="?",
            metavar="TARGET",
            help="a configured target (default: the only one)",
        )
    add_source_options(parser, None, "compare this repository or folder")
    add_cluster_options(parser)
    add_namespace_option(parser)
    add_live_option(parser)
    parser.add_argument(
        "--offline",
        action="store_true",
        help="never ask the server by dry runs: needs no right to write",
    )
    parser.add_argument("--fresh", action="store_true", help="forget what the server once said")


def add_target_names(parser: argparse.ArgumentParser) -> None:
    """Adds the words that name configured targets."""
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help="configured targets (default: all)"
    )


def add_live_option(parser: "argparse._ActionsContainer") -> None:
    """Adds the flag that names a dump."""
    parser.add_argument(
        "--live", metavar="FILE|DIR|-", help="compare with a dump by `kubectl get -o yaml|json`"
    )


def add_source_options(parser: argparse.ArgumentParser, default: str | None, text: str) -> None:
    """Adds the flags that name a repository and how it's read."""
    group = parser.add_argument_group("what Git declares")
    group.add_argument("--repo", metavar="URL|DIR", default=default, help=text)
    group.add_argument(
        "--ref", default="", help="branch, tag or commit (default: what is checked out)"
    )
    group.add_argument("--path", default="", help="folder or file inside the repository")
    group.add_argument(
        "--render", choices=[str(each) for each in Renderer], default="auto", help="default: auto"
    )
    group.add_argument(
        "--values",
        action="append",
        default=[],
        metavar="FILE",
        help="Helm values, inside the repository",
    )
    group.add_argument("--release", default="", help="Helm's release name")


def add_namespace_option(parser: argparse.ArgumentParser) -> None:
    """Adds the flag that names namespaces."""
    parser.add_argument(
        "-n",
        "--namespace",
        action="append",
        default=[],
        help="for manifests that name none, and where to look for unmanaged ones; may be repeated",
    )


def add_output_options(parser: argparse.ArgumentParser, formats: Sequence[str]) -> None:
    """Adds the flags that say how results are written."""
    parser.add_argument("-o", "--output", choices=formats, default="text", help="default: text")
    parser.add_argument("--full", action="store_true", help="cut no value short")


def add_exit_zero_option(parser: argparse.ArgumentParser) -> None:
    """Adds the flag for those to whom drift is no failure; see `exit_codes.forgiven`."""
    parser.add_argument("--exit-zero", action="store_true", help="exit 0 where there is drift, too")


def add_cluster_options(parser: argparse.ArgumentParser) -> None:
    """Adds the flags that say which cluster, and where things are kept."""
    group = parser.add_argument_group("the cluster")
    group.add_argument("--kubeconfig", metavar="FILE", help="default: $KUBECONFIG, ~/.kube/config")
    group.add_argument("--context", help="of the kubeconfig (default: its current one)")
    parser.add_argument("--config", metavar="FILE", help=f"default: {DEFAULT_FILE}, if it's there")
    parser.add_argument("--cache-dir", metavar="DIR", help="where clones and answers are kept")
    parser.add_argument("--state-dir", metavar="DIR", help="where sightings and inventory are kept")
    parser.add_argument("--no-color", action="store_true", help="no colour, whatever the terminal")


def settings_of(options: argparse.Namespace) -> Settings:
    """Puts flags, environment and file together.

    Raises:
        ConfigError: A setting is wrong.
    """
    cluster = {
        name: value
        for name in ("kubeconfig", "context")
        if (value := getattr(options, name)) is not None
    }
    flags: dict[str, Any] = {"cluster": cluster} if cluster else {}
    for name in ("cache_dir", "state_dir"):
        value = getattr(options, name)
        if value is not None:
            flags[name] = value
    return load_settings(options.config, flags)


def targets_of(
    options: argparse.Namespace, settings: Settings, names: Sequence[str]
) -> tuple[TargetSettings, ...]:
    """Gives the targets that the words name: configured ones, or the one that `--repo` makes.

    Raises:
        ConfigError: There is none, or both ways of naming one were used.
    """
    if options.repo is not None:
        if names:
            raise ConfigError(
                "--repo makes a target of its own, so none can be named besides",
                fix="leave out --repo, or the target's name",
            )
        return (_ad_hoc(options),)
    _refuse_stray(options)
    chosen = tuple(target_named(settings, name) for name in names) or settings.targets
    if len(chosen) > 1 and hasattr(options, "target"):
        known = ", ".join(target.name for target in chosen)
        raise ConfigError(f"several targets are configured: {known}", fix="name one of them")
    if not chosen:
        raise ConfigError(
            "nothing to compare: no target is configured and no --repo is given",
            fix="`plumbline check --repo DIR --path FOLDER`, or `plumbline init` for a file",
        )
    return tuple(_with_namespaces(target, options.namespace) for target in chosen)


def _refuse_stray(options: argparse.Namespace) -> None:
    given = [name for name in ("ref", "path", "values", "release") if getattr(options, name)]
    if options.render != Renderer.AUTO:
        given.append("render")
    if given:
        raise ConfigError(
            f"--{given[0]} goes with --repo; a configured target says it in the file",
            fix="add --repo, or leave it out",
        )


def _ad_hoc(options: argparse.Namespace) -> TargetSettings:
    source = SourceSettings(
        repo=options.repo,
        ref=options.ref,
        path=options.path,
        render=Renderer(options.render),
        values=tuple(options.values),
        release=options.release,
    )
    return _with_namespaces(TargetSettings(_name(options.repo), source), options.namespace)


def _name(repo: str) -> str:
    """Names a target by the last part of its repository, never by the credentials in a URL."""
    if "://" in repo:
        return _last_part(repo.partition("?")[0]).rpartition("@")[2] or "target"
    last = _last_part(repo)
    if last in ("", ".", ".."):
        last = _last_part(str(Path(repo).resolve()))
    return last or "target"


def _last_part(repo: str) -> str:
    plain = repo.rstrip("/").removesuffix(".git").rstrip("/")
    return plain.replace("\\", "/").replace(":", "/").rpartition("/")[2]


def _with_namespaces(target: TargetSettings, namespaces: Sequence[str]) -> TargetSettings:
    if not namespaces:
        return target
    return replace(target, namespace=namespaces[0], scope=ScopeSettings(tuple(namespaces)))

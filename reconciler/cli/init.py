"""`plumbline init`: writes a first configuration from a repository and a cluster."""

import argparse
import os
import urllib.parse
from collections.abc import Iterable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

from reconciler.cli import grants
from reconciler.cli.configuration_file import configuration_text
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.options import (
    add_cluster_options,
    add_namespace_option,
    add_source_options,
    settings_of,
    targets_of,
)
from reconciler.core.desired import DesiredState, Rendered, desired_state
from reconciler.core.errors import ConfigError, PlumblineError
from reconciler.core.resource import Catalog
from reconciler.core.rights import Part
from reconciler.settings import DEFAULT_FILE, Renderer, Settings, TargetSettings

#: Kubernetes' own namespaces: much lives there that nobody declares.
_SYSTEM = ("kube-system", "kube-public", "kube-node-lease")


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's flags."""
    add_source_options(parser, None, "repository or folder (default: this one)")
    add_namespace_option(parser)
    parser.add_argument(
        "--file",
        help=f"what to write (default: {DEFAULT_FILE}; with --rbac rbac.yaml or values.yaml)",
    )
    parser.add_argument(
        "--rbac",
        choices=[str(each) for each in Part],
        help="write the rights that the configured targets (or that of --repo) need: a reader "
        "only looks, a restorer also writes what they declare",
    )
    parser.add_argument(
        "-o",
        "--output",
        choices=("manifests", "values"),
        default="manifests",
        help="rights as manifests for kubectl, or as values for the Helm chart "
        "(default: manifests)",
    )
    parser.add_argument(
        "--account",
        metavar="NAMESPACE/NAME",
        default="plumbline/plumbline",
        help="whose rights, in manifests (default: plumbline/plumbline)",
    )
    add_cluster_options(parser)
    parser.set_defaults(full=True)


@dataclass(frozen=True, slots=True)
class _Found:
    """What was found out.

    Attributes:
        target: As it will be configured.
        rendered: What Git declares.
        left_out: Kubernetes' own namespaces, which are no good scope.
        context: The kubeconfig's context; empty where it isn't known.
        trouble: Why the cluster couldn't be asked; empty where it was.
    """

    target: TargetSettings
    rendered: Rendered
    left_out: tuple[str, ...]
    context: str
    trouble: str


def run(options: argparse.Namespace) -> ExitCode:
    """Reads the repository and, if it can be reached, the cluster; writes the file.

    Raises:
        PlumblineError: The repository can't be read (for rights: or the cluster), or the file is
            there already.
    """
    from reconciler.cli.output import write

    default = DEFAULT_FILE
    if options.rbac:
        default = "values.yaml" if options.output == "values" else "rbac.yaml"
    file = Path(options.file or default)
    if file.exists() or file.is_symlink():
        raise _is_there(file)
    settings = settings_of(options)
    if options.rbac:
        text, told = _rights(options, settings, file)
    else:
        options.repo = options.repo or "."
        (target,) = targets_of(options, settings, ())
        found = _find(settings, target)
        text = configuration_text(_beside(found.target, file), found.context, found.left_out)
        told = _told(file, found)
    _write_new(file, text)
    write("\n".join(told))
    return ExitCode.DONE


def _rights(
    options: argparse.Namespace, settings: Settings, file: Path
) -> tuple[str, Iterable[str]]:
    """Gives the file of rights, and what is said of it."""
    account = grants.account_of(options.account)
    if options.repo is None and settings.targets:
        targets = targets_of(options, settings, ())
        config = grants.installed_configuration(options.config)
    else:
        options.repo = options.repo or "."
        (target,) = targets_of(options, settings, ())
        targets = (_find(settings, target).target,)
        config = grants.parsed(configuration_text(targets[0]))
    granted = grants.find_grants(settings, targets, Part(options.rbac), config)
    text = granted.values() if options.output == "values" else granted.manifests(account)
    return text, granted.told(file, options.output, account)


def _write_new(file: Path, text: str) -> None:
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise _is_there(file) from None
    except OSError as error:
        raise ConfigError(
            f"{file} can't be written: {error.strerror}", fix="name another one with --file"
        ) from error


def _is_there(file: Path) -> ConfigError:
    return ConfigError(
        f"{file} is there already, and is left as it is",
        fix="name another one with --file, or move it away",
    )


def _beside(target: TargetSettings, file: Path) -> TargetSettings:
    """Names a folder as the file must: from where the file is, not from where we are."""
    folder = Path(target.source.repo)
    if folder.is_absolute() or not folder.is_dir():
        return target
    repo = os.path.relpath(folder, file.parent)
    return replace(target, source=replace(target.source, repo=repo))


def _find(settings: Settings, target: TargetSettings) -> _Found:
    from reconciler.bootstrap import open_cluster, open_source

    trouble, context, namespace = "", settings.cluster.context, target.namespace
    catalog = Catalog("", {}, {}, {})
    try:
        with closing(open_cluster(settings)) as cluster:
            context = context or cluster.context
            namespace = namespace or cluster.namespace
            catalog = cluster.catalog()
    except PlumblineError as error:
        trouble = str(error).partition("\n")[0]
    namespace = namespace or "default"
    source = open_source(settings, target, lambda: namespace)
    rendered = source.fetch()
    desired = desired_state(rendered, catalog, namespace)
    scope, left_out = _scope(desired, target.scope.namespaces)
    named = target.namespace or grants.needs_namespace(rendered, desired)
    target = replace(
        target,
        source=replace(
            target.source,
            repo=_without_password(target.source.repo),
            render=Renderer(source.renderer()),
        ),
        namespace=namespace if named else "",
        scope=replace(target.scope, namespaces=scope),
    )
    return _Found(target, rendered, left_out, context, trouble)


def _scope(desired: DesiredState, given: Sequence[str]) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Gives the namespaces that are this target's own, and those that are Kubernetes' own."""
    if given:
        return tuple(given), ()
    keys = desired.resources
    declared = {key.name for key in keys if (key.group, key.kind) == ("", "Namespace")}
    homes = {key.namespace for key in keys} - {""}
    own = declared or (homes if len(homes) == 1 else set())
    return tuple(sorted(own - set(_SYSTEM))), tuple(sorted(own & set(_SYSTEM)))


def _without_password(repo: str) -> str:
    """Leaves a password out of a URL: the file will be read by many."""
    parts = urllib.parse.urlsplit(repo)
    if "://" not in repo or parts.password is None:
        return repo
    user = f"{parts.username}@" if parts.username else ""
    return parts._replace(netloc=user + parts.netloc.rpartition("@")[2]).geturl()


def _told(file: Path, found: _Found) -> Iterator[str]:
    target = found.target
    count = len(found.rendered.manifests)
    revision = found.rendered.revision
    objects = "1 object" if count == 1 else f"{count} objects"
    how = "plain YAML" if target.source.render is Renderer.PLAIN else target.source.render
    yield f"Wrote {file}: target {target.name}, {objects} at {revision[:12]}, by {how}."
    for note in found.rendered.notes:
        yield f"  note: {note}"
    if target.scope.namespaces:
        names = ", ".join(target.scope.namespaces)
        yield f"  Unmanaged objects are looked for in {names}."
    else:
        yield "  Unmanaged objects are looked for nowhere: name namespaces in scope."
    if found.trouble:
        yield f"  The cluster couldn't be asked: {found.trouble}."
    extra = "" if file.name == DEFAULT_FILE and len(file.parts) == 1 else f" --config {file}"
    yield "Next:"
    yield f"  plumbline doctor{extra}    checks access, rights and programs"
    yield f"  plumbline check{extra}     compares, and changes nothing"
    yield f"  plumbline restore{extra}   shows what would put it right, and asks"

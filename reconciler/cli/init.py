"""`plumbline init`: writes a first configuration from a repository and a cluster."""

import argparse
import os
import re
import urllib.parse
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, replace
from pathlib import Path

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
from reconciler.settings import DEFAULT_FILE, Renderer, Settings, TargetSettings

#: Kubernetes' own namespaces: much lives there that nobody declares.
_SYSTEM = ("kube-system", "kube-public", "kube-node-lease")

#: What YAML reads as the text that it is. Everything else is quoted.
#: (A dot alone doesn't begin a word: YAML reads `.0` as a number.)
_PLAIN = re.compile(r"([A-Za-z/]|\.{1,2}(?=/|\Z))[A-Za-z0-9._/@-]*(:[A-Za-z0-9._/@-]+)*\Z")
_WORDS = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null"})


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's flags."""
    add_source_options(parser, ".", "repository or folder (default: this one)")
    add_namespace_option(parser)
    parser.add_argument(
        "--file", default=DEFAULT_FILE, help=f"what to write (default: {DEFAULT_FILE})"
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
        PlumblineError: The repository can't be read, or the file is there already.
    """
    from reconciler.cli.output import write

    file = Path(options.file)
    if file.exists() or file.is_symlink():
        raise _is_there(file)
    settings = settings_of(options)
    (target,) = targets_of(options, settings, ())
    found = _find(settings, target)
    text = configuration_text(_beside(found.target, file), found.context, found.left_out)
    try:
        with file.open("x", encoding="utf-8") as stream:
            stream.write(text)
    except FileExistsError:
        raise _is_there(file) from None
    except OSError as error:
        raise ConfigError(
            f"{file} can't be written: {error.strerror}", fix="name another one with --file"
        ) from error
    write("\n".join(_told(file, found)))
    return ExitCode.DONE


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
    target = replace(
        target,
        source=replace(
            target.source,
            repo=_without_password(target.source.repo),
            render=Renderer(source.renderer()),
        ),
        namespace=namespace if target.namespace or _needs_namespace(rendered, desired) else "",
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


def _needs_namespace(rendered: Rendered, desired: DesiredState) -> bool:
    """Whether a namespaced manifest names no namespace: then the context would decide."""
    pairs = zip(rendered.manifests, desired.resources, strict=True)
    return any(key.namespace and not manifest.namespace for manifest, key in pairs)


def _without_password(repo: str) -> str:
    """Leaves a password out of a URL: the file will be read by many."""
    parts = urllib.parse.urlsplit(repo)
    if "://" not in repo or parts.password is None:
        return repo
    user = f"{parts.username}@" if parts.username else ""
    return parts._replace(netloc=user + parts.netloc.rpartition("@")[2]).geturl()


def configuration_text(
    target: TargetSettings, context: str = "", left_out: Sequence[str] = ()
) -> str:
    """Writes a commented configuration file that says what this target says."""
    source = target.source
    lines = [
        "# What Plumbline keeps true. `plumbline doctor` checks it; the README has every setting.",
        "targets:",
        f"  - name: {_scalar(target.name)}",
        "    # Where it is declared, and how the manifests are made of it.",
        "    source:",
        f"      repo: {_scalar(source.repo)}",
    ]
    lines += [
        f"      {name}: {_scalar(value)}"
        for name in ("ref", "path", "release")
        if (value := getattr(source, name))
    ]
    lines.append(f"      render: {_scalar(source.render)}")
    if source.values:
        lines.append(f"      values: {_sequence(source.values)}")
    if target.namespace:
        lines += [
            "    # For manifests that name no namespace.",
            f"    namespace: {_scalar(target.namespace)}",
        ]
    lines += _scope_lines(target.scope.namespaces, left_out)
    lines += [
        "    # What is not drift, each with its reason, such as:",
        "    # ignore:",
        "    #   - kind: Deployment",
        "    #     path: spec.replicas",
        '    #     reason: "scaled by the on-call team"',
        "    #     until: 2030-12-31",
    ]
    if context:
        lines += [
            "# Named, so that another current context is never compared by mistake.",
            "cluster:",
            f"  context: {_scalar(context)}",
        ]
    return "\n".join(lines) + "\n"


def _scope_lines(namespaces: Sequence[str], left_out: Sequence[str]) -> Iterator[str]:
    if left_out:
        names = ", ".join(left_out)
        yield f"    # Not in scope: {names}, where much lives that nobody declares."
    if namespaces:
        yield "    # Objects that are live there and not declared are told of."
        yield f"    scope: {{namespaces: {_sequence(namespaces)}}}"
    else:
        yield "    # To be told of objects that are live and not declared, name namespaces:"
        yield "    # scope: {namespaces: [shop]}"


def _sequence(values: Sequence[str]) -> str:
    return "[" + ", ".join(map(_scalar, values)) + "]"


def _scalar(text: str) -> str:
    """Writes a text so that YAML reads exactly it."""
    if _PLAIN.match(text) and text.casefold() not in _WORDS:
        return str(text)
    return '"' + "".join(c if _is_harmless(c) else f"\\U{ord(c):08x}" for c in text) + '"'


def _is_harmless(char: str) -> bool:
    return char.isprintable() and char not in '"\\'


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

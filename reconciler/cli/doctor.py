"""`plumbline doctor`: checks access, rights and programs, each with its fix."""

import argparse
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from pathlib import Path

from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.findings import (
    Finding,
    State,
    exit_code,
    findings_document,
    findings_text,
    good,
    of_error,
    of_errors,
)
from reconciler.cli.options import add_cluster_options, settings_of
from reconciler.core.desired import Rendered, desired_state
from reconciler.core.errors import ConfigError, PlumblineError
from reconciler.core.resource import Catalog
from reconciler.core.rights import Part
from reconciler.core.scope import listings, with_pods
from reconciler.ports import Cluster
from reconciler.settings import (
    DEFAULT_FILE,
    ClusterSettings,
    DecryptProvider,
    Renderer,
    Settings,
    TargetSettings,
    surroundings,
    target_named,
)


def configure(parser: argparse.ArgumentParser) -> None:
    """Adds this verb's flags."""
    parser.add_argument(
        "targets", nargs="*", metavar="TARGET", help="configured targets (default: all)"
    )
    add_cluster_options(parser)
    parser.add_argument(
        "-o", "--output", choices=("text", "json"), default="text", help="default: text"
    )
    parser.set_defaults(full=True)


def run(options: argparse.Namespace) -> ExitCode:
    """Looks at everything that a check needs, one after the other, and goes on after a failure."""
    from reconciler.cli.checks import check_git
    from reconciler.cli.output import style_of, write
    from reconciler.cli.people_checks import check_slack
    from reconciler.cli.rights_checks import check_agents, check_leases

    findings: list[Finding] = []
    settings, targets = _configured(options, findings)
    findings.append(check_git(surroundings().variables))
    findings += _programs(settings, targets)
    with ExitStack() as closing:
        cluster, catalog = _cluster(settings, findings, closing)
        for target in targets:
            findings += _target(settings, target, cluster, catalog)
        if cluster is not None and catalog is not None:
            findings += check_leases(cluster, catalog, settings.lease.namespace)
            findings += check_agents(settings.agents, cluster, catalog)
    findings += check_slack(settings.notify.slack)
    findings += _folders(settings)
    if options.output == "json":
        import json

        write(json.dumps(findings_document(findings), indent=2, ensure_ascii=False))
    else:
        write(findings_text(findings, style_of(options)))
    return exit_code(findings)


def _configured(
    options: argparse.Namespace, findings: list[Finding]
) -> tuple[Settings, tuple[TargetSettings, ...]]:
    """Reads the settings; where that fails, flags alone still say which cluster."""
    topic = "configuration"
    try:
        settings = settings_of(options)
    except PlumblineError as error:
        findings += of_errors(topic, error)
        flags = Settings(
            cluster=ClusterSettings(options.kubeconfig or "", options.context or ""),
            cache_dir=options.cache_dir or "",
            state_dir=options.state_dir or "",
        )
        return flags, ()
    try:
        named = tuple(target_named(settings, name) for name in options.targets)
    except ConfigError as error:
        findings.append(of_error(topic, error))
        return settings, settings.targets
    targets = named or settings.targets
    if targets:
        names = ", ".join(target.name for target in targets)
        findings.append(good(topic, f"targets: {names}"))
    else:
        text = f"no target is configured in {options.config or DEFAULT_FILE}"
        fix = "`plumbline init --repo URL|DIR` writes one; or give `check` a --repo"
        findings.append(Finding(topic, State.MEND, text, fix))
    return settings, targets


def _programs(settings: Settings, targets: Sequence[TargetSettings]) -> Iterator[Finding]:
    """Says of the programs that targets name as their renderers whether they are there.

    Of targets that leave it open, reading their repositories tells.
    """
    wanted = {target.source.render for target in targets}
    if Renderer.HELM in wanted:
        yield _program("helm", [settings.programs.helm], "install Helm 3, or set programs.helm")
    if Renderer.KUSTOMIZE in wanted:
        named = settings.programs.kustomize
        names = [named] if named else ["kustomize", "kubectl"]
        yield _program("kustomize", names, "install kubectl, or set programs.kustomize")
    if any(target.source.decrypt.provider is DecryptProvider.SOPS for target in targets):
        yield _program("sops", [settings.programs.sops], "install sops, or set programs.sops")


def _program(topic: str, names: Sequence[str], fix: str) -> Finding:
    found = next((path for name in names if (path := shutil.which(name))), None)
    if found is None:
        return Finding(topic, State.BROKEN, f"{' or '.join(names)} is not there", fix)
    return good(topic, found)


def _cluster(
    settings: Settings, findings: list[Finding], closing: ExitStack
) -> tuple[Cluster | None, Catalog | None]:
    from reconciler.bootstrap import open_cluster
    from reconciler.cli.checks import check_server

    try:
        cluster = open_cluster(settings)
    except PlumblineError as error:
        findings.append(of_error("kubeconfig", error))
        return None, None
    closing.callback(cluster.close)
    findings.append(good("kubeconfig", f"{cluster.described}, {cluster.address}"))
    answers, catalog = check_server(cluster)
    findings += answers
    return cluster, catalog


def _target(
    settings: Settings, target: TargetSettings, cluster: Cluster | None, catalog: Catalog | None
) -> Iterator[Finding]:
    from reconciler.bootstrap import open_source
    from reconciler.cli.checks import check_source
    from reconciler.cli.people_checks import check_forge

    namespace = target.namespace or getattr(cluster, "namespace", "") or "default"
    try:
        source = open_source(settings, target, lambda: namespace)
    except PlumblineError as error:
        yield of_error(f"{target.name}: Git", error)
        return
    finding, rendered = check_source(target.name, source)
    yield finding
    yield from check_forge(settings, target)
    if rendered is not None and cluster is not None and catalog is not None:
        part = Part.RESTORER if settings.cluster.dry_runs else Part.READER
        yield from _rights(settings, target, rendered, namespace, cluster, catalog, part)


def _rights(
    settings: Settings,
    target: TargetSettings,
    rendered: Rendered,
    namespace: str,
    cluster: Cluster,
    catalog: Catalog,
    part: Part,
) -> list[Finding]:
    from reconciler.builtin import transient_kinds
    from reconciler.cli.people_checks import check_answering, check_telling
    from reconciler.cli.rights_checks import check_rights

    try:
        desired = desired_state(rendered, catalog, namespace)
    except PlumblineError as error:
        return [of_error(f"{target.name}: manifests", error)]
    scope = frozenset(target.scope.namespaces)
    wanted = listings(desired, catalog, scope, transient_kinds())
    in_pods = with_pods(wanted, desired, catalog, scope)
    agents = settings.agents
    read = in_pods if agents.looks_into_pods else wanted
    return [
        *check_rights(target.name, cluster, desired, catalog, read, part),
        *check_telling(target.name, settings.notify, cluster, catalog, wanted),
        *check_answering(target.name, agents, cluster, catalog, in_pods),
    ]


def _folders(settings: Settings) -> Iterator[Finding]:
    from reconciler.cli.checks import check_folder

    around = surroundings()
    cache = Path(settings.cache_dir) if settings.cache_dir else around.cache_dir
    state = Path(settings.state_dir) if settings.state_dir else around.state_dir
    yield check_folder("cache folder", cache, "--cache-dir", readable=True)
    yield check_folder("state folder", state, "--state-dir", readable=False)

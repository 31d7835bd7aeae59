"""`plumbline guard audit`: how immutable the containers of manifests and workloads are."""

import argparse
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.cli.each_target import of_each_target
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.measured import Measured, measured_of
from reconciler.cli.options import settings_of, targets_of
from reconciler.core.errors import ConfigError
from reconciler.core.live import Listing
from reconciler.core.resource import Catalog, ResourceKind
from reconciler.settings import IgnoreSettings, Settings, TargetSettings

if TYPE_CHECKING:
    from reconciler.core.hardening.auditing import Subject
    from reconciler.core.hardening.findings import Audit
    from reconciler.core.ignore import IgnoreRule
    from reconciler.ports import Live

#: What holds containers in a cluster, and the accounts that they have.
_KINDS = (
    ("v1", "Pod"),
    ("v1", "PodTemplate"),
    ("v1", "ReplicationController"),
    ("v1", "ServiceAccount"),
    ("apps/v1", "DaemonSet"),
    ("apps/v1", "Deployment"),
    ("apps/v1", "ReplicaSet"),
    ("apps/v1", "StatefulSet"),
    ("batch/v1", "CronJob"),
    ("batch/v1", "Job"),
)


def audit(options: argparse.Namespace) -> ExitCode:
    """Audits, and prints what it found.

    Raises:
        PlumblineError: Nothing could be audited.
    """
    from reconciler.cli.output import complain

    if options.fix:
        from reconciler.cli.guard_fix import fix

        return fix(options)
    if options.yes or options.dry_run:
        raise ConfigError("guard audit writes nothing", fix="leave out --yes and --dry-run")
    if options.write or options.rule:
        raise ConfigError("--write and --rule go with --fix", fix="add --fix")
    if options.repo is not None and (options.running or options.live is not None):
        raise ConfigError(
            "--repo names manifests, --running and --live name what is live",
            fix="audit one after the other",
        )
    settings = settings_of(options)
    found, errors = _audits(options, settings)
    _print(found, options, several=len(found) + len(errors) > 1)
    for error in errors:
        complain(error)
    if errors or any(each.is_partial for each in found):
        return ExitCode.COULD_NOT
    return ExitCode.DRIFT if any(each.findings for each in found) else ExitCode.DONE


def _audits(options: argparse.Namespace, settings: Settings) -> "tuple[list[Audit], list[str]]":
    """Gives the audits, and what was wrong with the targets that could not be read."""
    measured = measured_of(options, settings)
    if options.live is not None:
        from reconciler.bootstrap import open_dump

        dump = open_dump(options.live)
        return [_of_live(options, settings, dump, options.live, measured)], []
    if options.running:
        from reconciler.bootstrap import open_cluster

        with closing(open_cluster(settings)) as cluster:
            return [_of_live(options, settings, cluster, cluster.described, measured)], []
    targets = targets_of(options, settings, options.targets)
    return of_each_target(targets, lambda each: of_target(settings, each, measured)[0])


def of_target(
    settings: Settings, target: TargetSettings, measured: "Measured | None" = None
) -> "tuple[Audit, Sequence[Subject]]":
    """Audits what a target declares; no cluster is asked. Gives what was audited, too.

    Args:
        settings: For the programs and folders.
        target: Whose manifests.
        measured: What was measured of their containers.

    Raises:
        PlumblineError: Git or a renderer can't be asked.
    """
    from reconciler.bootstrap import open_source
    from reconciler.core.desired import desired_state
    from reconciler.core.hardening.auditing import Subject

    namespace = target.namespace or "default"
    rendered = open_source(settings, target, lambda: namespace).fetch()
    desired = desired_state(rendered, Catalog("", {}, {}, {}), namespace)
    subjects: Sequence[Subject] = [
        Subject(key, manifest.body, manifest.source, manifest.seals)
        for key, manifest in desired.resources.items()
    ]
    subjects = measured.seen(subjects) if measured is not None else subjects
    found = _audited(target.name, desired.revision, subjects, target.ignore, desired.notes)
    return measured.added(found, subjects) if measured is not None else found, subjects


def _of_live(
    options: argparse.Namespace,
    settings: Settings,
    live: "Live",
    name: str,
    measured: "Measured | None",
) -> "Audit":
    """Audits what a cluster or a dump holds, in the targets' namespaces or all."""
    from reconciler.core.hardening.auditing import Subject

    named = options.targets or (not options.namespace and settings.targets)
    targets = targets_of(options, settings, options.targets) if named else ()
    spaces = {space for target in targets for space in target.scope.namespaces}
    spaces |= set(options.namespace)
    catalog = live.catalog()
    kinds = list(_kinds(catalog)) if options.running else list(catalog.kinds.values())
    state = live.read([Listing(kind, frozenset(spaces)) for kind in kinds if kind.namespaced])
    subjects: Sequence[Subject] = [Subject(key, body) for _, key, body in state.each()]
    subjects = measured.seen(subjects) if measured is not None else subjects
    ignored = [rule for target in targets or settings.targets for rule in target.ignore]
    unread = [f"{each.kind} could not be read: {each.reason}" for each in state.unread]
    found = _audited(name, "", subjects, ignored, unread, is_partial=bool(unread))
    return measured.added(found, subjects) if measured is not None else found


def _kinds(catalog: Catalog) -> Iterator[ResourceKind]:
    for api_version, name in _KINDS:
        kind = catalog.find(api_version, name)
        if kind is not None:
            yield kind


def _audited(
    name: str,
    revision: str,
    subjects: "Sequence[Subject]",
    ignored: Sequence[IgnoreSettings],
    notes: Sequence[str],
    *,
    is_partial: bool = False,
) -> "Audit":
    from reconciler.builtin import hardening_rules
    from reconciler.core.hardening.auditing import audit as audited
    from reconciler.core.ignore import holds
    from reconciler.ignoring import ignore_rules

    rules: Sequence[IgnoreRule] = holds(ignore_rules(ignored), datetime.now(UTC).date())
    return audited(name, revision, subjects, hardening_rules(), rules, notes, is_partial=is_partial)


def _print(found: "Sequence[Audit]", options: argparse.Namespace, *, several: bool) -> None:
    from reconciler.cli.output import documents_text, style_of, write
    from reconciler.render.hardening import audit_document, audit_markdown, audit_text

    match options.output:
        case "json" | "yaml":
            documents = [audit_document(each) for each in found]
            schema = "plumbline.dev/guard-audits/v1" if several else ""
            text = documents_text(documents, options.output, schema=schema, field="audits")
        case "markdown":
            text = "\n".join(audit_markdown(each) for each in found)
        case _:
            text = "\n".join(audit_text(each, style_of(options)) for each in found)
    if text:
        write(text)

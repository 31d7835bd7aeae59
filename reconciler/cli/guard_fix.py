"""`plumbline guard audit --fix`: proposes manifests without the findings that an edit can end."""

import argparse
from typing import TYPE_CHECKING

from reconciler.cli.each_target import of_each_target
from reconciler.cli.editing import carry_out, refuse_before_looking, show, write_documents
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.measured import Measured, measured_of
from reconciler.cli.options import settings_of, targets_of
from reconciler.core.errors import ConfigError

if TYPE_CHECKING:
    from reconciler.core.resource import JsonObject
    from reconciler.settings import Settings, TargetSettings


def fix(options: argparse.Namespace) -> ExitCode:
    """Fixes each target.

    Raises:
        PlumblineError: The only target couldn't be fixed.
    """
    from reconciler.cli.output import complain

    _refuse(options)
    settings = settings_of(options)
    targets = targets_of(options, settings, options.targets)
    documents: list[JsonObject] = []
    measured = measured_of(options, settings)
    codes, errors = of_each_target(
        targets, lambda each: _fix(settings, each, options, measured, documents)
    )
    for error in errors:
        complain(error)
        codes.append(ExitCode.COULD_NOT)
    write_documents(documents, len(targets))
    return max(codes, default=ExitCode.DONE)


def _refuse(options: argparse.Namespace) -> None:
    from reconciler.core.hardening.mending import MENDABLE, unknown_rules

    if options.yes:
        raise ConfigError("--fix asks nothing", fix="leave out --yes")
    if options.running or options.live is not None:
        raise ConfigError(
            "--fix edits manifests, and --running and --live name what is live",
            fix="leave them out",
        )
    unknown = unknown_rules(options.rule)
    if unknown:
        raise ConfigError(
            f"--rule {unknown[0]}: no edit alone fixes what it finds",
            fix=f"it may be {', '.join(MENDABLE)}",
        )


def _fix(
    settings: "Settings",
    target: "TargetSettings",
    options: argparse.Namespace,
    measured: Measured | None,
    documents: "list[JsonObject]",
) -> ExitCode:
    from reconciler.cli.guard_audit import of_target
    from reconciler.core.fixes import Purpose
    from reconciler.core.hardening.mending import mendings_of

    refuse_before_looking(settings, target, options)
    audit, subjects = of_target(settings, target, measured)
    wanted = mendings_of(audit, subjects, options.rule)
    namespace = target.namespace or "default"
    fixing, url = carry_out(
        settings, target, options, Purpose.HARDEN, wanted, audit.revision, namespace
    )
    return show(fixing, url, options, documents)

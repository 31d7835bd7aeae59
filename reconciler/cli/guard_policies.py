"""`plumbline guard render` and `guard status`: what the policies are to be, and how they are."""

import argparse
from contextlib import closing
from datetime import UTC, datetime
from typing import TYPE_CHECKING

from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.options import settings_of, targets_of
from reconciler.core.errors import ConfigError
from reconciler.core.guard.standing import standings
from reconciler.core.live import Listing
from reconciler.core.resource import ResourceKind
from reconciler.core.rights import declared_kinds
from reconciler.guard.plan import GuardPlan, guard_plan

if TYPE_CHECKING:
    from reconciler.adapters.cluster.cluster import KubeCluster
    from reconciler.core.guard.breaking import Broken


def planned(options: argparse.Namespace) -> GuardPlan:
    """Reads what the guard is to be, and tells what it doesn't cover.

    Raises:
        PlumblineError: It can't be told.
    """
    from reconciler.cli.output import complain

    settings = settings_of(options)
    plan = guard_plan(settings, targets_of(options, settings, options.targets))
    for target in plan.targets:
        for note in target.notes:
            complain(f"{target.name}: {note}")
    return plan


def render(options: argparse.Namespace) -> ExitCode:
    """Writes the policies as YAML.

    Raises:
        PlumblineError: They can't be told.
    """
    from reconciler.cli.output import write
    from reconciler.render.guard import guard_manifests

    refuse_output(options, "yaml", "text")
    plan = planned(options)
    names = ", ".join(target.name for target in plan.targets)
    head = [f"Written by `plumbline guard render`: the guard of {names}, mode {plan.rules.mode}."]
    write(guard_manifests(head, plan.objects))
    return ExitCode.DONE


def refuse_output(options: argparse.Namespace, *known: str) -> None:
    """Refuses a format that an action doesn't have.

    Raises:
        ConfigError: It is none of the known ones.
    """
    if options.output not in known:
        raise ConfigError(
            f"guard {options.action} has no -o {options.output}",
            fix=f"leave it out, or choose among {', '.join(known)}",
        )


def status(options: argparse.Namespace) -> ExitCode:
    """Says how the guard is.

    Raises:
        PlumblineError: It can't be told.
    """
    from reconciler.bootstrap import open_cluster
    from reconciler.cli.output import complain, documents_text, style_of, write
    from reconciler.guard.installation import live_policies
    from reconciler.render.guard import broken_text, standings_document, standings_text

    refuse_output(options, "text", "json", "yaml")
    plan = planned(options)
    with closing(open_cluster(settings_of(options))) as cluster:
        live = live_policies(cluster, plan.catalog)
        glass, unread = _broken_glass(cluster, plan)
    found = standings(plan.objects, live, plan.labels)
    if options.output == "text":
        style = style_of(options)
        write(standings_text(found, style) + broken_text(glass, style))
    else:
        write(documents_text([standings_document(found, glass)], options.output))
    for each in unread:
        complain(f"whether its glass is broken can't be told: {each}")
    if unread:
        return ExitCode.COULD_NOT
    is_sound = all(each.is_sound for each in found) and not glass
    return ExitCode.DONE if is_sound else ExitCode.DRIFT


def _broken_glass(
    cluster: "KubeCluster", plan: GuardPlan
) -> "tuple[tuple[Broken, ...], tuple[str, ...]]":
    """Looks for break-glass annotations among all that is guarded; says what can't be read."""
    from reconciler.core.guard.breaking import broken

    if not plan.rules.group:
        return (), ()
    wanted: dict[ResourceKind, frozenset[str]] = {}
    for target, desired in zip(plan.targets, plan.desired, strict=True):
        for kind, spaces in declared_kinds(desired, plan.catalog)[0].items():
            scope = target.scope if kind.namespaced else frozenset[str]()
            wanted[kind] = wanted.get(kind, frozenset()) | (spaces - {""}) | scope
    state = cluster.read([Listing(kind, spaces) for kind, spaces in wanted.items()])
    unread = tuple(f"{each.kind}: {each.reason}" for each in state.unread)
    return broken(((key, body) for _, key, body in state.each()), datetime.now(UTC)), unread

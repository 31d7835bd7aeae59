"""`plumbline guard install` and `guard uninstall`: show the plan, ask, write."""

import argparse
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from reconciler.cli.asking import agreed
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.guard_policies import planned, refuse_output
from reconciler.cli.options import settings_of, targets_of
from reconciler.core.errors import ConfigError
from reconciler.core.guard.policies import label_of
from reconciler.core.guard.rules import Mode
from reconciler.core.guard.standing import Standing, State, label_value, standings
from reconciler.core.guard.writers import Refused, programs, refused
from reconciler.core.moments import rfc3339
from reconciler.settings import Mode as TargetMode
from reconciler.settings import Settings

if TYPE_CHECKING:
    from reconciler.adapters.cluster.cluster import KubeCluster
    from reconciler.core.resource import JsonObject, ResourceKey
    from reconciler.guard.plan import GuardPlan

#: For so long back a program's writes are told of.
_LATELY = timedelta(days=30)


def install(options: argparse.Namespace) -> ExitCode:
    """Installs the guard, if it locks nobody out who must write.

    Raises:
        PlumblineError: It couldn't be told or done.
    """
    from reconciler.bootstrap import open_cluster
    from reconciler.guard.installation import carry_out, live_policies

    refuse_output(options, "text")
    settings = settings_of(options)
    plan = planned(options)
    _refuse_without_deployer(settings, plan)
    with closing(open_cluster(settings)) as cluster:
        live = live_policies(cluster, plan.catalog)
        found = standings(plan.objects, live, plan.labels)
        changes = [each for each in found if each.state is not State.SAME]
        _show_plan(changes, plan.rules.mode, options)
        if not changes:
            return ExitCode.DONE
        carry_out(cluster.dry_runs, plan.catalog, changes)
        objects = _live_objects(cluster, plan)
        refusals = _show_writers(settings, plan, objects, options)
        _refuse_lockout([f"{each.user}: {each.what}" for each in refusals if each.is_own], plan)
        if options.dry_run:
            return ExitCode.DRIFT
        if not options.yes and not agreed(f"Install the guard in mode {plan.rules.mode}?"):
            sys.stderr.write("nothing was written\n")
            return ExitCode.DRIFT
        if plan.rules.mode is Mode.DENY:
            _try(cluster, plan, objects)
        carry_out(cluster.writes, plan.catalog, changes)
    sys.stderr.write(f"installed: {len(changes)} objects written\n")
    return ExitCode.DONE


def uninstall(options: argparse.Namespace) -> ExitCode:
    """Takes away the policies of some targets, or all that are ours.

    Raises:
        PlumblineError: It couldn't be told or done.
    """
    from reconciler.bootstrap import open_cluster
    from reconciler.guard.installation import carry_out, live_policies

    refuse_output(options, "text")
    settings = settings_of(options)
    named = options.targets or options.repo is not None
    chosen = targets_of(options, settings, options.targets) if named else ()
    labels = {label_of(target.name) for target in chosen}
    with closing(open_cluster(settings)) as cluster:
        catalog = cluster.catalog()
        live = live_policies(cluster, catalog)
        changes = [
            Standing(key, State.STALE, live=body)
            for key, body in sorted(live.items())
            if (label_value(body) in labels if named else label_value(body))
        ]
        _show_plan(changes, None, options)
        if not changes:
            return ExitCode.DONE
        carry_out(cluster.dry_runs, catalog, changes)
        if options.dry_run:
            return ExitCode.DRIFT
        if not options.yes and not agreed("Take the guard away?"):
            sys.stderr.write("nothing was written\n")
            return ExitCode.DRIFT
        carry_out(cluster.writes, catalog, changes)
    sys.stderr.write(f"taken away: {len(changes)} objects deleted\n")
    return ExitCode.DONE


def _show_plan(changes: Sequence[Standing], mode: Mode | None, options: argparse.Namespace) -> None:
    from reconciler.cli.output import style_of, write
    from reconciler.render.guard import plan_text

    write(plan_text(changes, mode, style_of(options)))


def _refuse_without_deployer(settings: Settings, plan: "GuardPlan") -> None:
    """Refuses to lock out whoever applies a target, where nobody is said to.

    Raises:
        ConfigError: Nobody may write a target but Plumbline, which doesn't restore it.
    """
    if plan.rules.mode is not Mode.DENY:
        return
    restores = {each.name for each in settings.targets if each.mode is not TargetMode.OBSERVE}
    for target in plan.targets:
        if not plan.rules.deployers.get(target.name) and target.name not in restores:
            raise ConfigError(
                f"target {target.name} has no deployer, so nobody could roll out what Git says",
                fix="name who applies it in guard.deployers, such as "
                "account:flux-system/kustomize-controller",
            )


def _live_objects(
    cluster: "KubeCluster", plan: "GuardPlan"
) -> "list[dict[ResourceKey, JsonObject]]":
    """Reads the declared objects that are live, for each target."""
    from reconciler.core.scope import bind_generated, listings

    found = []
    for desired in plan.desired:
        state = cluster.read(listings(desired, plan.catalog, frozenset(), ()))
        bound = bind_generated(desired, state.objects)
        found.append(
            {
                key: body
                for key, manifest in bound.resources.items()
                if (body := state.find(manifest.api_version, key)) is not None
            }
        )
    return found


def _show_writers(
    settings: Settings,
    plan: "GuardPlan",
    objects: "list[dict[ResourceKey, JsonObject]]",
    options: argparse.Namespace,
) -> list[Refused]:
    """Says who wrote lately; gives whose witnessed requests would be refused."""
    from reconciler.cli.output import style_of, write
    from reconciler.render.guard import writers_text

    since = rfc3339(datetime.now(UTC) - _LATELY)
    together = {key: body for each in objects for key, body in each.items()}
    refusals: list[Refused] = []
    if settings.witnesses.audit_log:
        from reconciler.adapters.observations.recorded import recorded_events

        events = recorded_events(Path(settings.witnesses.audit_log))
        refusals = [each for target in plan.targets for each in refused(plan.rules, target, events)]
    text = writers_text(programs(together, since), refusals, style_of(options))
    if text:
        write(text)
    return refusals


def _try(
    cluster: "KubeCluster", plan: "GuardPlan", objects: "list[dict[ResourceKey, JsonObject]]"
) -> None:
    """Tries the policies on who must write.

    Raises:
        ConfigError: They would lock somebody out.
        ClusterError: It couldn't be told.
    """
    from reconciler.guard.trials import Trial, locked_out

    tried = [
        Trial(plan.rules, target, desired, live, plan.of_target(target))
        for target, desired, live in zip(plan.targets, plan.desired, objects, strict=True)
    ]
    found = locked_out(cluster, cluster.trials(), plan.catalog, tried)
    _refuse_lockout([f"{each.who}: {each.what}" for each in found], plan)


def _refuse_lockout(found: Sequence[str], plan: "GuardPlan") -> None:
    if found and plan.rules.mode is Mode.DENY:
        raise ConfigError(
            "the guard would lock out who must write, and was not installed:\n"
            + "\n".join(_listed(found)),
            fix="name them in guard.deployers or guard.allowed as the API server does, or begin "
            "with guard.mode: warn",
        )


def _listed(found: Sequence[str]) -> Iterator[str]:
    for each in found:
        yield f"  {each}"

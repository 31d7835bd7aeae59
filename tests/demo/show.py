"""The demo's acts, in their order, and the verdict on each."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.demo.edits import CLEANING, EDITS, NAMESPACE, Edit
from tests.demo.playground import Playground
from tests.demo.stage import Stage

_DUMP = "live.json"


def show(folder: Path, ground: Playground) -> list[str]:
    """Shows everything.

    Args:
        folder: Holds the shop's repository, as `shop`.
        ground: A cluster with nothing of the shop in it.

    Returns:
        What wasn't as it should be.
    """
    stage = Stage(folder, ground.kubeconfig)
    _install(stage, ground)
    _drift(stage, ground)
    _restore(stage, ground)
    if not stage.faults:
        stage.headline("Everything was found, explained, restored, and is in sync again")
    return stage.faults


def _install(stage: Stage, ground: Playground) -> None:
    stage.headline("A small web shop, declared in Git, applied to a cluster")
    stage.say(f"The cluster is {ground.described}.\n{ground.by_hand}")
    stage.say(f"The shop is in {stage.folder / 'shop'}.")
    stage.command(["kubectl", "apply", "--server-side", "-f", "shop/deploy"])
    ground.apply(stage.folder / "shop" / "deploy")
    stage.plumbline("init", "--repo", "shop", "--path", "deploy", code=0)
    stage.plumbline("check", code=0)


def _drift(stage: Stage, ground: Playground) -> None:
    stage.headline("Then people change things by hand, and the autoscaler scales")
    for edit in EDITS:
        stage.command(["kubectl", "-n", NAMESPACE, *edit.command], edit.note)
        ground.edit(edit)
    ground.dump(stage.folder / _DUMP)
    stage.headline("What differs from Git, who did it, and when")
    stage.plumbline("check", code=1)
    judge(stage, stage.report("check"), "the cluster")
    stage.headline("Every field of one object, and where it comes from")
    stage.plumbline("explain", "deployment/web", code=1)
    stage.headline("The same from a dump by `kubectl get -o json`, without asking a cluster")
    stage.tail("check", "--live", _DUMP, lines=3, code=1)
    judge(stage, stage.report("check", "--live", _DUMP), "the dump")


def _restore(stage: Stage, ground: Playground) -> None:
    stage.headline("Put right: the plan, the writes, and a fresh comparison")
    # What Git never declared is left alone, so something is left to do: exit code 1.
    stage.plumbline("restore", "--yes", code=1)
    stage.headline("What nobody declared is not Plumbline's to delete; whoever made it does")
    stage.command(["kubectl", "-n", NAMESPACE, *CLEANING.command])
    ground.edit(CLEANING)
    stage.plumbline("check", code=0)
    report = stage.report("check")
    stage.expect(report.get("drifts") == [], "something is left after the restore")


def judge(stage: Stage, report: Mapping[str, Any], where: str) -> None:
    """Holds a report against the edits: all of them, each at its place, and nothing else."""
    found = {}
    for drift in report.get("drifts", ()):
        resource = drift["resource"]
        found[drift["type"], resource["kind"], resource["name"]] = drift
    for edit in EDITS:
        drift = found.get((edit.drift, edit.kind, edit.name))
        if edit.drift and drift is None:
            stage.expect(False, f"in {where}, the edit of {edit.kind} {edit.name} was not found")
        elif drift is not None:
            _judge_changes(stage, edit, drift, where)
    expected = {(edit.drift, edit.kind, edit.name) for edit in EDITS if edit.drift}
    for strange in sorted(found.keys() - expected):
        stage.expect(False, f"in {where}, a drift that nobody made: {' '.join(strange)}")
    paths = {
        (drift["resource"]["kind"], change["path"])
        for drift in found.values()
        for change in drift["changes"]
    }
    made = {(edit.kind, path) for edit in EDITS for path in edit.paths}
    for kind, path in sorted(paths - made):
        stage.expect(False, f"in {where}, a change that nobody made: {kind} {path}")


def _judge_changes(stage: Stage, edit: Edit, drift: Mapping[str, Any], where: str) -> None:
    changes = {change["path"]: change for change in drift["changes"]}
    for path in edit.paths:
        change = changes.get(path)
        stage.expect(change is not None, f"in {where}, {edit.kind} {edit.name} {path} is not found")
        by = ((change or {}).get("by") or {}).get("manager")
        stage.expect(
            change is None or by == edit.manager,
            f"in {where}, {edit.kind} {edit.name} {path} is said to be by {by}",
        )

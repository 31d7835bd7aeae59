"""`plumbline check` on a whole application of every kind, in a real cluster with controllers."""

import base64
import json
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.benchmarks.application import (
    KINDS,
    ObjectName,
    apply_folder,
    copy_manifests,
    live_objects,
)
from tests.benchmarks.edits import ALL_EDITS
from tests.benchmarks.hand_edits import DoneEdit, make_edits
from tests.benchmarks.judgement import drifts_by_object, inexact, judge, misattributed
from tests.benchmarks.settling import settle
from tests.benchmarks.workload import commit
from tests.tools.controlplane import ControlPlane
from tests.tools.real_target import RealTarget

pytestmark = pytest.mark.xdist_group("check-real")

#: In the manifests: what must never be seen again outside of Git and the cluster.
SECRETS = ("s3same-0pen-desk-8861", "left-41-right-07-9923", "left-05-right-66-4410")


def application(plane: ControlPlane, folder: Path, *words: str) -> RealTarget:
    """Applies the application of every kind under a name of its own, and lets it settle."""
    name = f"bm{uuid.uuid4().hex[:8]}"
    copy_manifests(KINDS, folder / "repo", {"bookmobile": name})
    commit(folder / "repo")
    refused = apply_folder(plane, folder / "repo", *words)
    assert refused == []
    settle(plane)
    return RealTarget(plane, folder / "repo", folder / "home", (name, f"{name}-night"))


@pytest.fixture(scope="module")
def target(
    controller_manager: ControlPlane, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[RealTarget]:
    made = application(controller_manager, tmp_path_factory.mktemp("check"))
    yield made
    for namespace in made.namespaces:
        controller_manager.delete_namespace(namespace)


@dataclass(frozen=True, slots=True)
class Looks:
    """The reports of an application that nobody has touched yet."""

    cold: dict[str, Any]
    warm: dict[str, Any]


@pytest.fixture(scope="module")
def looks(target: RealTarget) -> Looks:
    return Looks(target.check(), target.check())


@pytest.mark.parametrize("which", ["cold", "warm"])
def test_what_nobody_touched_is_in_sync(looks: Looks, target: RealTarget, which: str) -> None:
    report = getattr(looks, which)
    assert report["drifts"] == []
    assert report["unproven"] == []
    count = len(live_objects(target.plane, target.repo))
    assert count >= 80
    summary = report["summary"]
    assert (summary["resources"], summary["inSync"]) == (count, count)


def test_it_costs_few_requests(looks: Looks, target: RealTarget) -> None:
    cold, warm = looks.cold["requests"], looks.warm["requests"]
    assert cold["write"] == warm["write"] == 0
    # Local reasoning proves nearly all; those that differ as a rule explains are asked about.
    assert cold["dryRun"] <= 3
    # The token's Secret differs as a rule explains, and answers about Secrets aren't kept.
    assert warm["dryRun"] <= 1
    kinds = {(name.api_version, name.kind) for name in live_objects(target.plane, target.repo)}
    # One for each declared kind, and for each other kind that may be unmanaged in a namespace.
    assert len(kinds) <= cold["list"] <= len(kinds) + 15
    assert warm["list"] == cold["list"]


def test_children_of_controllers_and_what_every_namespace_gets_are_not_unmanaged(
    looks: Looks, target: RealTarget
) -> None:
    words = ("get", "rs,pods,pvc,endpointslices,sa,cm", "-n", target.namespaces[0], "-o", "name")
    there = target.plane.kubectl(*words).stdout
    for name in ("replicaset.apps/counter-", "pod/counter-", "pages-ledger-0", "kube-root-ca.crt"):
        assert name in there
    assert not [drift for drift in looks.warm["drifts"] if drift["type"] == "Unmanaged"]


@dataclass(frozen=True, slots=True)
class Edited:
    """Edits of every kind and what was found of each."""

    done: dict[str, tuple[DoneEdit, dict[str, Any] | None]]
    false: tuple[str, ...]
    offline_misses: tuple[str, ...]
    offline_unproven: int
    outcomes: list[dict[str, Any]]
    left: list[dict[str, Any]]
    printed: str


@pytest.fixture(scope="module")
def edited(target: RealTarget, looks: Looks) -> Edited:
    """Edits every object once, checks, restores; then once more for kinds of edits left over."""
    assert looks.cold["drifts"] == []
    done: dict[str, tuple[DoneEdit, dict[str, Any] | None]] = {}
    false: list[str] = []
    misses: list[str] = []
    outcomes: list[dict[str, Any]] = []
    left: list[dict[str, Any]] = []
    printed = ""
    unproven = 0
    for seed in (1, 2):
        live = live_objects(target.plane, target.repo)
        kinds = [kind for kind in ALL_EDITS if kind.name not in done]
        edits = make_edits(target.plane, live, kinds, len(live) if seed == 1 else len(kinds), seed)
        report = target.check()
        judged = judge(report, edits)
        false += judged.false
        drifts = drifts_by_object(report)
        for edit in edits:
            done.setdefault(edit.kind, (edit, drifts.get(edit.target.identity)))
        offline = target.check("--offline")
        proven = judge(offline, edits)
        unproven += len(offline["unproven"])
        misses += proven.misses + proven.false
        for output in ("text", "yaml", "markdown"):
            ran = target.run("check", "-o", output, "--full")
            printed += ran.stdout + ran.stderr
        restored = target.restore("--recreate")
        outcomes += restored["outcomes"]
        left += restored["drifts"]
        settle(target.plane)
    return Edited(done, tuple(false), tuple(misses), unproven, outcomes, left, printed)


@pytest.mark.parametrize("kind", [kind.name for kind in ALL_EDITS])
def test_an_edit_by_hand_is_found_at_its_path_with_its_manager(edited: Edited, kind: str) -> None:
    assert kind in edited.done, "no object was edited in this way"
    edit, drift = edited.done[kind]
    assert drift is not None, f"{edit} was not found"
    assert inexact(drift, edit) == ""
    assert misattributed(drift, edit) == ""


def test_nothing_else_is_reported(edited: Edited) -> None:
    assert edited.false == ()


def test_the_offline_comparison_finds_the_same(edited: Edited) -> None:
    assert edited.offline_misses == ()


def test_everything_is_restored(edited: Edited) -> None:
    assert [each for each in edited.outcomes if each["type"] != "restored"] == []
    assert edited.left == []
    assert len(edited.outcomes) >= 80


def test_secrets_are_never_seen(edited: Edited, target: RealTarget) -> None:
    assert "***" in edited.printed
    needles = _needles(target)
    explained = [
        target.run("explain", f"secret/{name}", "-o", output, scoped=False)
        for name in ("desk", "vault-door", "driver-token")
        for output in ("text", "json")
    ]
    said = edited.printed + "".join(ran.stdout + ran.stderr for ran in explained)
    assert [needle for needle in needles if needle in said] == []
    kept = list(target.kept_files())
    assert kept
    for file in kept:
        others = file.stat().st_mode & file.parent.stat().st_mode & 0o077
        assert others == 0, f"others may read {file}"
        # Rendered manifests are kept, secrets included: that is what Git holds anyway.
        if "rendered" not in file.parts:
            content = file.read_bytes()
            assert [each for each in needles if each.encode() in content] == [], file


def _needles(target: RealTarget) -> list[str]:
    encoded = [base64.b64encode(each.encode()).decode() for each in SECRETS]
    words = ("get", "secret", "driver-token", "-n", target.namespaces[0], "-o", "json")
    token = json.loads(target.plane.kubectl(*words).stdout)["data"]["token"]
    return [*SECRETS, *encoded, token, base64.b64decode(token).decode()]


@pytest.mark.usefixtures("edited")
def test_a_dump_is_compared_as_well_as_the_cluster(target: RealTarget, tmp_path: Path) -> None:
    dump = tmp_path / "live.json"
    words = ("get", "-R", "-f", str(target.repo), "-o", "json", "--show-managed-fields")
    dump.write_text(target.plane.kubectl(*words).stdout, encoding="utf-8")
    report = target.run("check", "-o", "json", "--live", str(dump), scoped=False).report
    assert report["comparison"] == "offline"
    assert report["drifts"] == []
    assert report["requests"] == {"list": 0, "get": 0, "dryRun": 0, "write": 0}


@pytest.mark.usefixtures("edited")
def test_a_dump_without_managed_fields_says_what_it_cannot_prove(
    target: RealTarget, tmp_path: Path
) -> None:
    dump = tmp_path / "live.yaml"
    words = ("get", "-R", "-f", str(target.repo), "-o", "yaml")
    dump.write_text(target.plane.kubectl(*words).stdout, encoding="utf-8")
    report = target.run("check", "-o", "json", "--live", str(dump), scoped=False).report
    unproven = {each["path"] for each in report["unproven"]}
    drifted = {ObjectName.of(drift["resource"]).identity[1:] for drift in report["drifts"]}
    # Who set a field isn't known. What may be the server's is told as unproven; what the token
    # controller and an admission plug-in added can't be told from edits by hand.
    assert {"rules", "spec.claimRef", "spec.healthCheckNodePort"} <= unproven
    assert {(kind, name) for kind, _, name in drifted} == {
        ("Secret", "driver-token"),
        ("Pod", "jukebox"),
    }

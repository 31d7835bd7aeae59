"""Random objects of built-in kinds and of a CRD, edited at random, on the real API server.

The server decides which objects and which edits are valid. Of those that are: what nobody touched
is in sync; an edit is found, exactly and alone; after a restore everything is in sync again; and
the offline comparison agrees, or says what it can't prove.
"""

import json
import os
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.benchmarks.application import ObjectName, live_objects
from tests.benchmarks.edits import ALL_EDITS
from tests.benchmarks.hand_edits import DoneEdit, EditKind, is_recorded, try_edit
from tests.benchmarks.judgement import judge
from tests.benchmarks.workload import commit
from tests.tools.controlplane import ControlPlane
from tests.tools.random_objects import Json, gadget_definition, objects
from tests.tools.real_target import RealTarget

pytestmark = pytest.mark.xdist_group("properties-real")

#: How many objects' lives are tried; set it for a long run.
_MANY = int(os.environ.get("PROPERTY_EXAMPLES", "0"))
_GENERAL = ("label", "annotation", "label-changed", "label-removed")


@pytest.fixture(scope="module")
def group(control_plane: ControlPlane) -> Iterator[str]:
    """Defines the kind of which there are random objects, in a group of its own."""
    group = f"g{uuid.uuid4().hex[:8]}.example"
    control_plane.kubectl("create", "-f", "-", input=json.dumps(gadget_definition(group)))
    control_plane.kubectl("wait", "--for=condition=Established", f"crd/gadgets.{group}")
    yield group
    control_plane.kubectl("delete", "crd", f"gadgets.{group}")


@given(
    made=st.lists(objects, min_size=1, max_size=8),
    order=st.permutations(ALL_EDITS),
)
@settings(
    max_examples=_MANY or 12,
    deadline=None,
    derandomize=True,
    suppress_health_check=list(HealthCheck),
    # Making an example smaller takes minutes, and one of a few objects is read as it is.
    phases=(Phase.explicit, Phase.generate),
)
def test_an_edit_is_found_and_restored(
    control_plane: ControlPlane,
    group: str,
    tmp_path_factory: pytest.TempPathFactory,
    made: list[tuple[tuple[str, str], Json, Json]],
    order: list[EditKind],
) -> None:
    namespace = f"p{uuid.uuid4().hex[:10]}"
    control_plane.create_namespace(namespace)
    target = _target(control_plane, tmp_path_factory.mktemp("property"), namespace)
    try:
        _declare(target, made, group)
        _hold(target, order)
    finally:
        control_plane.delete_namespace(namespace)
        shutil.rmtree(target.repo.parent)


def _target(plane: ControlPlane, folder: Path, namespace: str) -> RealTarget:
    return RealTarget(plane, folder / "repo", folder / "home", (namespace,))


def _declare(
    target: RealTarget, made: list[tuple[tuple[str, str], Json, Json]], group: str
) -> None:
    """Declares those of the objects that the server takes."""
    target.repo.mkdir()
    base = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "always", "namespace": target.namespaces[0]},
        "data": {"a": "b"},
    }
    bodies = [base]
    for number, ((api_version, kind), marks, fields) in enumerate(made):
        metadata: Json = {"name": f"x{number}", "namespace": target.namespaces[0]}
        if marks:
            metadata["labels"] = marks
        version = api_version.replace("GROUP", group)
        bodies.append({"apiVersion": version, "kind": kind, "metadata": metadata, **fields})
    for number, body in enumerate(bodies):
        text = json.dumps(body)
        words = ("create", "--validate=ignore", "--field-manager=kubectl", "-f", "-")
        done = target.plane.kubectl(*words, input=text, check=False)
        if done.returncode == 0:
            note(text)
            (target.repo / f"{number}.json").write_text(text, encoding="utf-8")
        else:
            assert "AlreadyExists" not in done.stderr
            note(f"refused: {done.stderr}")
    commit(target.repo)


def _hold(target: RealTarget, order: list[EditKind]) -> None:
    """Holds the comparison to what is promised of it."""
    report = target.check()
    assert report["drifts"] == []
    live = live_objects(target.plane, target.repo)
    assert report["requests"]["dryRun"] <= len(live)
    assert target.check()["requests"]["dryRun"] == 0
    edits = _edit(target, live, order)
    for each in edits:
        note(str(each))
    judged = judge(target.check(), edits)
    assert (judged.misses, judged.false) == ((), ())
    offline = target.check("--offline")
    unproven = {ObjectName.of(each["resource"]).identity[1:] for each in offline["unproven"]}
    proven = judge(offline, [e for e in edits if e.target.identity[1:] not in unproven])
    assert proven.misses == ()
    ran = target.run("restore", "--yes", "--recreate", "-o", "json")
    note(ran.stdout)
    assert ran.code == 0
    assert target.check()["drifts"] == []


def _edit(
    target: RealTarget, live: dict[ObjectName, Json], order: list[EditKind]
) -> list[DoneEdit]:
    """Edits every object in the first of the ways that the server takes."""
    done = []
    for number, (name, body) in enumerate(sorted(live.items())):
        turned = order[number * 7 % len(order) :] + order[: number * 7 % len(order)]
        # What can be done to any object would else be done to nearly all.
        for kind in sorted(turned, key=lambda kind: number % 4 > 0 and kind.name in _GENERAL):
            edit = kind.make(body)
            manager = f"hand-{number}-{kind.name}"
            if edit is not None and try_edit(target.plane, name, edit, manager):
                recorded = is_recorded(target.plane, name, manager)
                done.append(DoneEdit(kind.name, name, manager, edit, recorded))
                break
    return done

"""Local reasoning against the real API server: it must say exactly what the server makes."""

import time
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.core.live import comparable
from reconciler.core.path import format_path
from reconciler.core.resource import JsonObject
from tests.integration.normalize.manifests import (
    ALL,
    FILES,
    FOLDER,
    documents,
    mutated,
    name_of,
)
from tests.integration.normalize.questions import Trial, ask, fetched, without_managed_fields
from tests.tools.controlplane import ControlPlane

pytestmark = pytest.mark.xdist_group("normalize-real")

NAMES = [f"{body['apiVersion']}/{name_of(body)}" for body in ALL]

#: Kinds whose objects would change what the server makes of others, or can't be taken away again.
FAR_REACHING = frozenset(
    {
        "APIService",
        "CustomResourceDefinition",
        "IPAddress",
        "LimitRange",
        "MutatingAdmissionPolicy",
        "MutatingWebhookConfiguration",
        "Namespace",
        "Node",
        "ResourceQuota",
        "ServiceCIDR",
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
        "ValidatingWebhookConfiguration",
    }
)


def test_there_is_something_of_every_kind_that_can_be_made() -> None:
    assert len(ALL) >= 80
    assert len({(body["apiVersion"], body["kind"]) for body in ALL}) >= 50


@pytest.mark.parametrize("number", range(len(ALL)), ids=NAMES)
def test_what_kubectl_created_is_proven_in_sync(live: list[JsonObject], number: int) -> None:
    body = ALL[number]
    expected = ask(body, live[number])
    assert expected.body == comparable(live[number])
    assert expected.unproven == ()


#: Of these a dump without managedFields leaves something untold.
UNTOLD = {
    "ClusterRole/plumbline-aggregated": "rules",
    "Node/plumbline-node": "spec.taints",
    "Service/balanced": "spec.healthCheckNodePort",
    "Service/node-port": "spec.ports[port=80,protocol=TCP].nodePort",
}


@pytest.mark.parametrize("number", range(len(ALL)), ids=NAMES)
def test_without_managed_fields_it_is_in_sync_or_said_what_is_untold(
    live: list[JsonObject], number: int
) -> None:
    body, bare = ALL[number], without_managed_fields(live[number])
    expected = ask(body, bare)
    assert expected.body == comparable(bare)
    untold = {format_path(path) for path, _ in expected.unproven}
    wanted = UNTOLD.get(name_of(body))
    assert untold == set() or wanted in untold


@pytest.mark.usefixtures("controller_manager")
def test_what_kubectl_applied_and_controllers_worked_on_is_proven_in_sync(
    control_plane: ControlPlane, namespace: str
) -> None:
    path = str(FOLDER / "workloads.yaml")
    control_plane.kubectl("apply", "-f", path, "-n", namespace, "--validate=false")
    bodies = documents("workloads")
    deadline = time.monotonic() + 60
    while True:
        found = fetched(control_plane, "workloads", namespace)
        if all("status" in one for one in found if one["kind"] in ("Deployment", "Job", "Pod")):
            break
        assert time.monotonic() < deadline, "the controllers haven't looked at everything"
        time.sleep(0.5)
    # kubectl apply, unlike a create, takes nulls out of what it sends.
    apart = {"ControllerRevision/minimal"}
    pairs = [pair for pair in zip(bodies, found, strict=True) if name_of(pair[0]) not in apart]
    for body, one in pairs:
        expected = ask(body, one)
        assert (expected.body, expected.unproven) == (comparable(one), ()), name_of(body)
    revisions = [one for one in found if one["kind"] == "Deployment"]
    revision = "deployment.kubernetes.io/revision"
    assert all(revision in one["metadata"]["annotations"] for one in revisions)


HARMLESS = [body for body in ALL if body["kind"] not in FAR_REACHING]


def test_what_is_made_by_chance_is_proven_in_sync_or_said_what_is_untold(trial: Trial) -> None:
    @settings(max_examples=150, deadline=None, suppress_health_check=list(HealthCheck))
    @given(st.randoms(use_true_random=False))
    def by_chance(chance: Any) -> None:
        for _ in range(8):
            pair = trial.as_made(mutated(chance.choice(HARMLESS), chance))
            if pair is not None:
                expected = ask(*pair)
                assert expected.body == comparable(pair[1])
                trial.in_sync += 1

    by_chance()
    assert trial.in_sync >= 100, "chance made something that the server took"


def test_the_folder_holds_nothing_else() -> None:
    assert sorted(Path(path).stem for path in FOLDER.iterdir()) == sorted(FILES)

"""What pods declare, as far as looks at their containers need it."""

from datetime import UTC, datetime

import pytest

from reconciler.agent.specs import Hook, pod_specs, processes_but, sessions_but
from reconciler.core.containers import Origin, ProcessDrift, SessionDrift
from reconciler.core.drift import Severity

POD = {
    "kind": "Pod",
    "metadata": {"uid": "u-1", "name": "web", "labels": {"app": "web"}},
    "spec": {
        "containers": [
            {
                "ports": [{"containerPort": 80}, {"containerPort": 53, "protocol": "UDP"}],
                "livenessProbe": {"exec": {"command": ["cat", "/ok"]}},
                "readinessProbe": {"httpGet": {"port": 80}},
                "lifecycle": {"preStop": {"exec": {"command": ["sleep", "5"]}}},
            }
        ],
        "initContainers": [{"ports": None}],
    },
    "status": {
        "containerStatuses": [
            {"containerID": "containerd://c1", "imageID": "example/web@sha256:aa"},
            {"containerID": "", "imageID": ""},
        ]
    },
}


@pytest.mark.parametrize("document", [POD, {"kind": "List", "items": [POD]}])
def test_what_pods_declare(document: object) -> None:
    (spec,) = pod_specs(document).values()
    assert spec.ports == {("TCP", 80), ("UDP", 53)}
    assert spec.hooks == {("cat", "/ok"): Hook(1, 11), ("sleep", "5"): Hook(1, 40)}
    assert spec.digests == {"c1": "sha256:aa"}
    assert spec.labels == {"app": "web"}


def test_probes_run_what_no_profile_has() -> None:
    probe, evil = (
        ProcessDrift(1, 1, "/bin/cat", origin, ("cat", "/ok"), "0", "", Severity.MEDIUM)
        for origin in (Origin.PROFILE, Origin.ADDED)
    )
    commands = frozenset({("cat", "/ok")})
    assert processes_but((probe, evil), commands) == (evil,)
    assert processes_but((probe, evil), frozenset()) == (probe, evil)


@pytest.mark.parametrize("document", [None, [], {"kind": "Service"}, {}])
def test_what_is_no_list_of_pods(document: object) -> None:
    with pytest.raises(ValueError, match="no list of pods"):
        pod_specs(document)


def test_a_command_of_several_probes_may_run_as_often_at_once() -> None:
    probe = {"exec": {"command": ["ok"]}}
    web = {"livenessProbe": probe, "readinessProbe": {**probe, "timeoutSeconds": 5}}
    start = {"lifecycle": {"postStart": {"exec": {"command": ["start"]}}}}
    pod = {**POD, "spec": {"terminationGracePeriodSeconds": 0, "containers": [web, web, start]}}
    (spec,) = pod_specs(pod).values()
    assert spec.hooks[("ok",)] == Hook(2, 15)
    assert spec.hooks[("start",)].seconds == float("inf")


def session(pid: int, second: int, verb: str = "exec", command: str = "sh") -> SessionDrift:
    started = f"2026-11-25T12:00:{second:02}Z"
    return SessionDrift(verb, pid, pid, "0", (command,), started, Severity.HIGH)


def test_a_probes_words_excuse_only_what_a_probe_does() -> None:
    now = datetime(2026, 11, 25, 12, 0, 30, tzinfo=UTC)
    hooks: dict[tuple[str, ...], Hook] = {("sh",): Hook(1, 11)}
    assert sessions_but([session(1, 25)], hooks, now) == ()
    # Somebody works there by what the probe is called.
    (told,) = sessions_but([session(1, 5)], hooks, now)
    assert "so long" in told.note
    # One of the two is no probe: the one that came later is told.
    (told,) = sessions_but([session(2, 29), session(1, 25)], hooks, now)
    assert (told.pid, "more of them" in told.note) == (2, True)
    # No kubelet enters from the machine, and no probe is called so.
    others = [session(1, 25, "enter"), session(2, 26, command="bash")]
    assert sessions_but(others, hooks, now) == tuple(others)

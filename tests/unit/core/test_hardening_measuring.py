"""What was measured of writable roots: whose it is, what it proves, and what is made of it."""

import json
from dataclasses import replace
from typing import Any

import pytest

from reconciler.core.containers import (
    SANDBOX,
    ContainerLook,
    ContainerRef,
    FileDrift,
    FileState,
    FileType,
    NodeLook,
    PortDrift,
    WrittenPlace,
)
from reconciler.core.desired import SourceLocation
from reconciler.core.drift import ChangeType, Severity
from reconciler.core.errors import ConfigError
from reconciler.core.fixes import with_fixes
from reconciler.core.hardening.auditing import Subject
from reconciler.core.hardening.documents import look_in
from reconciler.core.hardening.findings import Audit, Measure, Verdict
from reconciler.core.hardening.measuring import (
    Measurement,
    measured,
    measurements_of,
    owners_of,
    time_words,
)
from reconciler.core.hardening.mending import mendings_of
from reconciler.core.hardening.mounting import measured_words
from reconciler.core.hardening.shells import with_shells
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.render.container_documents import node_document
from tests.unit.core.test_hardening import KEY, audited, deployment

SOURCE = SourceLocation("web.yaml", 3)
IMAGE = "registry.example/web:1"
BARE: JsonObject = {"name": "web", "image": IMAGE}
REF = ContainerRef("shop", "web-6d4f5b-bcdfg", "u1", "web", "c1", IMAGE)
TMP = WrittenPlace("/tmp", 2, True, False)
STARTED = "2026-11-25T08:00:00Z"
FOLDER = FileState(FileType.DIRECTORY, 0o755, 0, 0)


def look_of(*looks: ContainerLook, at: str = "2026-11-25T12:00:00Z") -> NodeLook:
    return NodeLook("vm", at, looks)


def container(*written: WrittenPlace, ref: ContainerRef = REF, **more: Any) -> ContainerLook:
    return ContainerLook(ref, started_at=STARTED, written=written, **more)


def subject(pod: JsonObject | None = None, key: ResourceKey = KEY) -> Subject:
    return Subject(key, deployment(pod or {"containers": [BARE]}), SOURCE)


def audit_of(
    *looks: NodeLook, least: int = 3600, subjects: tuple[Subject, ...] = (), live: bool = False
) -> Audit:
    known = subjects or (subject(),)
    measurements = [each for look in looks for each in measurements_of(look)]
    owners = owners_of(known) if live else {}
    return measured(audited(*known), known, measurements, owners, least)


def measure_of(*looks: NodeLook, **how: Any) -> Measure:
    (found,) = (each.measure for each in audit_of(*looks, **how).findings if each.measure)
    return found


def test_what_was_never_written_needs_nothing() -> None:
    found = measure_of(look_of(container()))
    assert found == Measure(Verdict.SAFE, 1, 4 * 3600, False)
    assert measured_words(found) == (
        "as measured in 1 pod (told by name) over 4 hours or more, it never wrote outside its "
        "volumes"
    )
    assert all(
        (each.measure is None) == (each.rule.id != "root-filesystem-writable")
        for each in audit_of(look_of(container())).findings
    )


def test_each_container_of_a_pod_is_measured_by_itself() -> None:
    side = {"name": "side", "image": IMAGE}
    known = subject({"containers": [side, BARE]})
    found = audit_of(look_of(container()), subjects=(known,)).findings
    verdicts = {each.container: each.measure.verdict for each in found if each.measure}
    assert verdicts == {"web": Verdict.SAFE, "side": Verdict.UNTOLD}


def test_expected_places_become_volumes() -> None:
    deep = WrittenPlace("/tmp/deep", 1, True, False)
    cache = WrittenPlace("/var/cache/app", 0, True, False)
    other = container(deep, cache, ref=replace(REF, pod="web-6d4f5b-xcdfg", pod_uid="u2"))
    found = measure_of(look_of(container(TMP), other))
    assert (found.verdict, found.pods) == (Verdict.MOUNTS, 2)
    assert found.mounts == ("/tmp", "/var/cache/app")
    assert "in 2 pods" in measured_words(found)
    assert "it wrote only in /tmp, /var/cache/app" in measured_words(found)


def file(path: str, state: FileState | None = None, change: str = "added") -> FileDrift:
    return FileDrift(path, ChangeType(change), Severity.LOW, "", None, state)


@pytest.mark.parametrize(
    ("look", "verdict", "reason"),
    [
        (container(drifts=(file("/opt/a"), file("/opt/b"))), "writes", "it wrote /opt/a, /opt/b"),
        (container(drifts=tuple(file(f"/opt/{n}") for n in range(5))), "writes", "and 2 more"),
        (container(drifts=(file("/opt", FOLDER),)), "writes", "it wrote /opt"),
        (container(drifts=(file("/opt", FOLDER), file("/opt/a"))), "writes", "it wrote /opt/a"),
        (container(TMP, drifts=(file("/tmp", FOLDER, "changed"),)), "writes", "it wrote /tmp"),
        (container(WrittenPlace("/", 1, True, True)), "writes", "in its root, or in more"),
        (container(WrittenPlace("/opt", 0, False, False)), "writes", "nothing differs by now"),
        (container(WrittenPlace("/log", 1, True, True)), "writes", "would hide"),
        (container(WrittenPlace("/a:b", 1, True, False)), "untold", "by such a name"),
        (container(unknown=("not read",)), "untold", "not all of it could be told: not read"),
        (container(ref=replace(REF, image="web:2")), "untold", "no container"),
    ],
)  # fmt: skip
def test_what_proves_nothing_says_why(look: ContainerLook, verdict: str, reason: str) -> None:
    found = measure_of(look_of(look))
    assert (found.verdict, found.mounts) == (Verdict(verdict), ())
    assert reason in found.reason
    assert measured_words(found) == found.reason


def test_a_directory_on_the_way_to_a_place_is_no_drift() -> None:
    deep = WrittenPlace("/data/x", 1, True, False)
    made = file("/data", FOLDER)
    port = PortDrift(None, Severity.LOW)  # type: ignore[arg-type]
    assert measure_of(look_of(container(deep, drifts=(made, port)))).verdict is Verdict.MOUNTS


def test_what_ran_too_shortly_proves_nothing_but_what_it_wrote() -> None:
    young = look_of(container(), at="2026-11-25T08:05:00Z")
    assert measure_of(young).reason == "it was measured for 5 minutes, and 1 hour is wanted"
    assert measure_of(young, least=60).verdict is Verdict.SAFE
    unknown = measure_of(look_of(replace(container(), started_at="")))
    assert unknown.reason == "it was measured for 0 seconds, and 1 hour is wanted"
    backwards = look_of(container(), at="2026-11-25T07:00:00Z")
    assert measure_of(backwards).verdict is Verdict.UNTOLD
    writes = look_of(container(drifts=(file("/opt/a"),)), at="2026-11-25T08:05:00Z")
    assert measure_of(look_of(container()), writes).verdict is Verdict.WRITES


@pytest.mark.parametrize(
    ("kind", "pod", "fits"),
    [
        ("Deployment", "web-6d4f5b-bcdfg", True),
        ("Deployment", "web-bcdfg", False),
        ("Deployment", "web-api-6d4f5b-bcdfg", False),
        ("StatefulSet", "web-0", True),
        ("StatefulSet", "web-x", False),
        ("DaemonSet", "web-bcdfg", True),
        ("CronJob", "web-29384-bcdfg", True),
        ("Pod", "web", True),
        ("Pod", "web-bcdfg", False),
        ("Deployment", "", False),
    ],
)
def test_whose_a_pod_is_by_its_name(kind: str, pod: str, fits: bool) -> None:
    known = subject(key=KEY._replace(kind=kind))
    found = audit_of(look_of(container(ref=replace(REF, pod=pod))), subjects=(known,))
    (each,) = (f.measure for f in found.findings if f.measure)
    assert (each.verdict is Verdict.SAFE) is fits
    assert bool(found.notes) is not fits


def test_what_fits_two_or_nothing_is_noted() -> None:
    twin = subject(key=KEY._replace(kind="ReplicaSet", name="web-6d4f5b"))
    sandbox = replace(REF, container=SANDBOX)
    looks = look_of(container(), container(ref=sandbox), container(ref=replace(REF, namespace="x")))
    found = audit_of(looks, subjects=(subject(), twin))
    assert found.notes == ("2 measured containers belong to nothing that has a writable root here",)
    assert {each.measure.verdict for each in found.findings if each.measure} == {Verdict.UNTOLD}
    found = audit_of(look_of(container(ref=replace(REF, container="other"))))
    assert "1 measured container belongs" in found.notes[0]


@pytest.mark.parametrize(
    ("declared", "ran", "fits"),
    [
        ("nginx", "docker.io/library/nginx:latest", True),
        ("nginx:1", "docker.io/library/nginx:2", False),
        ("web@sha256:" + "a" * 64, "docker.io/library/web@sha256:" + "a" * 64, True),
        ("web@sha256:" + "a" * 64, "docker.io/library/web@sha256:" + "b" * 64, False),
        ("web", "sha256:" + "a" * 64, False),
        ("-", "web", False),
        ("web", "-", False),
    ],
)
def test_only_the_same_image_proves_anything(declared: str, ran: str, fits: bool) -> None:
    known = subject({"containers": [{"name": "web", "image": declared}]})
    found = measure_of(look_of(container(ref=replace(REF, image=ran))), subjects=(known,))
    assert (found.verdict is Verdict.SAFE) is fits


def owned(kind: str, name: str, owner: tuple[str, str, str] | None, uid: str = "") -> Subject:
    references: list[Any] = [0, {"kind": "X", "controller": False}]
    if owner is not None:
        version, above, called = owner
        references.append(
            {"apiVersion": version, "kind": above, "name": called, "controller": True}
        )
    body: JsonObject = {"metadata": {"uid": uid, "ownerReferences": references if owner else None}}
    group = "apps" if kind != "Pod" else ""
    return Subject(ResourceKey(group, kind, "shop", name), body)


def test_owners_say_whose_a_live_pod_is() -> None:
    known = (
        subject(),
        owned("ReplicaSet", "any", ("apps/v1", "Deployment", "web")),
        owned("Pod", "p", ("apps/v1", "ReplicaSet", "any"), "u1"),
        owned("Pod", "bare", None, "u2"),
        owned("Job", "loop", ("apps/v1", "Job", "loop")),
        owned("Pod", "of-loop", ("apps/v1", "Job", "loop"), "u3"),
    )
    owners = owners_of(known)
    assert owners["u1"] == ResourceKey("apps", "Deployment", "shop", "web")
    assert owners["u2"].name == "bare"
    assert owners["u3"].name == "loop"
    found = measure_of(
        look_of(container(ref=replace(REF, pod="named-otherwise"))), subjects=known, live=True
    )
    assert (found.verdict, found.by_owner) == (Verdict.SAFE, True)
    assert "told by name" not in measured_words(found)


@pytest.mark.parametrize(
    ("seconds", "words"),
    [(0, "0 seconds"), (1, "1 second"), (60, "1 minute"), (90, "90 seconds"), (7300, "2 hours"),
     (86400, "1 day"), (200000, "2 days")],
)  # fmt: skip
def test_times(seconds: int, words: str) -> None:
    assert time_words(seconds) == words


# What is made of it


def fixes_of(look: ContainerLook, *rules: str, pod: JsonObject | None = None) -> Any:
    known = (subject(pod),)
    return mendings_of(audit_of(look_of(look), subjects=known), known, rules)


def test_a_safe_root_is_made_read_only_without_being_asked_for() -> None:
    found = fixes_of(container())
    (fix,) = (each for each in found.fixes if each.rule == "root-filesystem-writable")
    assert fix.value is True
    assert "it never wrote outside its volumes; what it writes less often" in fix.caution
    unmeasured = mendings_of(audited(subject()), (subject(),), ())
    assert "root-filesystem-writable" in (unmeasured.others or {})


def test_places_are_mounted_all_or_none() -> None:
    body = deployment({"containers": [BARE]})
    found = fixes_of(container(TMP), "root-filesystem-writable")
    assert {each.together for each in found.fixes} == {"web read-only"}
    after = with_fixes(body, found.fixes)["spec"]["template"]["spec"]
    assert after["volumes"] == [{"name": "web-tmp", "emptyDir": {}}]
    assert after["containers"][0]["volumeMounts"] == [{"mountPath": "/tmp", "name": "web-tmp"}]
    assert after["containers"][0]["securityContext"] == {"readOnlyRootFilesystem": True}
    assert [bool(each.caution) for each in found.fixes] == [True, False, False]
    assert "emptyDir is empty when a pod starts" in found.fixes[0].caution


def test_volumes_have_names_of_their_own() -> None:
    pod: JsonObject = {
        "containers": [{**BARE, "volumeMounts": [{"name": "x", "mountPath": "/var/tmp"}]}],
        "volumes": [{"name": "web-tmp", "hostPath": {"path": "/x"}}],
    }
    long = WrittenPlace("/" + "x" * 80, 1, True, False)
    mounted = WrittenPlace("/var/tmp", 1, True, False)
    found = fixes_of(container(TMP, long, mounted), "root-filesystem-writable", pod=pod)
    names = [each.value["name"] for each in found.fixes if isinstance(each.value, dict)]
    assert len(names) == 4
    assert all(len(name) <= 63 and name != "web-tmp" for name in names)
    assert names[0].startswith("web-tmp-")


def test_what_writes_elsewhere_is_left_with_its_reason() -> None:
    for rules in ((), ("root-filesystem-writable",)):
        found = fixes_of(container(drifts=(file("/opt/a"),)), *rules)
        (left,) = (each for each in found.left if each.rule == "root-filesystem-writable")
        assert left.reason == "it wrote /opt/a"
        assert not [each for each in found.fixes if each.rule == "root-filesystem-writable"]


# As files


def test_what_the_command_writes_is_read() -> None:
    looks = look_of(
        container(TMP, drifts=(file("/tmp", FOLDER), file("/opt/a", FOLDER, "changed"),
                               file("/gone", None, "removed"))),
        container(unknown=("x",), ref=ContainerRef("", "", "", "", "c9")),
    )  # fmt: skip
    read = look_in(json.loads(json.dumps(node_document(looks))))
    before, after = measurements_of(looks), measurements_of(read)
    assert after == tuple(
        replace(each, container=replace(each.container, image_digest="", node=""))
        for each in before
    )
    assert isinstance(before[0], Measurement)


GOOD = node_document(look_of(container(TMP, drifts=(file("/a"),))))


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"schema": "x"}, "schema: plumbline.dev/containers/v1 is wanted"),
        ({"checkedAt": "soon"}, "checkedAt: a moment is wanted"),
        ({"drifts": {}}, "drifts: a list is wanted"),
        ({"drifts": [0]}, "drifts[0]: an object is wanted"),
        ({"drifts": [{"type": "File", "container": {}}]}, "drifts[0].container.containerId: a"),
        ({"containers": [{"container": {"containerId": "c"}}]}, "containers[0].written: a list"),
        ({"node": None}, "node: a text is wanted"),
    ],
)  # fmt: skip
def test_other_files_are_refused(change: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigError) as raised:
        look_in({**GOOD, **change})
    assert message in raised.value.message
    with pytest.raises(ConfigError):
        look_in([])
    other = {**GOOD, "drifts": [{"type": "Port"}]}
    assert look_in(other).looks[0].drifts == ()


def test_shells_that_were_seen_are_told_of_the_container_that_has_them() -> None:
    side: JsonObject = {"name": "side", "image": "registry.example/side:1"}
    known = (subject({"containers": [BARE, side]}), Subject(KEY._replace(kind="ConfigMap"), {}))
    looks = look_of(
        container(shells=("/bin/sh",)),
        container(
            ref=replace(REF, pod="web-6d4f5b-bcdfh", container_id="c2"), shells=("/bin/ash",)
        ),
        container(ref=replace(REF, container="side", container_id="c3")),
        container(ref=replace(REF, namespace="other", container_id="c4"), shells=("/bin/zsh",)),
    )
    seen = with_shells(known, measurements_of(look_in(json.loads(_text(looks)))), {})
    assert seen[0].shells == {"web": ("/bin/ash", "/bin/sh")}
    assert seen[1] == known[1]
    found = [each for each in audited(*seen).findings if each.rule.id == "shell-in-image"]
    assert [(each.container, each.detail) for each in found] == [
        ("web", "seen in it: /bin/ash, /bin/sh")
    ]
    assert [each.rule.id for each in audited(*known).findings].count("shell-in-image") == 0


def test_what_may_be_of_two_workloads_is_of_neither() -> None:
    twin = subject(key=KEY._replace(kind="StatefulSet"))
    ref = replace(REF, pod="web-0")
    both = (twin, subject(key=KEY._replace(kind="Pod", name="web-0")))
    looks = measurements_of(look_of(container(ref=ref, shells=("/bin/sh",))))
    assert [each.shells for each in with_shells(both, looks, {})] == [{}, {}]


def _text(look: NodeLook) -> str:
    return json.dumps(node_document(look))

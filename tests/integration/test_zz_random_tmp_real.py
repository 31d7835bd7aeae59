"""Random objects of built-in kinds and of a CRD, edited at random, on the real API server.

The server decides which objects and which edits are valid. Of those that are: what nobody touched
is in sync; an edit is found, exactly and alone; after a restore everything is in sync again; and
the offline comparison agrees, or says what it can't prove.
"""

import json
import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, note, settings
from hypothesis import strategies as st

from tests.benchmarks.application import ObjectName, live_objects
from tests.benchmarks.edits import ALL_EDITS
from tests.benchmarks.hand_edits import DoneEdit, EditKind, is_recorded, try_edit
from tests.benchmarks.judgement import judge
from tests.benchmarks.workload import commit
from tests.tools.controlplane import ControlPlane
from tests.tools.real_target import RealTarget

pytestmark = pytest.mark.xdist_group("properties-real")

Json = dict[str, Any]

names = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
texts = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12),
    st.sampled_from(["yes", "on", "1", "1e3", "null", "~", "a: b", "two\nlines\n", " x ", "0o17"]),
)
labels = st.dictionaries(names, st.from_regex(r"[A-Za-z0-9]{0,9}", fullmatch=True), max_size=3)
numbers = st.integers(0, 9)
_GENERAL = ("label", "annotation", "label-changed", "label-removed")
#: The same amounts, spelt in many ways.
cpus = st.sampled_from(["100m", "0.1", "1", 1, 0.5, "1500m", "2e0"])
sizes = st.sampled_from(["64Mi", "65536Ki", "0.5Gi", 1048576, "1e9", "1G", "1024Mi", "128974848"])
images = st.sampled_from(
    ["web", "web:1", "web:latest", "registry.example:5000/web:2", f"web@sha256:{'a' * 64}"]
)


def maybe(strategy: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Gives a value, or leaves it out: `None` fields are dropped by `shaped`."""
    return st.none() | strategy


def shaped(**fields: st.SearchStrategy[Any]) -> st.SearchStrategy[Json]:
    """Makes an object of the fields that came out as something."""
    whole = st.fixed_dictionaries(fields)
    return whole.map(lambda made: {k: v for k, v in made.items() if v is not None})


ports = st.lists(
    shaped(
        containerPort=st.integers(1, 60000),
        protocol=maybe(st.sampled_from(["TCP", "UDP"])),
    ),
    max_size=3,
    unique_by=lambda port: port["containerPort"],
)
probes = shaped(
    httpGet=st.just({"path": "/", "port": 80}),
    periodSeconds=maybe(st.integers(1, 30)),
    failureThreshold=maybe(st.integers(1, 5)),
)
variables = st.lists(
    st.one_of(
        shaped(name=names, value=maybe(texts)),
        names.map(
            lambda name: {
                "name": name,
                "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}},
            }
        ),
    ),
    max_size=3,
    unique_by=lambda variable: str(variable["name"]),
)
containers = st.lists(
    shaped(
        name=names,
        image=images,
        args=maybe(st.lists(texts, max_size=2)),
        env=maybe(variables),
        ports=maybe(ports),
        livenessProbe=maybe(probes),
        resources=maybe(shaped(limits=maybe(shaped(cpu=maybe(cpus), memory=maybe(sizes))))),
        securityContext=maybe(shaped(runAsUser=maybe(numbers), privileged=maybe(st.booleans()))),
        tty=maybe(st.booleans()),
    ),
    min_size=1,
    max_size=2,
    unique_by=lambda container: str(container["name"]),
)
pods = shaped(
    containers=containers,
    terminationGracePeriodSeconds=maybe(numbers),
    hostNetwork=maybe(st.just(False)),
    nodeSelector=maybe(labels),
    serviceAccountName=maybe(st.just("default")),
    volumes=maybe(
        st.lists(names, max_size=2, unique=True).map(
            lambda made: [{"name": name, "emptyDir": {}} for name in made]
        )
    ),
)
fractions = st.sampled_from(["25%", "10%", 1, 2])


def template(**more: Any) -> st.SearchStrategy[Json]:
    """A pod template with the label that its owner selects."""
    return st.builds(
        lambda pod, extra: {
            "metadata": {"labels": {**extra, "app": "x"}},
            "spec": {**pod, **more},
        },
        pods,
        labels,
    )


selector = st.just({"matchLabels": {"app": "x"}})
services = st.one_of(
    shaped(
        type=maybe(st.sampled_from(["ClusterIP", "NodePort", "LoadBalancer"])),
        selector=maybe(labels),
        sessionAffinity=maybe(st.sampled_from(["None", "ClientIP"])),
        ports=st.lists(
            shaped(
                name=names,
                port=st.integers(1, 60000),
                targetPort=maybe(st.integers(1, 60000) | names),
            ),
            min_size=1,
            max_size=3,
            unique_by=(lambda port: port["name"], lambda port: port["port"]),
        ),
    ),
    st.just({"type": "ExternalName", "externalName": "x.example"}),
    st.just({"clusterIP": "None", "selector": {"app": "x"}}),
)
rules = st.lists(
    shaped(
        apiGroups=st.sampled_from([[""], ["apps"], ["*"]]),
        resources=st.sampled_from([["pods"], ["pods", "pods/log"], ["*"]]),
        verbs=st.lists(st.sampled_from(["get", "list", "watch", "*"]), min_size=1, max_size=3),
    ),
    max_size=3,
)
subjects = st.lists(
    st.one_of(
        names.map(lambda name: {"kind": "User", "name": name}),
        names.map(lambda name: {"kind": "ServiceAccount", "name": name, "namespace": "default"}),
    ),
    max_size=3,
)
encoded = st.binary(max_size=8).map(lambda value: __import__("base64").b64encode(value).decode())
peers = st.lists(labels.map(lambda made: {"podSelector": {"matchLabels": made}}), max_size=2)
role_reference = {"apiGroup": "rbac.authorization.k8s.io", "kind": "Role", "name": "x"}
anything = st.recursive(
    st.booleans() | st.integers(-9, 9) | st.text("ab \n", max_size=3),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(names, inner, max_size=2),
    max_leaves=5,
)

#: The fields beside `metadata`, of each kind.
BODIES: dict[tuple[str, str], st.SearchStrategy[Json]] = {
    ("v1", "ConfigMap"): shaped(
        data=maybe(st.dictionaries(names, texts, max_size=4)),
        immutable=maybe(st.just(False)),
    ),
    ("v1", "Secret"): shaped(
        data=maybe(st.dictionaries(names, encoded, max_size=3)),
        stringData=maybe(st.dictionaries(names, texts, max_size=3)),
        type=maybe(st.just("Opaque")),
    ),
    ("v1", "ServiceAccount"): shaped(
        automountServiceAccountToken=maybe(st.booleans()),
        imagePullSecrets=maybe(names.map(lambda name: [{"name": name}])),
    ),
    ("v1", "Service"): shaped(spec=services),
    ("v1", "ResourceQuota"): shaped(spec=shaped(hard=shaped(pods=numbers, memory=maybe(sizes)))),
    ("v1", "PersistentVolumeClaim"): shaped(
        spec=shaped(
            accessModes=st.just(["ReadWriteOnce"]),
            resources=sizes.map(lambda size: {"requests": {"storage": size}}),
            storageClassName=maybe(names),
            volumeMode=maybe(st.sampled_from(["Filesystem", "Block"])),
        )
    ),
    ("apps/v1", "Deployment"): shaped(
        spec=shaped(
            replicas=maybe(numbers),
            selector=selector,
            template=template(),
            strategy=maybe(
                st.just({"type": "Recreate"})
                | shaped(rollingUpdate=maybe(shaped(maxSurge=maybe(fractions))))
            ),
            minReadySeconds=maybe(numbers),
        )
    ),
    ("apps/v1", "StatefulSet"): shaped(
        spec=shaped(
            serviceName=names,
            replicas=maybe(numbers),
            selector=selector,
            template=template(),
            podManagementPolicy=maybe(st.sampled_from(["Parallel", "OrderedReady"])),
        )
    ),
    ("apps/v1", "DaemonSet"): shaped(spec=shaped(selector=selector, template=template())),
    ("batch/v1", "Job"): shaped(
        spec=shaped(
            template=template(restartPolicy="Never"),
            backoffLimit=maybe(numbers),
            parallelism=maybe(numbers),
        )
    ),
    ("batch/v1", "CronJob"): shaped(
        spec=shaped(
            schedule=st.just("1 2 * * *"),
            suspend=maybe(st.booleans()),
            jobTemplate=template(restartPolicy="OnFailure").map(
                lambda made: {"spec": {"template": made}}
            ),
        )
    ),
    ("rbac.authorization.k8s.io/v1", "Role"): shaped(rules=rules),
    ("rbac.authorization.k8s.io/v1", "RoleBinding"): shaped(
        roleRef=st.just(role_reference), subjects=maybe(subjects)
    ),
    ("networking.k8s.io/v1", "NetworkPolicy"): shaped(
        spec=shaped(
            podSelector=labels.map(lambda made: {"matchLabels": made} if made else {}),
            ingress=maybe(peers.map(lambda made: [{"from": made}])),
        )
    ),
    ("networking.k8s.io/v1", "Ingress"): shaped(
        spec=shaped(
            ingressClassName=maybe(names),
            defaultBackend=st.just({"service": {"name": "x", "port": {"number": 80}}}),
            rules=maybe(
                st.lists(names, max_size=2).map(
                    lambda made: [{"host": f"{name}.example"} for name in made]
                )
            ),
        )
    ),
    ("policy/v1", "PodDisruptionBudget"): shaped(
        spec=shaped(maxUnavailable=fractions, selector=selector)
    ),
    ("autoscaling/v2", "HorizontalPodAutoscaler"): shaped(
        spec=shaped(
            scaleTargetRef=st.just({"apiVersion": "apps/v1", "kind": "Deployment", "name": "none"}),
            minReplicas=maybe(st.integers(1, 3)),
            maxReplicas=st.integers(3, 9),
        )
    ),
    ("GROUP/v1", "Gadget"): shaped(
        spec=shaped(
            size=maybe(numbers),
            mode=maybe(st.sampled_from(["fast", "slow"])),
            port=maybe(numbers | names),
            parts=maybe(
                st.lists(
                    shaped(name=names, count=maybe(numbers)),
                    max_size=3,
                    unique_by=lambda part: part["name"],
                )
            ),
            free=maybe(st.dictionaries(names, anything, max_size=3)),
        )
    ),
}

_PARTS = {
    "type": "array",
    "x-kubernetes-list-type": "map",
    "x-kubernetes-list-map-keys": ["name"],
    "items": {
        "type": "object",
        "required": ["name"],
        "properties": {"name": {"type": "string"}, "count": {"type": "integer", "default": 1}},
    },
}
_SPEC = {
    "type": "object",
    "default": {},
    "properties": {
        "size": {"type": "integer", "default": 2},
        "mode": {"type": "string", "enum": ["fast", "slow"], "default": "slow"},
        "port": {"x-kubernetes-int-or-string": True},
        "parts": _PARTS,
        "free": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    },
}


@pytest.fixture(scope="module")
def group(control_plane: ControlPlane) -> Iterator[str]:
    """Defines a kind with defaults, a keyed list and a free part."""
    group = f"g{uuid.uuid4().hex[:8]}.example"
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": _SPEC}}},
    }
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": f"gadgets.{group}"},
        "spec": {
            "group": group,
            "scope": "Namespaced",
            "names": {"plural": "gadgets", "kind": "Gadget"},
            "versions": [version],
        },
    }
    control_plane.kubectl("create", "-f", "-", input=json.dumps(definition))
    control_plane.kubectl("wait", "--for=condition=Established", f"crd/gadgets.{group}")
    yield group
    control_plane.kubectl("delete", "crd", f"gadgets.{group}")


objects = st.sampled_from(sorted(BODIES)).flatmap(
    lambda kind: st.tuples(st.just(kind), labels, BODIES[kind])
)


@given(
    made=st.lists(objects, min_size=1, max_size=8),
    order=st.permutations(ALL_EDITS),
)
@settings(
    max_examples=100,
    deadline=None,
    derandomize=False,
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

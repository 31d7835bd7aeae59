"""Strategies for random objects of the kinds that people declare, and of a kind of our own.

They come near to what is valid and don't make sure of it: the server decides.
"""

import base64
from typing import Any

from hypothesis import strategies as st

Json = dict[str, Any]

names = st.from_regex(r"[a-z][a-z0-9]{0,8}", fullmatch=True)
texts = st.one_of(
    st.text(st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")), max_size=12),
    st.sampled_from(["yes", "on", "1", "1e3", "null", "~", "a: b", "two\nlines\n", " x ", "0o17"]),
)
labels = st.dictionaries(names, st.from_regex(r"[A-Za-z0-9]{0,9}", fullmatch=True), max_size=3)
numbers = st.integers(0, 9)
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
own_name = {"fieldRef": {"fieldPath": "metadata.name"}}
variables = st.lists(
    shaped(name=names, value=maybe(texts)) | shaped(name=names, valueFrom=st.just(own_name)),
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
    volumes=maybe(names.map(lambda name: [{"name": name, "emptyDir": {}}])),
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
encoded = st.binary(max_size=8).map(lambda value: base64.b64encode(value).decode())
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
            rules=maybe(names.map(lambda name: [{"host": f"{name}.example"}])),
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


def gadget_definition(group: str) -> Json:
    """Defines the kind `Gadget` in a group: with defaults, a keyed list and a free part."""
    version = {
        "name": "v1",
        "served": True,
        "storage": True,
        "schema": {"openAPIV3Schema": {"type": "object", "properties": {"spec": _SPEC}}},
    }
    return {
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


objects = st.sampled_from(sorted(BODIES)).flatmap(
    lambda kind: st.tuples(st.just(kind), labels, BODIES[kind])
)

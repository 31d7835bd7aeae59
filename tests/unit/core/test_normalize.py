"""What the server makes of a declaration; `test_normalize_real` asks the real one."""

from typing import Any

import pytest

from reconciler.core.expected import Expected
from reconciler.core.live import comparable
from reconciler.core.normalize import expect
from reconciler.core.path import format_path
from reconciler.core.resource import JsonObject
from reconciler.core.schema import from_definition
from tests.unit.core.test_schema import BUILTIN, PARTS, definition

UID = "11111111-2222-3333-4444-555555555555"


def declared(api_version: str, kind: str, **fields: Any) -> JsonObject:
    metadata = {"name": "web", "namespace": "shop", **fields.pop("metadata", {})}
    return {"apiVersion": api_version, "kind": kind, "metadata": metadata, **fields}


def live_of(body: JsonObject, managed: Any = None, **metadata: Any) -> JsonObject:
    """Makes an object as the server shows it; `managed` are managedFields."""
    server = {"uid": UID, "resourceVersion": "7", "creationTimestamp": "2026-01-02T03:04:05Z"}
    made = {**body, "metadata": {**body["metadata"], **server, **metadata}}
    if managed is not None:
        made["metadata"]["managedFields"] = managed
    return made


def managed(body: JsonObject, manager: str = "kubectl-create", **options: Any) -> dict[str, Any]:
    """One manager's entry, which owns every leaf of a body but its identity."""

    def fields(value: Any) -> dict[str, Any]:
        if not isinstance(value, dict):
            return {}
        return {f"f:{name}": fields(inner) for name, inner in value.items()}

    owned = fields({k: v for k, v in body.items() if k not in ("apiVersion", "kind")})
    owned.get("f:metadata", {}).pop("f:name", None)
    return {
        "manager": manager,
        "operation": "Update",
        "apiVersion": body["apiVersion"],
        "fieldsV1": owned,
        **options,
    }


def ask(body: JsonObject, live: JsonObject) -> Expected:
    return expect(body, live, BUILTIN.node(body["apiVersion"], body["kind"]))


def made_of(api_version: str, kind: str, **fields: Any) -> JsonObject:
    """What the server would make of a declaration of which nothing is live yet."""
    body = declared(api_version, kind, **fields)
    return ask(body, live_of({k: v for k, v in body.items() if k == "metadata" or "i" in k})).body


def spec_of(api_version: str, kind: str, **spec: Any) -> Any:
    return made_of(api_version, kind, spec=spec)["spec"]


def pod_of(**spec: Any) -> Any:
    template = {"metadata": {"labels": {"a": "b"}}, "spec": spec}
    return spec_of("apps/v1", "Deployment", template=template)["template"]["spec"]


def carried(expected: Expected) -> list[str]:
    return [format_path(path) for path in expected.carried]


def test_a_deployment_gets_all_its_defaults() -> None:
    pod = {"containers": [{"name": "c", "image": "nginx"}]}
    template = {"metadata": {"labels": {"a": "b"}}, "spec": pod}
    spec = spec_of("apps/v1", "Deployment", selector={"matchLabels": {"a": "b"}}, template=template)
    assert spec == {
        "progressDeadlineSeconds": 600,
        "replicas": 1,
        "revisionHistoryLimit": 10,
        "selector": {"matchLabels": {"a": "b"}},
        "strategy": {
            "rollingUpdate": {"maxSurge": "25%", "maxUnavailable": "25%"},
            "type": "RollingUpdate",
        },
        "template": {
            "metadata": {"labels": {"a": "b"}},
            "spec": {
                "containers": [
                    {
                        "image": "nginx",
                        "imagePullPolicy": "Always",
                        "name": "c",
                        "resources": {},
                        "terminationMessagePath": "/dev/termination-log",
                        "terminationMessagePolicy": "File",
                    }
                ],
                "dnsPolicy": "ClusterFirst",
                "restartPolicy": "Always",
                "schedulerName": "default-scheduler",
                "securityContext": {},
                "terminationGracePeriodSeconds": 30,
            },
        },
    }


def test_empty_values_go_where_go_leaves_them_out_and_stay_behind_pointers() -> None:
    spec = spec_of(
        "apps/v1", "Deployment", replicas=0, paused=False, minReadySeconds=0, strategy={}
    )
    assert spec["replicas"] == 0
    assert "paused" not in spec
    assert "minReadySeconds" not in spec


def test_nulls_and_unknown_fields_are_dropped() -> None:
    spec = spec_of("apps/v1", "Deployment", replicas=None, replica=3)
    assert spec["replicas"] == 1
    assert "replica" not in spec


@pytest.mark.parametrize(
    ("strategy", "made"),
    [
        ({"type": "Recreate"}, {"type": "Recreate"}),
        (
            {"rollingUpdate": {"maxSurge": 3}},
            {"type": "RollingUpdate", "rollingUpdate": {"maxSurge": 3, "maxUnavailable": "25%"}},
        ),
    ],
)
def test_a_strategys_defaults_depend_on_its_type(strategy: Any, made: Any) -> None:
    assert spec_of("apps/v1", "Deployment", strategy=strategy)["strategy"] == made


@pytest.mark.parametrize(
    ("strategy", "made"),
    [
        (
            {},
            {"type": "RollingUpdate", "rollingUpdate": {"partition": 0, "maxUnavailable": 1}},
        ),
        ({"type": "RollingUpdate"}, {"type": "RollingUpdate"}),
        ({"type": "OnDelete"}, {"type": "OnDelete"}),
    ],
)
def test_a_stateful_sets_strategy_is_only_filled_in_where_no_type_is_given(
    strategy: Any, made: Any
) -> None:
    assert spec_of("apps/v1", "StatefulSet", updateStrategy=strategy)["updateStrategy"] == made


@pytest.mark.parametrize(
    ("image", "policy"),
    [
        ("nginx", "Always"),
        ("nginx:latest", "Always"),
        ("nginx:1.27", "IfNotPresent"),
        ("registry.example:5000/team/nginx", "Always"),
        ("registry.example:5000/team/nginx:1", "IfNotPresent"),
        (f"nginx@sha256:{'0' * 64}", "IfNotPresent"),
        (f"nginx:latest@sha256:{'0' * 64}", "Always"),
        ("localhost/nginx", "Always"),
        ("Nginx", "IfNotPresent"),
        ("a" * 64, "IfNotPresent"),
        ("", "IfNotPresent"),
    ],
)
def test_the_pull_policy_depends_on_the_tag(image: str, policy: str) -> None:
    pod = pod_of(containers=[{"name": "c", "image": image}])
    assert pod["containers"][0]["imagePullPolicy"] == policy


def test_both_names_of_a_service_account_are_kept_alike() -> None:
    assert pod_of(serviceAccount="a")["serviceAccountName"] == "a"
    assert pod_of(serviceAccountName="b", serviceAccount="a")["serviceAccount"] == "b"


def test_a_volume_without_a_source_is_an_empty_directory() -> None:
    volumes = pod_of(volumes=[{"name": "a"}, {"name": "b", "secret": {"secretName": "x"}}])[
        "volumes"
    ]
    assert volumes == [
        {"name": "a", "emptyDir": {}},
        {"name": "b", "secret": {"secretName": "x", "defaultMode": 420}},
    ]


def test_a_pod_differs_from_a_template() -> None:
    container = {
        "name": "c",
        "image": "a:1",
        "ports": [{"containerPort": 80}],
        "resources": {"limits": {"cpu": "0.5", "memory": "1024Mi"}, "requests": {"cpu": "100m"}},
    }
    spec = spec_of("v1", "Pod", hostNetwork=True, containers=[container])
    assert spec["enableServiceLinks"] is True
    made = spec["containers"][0]
    assert made["ports"] == [{"containerPort": 80, "hostPort": 80, "protocol": "TCP"}]
    assert made["resources"] == {
        "limits": {"cpu": "500m", "memory": "1Gi"},
        "requests": {"cpu": "100m", "memory": "1Gi"},
    }
    template = pod_of(hostNetwork=True, containers=[container])["containers"][0]
    assert "hostPort" not in template["ports"][0]
    assert template["resources"]["requests"] == {"cpu": "100m"}


def test_a_jobs_defaults_depend_on_what_is_given() -> None:
    assert spec_of("batch/v1", "Job", template={})["completions"] == 1
    parallel = spec_of("batch/v1", "Job", template={}, parallelism=2, backoffLimitPerIndex=1)
    assert "completions" not in parallel
    assert parallel["backoffLimit"] == 2**31 - 1


def test_an_autoscalers_behavior_is_filled_in_once_it_is_given() -> None:
    assert "behavior" not in spec_of("autoscaling/v2", "HorizontalPodAutoscaler", maxReplicas=1)
    behavior = spec_of(
        "autoscaling/v2",
        "HorizontalPodAutoscaler",
        maxReplicas=1,
        behavior={"scaleDown": {"stabilizationWindowSeconds": 5}},
    )["behavior"]
    assert behavior["scaleDown"]["stabilizationWindowSeconds"] == 5
    assert behavior["scaleUp"]["stabilizationWindowSeconds"] == 0
    assert len(behavior["scaleUp"]["policies"]) == 2


def test_a_services_ports_and_affinity() -> None:
    spec = spec_of(
        "v1",
        "Service",
        sessionAffinity="ClientIP",
        ports=[{"port": 80}, {"port": 81, "targetPort": "x"}],
    )
    assert spec["sessionAffinityConfig"] == {"clientIP": {"timeoutSeconds": 10800}}
    assert [port["targetPort"] for port in spec["ports"]] == [80, "x"]
    assert spec["internalTrafficPolicy"] == "Cluster"
    assert "externalTrafficPolicy" not in spec


def test_an_external_name_has_no_traffic_policy() -> None:
    spec = spec_of("v1", "Service", type="ExternalName", externalName="a.example")
    assert "internalTrafficPolicy" not in spec


def test_string_data_is_folded_into_canonical_data() -> None:
    body = made_of(
        "v1", "Secret", data={"a": "YR==", "b": "YQ\n=="}, stringData={"b": "é", "c": ""}
    )
    assert body["data"] == {"a": "YQ==", "b": "w6k=", "c": ""}
    assert body["type"] == "Opaque"
    assert "stringData" not in body


def test_a_limit_ranges_defaults_follow_from_each_other() -> None:
    limit = {"type": "Container", "max": {"cpu": 2}, "min": {"memory": "1Gi"}}
    assert spec_of("v1", "LimitRange", limits=[limit])["limits"] == [
        {
            "type": "Container",
            "max": {"cpu": "2"},
            "min": {"memory": "1Gi"},
            "default": {"cpu": "2"},
            "defaultRequest": {"cpu": "2", "memory": "1Gi"},
        }
    ]


def test_a_claims_source_has_two_names() -> None:
    source = {"kind": "PersistentVolumeClaim", "name": "x", "apiGroup": None}
    assert spec_of("v1", "PersistentVolumeClaim", dataSource=source)["dataSourceRef"] == source
    other = {"kind": "Thing", "name": "x", "apiGroup": "a.example"}
    assert "dataSource" not in spec_of("v1", "PersistentVolumeClaim", dataSource=other)


def test_metadata_is_what_git_decides() -> None:
    body = declared(
        "v1",
        "ConfigMap",
        metadata={
            "labels": {"a": None},
            "annotations": {},
            "creationTimestamp": None,
            "resourceVersion": "1",
            "ownerReferences": [{"kind": "A", "name": "b", "uid": "c", "apiVersion": "d", "x": 1}],
        },
    )
    assert ask(body, live_of(declared("v1", "ConfigMap"))).body["metadata"] == {
        "name": "web",
        "namespace": "shop",
        "labels": {"a": ""},
        "ownerReferences": [{"kind": "A", "name": "b", "uid": "c", "apiVersion": "d"}],
    }


def test_a_generated_name_is_the_live_ones() -> None:
    body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"generateName": "web-"}}
    live = live_of({**body, "metadata": {"name": "web-x7", "generateName": "web-"}})
    assert ask(body, live).body == comparable(live)


def test_nothing_declared_or_live_is_changed() -> None:
    body = declared("v1", "Secret", data={"a": "YQ=="}, stringData={"b": "c"})
    live = live_of(declared("v1", "Secret", data={"a": "YQ==", "b": "Yw=="}, type="Opaque"))
    before = repr((body, live))
    assert ask(body, live).body == comparable(live)
    assert repr((body, live)) == before


SERVICE = declared("v1", "Service", spec={"type": "NodePort", "ports": [{"port": 80}]})
SERVICE_PORT = {"port": 80, "protocol": "TCP", "targetPort": 80}
SERVICE_SPEC = {
    "type": "NodePort",
    "sessionAffinity": "None",
    "internalTrafficPolicy": "Cluster",
    "externalTrafficPolicy": "Cluster",
}


def live_service(port: dict[str, Any], **spec: Any) -> JsonObject:
    ports = [SERVICE_PORT | port]
    return declared("v1", "Service", spec={**SERVICE_SPEC, "ports": ports, **spec})


def owner_of_service(node_port: bool, **spec: Any) -> dict[str, Any]:
    entry = managed(declared("v1", "Service", spec={**SERVICE_SPEC, **spec}))
    item: dict[str, Any] = {".": {}, "f:port": {}} | ({"f:nodePort": {}} if node_port else {})
    entry["fieldsV1"]["f:spec"]["f:ports"] = {'k:{"port":80,"protocol":"TCP"}': item}
    return entry


ALLOCATED = {
    "clusterIP": "10.0.0.7",
    "clusterIPs": ["10.0.0.7"],
    "ipFamilies": ["IPv4"],
    "ipFamilyPolicy": "SingleStack",
}


def test_what_the_server_allocated_is_taken_over() -> None:
    live = live_of(live_service({"nodePort": 30123}, **ALLOCATED), [owner_of_service(False)])
    expected = ask(SERVICE, live)
    assert expected.body == comparable(live)
    assert expected.unproven == ()
    assert set(carried(expected)) == {
        "spec.clusterIP",
        "spec.clusterIPs",
        "spec.ipFamilies",
        "spec.ipFamilyPolicy",
        "spec.ports[port=80,protocol=TCP].nodePort",
    }


def test_what_somebody_set_by_hand_is_not() -> None:
    live = live_of(live_service({"nodePort": 30123}, **ALLOCATED), [owner_of_service(True)])
    assert "nodePort" not in ask(SERVICE, live).body["spec"]["ports"][0]
    owner = owner_of_service(False, externalIPs=["192.0.2.1"])
    live = live_of(live_service({"nodePort": 1}, **ALLOCATED, externalIPs=["192.0.2.1"]), [owner])
    assert "externalIPs" not in ask(SERVICE, live).body["spec"]


def test_without_managed_fields_it_is_said_what_cant_be_told() -> None:
    live = live_of(live_service({"nodePort": 30123}, **ALLOCATED, externalIPs=["192.0.2.1"]))
    expected = ask(SERVICE, live)
    assert [format_path(path) for path, _ in expected.unproven] == [
        "spec.ports[port=80,protocol=TCP].nodePort"
    ]
    assert "externalIPs" not in expected.body["spec"]
    assert expected.body["spec"]["clusterIP"] == "10.0.0.7"


CONFIG = declared("v1", "ConfigMap", data={"a": "1"})


def test_what_a_webhook_added_is_nobodys_and_taken_over() -> None:
    live = declared("v1", "ConfigMap", data={"a": "1"}, metadata={"labels": {"injected": "yes"}})
    expected = ask(CONFIG, live_of(live, [managed(CONFIG)]))
    assert expected.body == comparable(live)
    assert (carried(expected), expected.unproven) == (["metadata.labels"], ())


def test_what_an_editor_added_shows() -> None:
    live = declared("v1", "ConfigMap", data={"a": "1", "b": "2"}, metadata={"labels": {"x": "y"}})
    entries = [managed(CONFIG), managed(live, "kubectl-edit")]
    expected = ask(CONFIG, live_of(live, entries))
    assert expected.body == comparable(CONFIG)
    assert (expected.carried, expected.unproven) == ((), ())


def test_beside_what_an_editor_added_a_webhooks_part_is_still_told_apart() -> None:
    live = declared("v1", "ConfigMap", data={"a": "1"}, metadata={"labels": {"x": "y", "z": "w"}})
    edited = declared("v1", "ConfigMap", metadata={"labels": {"x": "y"}})
    expected = ask(CONFIG, live_of(live, [managed(CONFIG), managed(edited, "kubectl-edit")]))
    assert expected.body["metadata"]["labels"] == {"z": "w"}


def test_records_that_were_thrown_away_prove_nothing() -> None:
    live = declared("v1", "ConfigMap", data={"a": "1"}, metadata={"labels": {"x": "y"}})
    entry = managed(declared("v1", "ConfigMap", metadata={"annotations": {"later": "1"}}))
    expected = ask(CONFIG, live_of(live, [entry]))
    assert expected.body == comparable(live)
    assert [format_path(path) for path, _ in expected.unproven] == ["metadata.labels"]


def test_another_versions_records_prove_nothing() -> None:
    live = declared("v1", "ConfigMap", data={"a": "1"}, metadata={"labels": {"x": "y"}})
    entry = managed(CONFIG) | {"apiVersion": "v2"}
    assert ask(CONFIG, live_of(live, [managed(CONFIG), entry])).unproven != ()


def test_kubectls_record_and_controllers_annotations_are_taken_over_whoever_wrote_them() -> None:
    body = declared("apps/v1", "Deployment", spec={"selector": {"matchLabels": {"a": "b"}}})
    annotations = {
        "kubectl.kubernetes.io/last-applied-configuration": "{}",
        "deployment.kubernetes.io/revision": "3",
    }
    made = ask(body, live_of(body)).body
    live = {**made, "metadata": {**made["metadata"], "annotations": annotations}}
    entries = [
        managed(made | {"metadata": {"annotations": {next(iter(annotations)): ""}}}, "kubectl"),
        managed(
            {"apiVersion": "apps/v1", "metadata": {"annotations": {list(annotations)[1]: ""}}},
            "kube-controller-manager",
            subresource="status",
        ),
    ]
    expected = ask(body, live_of(live, entries))
    assert (expected.body, expected.hidden) == (live, 2)
    entries[1]["manager"] = "kubectl-annotate"
    assert (
        "deployment.kubernetes.io/revision"
        not in (ask(body, live_of(live, entries)).body["metadata"]["annotations"])
    )


def test_a_field_behind_a_gate_that_the_server_dropped_is_unproven() -> None:
    body = declared(
        "coordination.k8s.io/v1", "Lease", spec={"holderIdentity": "a", "strategy": "x"}
    )
    live = declared("coordination.k8s.io/v1", "Lease", spec={"holderIdentity": "a"})
    expected = ask(body, live_of(live, [managed(live)]))
    assert expected.body == live
    assert [format_path(path) for path, _ in expected.unproven] == ["spec.strategy"]


def test_a_default_that_an_older_server_lacks_is_no_difference() -> None:
    body = declared("batch/v1", "Job", spec={"template": {}})
    made = ask(body, live_of(body)).body
    older = {
        k: v for k, v in made["spec"].items() if k not in ("manualSelector", "podReplacementPolicy")
    }
    live = {**made, "spec": older}
    assert ask(body, live_of(live, [managed(live)])).body == live


def test_an_older_servers_printed_nulls_are_no_difference() -> None:
    body = declared(
        "apps/v1", "Deployment", spec={"template": {"metadata": {"labels": {"a": "b"}}}}
    )
    live = ask(body, live_of(body)).body
    live["spec"]["template"]["metadata"] = {"labels": {"a": "b"}, "creationTimestamp": None}
    assert ask(body, live_of(live, [managed(live)])).body == live


def test_finalizers_of_kubernetes_are_taken_over_and_others_arent() -> None:
    finalizers = ["kubernetes.io/pvc-protection", "mine.example/x", "theirs.example/y"]
    body = declared("v1", "PersistentVolumeClaim", metadata={"finalizers": ["mine.example/x"]})
    live = declared("v1", "PersistentVolumeClaim", metadata={"finalizers": finalizers})
    made = ask(body, live_of(live)).body
    assert made["metadata"]["finalizers"] == finalizers[:2]


def test_an_aggregated_roles_rules_are_the_controllers() -> None:
    rule = {"clusterRoleSelectors": [{"matchLabels": {"a": "b"}}]}
    kind = ("rbac.authorization.k8s.io/v1", "ClusterRole")
    body = declared(*kind, aggregationRule=rule, rules=[])
    live = declared(
        *kind, aggregationRule=rule, rules=[{"verbs": ["get"], "nonResourceURLs": ["/x"]}]
    )
    mine = managed({**live, "rules": None}, "kubectl-create")
    del mine["fieldsV1"]["f:rules"]
    theirs = {"apiVersion": kind[0], "kind": kind[1], "rules": []}
    entries = [mine, managed(theirs, "clusterrole-aggregation-controller")]
    assert ask(body, live_of(live, entries)).body == live
    entries[1]["manager"] = "kubectl-edit"
    assert ask(body, live_of(live, entries)).body["rules"] is None


GADGET = from_definition(
    definition(
        properties={
            "spec": {
                "type": "object",
                "properties": {
                    "size": {"type": "integer", "default": 3},
                    "text": {"type": "string", "nullable": True},
                    "inner": {
                        "type": "object",
                        "default": {},
                        "properties": {"mode": {"type": "string", "default": "auto"}},
                    },
                    "open": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
                    "table": {"type": "object", "additionalProperties": {"type": "string"}},
                    "parts": PARTS,
                },
            }
        }
    )
)["shop.example/v1", "Gadget"]


def gadget(**spec: Any) -> JsonObject:
    return declared("shop.example/v1", "Gadget", spec=spec)


def test_a_custom_resource_is_made_by_its_schema() -> None:
    body = gadget(size=None, text=None, unknown=1, open={"a": None}, table={"a": "b", "c": None})
    made = expect(body, live_of(body), GADGET).body
    assert made == gadget(
        size=3, text=None, inner={"mode": "auto"}, open={"a": None}, table={"a": "b"}
    )


def test_a_custom_resources_empty_values_stay() -> None:
    body = gadget(size=0, inner={"mode": ""}, table={}, parts=[])
    assert expect(body, live_of(body), GADGET).body["spec"] == body["spec"]


def test_of_an_unknown_kind_nobodys_fields_are_taken_over() -> None:
    body, live = gadget(a={"b": 1}), gadget(a={"b": 1}, size=3)
    expected = expect(body, live_of(live, [managed(body)]), None)
    assert expected.body == live
    assert carried(expected) == ["spec.size"]
    entries = [managed(body), managed(live, "kubectl-edit")]
    assert expect(body, live_of(live, entries), None).body == body
    assert expect(body, live_of(live), None).body == body


def test_of_an_unknown_kind_what_is_owned_as_a_whole_is_owned_in_its_parts() -> None:
    body, live = gadget(a={}), gadget(a={"b": 1})
    assert expect(body, live_of(live, [managed(body)]), None).body == body

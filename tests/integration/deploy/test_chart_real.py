"""The chart: rendered by the real helm, taken by the real API server, and strict about values."""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler import __version__
from reconciler.core.errors import PlumblineError
from reconciler.settings import AgentSettings, load_settings
from tests.integration.deploy.conftest import MINIMAL, TARGET, Helm
from tests.tools.chart_documents import CHART
from tests.tools.controlplane import ControlPlane

DIGEST = f"sha256:{'0' * 64}"
SECRETS: Mapping[str, Any] = {
    "git": {
        "credentialsSecret": {"name": "git"},
        "sshSecret": {"name": "ssh"},
        "authorities": {"name": "ca"},
    },
    "history": {"databaseSecret": {"name": "db"}, "keySecret": {"name": "key"}},
}
HOOKS: Mapping[str, Any] = {
    "hooks": {"address": "0.0.0.0:9000"},
    "notify": {"slack": {"address": "0.0.0.0:9001"}},
    "witnesses": {"audit_webhook": "0.0.0.0:9443", "admission": "[::]:9444"},
}
AGENTS: Mapping[str, Any] = {"agent": {"enabled": True, "tlsSecret": {"name": "agents-tls"}}}
RULE = {"apiGroups": [""], "resources": ["configmaps"], "verbs": ["get", "list", "watch"]}
PEER = {"namespaceSelector": {"matchLabels": {"name": "monitoring"}}}
BLOCK = {"ipBlock": {"cidr": "10.96.0.1/32"}}

CASES: Mapping[str, Mapping[str, Any]] = {
    "defaults": {},
    "rights": {"rbac": {"cluster": [RULE], "namespaces": {"plumbline": [RULE]}}},
    "no rights of ours": {"rbac": {"create": False}, "serviceAccount": {"create": False}},
    "an account of theirs": {"serviceAccount": {"name": "x", "annotations": {"a/b": "c"}}},
    "an exact image": {"image": {"digest": DIGEST, "pullSecrets": ["registry"]}},
    "no volume": {"persistence": {"enabled": False}},
    "a claim of theirs": {"persistence": {"existingClaim": "mine"}},
    "a volume of a class": {"persistence": {"storageClass": "fast", "keep": False, "size": "5Gi"}},
    "secrets": SECRETS,
    "several": {
        **SECRETS,
        "replicas": 3,
        "persistence": {"accessMode": "ReadWriteMany"},
        "podDisruptionBudget": {"enabled": True, "minAvailable": "50%"},
        "topologySpreadConstraints": [
            {
                "maxSkew": 1,
                "topologyKey": "kubernetes.io/hostname",
                "whenUnsatisfiable": "ScheduleAnyway",
            }
        ],
    },
    "webhooks": {"config": {"targets": [TARGET], **HOOKS}},
    "nothing open": {"config": {"targets": [TARGET], "serve": {"address": ""}}},
    "a closed network": {"networkPolicy": {"enabled": True}},
    "a closed network with peers": {
        "config": {"targets": [TARGET], **HOOKS},
        "networkPolicy": {
            "enabled": True,
            "metricsFrom": [PEER],
            "webhooksFrom": [BLOCK],
            "apiServer": {"to": [BLOCK]},
            "git": {"to": [BLOCK], "ports": [443]},
            "dns": {"to": [PEER]},
            "egress": [{"ports": [{"port": 5432}], "to": [BLOCK]}],
        },
    },
    "agents": {"agent": {"enabled": True}},
    "agents that are heard": AGENTS,
    "agents that are heard elsewhere": {
        **AGENTS,
        "config": {"targets": [TARGET], "agents": {"address": ":9500"}},
        "networkPolicy": {"enabled": True},
    },
    "chosen agents": {
        "fullnameOverride": "drift",
        "image": {"digest": DIGEST, "pullSecrets": ["registry"]},
        "agent": {
            "enabled": True,
            "interval": 0.5,
            "limit": 10_000_000,
            "namespaces": ["shop"],
            "profilesConfigMap": "profiles",
            "nodeSelector": {"disk": "ssd"},
            "tolerations": [],
            "priorityClassName": "system-node-critical",
        },
    },
    "enforcing agents": {
        "agent": {
            "enabled": True,
            "enforcement": {
                "enabled": True,
                "fail": "closed",
                "limit": 0.5,
                "rules": [
                    {"mode": "off", "labels": {"app": "ci"}},
                    {"mode": "refuse", "namespaces": ["shop"], "volumes": "allow"},
                ],
            },
        }
    },
    "no service": {"service": {"enabled": False}},
    "a balanced service": {"service": {"type": "LoadBalancer", "annotations": {"a": "b"}}},
    "a placed pod": {
        "fullnameOverride": "drift",
        "podAnnotations": {"a": "b"},
        "podLabels": {"c": "d"},
        "nodeSelector": {"disk": "ssd"},
        "tolerations": [{"operator": "Exists"}],
        "affinity": {"nodeAffinity": {}},
        "runAsUser": 1000,
        "extraEnv": [{"name": "HTTPS_PROXY", "value": "http://proxy.example"}],
        "extraVolumes": [{"name": "more", "emptyDir": {}}],
        "extraVolumeMounts": [{"name": "more", "mountPath": "/more"}],
        "resources": {"limits": {"cpu": 1}},
    },
}


def _values(case: str) -> dict[str, Any]:
    return {**MINIMAL, **CASES[case]}


def _one(objects: list[dict[str, Any]], kind: str) -> dict[str, Any]:
    (found,) = [each for each in objects if each["kind"] == kind]
    return found


def _container(objects: list[dict[str, Any]]) -> dict[str, Any]:
    (container,) = _one(objects, "Deployment")["spec"]["template"]["spec"]["containers"]
    assert isinstance(container, dict)
    return container


@pytest.mark.parametrize("case", CASES)
def test_the_api_server_takes_it(helm: Helm, case: str) -> None:
    words = ("apply", "--server-side", "--dry-run=server", "--validate=strict", "-f", "-")
    text = helm.template(_values(case))
    done = helm.plane.kubectl(*words, input=text)
    assert "deployment" in done.stdout
    assert "arning" not in done.stderr


@pytest.mark.parametrize("case", ["defaults", "several"])
def test_it_lints(helm: Helm, case: str) -> None:
    done = helm.run("lint", "--strict", str(CHART), values=_values(case))
    assert done.returncode == 0, done.stdout + done.stderr


def test_pods_are_of_the_restricted_standard(helm: Helm, control_plane: ControlPlane) -> None:
    namespace = {
        "apiVersion": "v1",
        "kind": "Namespace",
        "metadata": {
            "name": "restricted",
            "labels": {"pod-security.kubernetes.io/enforce": "restricted"},
        },
    }
    control_plane.kubectl("apply", "-f", "-", input=json.dumps(namespace))
    account = '{"apiVersion":"v1","kind":"ServiceAccount","metadata":{"name":"plumbline"}}'
    control_plane.kubectl("apply", "-n", "restricted", "-f", "-", input=account)
    template = _one(helm.objects(_values("secrets")), "Deployment")["spec"]["template"]
    pod = {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": "plumbline", "namespace": "restricted"},
        "spec": template["spec"],
    }
    words = ("create", "--dry-run=server", "-f", "-")
    done = control_plane.kubectl(*words, input=json.dumps(pod))
    assert "created" in done.stdout
    # The server does refuse others.
    container = pod["spec"]["containers"][0]
    del container["securityContext"]["capabilities"]
    refused = control_plane.kubectl(*words, input=json.dumps(pod), check=False)
    assert "violates PodSecurity" in refused.stderr


def test_nothing_is_writable_but_its_volumes(helm: Helm) -> None:
    container = _container(helm.objects(_values("secrets")))
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    open_ = {each["mountPath"] for each in container["volumeMounts"] if not each.get("readOnly")}
    assert open_ == {"/var/lib/plumbline", "/var/cache/plumbline", "/tmp"}


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"replica": 2}, "'replica' not allowed"),
        ({"image": {"tagg": "1"}}, "'tagg' not allowed"),
        ({"config": {"tragets": []}}, "'tragets' not allowed"),
        ({"config": {"targets": [{**TARGET, "moed": "restore"}]}}, "'moed' not allowed"),
        ({"config": {"targets": [{**TARGET, "mode": "fix"}]}}, "must be one of"),
        ({"config": {"targets": [{"name": "shop"}]}}, "missing property 'source'"),
        ({"rbac": {"cluster": [{"verb": ["get"]}]}}, "'verb' not allowed"),
        ({"rbac": {"namespaces": {"shop": [{"verbs": []}]}}}, "minItems"),
        ({"networkPolicy": {"git": {"from": []}}}, "'from' not allowed"),
        ({"runAsUser": 0}, "minimum"),
        ({"image": {"digest": "latest"}}, "does not match pattern"),
        ({"replicas": "many"}, "want integer"),
    ],
)
def test_wrong_values_are_refused(helm: Helm, values: Mapping[str, Any], said: str) -> None:
    assert said in helm.refusal({**MINIMAL, **values})


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"config": {}}, "config.targets is empty"),
        ({"replicas": 2}, "set history.databaseSecret.name"),
        ({**AGENTS, "service": {"enabled": False}}, "find the controller by its Service"),
        (
            {"replicas": 2, "history": {"databaseSecret": {"name": "db"}}},
            "want persistence.accessMode ReadWriteMany",
        ),
        (
            {
                "replicas": 2,
                "history": {"databaseSecret": {"name": "db"}},
                "persistence": {"enabled": False},
            },
            "set history.keySecret.name",
        ),
        (
            {"config": {"targets": [TARGET], "serve": {"address": "127.0.0.1:8080"}}},
            "write 0.0.0.0:8080",
        ),
    ],
)
def test_what_could_not_work_is_refused(helm: Helm, values: Mapping[str, Any], said: str) -> None:
    assert said in helm.refusal({**MINIMAL, **values})


def _environment(container: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for each in container["env"]:
        if each["name"].startswith("PLUMBLINE_"):
            source = each.get("valueFrom", {})
            secret = source.get("secretKeyRef", {}).get("name")
            field = source.get("fieldRef", {}).get("fieldPath")
            yield each["name"], each.get("value") or secret or field


@pytest.mark.parametrize("case", ["defaults", "secrets", "webhooks", "agents that are heard"])
def test_the_program_reads_what_the_pod_is_given(helm: Helm, tmp_path: Path, case: str) -> None:
    objects = helm.objects(_values(case))
    environ = dict(_environment(_container(objects)))
    assert environ["PLUMBLINE_CONFIG"] == "/etc/plumbline/plumbline.yaml"
    file = tmp_path / "plumbline.yaml"
    file.write_text(_one(objects, "ConfigMap")["data"]["plumbline.yaml"], encoding="utf-8")
    settings = load_settings(None, {}, {**environ, "PLUMBLINE_CONFIG": str(file)})
    assert settings.lease.namespace == "metadata.namespace"
    assert settings.serve.address == "0.0.0.0:8080"
    if case == "agents that are heard":
        assert settings.agents == AgentSettings(
            address="0.0.0.0:8444",
            certificate="/etc/plumbline-agents/tls.crt",
            key="/etc/plumbline-agents/tls.key",
        )
    if case == "secrets":
        assert settings.history.database == "db"
        assert settings.history.key_file == "/etc/plumbline-history/key"
        assert settings.programs.credential_helper == "store --file=/etc/plumbline-git/credentials"


def test_the_variables_of_its_own_service_would_be_refused(helm: Helm, tmp_path: Path) -> None:
    (service,) = [each for each in helm.objects() if each["kind"] == "Service"]
    variable = f"{service['metadata']['name'].upper()}_SERVICE_HOST"
    file = tmp_path / "plumbline.yaml"
    file.write_text("targets: []", encoding="utf-8")
    with pytest.raises(PlumblineError, match=variable):
        load_settings(str(file), {}, {variable: "10.0.0.1"})
    spec = _one(helm.objects(), "Deployment")["spec"]["template"]["spec"]
    assert spec["enableServiceLinks"] is False


def test_it_is_reached_where_its_configuration_says(helm: Helm) -> None:
    ports = {"http": 8080, "hooks": 9000, "audit": 9443, "admission": 9444, "slack": 9001}
    objects = helm.objects(_values("a closed network with peers"))
    container = _container(objects)
    assert {each["name"]: each["containerPort"] for each in container["ports"]} == ports
    service = _one(objects, "Service")["spec"]
    assert {each["name"]: each["port"] for each in service["ports"]} == ports
    policy = _one(objects, "NetworkPolicy")["spec"]
    opened = {rule["ports"][0]["port"]: rule["from"] for rule in policy["ingress"]}
    assert opened == {8080: [PEER], 9000: [BLOCK], 9001: [BLOCK], 9443: [BLOCK], 9444: [BLOCK]}
    assert {"startupProbe", "livenessProbe", "readinessProbe"} <= container.keys()


def test_agents_find_the_controller_and_nobody_else_does(helm: Helm) -> None:
    objects = helm.objects(_values("agents that are heard elsewhere"))
    agent = _one(objects, "DaemonSet")["spec"]["template"]
    (container,) = agent["spec"]["containers"]
    assert "--controller=https://plumbline.plumbline.svc:9500" in container["args"]
    assert agent["spec"]["serviceAccountName"] == "plumbline-agent"
    policy = _one(objects, "NetworkPolicy")["spec"]
    opened = {rule["ports"][0]["port"]: rule.get("from") for rule in policy["ingress"]}
    [peer] = opened[9500]
    assert peer["podSelector"]["matchLabels"].items() <= agent["metadata"]["labels"].items()
    variables = dict(_environment(_container(objects)))
    assert json.loads(variables["PLUMBLINE_AGENTS"])["address"] == ":9500"
    silent = helm.objects(_values("agents"))
    assert "--controller" not in str(_one(silent, "DaemonSet"))
    assert "AGENTS" not in str(_container(silent))


def test_agents_read_the_profiles_of_a_config_map(helm: Helm) -> None:
    spec = _one(helm.objects(_values("chosen agents")), "DaemonSet")["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    (flag,) = (each for each in container["args"] if each.startswith("--profiles="))
    (mount,) = container["volumeMounts"]
    assert flag == f"--profiles={mount['mountPath']}/profiles.json"
    assert spec["volumes"] == [{"name": mount["name"], "configMap": {"name": "profiles"}}]
    assert "--profiles" not in str(_one(helm.objects(_values("agents")), "DaemonSet"))


def test_who_answers_nowhere_is_not_asked(helm: Helm) -> None:
    objects = helm.objects(_values("nothing open"))
    assert "Service" not in {each["kind"] for each in objects}
    assert not {"ports", "livenessProbe", "readinessProbe"} & _container(objects).keys()


def test_another_configuration_starts_another_pod(helm: Helm) -> None:
    def checksum(config: Mapping[str, Any]) -> str:
        template = _one(helm.objects({"config": config}), "Deployment")["spec"]["template"]
        return str(template["metadata"]["annotations"]["checksum/config"])

    config = {"targets": [TARGET]}
    assert checksum(config) == checksum(config)
    assert checksum(config) != checksum({**config, "schedule": {"interval": "1m"}})


def test_prometheus_is_told_where_metrics_are(helm: Helm) -> None:
    values = {"serviceMonitor": {"enabled": True, "labels": {"release": "prometheus"}}}
    monitor = _one(helm.objects({**MINIMAL, **values}), "ServiceMonitor")
    assert monitor["metadata"]["labels"]["release"] == "prometheus"
    (endpoint,) = monitor["spec"]["endpoints"]
    assert (endpoint["port"], endpoint["path"]) == ("http", "/metrics")
    service = _one(helm.objects(), "Service")
    wanted = monitor["spec"]["selector"]["matchLabels"].items()
    assert wanted <= service["metadata"]["labels"].items()
    assert "http" in {each["name"] for each in service["spec"]["ports"]}


def test_it_is_installed_upgraded_and_leaves_its_volume(helm: Helm) -> None:
    place = ("plumbline", "--namespace", "plumbline")
    done = helm.run("install", *place, str(CHART), values=_values("rights"))
    assert done.returncode == 0, done.stderr
    try:
        assert "plumbline doctor" in done.stdout
        done = helm.run("upgrade", *place, str(CHART), values=_values("secrets"))
        assert done.returncode == 0, done.stderr
        roles = helm.plane.kubectl("get", "clusterroles", "-o", "name").stdout.split()
        assert "clusterrole.rbac.authorization.k8s.io/plumbline-plumbline" not in roles
    finally:
        done = helm.run("uninstall", *place, values=None)
    assert done.returncode == 0, done.stderr
    left = helm.plane.kubectl("get", "pvc,deploy,sa,role", "-n", "plumbline", "-o", "name")
    assert "persistentvolumeclaim/plumbline" in left.stdout.split()
    assert "deployment.apps/plumbline" not in left.stdout.split()
    # Nobody is there who would let go of it.
    claim = ("pvc", "plumbline", "-n", "plumbline")
    helm.plane.kubectl("patch", *claim, "--type=merge", "-p", '{"metadata":{"finalizers":null}}')
    helm.plane.kubectl("delete", *claim)


def test_its_version_is_the_program_s() -> None:
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["appVersion"] == chart["version"] == __version__

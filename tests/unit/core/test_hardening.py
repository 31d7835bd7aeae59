"""The immutability audit: each rule on what breaks it and on what doesn't, whatever is declared."""

from copy import deepcopy
from datetime import date
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.builtin import hardening_rules
from reconciler.core.desired import SourceLocation
from reconciler.core.drift import Severity
from reconciler.core.hardening.auditing import Subject, audit
from reconciler.core.hardening.findings import Audit
from reconciler.core.hardening.pods import pod_of
from reconciler.core.ignore import IgnoreRule
from reconciler.core.path import format_path
from reconciler.core.redact import MASK
from reconciler.core.resource import JsonObject, ResourceKey
from reconciler.core.sealing import Seal

RULES = hardening_rules()
DIGEST = "registry.example/web@sha256:" + "a" * 64
CONTAINER: JsonObject = {
    "name": "web",
    "image": DIGEST,
    "resources": {
        "limits": {"cpu": "1", "memory": "1Gi", "ephemeral-storage": "1Gi"},
        "requests": {"cpu": "1", "memory": "1Gi"},
    },
    "securityContext": {
        "allowPrivilegeEscalation": False,
        "capabilities": {"drop": ["ALL"]},
        "readOnlyRootFilesystem": True,
        "runAsNonRoot": True,
        "seccompProfile": {"type": "RuntimeDefault"},
    },
}
POD: JsonObject = {
    "serviceAccountName": "web",
    "automountServiceAccountToken": False,
    "containers": [CONTAINER],
}
KEY = ResourceKey("apps", "Deployment", "shop", "web")


def deployment(pod: JsonObject, **metadata: Any) -> JsonObject:
    return {"metadata": metadata, "spec": {"template": {"spec": pod}}}


def audited(*subjects: Subject, ignored: tuple[IgnoreRule, ...] = ()) -> Audit:
    return audit("shop", "1", subjects, RULES, ignored)


def found(pod: JsonObject, *others: Subject) -> dict[str, str]:
    """Gives the details by rule."""
    subject = Subject(KEY, deployment(pod), SourceLocation("web.yaml", 3))
    return {each.rule.id: each.detail for each in audited(subject, *others).findings}


def with_container(change: JsonObject, **pod: Any) -> JsonObject:
    container = deepcopy(CONTAINER)
    security = {**container["securityContext"], **change.pop("securityContext", {})}
    container |= {**change, "securityContext": {k: v for k, v in security.items() if v != "gone"}}
    return {**POD, "containers": [container], **pod}


def test_what_is_as_it_should_be_has_no_finding() -> None:
    assert found(POD) == {}


@pytest.mark.parametrize(
    ("change", "rule", "detail"),
    [
        ({"privileged": True}, "privileged", "true"),
        ({"allowPrivilegeEscalation": "gone"}, "privilege-escalation", "not set"),
        ({"allowPrivilegeEscalation": True}, "privilege-escalation", "true"),
        ({"readOnlyRootFilesystem": False}, "root-filesystem-writable", "false"),
        ({"readOnlyRootFilesystem": "gone"}, "root-filesystem-writable", "not set"),
        ({"runAsNonRoot": "gone"}, "run-as-root", "not set"),
        ({"runAsNonRoot": False}, "run-as-root", "false"),
        ({"runAsUser": 0}, "run-as-root", "runAsUser is 0"),
        ({"runAsUser": 101}, "low-user-id", "runAsUser is 101"),
        ({"runAsGroup": 0}, "low-user-id", "runAsGroup is 0"),
        ({"capabilities": {"drop": ["CAP_NET_RAW"]}}, "capabilities-kept", "drops NET_RAW"),
        ({"capabilities": "gone"}, "capabilities-kept", "not set"),
        (
            {"capabilities": {"drop": ["ALL"], "add": ["SYS_ADMIN"]}},
            "capabilities-added",
            "SYS_ADMIN",
        ),
        ({"seccompProfile": "gone"}, "seccomp", "not set"),
        ({"seccompProfile": {"type": "Unconfined"}}, "seccomp", "Unconfined"),
        ({"appArmorProfile": {"type": "Unconfined"}}, "apparmor", "Unconfined"),
        ({"procMount": "Unmasked"}, "proc-mount", "Unmasked"),
        ({"windowsOptions": {"hostProcess": True}}, "host-process", "true"),
    ],
)
def test_a_security_context_that_breaks_a_rule(change: Any, rule: str, detail: str) -> None:
    assert found(with_container({"securityContext": change})) == {rule: detail}


@pytest.mark.parametrize(
    "change",
    [
        {"runAsNonRoot": "gone", "runAsUser": 10000, "runAsGroup": 65532},
        {"capabilities": {"drop": ["all"], "add": ["NET_BIND_SERVICE"]}},
        {"seccompProfile": {"type": "Localhost"}},
    ],
)
def test_a_security_context_that_is_as_good(change: Any) -> None:
    assert found(with_container({"securityContext": change})) == {}


def test_the_pod_s_own_context_counts_where_the_container_says_nothing() -> None:
    gone = {"runAsNonRoot": "gone", "seccompProfile": "gone"}
    context = {"runAsNonRoot": True, "seccompProfile": {"type": "RuntimeDefault"}}
    assert found(with_container({"securityContext": gone}, securityContext=context)) == {}
    root = {**context, "runAsNonRoot": False}
    assert found(with_container({}, securityContext=root)) == {}


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"image": "web"}, {"image-mutable": "web"}),
        ({"image": "a.example:50/web:latest"}, {"image-mutable": "a.example:50/web:latest"}),
        ({"image": "registry.example:5000/web"}, {"image-mutable": "registry.example:5000/web"}),
        ({"image": "web:1", "imagePullPolicy": "Always"}, {"image-no-digest": "web:1"}),
        (
            {"image": "web:1"},
            {"image-no-digest": "web:1", "image-pull-policy": "not set, so IfNotPresent"},
        ),
        (
            {"image": "web:latest", "imagePullPolicy": "Never"},
            {"image-mutable": "web:latest", "image-pull-policy": "Never"},
        ),
        ({"resources": {}}, dict.fromkeys(
            ("limit-cpu", "limit-memory", "limit-storage", "request-cpu", "request-memory"),
            "not set")),
        ({"resources": {"limits": {"cpu": 1, "memory": 1, "ephemeral-storage": 1}}}, {}),
        ({"ports": [{"containerPort": 80}, {"hostPort": 80}]}, {"host-port": "80"}),
    ],
)  # fmt: skip
def test_what_a_container_is_made_of(change: JsonObject, expected: dict[str, str]) -> None:
    assert found(with_container(change)) == expected


@pytest.mark.parametrize(
    "name", ["DB_PASSWORD", "apiKey", "GITHUB_TOKEN", "CLIENT_SECRET_KEY", "mysecret"]
)
def test_a_secret_in_the_manifest_is_found_and_its_value_never_told(name: str) -> None:
    value = "hunter2-s3cret"
    result = audited(
        Subject(KEY, deployment(with_container({"env": [{"name": name, "value": value}]})))
    )
    (finding,) = result.findings
    assert (finding.rule.id, finding.detail) == ("secret-literal", name)
    assert value not in repr(result)


@pytest.mark.parametrize(
    "variable",
    [
        {"name": "TOKENIZER", "value": "fast"},
        {"name": "PASSWORD_FILE", "value": "/run/secrets/x"},
        {"name": "SECRET_NAME", "value": "x"},
        {"name": "PASSWORD", "value": ""},
        {"name": "PASSWORD", "value": "$(OTHER)"},
        {"name": "PASSWORD"},
    ],
)
def test_what_only_speaks_of_a_secret_is_none(variable: JsonObject) -> None:
    assert found(with_container({"env": [variable]})) == {}


def test_secrets_by_reference_are_told_too() -> None:
    reference = {"name": "A", "valueFrom": {"secretKeyRef": {"name": "s", "key": "k"}}}
    assert found(with_container({"env": [reference]})) == {"secret-in-env": "A"}
    sources = [{"configMapRef": {"name": "c"}}, {"secretRef": {"name": "s"}}]
    assert found(with_container({"envFrom": sources})) == {"secret-in-env": "all of Secret s"}


@pytest.mark.parametrize(
    ("field", "rule"),
    [
        ("hostPID", "host-pid"),
        ("hostIPC", "host-ipc"),
        ("hostNetwork", "host-network"),
        ("shareProcessNamespace", "shared-processes"),
    ],
)
def test_what_of_its_node_a_pod_shares(field: str, rule: str) -> None:
    assert found({**POD, field: True}) == {rule: "true"}
    assert found({**POD, field: False}) == {}


def test_only_unsafe_settings_of_the_kernel_are_told() -> None:
    sysctls = [{"name": "net/ipv4/tcp_syncookies"}, {"name": "kernel.msgmax"}]
    assert found({**POD, "securityContext": {"sysctls": sysctls}}) == {"sysctls": "kernel.msgmax"}


@pytest.mark.parametrize(
    ("folder", "rule"),
    [
        ("/", "host-path-sensitive"),
        ("/etc/kubernetes", "host-path-sensitive"),
        ("//etc/./", "host-path-sensitive"),
        ("/srv/../etc", "host-path-sensitive"),
        ("/var/lib", "host-path-sensitive"),
        ("/opt/docker.sock", "host-path-sensitive"),
        ("/etcetera", "host-path"),
        ("/srv/data", "host-path"),
    ],
)
def test_folders_of_the_node(folder: str, rule: str) -> None:
    volumes = [{"name": "v", "hostPath": {"path": folder}}, {"name": "e", "emptyDir": {}}]
    mounts = [{"name": "v", "readOnly": True}, {"name": "e"}]
    assert found(with_container({"volumeMounts": mounts}, volumes=volumes)) == {rule: folder}
    mounts[0] = {"name": "v"}
    writable = found(with_container({"volumeMounts": mounts}, volumes=volumes))
    assert writable == {rule: folder, "host-path-writable": folder}


def test_tokens_and_accounts() -> None:
    bare = {"containers": [CONTAINER]}
    assert found(bare) == {"default-account": "not set", "token-mounted": "not set"}
    named = {**bare, "serviceAccountName": "default", "automountServiceAccountToken": True}
    assert found(named) == {"default-account": "default", "token-mounted": "true"}
    account = ResourceKey("", "ServiceAccount", "shop", "web")
    of_account = {**bare, "serviceAccount": "web"}
    assert found(of_account) == {"token-mounted": "not set"}
    closed = Subject(account, {"automountServiceAccountToken": False})
    assert found(of_account, closed) == {}
    elsewhere = Subject(account._replace(namespace="far"), closed.body)
    assert found(of_account, elsewhere) == {"token-mounted": "not set"}


def test_on_windows_what_is_linux_s_is_not_asked_for() -> None:
    windows = with_container({"securityContext": {"runAsNonRoot": "gone"}}, os={"name": "windows"})
    assert found(windows) == {}


def test_an_older_annotation_that_switches_apparmor_off() -> None:
    notes = {"container.apparmor.security.beta.kubernetes.io/web": "unconfined"}
    body = {"spec": {"template": {"metadata": {"annotations": notes}, "spec": POD}}}
    (finding,) = audited(Subject(KEY, body)).findings
    assert finding.rule.id == "apparmor"


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"spec": POD}, "spec.containers[name=web]"),
        ({"spec": {"template": {"spec": POD}}}, "spec.template.spec.containers[name=web]"),
        (
            {"spec": {"jobTemplate": {"spec": {"template": {"spec": POD}}}}},
            "spec.jobTemplate.spec.template.spec.containers[name=web]",
        ),
        ({"template": {"spec": POD}}, "template.spec.containers[name=web]"),
    ],
)
def test_pods_are_found_in_what_makes_them(body: JsonObject, path: str) -> None:
    pod = pod_of(body)
    assert pod is not None
    assert format_path(pod.containers[0].path) == path


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"spec": None},
        {"spec": {"containers": "x"}},
        {"spec": {"containers": [{"name": "x"}, 1]}},
    ],
)
def test_what_has_no_containers_is_no_pod(body: JsonObject) -> None:
    assert pod_of(body) is None


def test_all_containers_are_looked_at_and_a_debugger_has_no_limits_to_tell() -> None:
    debugger = {**deepcopy(CONTAINER), "name": "debug", "resources": {}}
    nameless = {k: v for k, v in CONTAINER.items() if k != "name"}
    spec = {**POD, "initContainers": [nameless], "ephemeralContainers": [debugger]}
    result = audited(Subject(KEY, {"spec": spec}))
    assert (result.workloads, result.containers, result.findings) == (1, 3, ())
    pod = pod_of({"spec": spec})
    assert pod is not None
    assert format_path(pod.containers[1].path) == "spec.initContainers[0]"


def test_what_a_controller_made_is_told_of_by_its_owner() -> None:
    owned = deployment(POD, ownerReferences=[{"controller": True}])
    assert audited(Subject(KEY, owned)).workloads == 0
    kept = deployment(POD, ownerReferences=[{"controller": False}])
    assert audited(Subject(KEY, kept)).workloads == 1


def test_findings_stand_by_object_the_worst_first_with_their_place() -> None:
    pod = with_container({"image": "web", "resources": {}}, hostNetwork=True)
    result = audited(Subject(KEY, deployment(pod), SourceLocation("web.yaml", 3)))
    severities = [each.rule.severity for each in result.findings]
    assert severities == sorted(severities, key=list(Severity).index)
    assert {str(each.source) for each in result.findings} == {"web.yaml:3"}
    image = next(each for each in result.findings if each.rule.id == "image-mutable")
    assert format_path(image.path) == "spec.template.spec.containers[name=web].image"
    assert image.container == "web"


@pytest.mark.parametrize(
    ("rule", "hidden"),
    [
        (IgnoreRule("r", "x", path="spec.template.spec.containers[*].image"), 1),
        (IgnoreRule("r", "x", path="spec.template"), 2),
        (IgnoreRule("r", "x", kind="Deployment", object_name="we*"), 2),
        (IgnoreRule("r", "x", kind="DaemonSet"), 0),
        (IgnoreRule("r", "x", path="spec.replicas"), 0),
        (IgnoreRule("r", "x", path="spec.template", managers=("kubectl",)), 0),
        (IgnoreRule("r", "x", path="spec.template", value="3"), 0),
        (IgnoreRule("r", "x", path="spec.template", until=date(2099, 1, 1)), 2),
    ],
)
def test_ignore_rules_explain_findings(rule: IgnoreRule, hidden: int) -> None:
    pod = with_container({"image": "web"}, hostNetwork=True)
    result = audited(Subject(KEY, deployment(pod)), ignored=(rule,))
    assert (result.ignored, len(result.findings)) == (hidden, 2 - hidden)


def test_every_rule_has_a_reason_a_fix_and_controls() -> None:
    assert len({rule.id for rule in RULES}) == len(RULES)
    for rule in RULES:
        assert rule.reason
        assert rule.fix
        assert rule.controls


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-1, 3) | st.sampled_from(["", "a", "ALL", "/etc"]),
    lambda inner: st.lists(inner, max_size=2)
    | st.dictionaries(
        st.sampled_from(
            ["name", "image", "securityContext", "capabilities", "add", "drop", "env", "envFrom",
             "volumes", "hostPath", "path", "volumeMounts", "resources", "limits", "ports", "value",
             "sysctls", "containers", "initContainers", "valueFrom", "secretKeyRef"]
        ),
        inner,
        max_size=4,
    ),
    max_leaves=15,
)  # fmt: skip


@given(st.dictionaries(st.sampled_from(["containers", "volumes", "securityContext"]), _JSON), _JSON)
def test_whatever_is_declared_is_judged(pod: dict[str, Any], container: Any) -> None:
    body = dict(container) if isinstance(container, dict) else {}
    spec = {**pod, "initContainers": [{**body, "image": "x"}]}
    result = audited(Subject(KEY, {"spec": spec}))
    assert result.workloads == 1
    assert result.findings


def test_of_what_came_encrypted_no_value_is_told() -> None:
    image = {"image": "registry.example/hidden"}
    seals = (
        Seal(
            ("spec", "template", "spec", "containers"),
        ),
    )
    subject = Subject(KEY, deployment(with_container(image)), seals=seals)
    (finding,) = audited(subject).findings
    assert (finding.rule.id, finding.detail) == ("image-mutable", MASK)

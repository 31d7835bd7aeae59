"""The guard as policies: what they cover, who may write, and the same for the same settings."""

from collections.abc import Sequence
from typing import Any

import pytest
import yaml

from reconciler.builtin import own_controllers
from reconciler.core.desired import DesiredState, Manifest, SourceLocation
from reconciler.core.guard import expressions as cel
from reconciler.core.guard.coverage import Guarded, GuardedTarget, guarded_target
from reconciler.core.guard.objects import GuardObject, with_mode
from reconciler.core.guard.policies import guard_objects, label_of
from reconciler.core.guard.rules import Mode, Rules
from reconciler.core.guard.subjects import Sender, Subject, parse_subject, resource_of
from reconciler.core.resource import JsonObject
from reconciler.render.guard import guard_manifests
from tests.unit.core.build import CATALOG, key_of, made

SPACE = frozenset({"shop"})
DEPLOYERS = {"shop": (Subject("deployers", is_group=True), Subject("bot"))}


def rules(mode: Mode = Mode.DENY, **fields: Any) -> Rules:
    chosen = {"allowed": (), "deployers": DEPLOYERS, "controllers": own_controllers(), **fields}
    return Rules(mode=mode, **chosen)


def desired(*bodies: JsonObject) -> DesiredState:
    return DesiredState(
        "1",
        {
            key_of(body): Manifest(body, SourceLocation("a.yaml", n))
            for n, body in enumerate(bodies)
        },
    )


def target(
    *bodies: JsonObject, name: str = "shop", scope: frozenset[str] = SPACE, whole: bool = True
) -> GuardedTarget:
    state = desired(*bodies)
    return guarded_target(name, "git.example/shop", state, CATALOG, scope, whole_kinds=whole)


def policies(objects: Sequence[GuardObject]) -> dict[str, JsonObject]:
    return {
        each.body["metadata"]["name"]: each.body["spec"] for each in objects if each.mode is None
    }


def bindings(objects: Sequence[GuardObject]) -> dict[str, JsonObject]:
    return {
        each.body["metadata"]["name"]: each.body["spec"]
        for each in objects
        if each.mode is not None
    }


def variable(spec: JsonObject, name: str) -> str:
    return next((v["expression"] for v in spec["variables"] if v["name"] == name), "")


@pytest.mark.parametrize(
    ("text", "name", "is_group"),
    [
        ("jane@example.org", "jane@example.org", False),
        ("https://issuer.example#jane", "https://issuer.example#jane", False),
        ("group:ops", "ops", True),
        ("group:system:nodes", "system:nodes", True),
        ("account:flux/one", "system:serviceaccount:flux:one", False),
    ],
)
def test_identities_are_read(text: str, name: str, is_group: bool) -> None:
    assert parse_subject(text) == Subject(name, is_group)


@pytest.mark.parametrize(
    "text", ["", " ", "group:", "account:flux", "account:/one", "account:a/b/c"]
)
def test_what_is_no_identity_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_subject(text)


def test_a_subject_is_shown_as_it_is_written_and_knows_its_groups() -> None:
    assert str(Subject("ops", is_group=True)) == "group:ops"
    assert str(Subject("jane")) == "jane"
    assert Subject("ops", is_group=True).groups == ("ops", "system:authenticated")
    assert Subject("jane").groups == ("system:authenticated",)
    account = parse_subject("account:flux/one")
    assert "system:serviceaccounts:flux" in account.groups
    assert Sender.of(Subject("ops", is_group=True), "somebody").user == "somebody"
    assert Sender.of(account, "somebody").user == account.name


def test_whole_kinds_in_scope_and_single_objects_elsewhere() -> None:
    made_up = {"apiVersion": "example.org/v1", "kind": "Thing", "metadata": {"name": "x"}}
    generated = made("ConfigMap", "a-*", metadata={"namespace": "far"})
    del generated["metadata"]["name"]
    generated["metadata"]["generateName"] = "a-"
    bodies = [
        made("ConfigMap", "one"),
        made("Deployment", "web"),
        made("Namespace", "shop"),
        made("ConfigMap", "two", metadata={"namespace": "far"}),
        made_up,
    ]
    state = desired(*bodies)
    with_generated = {
        **state.resources,
        key_of(bodies[0])._replace(namespace="far", name="a-*"): Manifest(
            generated, SourceLocation("b.yaml")
        ),
    }
    found = guarded_target(
        "shop", "x", DesiredState("1", with_generated), CATALOG, SPACE, whole_kinds=True
    )
    by_suffix = {part.suffix: part for part in found.parts}
    assert by_suffix[""].namespaces == ("shop",)
    assert by_suffix[""].guarded == (Guarded("", "configmaps"), Guarded("apps", "deployments"))
    assert by_suffix["in-far"].guarded == (Guarded("", "configmaps", ("two",)),)
    assert by_suffix["cluster"].namespaces == ()
    assert by_suffix["cluster"].guarded == (Guarded("", "namespaces", ("shop",)),)
    assert len(found.notes) == 2
    assert any("doesn't serve example.org/v1" in note for note in found.notes)
    assert any("the server chooses its name" in note for note in found.notes)


def test_objects_alone_where_that_is_asked_for_and_where_nothing_is_in_scope() -> None:
    for found in (
        target(made("ConfigMap", "one"), whole=False),
        target(made("ConfigMap", "one"), scope=frozenset()),
    ):
        (part,) = found.parts
        assert part.suffix == "in-shop"
        assert part.guarded == (Guarded("", "configmaps", ("one",)),)


def test_what_says_the_same_as_a_declaration_is_guarded_with_it() -> None:
    assert Guarded("apps", "deployments").words == ("apps/deployments", "apps/deployments/scale")
    assert Guarded("", "pods").resources == ("pods", "pods/resize")
    assert Guarded("example.org", "things").resources == ("things", "things/scale")
    assert Guarded("rbac.authorization.k8s.io", "roles").resources == ("roles",)
    assert resource_of("", "pods") == "pods"


def test_policies_have_names_labels_and_the_mode() -> None:
    objects = guard_objects(rules(), [target(made("ConfigMap", "one"), made("Namespace", "shop"))])
    assert list(policies(objects)) == ["plumbline-shop", "plumbline-shop.cluster"]
    assert [each.key.kind for each in objects][:2] == [
        "ValidatingAdmissionPolicy",
        "ValidatingAdmissionPolicyBinding",
    ]
    for each in objects:
        assert each.body["metadata"]["labels"]["plumbline.dev/guard"] == "t-shop"
    assert policies(objects)["plumbline-shop"]["failurePolicy"] == "Fail"
    binding = bindings(objects)["plumbline-shop"]
    assert binding["validationActions"] == ["Deny", "Audit"]
    (chosen,) = binding["matchResources"]["namespaceSelector"]["matchExpressions"]
    assert chosen["values"] == ["shop"]
    assert bindings(objects)["plumbline-shop.cluster"]["matchResources"]["namespaceSelector"] == {}


@pytest.mark.parametrize(
    ("mode", "actions"), [(Mode.WARN, ["Warn", "Audit"]), (Mode.AUDIT, ["Audit"])]
)
def test_what_only_records_never_stands_in_the_way(mode: Mode, actions: list[str]) -> None:
    one = [target(made("ConfigMap", "one"))]
    objects = guard_objects(rules(mode), one)
    assert policies(objects)["plumbline-shop"]["failurePolicy"] == "Ignore"
    assert bindings(objects)["plumbline-shop"]["validationActions"] == actions
    strict = guard_objects(rules(), one)
    assert [with_mode(each, mode).body for each in strict] == [each.body for each in objects]
    assert [with_mode(each, mode).mode for each in strict] == [each.mode for each in objects]


def test_single_objects_are_told_by_name_even_in_a_collection_that_is_deleted() -> None:
    objects = guard_objects(rules(), [target(made("Namespace", "shop"))])
    _, condition = policies(objects)["plumbline-shop.cluster"]["matchConditions"]
    assert '== "namespaces"' in condition["expression"]
    assert 'in ["shop"]' in condition["expression"]
    assert "oldObject.metadata.name" in condition["expression"]
    whole = guard_objects(rules(), [target(made("ConfigMap", "one"))])
    (writes,) = policies(whole)["plumbline-shop"]["matchConditions"]
    assert "dryRun" in writes["expression"]


def test_a_refusal_names_source_file_and_whom_to_ask() -> None:
    asked = rules(ask=' Ask "us". ', group="fire", seconds=60)
    objects = guard_objects(asked, [target(made("ConfigMap", "one"))])
    spec = policies(objects)["plumbline-shop"]
    message = spec["validations"][0]["messageExpression"]
    assert "target shop is declared in git.example/shop" in message
    assert 'Ask \\"us\\".' in message
    assert "members of fire annotate" in message
    assert '"configmaps one": "a.yaml"' in variable(spec, "file")
    silent = policies(guard_objects(rules(), [target(made("ConfigMap", "one"))]))["plumbline-shop"]
    assert "annotate" not in silent["validations"][0]["messageExpression"]


def test_of_very_many_objects_no_files_are_named() -> None:
    many = [made("ConfigMap", f"c{n}") for n in range(401)]
    spec = policies(guard_objects(rules(), [target(*many)]))["plumbline-shop"]
    assert variable(spec, "file") == "''"


def test_break_glass_is_there_only_with_a_group() -> None:
    one = [target(made("ConfigMap", "one"))]
    without = policies(guard_objects(rules(), one))["plumbline-shop"]
    assert variable(without, "breaksGlass") == "false"
    assert variable(without, "notes") == ""
    assert "auditAnnotations" not in without
    within = policies(guard_objects(rules(group="fire", seconds=7200), one))["plumbline-shop"]
    assert 'g in ["fire"]' in variable(within, "breaksGlass")
    assert "duration('7200s')" in variable(within, "breaksGlass")
    assert within["auditAnnotations"][0]["key"] == "break-glass"


def test_only_controllers_that_must_write_a_kind_may() -> None:
    spec = policies(guard_objects(rules(), [target(made("Deployment", "web"))]))["plumbline-shop"]
    known = variable(spec, "controller")
    assert 'variables.resource == "apps/deployments"' in known
    assert "deployment-controller" in known
    assert "horizontal-pod-autoscaler" in known
    assert "root-ca-cert-publisher" not in known
    assert "generic-garbage-collector" in variable(spec, "writer")
    none = rules(controllers=(), deployers={})
    empty = policies(guard_objects(none, [target(made("Deployment", "web"))]))["plumbline-shop"]
    assert variable(empty, "controller") == "false"
    assert variable(empty, "writer") == "false"


def test_the_same_is_judged_by_the_program() -> None:
    judged = rules(allowed=(Subject("ours"),))
    nobody = Sender("jane", frozenset({"people"}))
    hpa = Sender("system:serviceaccount:kube-system:horizontal-pod-autoscaler")
    node = Sender("system:node:n1", frozenset({"system:nodes"}))
    assert not judged.admits("shop", nobody, "pods")
    assert judged.admits("shop", Sender("ours"), "pods")
    assert judged.admits("shop", Sender("joe", frozenset({"deployers"})), "pods")
    assert not judged.admits("other", Sender("joe", frozenset({"deployers"})), "pods")
    assert judged.admits("shop", hpa, "apps/deployments/scale")
    assert not judged.admits("shop", hpa, "apps/deployments")
    assert judged.admits("shop", node, "pods")
    assert not judged.admits("shop", node, "configmaps")


def test_sessions_have_one_policy_and_a_binding_a_mode() -> None:
    spaces = {"shop": Mode.AUDIT, "prod": Mode.DENY, "pay": Mode.DENY}
    objects = guard_objects(rules(sessions=spaces, group="fire", ask="Ask."), [])
    assert list(policies(objects)) == ["plumbline.sessions"]
    spec = policies(objects)["plumbline.sessions"]
    assert spec["failurePolicy"] == "Fail"
    kinds = [
        kind for rule in spec["matchConstraints"]["resourceRules"] for kind in rule["resources"]
    ]
    assert kinds == ["pods/exec", "pods/attach", "pods/portforward", "pods/ephemeralcontainers"]
    chosen = {
        name: each["matchResources"]["namespaceSelector"]["matchExpressions"][0]["values"]
        for name, each in bindings(objects).items()
    }
    assert chosen == {
        "plumbline.sessions.audit": ["shop"],
        "plumbline.sessions.deny": ["pay", "prod"],
    }
    mild = guard_objects(rules(sessions={"shop": Mode.WARN}), [])
    assert policies(mild)["plumbline.sessions"]["failurePolicy"] == "Ignore"
    assert guard_objects(rules(), []) == ()


def test_labels_are_valid_and_no_two_targets_share_one() -> None:
    names = ["shop", "Shop", "shop.x", "shop-x", "-", "a" * 100, "sessions", "trial", "é"]
    labels = [label_of(name) for name in names]
    assert len(set(labels)) == len(names)
    for label in labels:
        assert len(label) <= 63
        assert label[-1].isalnum()
        assert "sessions" != label != "trial"


def test_a_hostile_name_stays_a_string() -> None:
    assert cel.quoted('a" || true || "') == '"a\\" || true || \\""'
    body = made("ConfigMap", 'x"]: true}')
    spec = policies(guard_objects(rules(), [target(body)]))["plumbline-shop"]
    assert '"configmaps x\\"]: true}"' in variable(spec, "file")


def test_rendered_yaml_reads_back_as_it_was() -> None:
    objects = guard_objects(rules(group="fire", seconds=60), [target(made("ConfigMap", "one"))])
    text = guard_manifests(["Written by a test:\nevil: yes"], objects)
    assert list(yaml.safe_load_all(text)) == [each.body for each in objects]
    assert text == guard_manifests(["Written by a test:\nevil: yes"], objects)

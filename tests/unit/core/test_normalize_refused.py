"""Declarations that have not their kind's shape: the server refuses them.

What is declared stays as it is, and so shows as a difference; the comparison of all the others
goes on.
"""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.normalize import expect
from reconciler.core.resource import JsonObject
from tests.unit.core.normalizing import BUILTIN, CONTAINER, ask, declared, live_of


def made_in(body: JsonObject, *path: Any) -> Any:
    made: Any = ask(body, live_of(declared(body["apiVersion"], body["kind"]))).body
    for step in path:
        made = made[step]
    return made


@pytest.mark.parametrize(
    ("api_version", "kind", "fields"),
    [
        ("v1", "ConfigMap", {"data": "text"}),
        ("v1", "ConfigMap", {"binaryData": {"a": "é"}}),
        ("v1", "ConfigMap", {"binaryData": {"a": 5}}),
        ("v1", "ConfigMap", {"binaryData": {"a": "not base64!"}}),
        ("v1", "Service", {"spec": "text"}),
        ("v1", "LimitRange", {"spec": {"limits": ["text"]}}),
        ("v1", "Pod", {"spec": ["text"]}),
        ("batch/v1", "Job", {"spec": "text"}),
        ("apps/v1", "Deployment", {"spec": 5}),
        ("v1", "ServiceAccount", {"secrets": "text"}),
        ("v1", "ServiceAccount", {"secrets": ["text"]}),
        ("autoscaling/v1", "HorizontalPodAutoscaler", {"spec": ["text"]}),
    ],
)
def test_what_has_another_shape_stays(api_version: str, kind: str, fields: JsonObject) -> None:
    made = made_in(declared(api_version, kind, **fields))
    assert {name: made[name] for name in fields} == fields


def test_the_parts_that_have_their_shape_are_still_converted() -> None:
    containers = [{**CONTAINER, "image": ["text"]}, {"name": "d", "image": "web"}]
    template = {"metadata": {"labels": "text"}, "spec": {"containers": containers}}
    body = declared("apps/v1", "Deployment", spec={"template": template})
    spec = made_in(body, "spec")
    assert spec["template"]["metadata"] == {"labels": "text"}
    first, second = spec["template"]["spec"]["containers"]
    assert first["image"] == ["text"]
    assert second["imagePullPolicy"] == "Always"
    assert spec["replicas"] == 1


def test_an_affinity_that_doesnt_exist_is_left_alone() -> None:
    spec = {"sessionAffinity": "Sometimes", "sessionAffinityConfig": {"clientIP": {}}}
    made = made_in(declared("v1", "Service", spec=spec), "spec")
    assert {name: made[name] for name in spec} == spec


def test_a_controller_whose_template_has_no_labels_gets_none() -> None:
    made = made_in(declared("v1", "ReplicationController", spec={"replicas": 2}))
    assert made["spec"] == {"replicas": 2}
    assert "labels" not in made["metadata"]


def test_texts_that_are_none_stay_beside_those_that_are() -> None:
    body = declared("v1", "Secret", stringData={"a": "b", "c": 5})
    assert made_in(body, "data") == {"a": "Yg==", "c": 5}


def test_a_list_of_schemas_is_read_one_by_one() -> None:
    """JSONSchemaPropsOrArray can be read, but such a schema isn't structural."""
    items = [{"type": "string", "title": "", "unknown": 1}, True]
    schema = {"type": "array", "items": items}
    versions = [{"name": "v1", "schema": {"openAPIV3Schema": schema}}]
    body = declared(
        "apiextensions.k8s.io/v1", "CustomResourceDefinition", spec={"versions": versions}
    )
    made = made_in(body, "spec", "versions", 0, "schema", "openAPIV3Schema")
    assert made == {"type": "array", "items": [{"type": "string"}, True]}


values = st.recursive(
    st.sampled_from([None, "text", "", 0, 5, 1.5, True, "é"]),
    lambda inner: (
        st.lists(inner, max_size=2)
        | st.dictionaries(
            st.sampled_from(["spec", "template", "metadata", "labels", "containers", "name", "a"]),
            inner,
            max_size=3,
        )
    ),
    max_leaves=6,
)


@given(st.sampled_from(BUILTIN.kinds()), st.data())
def test_no_declaration_ends_the_comparison(key: tuple[str, str], data: st.DataObject) -> None:
    node = BUILTIN.node(*key)
    assert node is not None and node.struct is not None
    names = [name for name in node.struct.fields if name not in ("apiVersion", "kind", "metadata")]
    fields: JsonObject = {}
    if names:
        fields = data.draw(st.dictionaries(st.sampled_from(names), values))
    there: JsonObject = {name: {} for name in names}
    made = expect(declared(*key, **fields), live_of(declared(*key, **there)), node).body
    assert (made["apiVersion"], made["kind"]) == key

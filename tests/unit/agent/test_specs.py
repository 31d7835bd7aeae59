import pytest

from reconciler.agent.specs import pod_specs

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
    assert spec.commands == {("cat", "/ok"), ("sleep", "5")}
    assert spec.digests == {"c1": "sha256:aa"}
    assert spec.labels == {"app": "web"}


@pytest.mark.parametrize("document", [None, [], {"kind": "Service"}, {}])
def test_what_is_no_list_of_pods(document: object) -> None:
    with pytest.raises(ValueError, match="no list of pods"):
        pod_specs(document)

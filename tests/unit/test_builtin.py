"""What ships as data about pods: what others may write into them without it being an edit."""

import pytest

from reconciler.builtin import builtin_rules
from reconciler.core.drift import Change, ChangeType
from reconciler.core.ownership import FieldManager
from reconciler.core.path import Item, Path
from reconciler.core.resource import ResourceKey

_WEB: Path = ("spec", "containers", Item((("name", "web"),)))
POD = ResourceKey("", "Pod", "shop", "web-1")


@pytest.mark.parametrize(
    ("path", "manager", "name"),
    [
        (("metadata", "annotations", "cni.projectcalico.org/podIP"), "calico", "cni-annotations"),
        (
            ("metadata", "annotations", "k8s.v1.cni.cncf.io/network-status"),
            "multus",
            "multus-annotations",
        ),
        (("metadata", "annotations", "k8s.ovn.org/pod-networks"), "ovnkube", "ovn-annotations"),
        (
            ("metadata", "annotations", "vpc.amazonaws.com/pod-eni"),
            "vpc-resource-controller",
            "vpc-annotations",
        ),
        (
            ("metadata", "annotations", "controller.kubernetes.io/pod-deletion-cost"),
            "kubectl",
            "pod-deletion-cost",
        ),
        ((*_WEB, "resources", "limits", "cpu"), "updater", "resized"),
        (("metadata", "labels", "role"), "Patroni", "patroni-role"),
        (("metadata", "labels", "role"), "kubectl-label", None),
        ((*_WEB, "resources", "limits", "cpu"), "kubectl", None),
        ((*_WEB, "image"), "updater", None),
    ],
)
def test_what_programs_write_into_pods_is_explained(
    path: Path, manager: str, name: str | None
) -> None:
    by = FieldManager("2026-11-24T12:00:00Z", manager, "Update")
    change = Change(path, ChangeType.CHANGED, "a", "b", by)
    rules = [r for r in builtin_rules() if r.matches_object(POD) and r.matches(change)]
    assert next((rule.name for rule in rules), None) == name
    assert all(rule.reason for rule in rules)

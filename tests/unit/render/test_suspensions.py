"""What is suspended, as people and programs read it."""

from datetime import UTC, datetime

from reconciler.core.resource import ResourceKey
from reconciler.core.suspension import Suspension
from reconciler.render.suspensions import suspensions_document, suspensions_text
from reconciler.render.terminal import Style

PLAIN = Style(colour=False, width=80)
KEY = ResourceKey("apps", "Deployment", "shop", "web")
ROLE = ResourceKey("rbac.authorization.k8s.io", "ClusterRole", "", "web")
END = datetime(2026, 12, 1, 8, tzinfo=UTC)
FOUND = [
    ("shop", Suspension(by="jane@bastion", reason="a fair\x1b[31m")),
    ("shop", Suspension(KEY, END, "john", "load test")),
    ("stage", Suspension(ROLE)),
]


def test_each_is_told_with_its_end_who_and_why() -> None:
    assert suspensions_text(FOUND, PLAIN) == (
        "target shop                       until it is resumed  by jane@bastion\n"
        "  a fair\\x1b[31m\n"
        "Deployment shop/web of shop       until 2026-12-01T08:00:00Z  by john\n"
        "  load test\n"
        "ClusterRole web of stage          until it is resumed\n"
    )


def test_none_is_told_too() -> None:
    assert suspensions_text([], PLAIN) == "nothing is suspended by command\n"
    document = suspensions_document([])
    assert document == {"schema": "plumbline.dev/suspensions/v1", "suspensions": []}


def test_as_data() -> None:
    whole, web, role = suspensions_document(FOUND)["suspensions"]
    assert (whole["target"], whole["resource"], whole["until"]) == ("shop", None, None)
    assert web == {
        "target": "shop",
        "resource": {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"},
        "until": "2026-12-01T08:00:00Z",
        "by": "john",
        "reason": "load test",
    }
    assert (role["resource"]["namespace"], role["by"], role["reason"]) == (None, None, None)

"""Ignore rules as settings say them."""

from datetime import date

from reconciler.ignoring import ignore_rules
from reconciler.settings import IgnoreSettings


def test_rules_are_named_by_their_place_and_say_all_that_settings_say() -> None:
    last = date(2030, 12, 31)
    scaled = IgnoreSettings("scaled", path="spec.replicas", kind="Deployment", until=last)
    noted = IgnoreSettings("notes", name="web-*", namespace="shop", manager="annotator", value="x")
    first, second = ignore_rules([scaled, noted])
    assert (first.name, second.name) == ("ignore[1]", "ignore[2]")
    assert (first.reason, first.path, first.kind) == ("scaled", "spec.replicas", "Deployment")
    assert (first.until, first.managers) == (last, ())
    assert (second.namespace, second.object_name) == ("shop", "web-*")
    assert (second.managers, second.value) == (("annotator",), "x")

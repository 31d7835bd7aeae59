"""Fixes as data: whether an object has them, and where they are proposed."""

from dataclasses import replace

from reconciler.core.fixes import Purpose, with_fixes
from tests.unit.render.fixing import DROP, TOKEN


def test_an_object_has_a_fix_once_it_is_declared() -> None:
    body = {"spec": {"template": {"spec": {"containers": [{"name": "app"}]}}}}
    fixed = with_fixes(body, [DROP, TOKEN])
    assert not DROP.is_in(body)
    assert DROP.is_in(fixed)
    assert TOKEN.is_in(fixed)
    # In JSON 0 is not false.
    assert not replace(TOKEN, value=0).is_in(fixed)


def test_each_purpose_has_a_branch() -> None:
    assert [each.branch("shop") for each in Purpose] == [
        "plumbline/images/shop",
        "plumbline/harden/shop",
    ]

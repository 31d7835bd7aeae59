import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.path import (
    Item,
    Path,
    format_path,
    parse_pattern,
    path_matches,
    value_at,
    with_value,
)
from tests.unit.core.json_values import NAMES, OBJECTS, VALUES, places

WEB = Item((("name", "web"),))
PORT = Item((("containerPort", 80), ("protocol", "TCP")))
BODY = {
    "metadata": {"labels": {"app.kubernetes.io/name": "web"}},
    "spec": {"containers": [{"name": "db"}, {"name": "web", "args": ["a", "b"], "image": "x:1"}]},
}


@pytest.mark.parametrize(
    ("path", "text"),
    [
        (("spec", "replicas"), "spec.replicas"),
        (
            ("metadata", "labels", "app.kubernetes.io/name"),
            'metadata.labels["app.kubernetes.io/name"]',
        ),
        (("spec", "containers", WEB, "image"), "spec.containers[name=web].image"),
        (("ports", PORT), "ports[containerPort=80,protocol=TCP]"),
        (("args", 2), "args[2]"),
        (("data", 'a"b'), 'data["a\\"b"]'),
        (("data", ""), 'data[""]'),
        (("hosts", Item((("host", "a,b]"),))), 'hosts[host="a,b]"]'),
        (("flags", Item((("on", True),))), "flags[on=true]"),
        ((), ""),
    ],
)
def test_a_path_is_written_as_people_write_it(path: Path, text: str) -> None:
    assert format_path(path) == text


steps = st.one_of(
    NAMES,
    st.integers(0, 9),
    st.dictionaries(
        st.sampled_from(["name", "port", "key"]),
        st.text(max_size=6) | st.integers(0, 9) | st.booleans(),
        min_size=1,
    ).map(lambda keys: Item(tuple(keys.items()))),
)


@given(st.lists(steps, min_size=1, max_size=5).map(tuple))
def test_a_rule_can_name_a_path_as_the_report_shows_it(path: Path) -> None:
    assert path_matches(format_path(path), path)
    assert path_matches(format_path(path), (*path, "below"))


@pytest.mark.parametrize(
    ("pattern", "path", "matches"),
    [
        ("spec", ("spec", "replicas"), True),
        ("spec.replicas", ("spec",), False),
        (".spec.replicas", ("spec", "replicas"), True),
        ("spec.*", ("spec", "replicas"), True),
        ('metadata.annotations["x.io/*"]', ("metadata", "annotations", "x.io/a"), True),
        ('metadata.annotations["x.io/*"]', ("metadata", "annotations", "y.io/a"), False),
        ("spec.containers[*].image", ("spec", "containers", WEB, "image"), True),
        ("spec.containers[*].image", ("spec", "containers", 3, "image"), True),
        ("spec.containers[name=w*].image", ("spec", "containers", WEB, "image"), True),
        ("spec.containers[name=x*].image", ("spec", "containers", WEB, "image"), False),
        ("spec.containers[0]", ("spec", "containers", WEB), False),
        ("spec.containers[name=web]", ("spec", "containers", 0), False),
        ("spec.containers[name=web]", ("spec", "containers", "web"), False),
        ("ports[containerPort=80]", ("ports", PORT), True),
        ("ports[containerPort=80,protocol=UDP]", ("ports", PORT), False),
        ('hosts[host="web-[0-9]"]', ("hosts", Item((("host", "web-7"),))), True),
        ("args[1]", ("args", 1), True),
        ("args[1]", ("args", 11), False),
        ('data["a[0]"]', ("data", "a[0]"), True),
    ],
)
def test_a_pattern_matches_its_field_and_what_is_below(
    pattern: str, path: Path, *, matches: bool
) -> None:
    assert path_matches(pattern, path) is matches


@pytest.mark.parametrize(
    ("pattern", "complaint"),
    [
        ("spec..replicas", "a field's name is missing"),
        ("spec.", "a field's name is missing"),
        ('data["x', "never closed by"),
        ('data["x"', "never closed by"),
        ("args[1", "never closed by"),
        ('data["\\x"]', "isn't quoted as JSON is"),
    ],
)
def test_what_is_no_path_is_refused_with_its_place(pattern: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        parse_pattern(pattern)


@pytest.mark.parametrize(
    ("path", "value"),
    [
        (("spec", "containers", WEB, "image"), "x:1"),
        (("spec", "containers", 1, "args", 1), "b"),
        (("spec", "containers", 2), None),
        (("spec", "containers", Item((("name", "no"),)), "image"), None),
        (("spec", "containers", "web"), None),
        (("metadata", WEB), None),
        (("metadata", 0), None),
        ((), BODY),
    ],
)
def test_value_at(path: Path, value: object) -> None:
    assert value_at(BODY, path) == value


@pytest.mark.parametrize(
    ("body", "path", "value", "after"),
    [
        ({}, ("a", "b"), 1, {"a": {"b": 1}}),
        ({"a": 1}, ("a", "b"), 1, {"a": {"b": 1}}),
        ({"l": ["x"]}, ("l", 0), "y", {"l": ["y"]}),
        ({"l": ["x"]}, ("l", 9), "y", {"l": ["x", "y"]}),
        ({"l": ["x", "y"]}, ("l", 0), None, {"l": ["y"]}),
        ({"l": "text"}, ("l", 0), "y", {"l": ["y"]}),
        ({}, ("l", WEB, "image"), "x", {"l": [{"name": "web", "image": "x"}]}),
        ({"l": [{"name": "web"}]}, ("l", WEB), None, {"l": []}),
        ({"l": [{"name": "web", "a": 1}]}, ("l", WEB, "a"), None, {"l": [{"name": "web"}]}),
        ({"a": None}, ("a",), None, {}),
    ],
)
def test_a_value_is_set_or_taken_away(
    body: object, path: Path, value: object, after: object
) -> None:
    assert with_value(body, path, value) == after


@pytest.mark.parametrize("path", [("x", "y"), ("l", WEB), ("l", WEB, "image"), ("l", 7), ("a", 0)])
def test_taking_away_what_is_not_there_makes_nothing(path: Path) -> None:
    body = {"a": 1, "l": [{"name": "db"}]}
    assert with_value(body, path, None) == {"a": 1, "l": [{"name": "db"}]}


@given(OBJECTS, st.data())
def test_what_was_set_can_be_read_and_the_original_stays(body: object, data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(places(body)))
    value = data.draw(VALUES)
    before = repr(body)
    assert value_at(with_value(body, path, value), path) == value
    assert repr(body) == before

import ast

import pytest
from hypothesis import given, settings

from reconciler.render import values
from reconciler.render.terminal import is_safe
from reconciler.render.values import NO_NEWLINE, block, difference, inline, scalar, text_lines
from tests.unit.render.strategies import VALUE_TEXT, VALUES


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (None, "null"),
        (True, "true"),
        (80, "80"),
        (1.5, "1.5"),
        ("plain", "plain"),
        ("nginx:1.27", "nginx:1.27"),
        ("--listen", "--listen"),
        ("two words", "two words"),
        ("80", '"80"'),
        ("1e3", '"1e3"'),
        ("0x1f", '"0x1f"'),
        ("true", '"true"'),
        ("No", '"No"'),
        ("null", '"null"'),
        ("", '""'),
        (" x", '" x"'),
        ("x ", '"x "'),
        ("{}", '"{}"'),
        ('"x"', '"\\"x\\""'),
        ("a\nb", '"a\\nb"'),
        ("\x1b", '"\\x1b"'),
        ("\\x1b", "\\x1b"),
        ("***", "***"),
    ],
)
def test_scalars(value: object, text: str) -> None:
    assert scalar(value) == text


@given(VALUE_TEXT)
def test_a_string_can_be_read_back_from_what_is_shown(text: str) -> None:
    shown = scalar(text)
    assert is_safe(shown)
    assert (ast.literal_eval(shown) if shown.startswith('"') else shown) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": 1, "b": ["x", "y z"]}, '{a: 1, b: [x, "y z"]}'),
        (["a,b", "c:", "d:e"], '["a,b", "c:", d:e]'),
        ({}, "{}"),
        ([], "[]"),
        ("***", "***"),
    ],
)
def test_values_on_one_line(value: object, text: str) -> None:
    assert inline(value) == text


def test_values_as_a_tree() -> None:
    value = {
        "name": "web",
        "ports": [{"name": "http", "port": 80}, {"name": "metrics", "nested": [[1, 2], {}]}],
        "labels": {"app.kubernetes.io/name": "web"},
        "script": "a\nb\n",
        "loose": "a\nb",
        "empty": {},
        "none": [],
    }
    assert block(value) == [
        "name: web",
        "ports:",
        "- name: http",
        "  port: 80",
        "- name: metrics",
        "  nested:",
        "  - - 1",
        "    - 2",
        "  - {}",
        "labels:",
        "  app.kubernetes.io/name: web",
        "script: |",
        "  a",
        "  b",
        "loose: |",
        "  a",
        "  b",
        f"  {NO_NEWLINE}",
        "empty: {}",
        "none: []",
    ]


@given(VALUES)
def test_every_line_of_a_tree_is_harmless(value: object) -> None:
    assert all(map(is_safe, block(value)))
    assert is_safe(inline(value))


def test_a_real_escape_can_be_told_from_one_that_is_written_out() -> None:
    assert text_lines("\\x1b\n") == ["\\x1b"]
    assert text_lines("\\x1b\x1b\n") == ["\\\\x1b\\x1b"]
    assert difference("\\x1b\nend\n", "\x1b\nend\n") == ["-\\\\x1b", "+\\x1b", " end"]


def test_a_newline_at_the_end_is_a_difference_that_shows() -> None:
    assert difference("a\nb\n", "a\nb") == [" a", " b", f"+{NO_NEWLINE}"]


def test_hunks_are_parted() -> None:
    old = "".join(f"{n}\n" for n in range(30))
    new = old.replace("\n5\n", "\nfive\n").replace("\n25\n", "\n")
    lines = difference(old, new)
    assert lines[:8] == [" 2", " 3", " 4", "-5", "+five", " 6", " 7", " 8"]
    assert lines[8:] == ["…", " 22", " 23", " 24", "-25", " 26", " 27", " 28"]


def test_trees_are_compared_by_their_lines() -> None:
    assert difference({"a": 1, "b": [1]}, {"a": 2, "b": [1]}) == ["-a: 1", "+a: 2", " b:", " - 1"]


def _sides(lines: list[str]) -> tuple[list[str], list[str]]:
    old = [line[1:] for line in lines if line[0] in " -"]
    return old, [line[1:] for line in lines if line[0] in " +"]


@settings(deadline=None)
@given(VALUE_TEXT, VALUE_TEXT)
def test_a_difference_holds_both_sides(old: str, new: str) -> None:
    doubled = values.needs_escapes(old) or values.needs_escapes(new)
    lines = difference(old, new)
    gone, come = _sides(lines)
    for side, text in ((gone, old), (come, new)):
        rest = iter(text_lines(text, doubled=doubled))
        # Lines of context may be left out, but what is shown is there, in its order.
        assert all(line in rest for line in side)
    assert bool(lines) == (old != new)


def test_huge_texts_are_compared_without_delay(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(values, "_PAIRS", 3)
    old = "\n".join(["same"] * 5 + ["old", "keep", "older"] + ["end"] * 5) + "\n"
    new = "\n".join(["same"] * 5 + ["new", "keep"] + ["end"] * 5) + "\n"
    assert difference(old, new) == [
        *[" same"] * 3,
        *["-old", "-keep", "-older", "+new", "+keep"],
        *[" end"] * 3,
    ]

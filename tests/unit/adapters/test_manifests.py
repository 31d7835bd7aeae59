"""Manifests edited in their text: what isn't meant to change stays byte for byte."""

import json
from collections.abc import Callable
from copy import deepcopy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.manifests.editor import TextEditor
from reconciler.adapters.manifests.nodes import Unplaced
from reconciler.adapters.manifests.rewriting import rewritten, without
from reconciler.adapters.manifests.writing import Style, is_plain
from reconciler.adapters.sources.document import AliasBudget
from reconciler.adapters.sources.manifests import objects_of, read_documents
from reconciler.core.errors import ManifestError
from reconciler.core.resource import JsonObject

#: A bit of everything that people write.
FILE = """\
# Who owns this file.
apiVersion: apps/v1
kind: Deployment   # the shop
metadata:
  name: "web"
  labels: {app: web, tier: 'x'}

spec:
  # how many
  replicas: 3 # three
  template:
    spec:
      containers:
      # the one
      - name: web
        image: 'a:1'
        args: ["--a", "--b"]
        env:
        - name: A
          value: "1"
        # second
        - name: B
          value: x

      # the other
      - name: side
        image: b:1
        command:
        - sh
        - -c
        - |
          one
          two
# behind
---
apiVersion: v1
kind: ConfigMap
metadata: {name: x}
data:
    a: |
      one
      two

      three
    b: c   # kept
    folded: >-
      some
      words
    empty:
"""


FOLDED = ("-    folded: >-", "-      some", "-      words")


def bodies(text: str) -> list[tuple[Any, int]]:
    documents = read_documents(text.encode(), AliasBudget())
    return [each for document in documents for each in objects_of(document)]


def edit(text: str, change: Callable[[JsonObject], object], at: int = 0) -> tuple[str, JsonObject]:
    """Edits an object of a file; gives the file, and what the object was to be."""
    body, line = bodies(text)[at]
    wanted = deepcopy(body)
    change(wanted)
    return rewritten(text, line, body, wanted), wanted


def changed(text: str, change: Callable[[JsonObject], object], at: int = 0) -> list[str]:
    """Gives the lines that an edit takes away and adds; sees that it is right, and alone."""
    before = bodies(text)
    made, wanted = edit(text, change, at)
    after = [body for body, _ in bodies(made)]
    assert after[at] == wanted
    assert [*after[:at], *after[at + 1 :]] == [b for n, (b, _) in enumerate(before) if n != at]
    old, new = text.split("\n"), made.split("\n")
    start = 0
    while start < min(len(old), len(new)) and old[start] == new[start]:
        start += 1
    end = 0
    while end < min(len(old), len(new)) - start and old[-1 - end] == new[-1 - end]:
        end += 1
    gone, come = old[start : len(old) - end], new[start : len(new) - end]
    return [*(f"-{line}" for line in gone), *(f"+{line}" for line in come)]


def containers(body: JsonObject) -> list[Any]:
    found: list[Any] = body["spec"]["template"]["spec"]["containers"]
    return found


def put(*path: Any) -> Callable[[JsonObject], object]:
    *steps, last, value = path

    def change(body: Any) -> None:
        for step in steps:
            body = body[step]
        body[last] = value

    return change


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (put("spec", "replicas", 5), ["-  replicas: 3 # three", "+  replicas: 5 # three"]),
        (put("spec", "paused", True), ["+  paused: true"]),
        (
            put("metadata", "labels", "app", "shop"),
            ["-  labels: {app: web, tier: 'x'}", "+  labels: {app: shop, tier: 'x'}"],
        ),
        (
            put("metadata", "labels", "zone", "8080"),
            [
                "-  labels: {app: web, tier: 'x'}",
                "+  labels: {app: web, tier: 'x', zone: \"8080\"}",
            ],
        ),
        (
            lambda body: body["metadata"]["labels"].pop("app"),
            ["-  labels: {app: web, tier: 'x'}", "+  labels: {tier: 'x'}"],
        ),
        (
            lambda body: body["metadata"]["labels"].pop("tier"),
            ["-  labels: {app: web, tier: 'x'}", "+  labels: {app: web}"],
        ),
        # A comment above the first of several may be about all of them.
        (lambda body: body["spec"].pop("replicas"), ["-  replicas: 3 # three"]),
        (
            lambda body: containers(body)[0].update(image="a:2"),
            ["-        image: 'a:1'", "+        image: 'a:2'"],
        ),
        (
            lambda body: containers(body)[0]["args"].append("--c"),
            ['-        args: ["--a", "--b"]', '+        args: ["--a", "--b", "--c"]'],
        ),
        (
            lambda body: containers(body)[0]["args"].insert(0, "x"),
            ['-        args: ["--a", "--b"]', '+        args: ["x", "--a", "--b"]'],
        ),
        (
            lambda body: containers(body)[0]["env"].pop(1),
            ["-        # second", "-        - name: B", "-          value: x"],
        ),
        (
            lambda body: containers(body)[0]["env"].append({"name": "C", "value": "yes"}),
            ["+        - name: C", '+          value: "yes"'],
        ),
        (
            lambda body: containers(body)[1].pop("name"),
            ["-      - name: side", "-        image: b:1", "+      - image: b:1"],
        ),
        (
            lambda body: containers(body)[1]["command"].__setitem__(2, "one\nthree\n"),
            ["-          two", "+          three"],
        ),
        (
            lambda body: containers(body)[0].update(ports=[{"containerPort": 80}], x={}, z=[]),
            ["+        ports:", "+        - containerPort: 80", "+        x: {}", "+        z: []"],
        ),
        (
            lambda body: containers(body).insert(0, {"name": "first", "tty": True}),
            ["+      - name: first", "+        tty: true"],
        ),
        (
            put("metadata", "annotations", {"a/b": "x: y", "c": "l1\nl2"}),
            [
                "+  annotations:",
                '+    a/b: "x: y"',
                "+    c: |-",
                "+      l1",
                "+      l2",
            ],
        ),
        (
            put("metadata", "labels", {"b": "c"}),
            ["-  labels: {app: web, tier: 'x'}", "+  labels:", "+    b: c"],
        ),
    ],
)
def test_an_edit_is_as_small_as_it_can_be(
    change: Callable[[JsonObject], object], lines: list[str]
) -> None:
    assert changed(FILE, change) == lines


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (put("data", "a", "one\ntwo\n\nthree\nfour\n"), ["+      four"]),
        (put("data", "a", "one\n\nthree\n"), ["-      two"]),
        (put("data", "b", "l1\nl2\n"),
         ["-    b: c   # kept", "+    b: |   # kept", "+        l1", "+        l2"]),
        (put("data", "b", "d"), ["-    b: c   # kept", "+    b: d   # kept"]),
        (put("data", "b", ["q"]), ["-    b: c   # kept", "+    b:   # kept", "+    - q"]),
        (put("data", "empty", "full"), ["-    empty:", "+    empty: full"]),
        (put("data", "z", "5"), ['+    z: "5"']),
        (
            put("data", "folded", "other words"),
            [*FOLDED, "+    folded: |-", "+      other words"],
        ),
        (
            put("data", "folded", " begins with a space"),
            [*FOLDED, '+    folded: " begins with a space"'],
        ),
    ],
)  # fmt: skip
def test_texts_of_several_lines(change: Callable[[JsonObject], object], lines: list[str]) -> None:
    assert changed(FILE, change, 1) == lines


def test_sorted_keys_stay_sorted() -> None:
    text = "kind: X\nmetadata: {name: x}\ndata:\n  a: 1\n  c: 3\n"
    assert changed(text, put("data", "b", 2)) == ["+  b: 2"]
    assert edit(text, put("data", "b", 2))[0].index("b: 2") < text.index("c: 3") + 4
    assert changed(text, put("data", "0", 2)) == ['+  "0": 2']


JSON = """\
{
  "kind": "X",
  "metadata": {"name": "x", "labels": {}},
  "list": [
    1,
    2
  ],
  "data": {
    "a": "b"
  }
}
"""


@pytest.mark.parametrize(
    ("change", "lines"),
    [
        (put("data", "c", "d"), ['-    "a": "b"', '+    "a": "b",', '+    "c": "d"']),
        (lambda body: body["list"].append(3), ["-    2", "+    2,", "+    3"]),
        (lambda body: body["list"].insert(0, 0), ["-    1,", "+    0, 1,"]),
        (lambda body: body["list"].pop(0), ["-    1,"]),
        (put("data", {"x": [1, {"y": None}]}), None),
        (put("metadata", "labels", {"a": "yes"}), None),
        (put("data", "a", "é\n\u2028"), None),
    ],
)
def test_json_stays_json(change: Callable[[JsonObject], object], lines: list[str] | None) -> None:
    told = changed(JSON, change)
    assert lines is None or told == lines
    json.loads(edit(JSON, change)[0])


def test_line_ends_of_another_system_and_none_at_the_end() -> None:
    text = FILE.replace("\n", "\r\n")
    made, _ = edit(text, put("spec", "paused", True))
    assert made.replace("\r\n", "") == made.replace("\r\n", "").replace("\n", "")
    assert made.replace("  paused: true\r\n", "") == text
    bare = "kind: X\nmetadata: {name: x}\ndata: {}"
    assert edit(bare, put("data", {"a": "x\ny\n"}))[0].endswith("  a: |\n    x\n    y\n")
    assert edit(bare, put("kind", "Z"))[0] == bare.replace("X", "Z")


ANCHORED = """\
kind: X
metadata: {name: x}
base: &base {a: 1}
other: *base
merged:
  <<: *base
  b: 2
tagged: !!str 5
"""


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (put("base", "x"), "an anchor"),
        (put("tagged", "x"), "a tag"),
        (lambda body: body["merged"].pop("a"), "comes from an anchor"),
        (lambda body: [body.pop(name) for name in [*body]], "written anew"),
    ],
)
def test_what_others_share_is_refused(change: Callable[[JsonObject], object], reason: str) -> None:
    with pytest.raises(Unplaced, match=reason):
        edit(ANCHORED, change)


def test_an_alias_can_be_replaced_and_a_merged_field_overridden() -> None:
    assert changed(ANCHORED, put("other", {"a": 2})) == ["-other: *base", "+other:", "+  a: 2"]
    assert changed(ANCHORED, put("merged", "a", 3)) == ["+  a: 3"]


NESTED = """\
kind: X
metadata: {name: x}
matrix:
- - a
  - b
- - c
pairs:
- x: 1
  z: 3
  y: 2
-
  name: below
"""


@pytest.mark.parametrize(
    "change",
    [
        lambda body: body["matrix"][0].pop(0),
        lambda body: body["matrix"][0].insert(0, "z"),
        lambda body: (
            body["pairs"][0].update(x=None, w=1) or [body["pairs"][0].pop(n) for n in "xz"]
        ),
    ],
)
def test_what_stands_behind_a_dash_of_another_list_is_left(
    change: Callable[[JsonObject], object],
) -> None:
    with pytest.raises(Unplaced):
        edit(NESTED, change)


@pytest.mark.parametrize(
    "change",
    [
        put("matrix", [["x"]]),
        put("matrix", []),
        put("pairs", 0, {}),
        put("pairs", 0, ["a", {"b": "c"}]),
        put("pairs", 0, "l1\nl2\n"),
        put("pairs", 1, "name", "other"),
        put("pairs", {"a": "b"}),
        put("pairs", "x"),
        put("pairs", "l1\nl2\n"),
        put("pairs", 0, {"p": 1}),
    ],
)
def test_lists_and_maps_that_become_something_else(change: Callable[[JsonObject], object]) -> None:
    changed(NESTED, change)


def test_objects_are_found_and_taken_out() -> None:
    both = bodies(FILE)
    first = without(FILE, both[0][1])
    assert first is not None
    assert first == f"# Who owns this file.\n{FILE[FILE.index('---') :]}"
    second = without(FILE, both[1][1])
    assert second == FILE[: FILE.index("---")]
    assert without(second, both[0][1]) is None
    listed = "kind: List\nmetadata: {}\nitems:\n- kind: A\n  metadata: {name: a}\n# b\n- kind: B\n  metadata: {name: b}\n"  # noqa: E501
    (_, line), (_, other) = bodies(listed)
    assert without(listed, other) == listed[: listed.index("# b")]
    rest = without(listed, line)
    assert rest is not None
    assert [body["kind"] for body, _ in bodies(rest)] == ["B"]
    assert without(rest, bodies(rest)[0][1]) is None


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a: b\n", 1),
        ("- {kind: A, metadata: {}}\n", 5),
        ("items: [{kind: A, metadata: {}}, {kind: A, metadata: {}}]\n", 1),
        ("a: [\n", 1),
        ("\t- x", 1),
    ],
)
def test_what_is_not_there_is_said_so(text: str, line: int) -> None:
    with pytest.raises(ManifestError, match="edit it by hand") as error:
        TextEditor().without("a.yaml", text, line)
    assert error.value.problems[0].path == "a.yaml"
    with pytest.raises(ManifestError):
        TextEditor().rewritten("a.yaml", text, line, {"a": 1}, {"a": 2})


def test_the_first_document_whatever_it_is() -> None:
    editor = TextEditor()
    text = "resources:\n- a.yaml # first\n"
    before = {"resources": ["a.yaml"]}
    wanted = {"resources": ["a.yaml", "b.yaml"], "patches": [{"path": "p.yaml"}]}
    assert editor.rewritten("k", text, 0, before, wanted) == (
        "resources:\n- a.yaml # first\n- b.yaml\npatches:\n- path: p.yaml\n"
    )
    with pytest.raises(ManifestError, match="empty"):
        editor.rewritten("k", "", 0, {}, {"a": 1})


def test_a_new_document_is_indented_as_its_neighbours() -> None:
    body = {"kind": "X", "list": [{"a": {"b": 1}}], "map": {"c": "d"}}
    editor = TextEditor()
    assert editor.written(body) == "kind: X\nlist:\n- a:\n    b: 1\nmap:\n  c: d\n"
    like = "a:\n    b:\n      - c\n    d:\n        e: f\n"
    assert editor.written(body, like) == "kind: X\nlist:\n  - a:\n        b: 1\nmap:\n    c: d\n"
    assert editor.written(body, "[").startswith("kind: X\n")


TEXTS = st.text(max_size=20) | st.sampled_from(
    ["yes", "No", "1e3", "0o17", "1:30", "2026-01-01", "null", "~", "=", "<<", "- x", "--- x",
     "...", "a: b", "a #b", "#", "{x}", "[", "@x", "%x", "`x", "--flag=1", "-", "--", "é☃",
     "\x85", "\u2028",
     "\ufeff", "a\n", "a\n\n", "\na", "  a", "a\tb", "'", '"', "!x", "&x", "*x", "?", ": "]
)  # fmt: skip
SCALARS = TEXTS | st.integers(-5, 10**6) | st.booleans() | st.none()
KEYS = st.sampled_from(["a", "b/c", "d.e", "yes", "1", "x y", "ü", "name"])
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS, inner, max_size=3),
    max_leaves=8,
)  # fmt: skip


@given(TEXTS, st.sampled_from(["", "'", '"']), st.booleans())
def test_every_text_is_read_as_it_was_written(text: str, quotes: str, flow: bool) -> None:
    written = Style().scalar(text, quotes, flow=flow)
    line = f"x: [{written}]\n" if flow else f"x: {written}\n"
    (document,) = read_documents(line.encode(), AliasBudget())
    assert document.value["x"] == ([text] if flow else text)
    if is_plain(text, flow=flow) and not quotes:
        assert written == text


@given(st.lists(st.tuples(KEYS, VALUES), min_size=1, max_size=3), st.sampled_from([0, 1]))
def test_whatever_is_put_in_is_read_again(edits: list[tuple[str, Any]], at: int) -> None:
    def change(body: JsonObject) -> None:
        for name, value in edits:
            body["metadata"][f"new-{name}"] = value
            body[f"x-{name}"] = value

    changed(FILE, change, at)


@given(st.data())
def test_any_value_may_become_any_other(data: st.DataObject) -> None:
    def change(body: JsonObject) -> None:
        place: Any = body[data.draw(st.sampled_from(["spec", "metadata"]))]
        while True:
            steps = [*place] if isinstance(place, dict) else [*range(len(place))]
            step = data.draw(st.sampled_from(steps))
            inside = place[step]
            if not isinstance(inside, dict | list) or not inside or data.draw(st.booleans()):
                place[step] = data.draw(VALUES)
                return
            place = inside

    changed(FILE, change)

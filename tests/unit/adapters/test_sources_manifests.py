"""Files of manifests: lines, lists, and what is wrong told without quoting it."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.sources.document import ALIAS_LIMIT_FILE, AliasBudget, DocumentError
from reconciler.adapters.sources.manifests import Collection, Limits, read_documents
from reconciler.core.desired import SourceLocation
from reconciler.core.errors import ManifestError


def collect(text: str | bytes, limits: Limits | None = None) -> Collection:
    into = Collection(limits or Limits())
    content = text.encode() if isinstance(text, str) else text
    into.read(content, lambda line: SourceLocation("x.yaml", line))
    return into


def problems(text: str | bytes) -> list[tuple[int, str]]:
    found = collect(text)
    assert all(problem.fix for problem in found.problems)
    return [(problem.line, problem.message) for problem in found.problems]


def thing(name: str) -> str:
    return f"apiVersion: v1\nkind: ConfigMap\nmetadata: {{name: {name}}}\n"


def test_lines_of_documents() -> None:
    first, second, third = thing("a"), thing("b"), thing("c")
    text = f"# one\n---\n\n{first}--- # two\n# more\n{second}...\n---\n---\n{third}"
    assert [m.source.line for m in collect(text).manifests] == [4, 9, 15]


def test_lines_of_json() -> None:
    text = """

{"apiVersion": "v1", "items": [
  {"apiVersion": "v1", "kind": "A", "metadata": {"name": "items"}},

  {"apiVersion": "v1", "kind": "B", "metadata": {"name": "\\u00e4"}}
], "kind": "List"}
{"apiVersion": "v1",
 "kind": "C", "metadata": {"name": "c"}}"""
    assert [(m.kind, m.source.line) for m in collect(text).manifests] == [
        ("A", 4),
        ("B", 6),
        ("C", 8),
    ]


def test_yaml_that_begins_like_json() -> None:
    (manifest,) = collect("{apiVersion: v1, kind: A, metadata: {name: on-x}}").manifests
    assert manifest.kind == "A"


def test_a_byte_order_mark() -> None:
    assert len(collect(b"\xef\xbb\xbf" + thing("a").encode()).manifests) == 1
    mark = b'\xef\xbb\xbf{"apiVersion": "v1", "kind": "A", "metadata": {"name": "a"}}'
    assert len(collect(mark).manifests) == 1


def test_lists_in_lists_and_kinds_that_only_end_so() -> None:
    inner = "{apiVersion: v1, kind: List, items: [{apiVersion: v1, kind: A, metadata: {name: a}}]}"
    assert (
        collect(f"apiVersion: v1\nkind: List\nitems:\n - {inner}\n").manifests[0].source.line == 4
    )
    (guest,) = collect("apiVersion: x/v1\nkind: GuestList\nmetadata: {name: g}\n").manifests
    assert guest.kind == "GuestList"
    assert collect("apiVersion: v1\nkind: List\nitems: []\n").manifests == []


def test_a_generated_name_is_a_name() -> None:
    text = "apiVersion: v1\nkind: Pod\nmetadata: {generateName: a-}\n"
    assert collect(text).manifests[0].is_generated


@pytest.mark.parametrize(
    ("text", "line", "message"),
    [
        ("a: b\n", 1, "apiVersion is missing"),
        ("apiVersion: v1\n", 1, "kind is missing"),
        ("apiVersion: 1\nkind: A\n", 1, "apiVersion isn't a name"),
        ("apiVersion: v1\nkind: []\n", 1, "kind isn't a name"),
        ("apiVersion: v1\nkind: A\n", 1, "metadata is missing or not a map"),
        ("apiVersion: v1\nkind: A\nmetadata: x\n", 1, "metadata is missing or not a map"),
        ("apiVersion: v1\nkind: A\nmetadata: {}\n", 1, "metadata.name is missing"),
        ("apiVersion: v1\nkind: A\nmetadata: {name: ''}\n", 1, "metadata.name is missing"),
        ("apiVersion: v1\nkind: A\nmetadata: {name: 1}\n", 1, "metadata.name isn't a string"),
        (
            "apiVersion: v1\nkind: A\nmetadata: {name: a, namespace: on}\n",
            1,
            "metadata.namespace isn't a string",
        ),
        ("s3cret\n", 1, "this is not an object"),
        ("\n- s3cret\n", 2, "this is not an object"),
        ("apiVersion: v1\nkind: List\nitems:\n- s3cret\n", 1, "this is not an object"),
        ("a: s3cret\nb: [\n", 3, "this isn't YAML: did not find expected node content"),
        (
            "a: s3cret\n\tb: 1\n",
            2,
            "this isn't YAML: found a tab character that violates indentation",
        ),
        ('{"a": "s3cret", "b": }', 1, "apiVersion is missing"),
    ],
)
def test_what_is_wrong(text: str, line: int, message: str) -> None:
    assert problems(text) == [(line, message)]
    assert "s3cret" not in str(collect(text).problems)


@pytest.mark.parametrize(
    "text", ["a: 1\nb: {x: 1, 'x': 2}\n", "a: 1\n1: x\n'1': y\n", "a: 1\n? y\n: 1\n? true\n: 2\n"]
)
def test_a_key_twice(text: str) -> None:
    ((line, message),) = problems(text)
    assert line > 1
    assert "twice" in message


def test_a_key_twice_in_json() -> None:
    ((line, message),) = problems('\n{"a": {"b": "s3cret", "b": 2}}')
    assert line == 2
    assert "twice" in message


_NESTED = ['{"a": ' + "[" * depth + "]" * depth + "}" for depth in (300, 90_000)]


@pytest.mark.parametrize("text", ['{"a": 1e999}', '{"a": "\\ud800"}', *_NESTED])
def test_json_that_cant_be_kept(text: str) -> None:
    assert [line for line, _ in problems(text)] == [1]


def test_text_that_isnt_utf8() -> None:
    ((line, message),) = problems(b"a: 1\nb: \xe4\n")
    assert line == 2
    assert "UTF-8" in message
    assert [message for _, message in problems(b'{"a": "\xe4"}')] == ["this isn't text in UTF-8"]


def test_endless_nesting_is_refused() -> None:
    for depth in (250, 5000, 100_000):
        ((_, message),) = problems("a: " + "[" * depth + "]" * depth)
        assert re.search("nested|nesting", message)
    assert collect(thing("a") + "spec: " + "[" * 150 + "]" * 150 + "\n").problems == []


def test_aliases_are_bounded_for_a_file_and_for_a_run() -> None:
    text = "a: &a [" + "1," * 1000 + "]\nb: [" + "*a," * 300 + "]\n"
    budget = AliasBudget()
    for _ in range(13):
        read_documents(text.encode(), budget)
    with pytest.raises(DocumentError, match="aliases blow"):
        read_documents(text.encode(), budget)
    once = "a: &a [" + "1," * 1000 + "]\nb: [" + "*a," * (ALIAS_LIMIT_FILE // 1000) + "]\n"
    with pytest.raises(DocumentError, match="aliases blow"):
        read_documents(once.encode(), AliasBudget())


def test_merges_are_bounded_too() -> None:
    keys = ",".join(f"k{n}: 1" for n in range(1000))
    text = f"a: &a {{{keys}}}\nb: [" + "{<<: *a}," * 500 + "]\n"
    with pytest.raises(DocumentError, match="aliases blow"):
        read_documents(text.encode(), AliasBudget())


def test_an_anchor_of_another_document_is_none() -> None:
    assert problems("a: &a 1\n---\nb: *a\n") == [(3, "an alias names no anchor before it")]


def test_a_pointer_of_lfs() -> None:
    pointer = b"version https://git-lfs.github.com/spec/v1\noid sha256:abc\nsize 1\n"
    assert problems(pointer) == [(0, "this is a pointer of Git LFS, not the file itself")]


def test_too_many_manifests() -> None:
    with pytest.raises(ManifestError, match="more than 1 manifests"):
        collect(f"{thing('a')}---\n{thing('b')}", Limits(manifests=1))


@given(st.binary(max_size=200))
def test_no_bytes_make_it_fail_otherwise(content: bytes) -> None:
    into = collect(content)
    assert isinstance(into.problems, list)


@given(st.text(alphabet="ab:{}[]-&*!|>'\"#%@`,?\n \t0.~<=", max_size=60))
def test_no_yaml_makes_it_fail_otherwise(text: str) -> None:
    collect(text)

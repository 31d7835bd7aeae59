"""Our reading of YAML and JSON against the real kubectl's, which decides."""

import re
import subprocess
from collections.abc import Callable
from typing import Any

import orjson
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reconciler.adapters.sources.manifests import Collection, Limits
from reconciler.core.desired import SourceLocation
from reconciler.core.errors import ManifestProblem
from tests.tools.controlplane.recipes import Tool
from tests.tools.controlplane.toolbox import Toolbox

HEAD = "apiVersion: example.dev/v1\nkind: Thing\nmetadata: {name: a}\n"

PLAIN = """
on off yes no y n Y N Yes NO True TRUE tRUE true On False FALSE fALSE yEs ~ null Null NULL nULL
0o17 017 08 09 0x1F 0X1F 0b101 -0b11 -0x1F -017 +12 +0 -0 0o8 0b2 0x 0b 0x1G 0O17 0B1 00 007 0777_7
1_000 1_000.5 0_7 _1 1_ 1__0 0x_1 _ 1_000_000 -_1 +_ 1_e3 ._5 .5_0 .5_ .5__0 .5e1_0 .5e_1
1:30 190:20:30 190:20:30.15 -1:30
= << . .. - + .5 -.5 +.5 1.5 1e3 1E3 1.0 100. 1.e3 1e+03 1.5e-5 1e400 12e03 0.1e1 1e e3 1.2.3 1e-400
-0.0 0.0 1e20 1e21 1e22 -1e21 123456789.0 123456789012345678 123456789012345678901234567890
9223372036854775807 9223372036854775808 18446744073709551615 18446744073709551616
-9223372036854775808 -9223372036854775809 +9223372036854775808 1234567.5 0.1 0.30000000000000004
0xFFFFFFFFFFFFFFFF 0xFFFFFFFFFFFFFFFFFF 0777777777777777777777777 0b11111111 1.7976931348623157e308
2001-12-14 2001-12-14t21:59:43.10-05:00 2001-1-1 2001-12-14T21:59:43Z 20011214
12:30 1.5Mi 100m 1e3Mi
inf nan .infinity Inf 1,000 0.0.0.0 v1 1.25-alpine 5m 10s 0755 0644 1/2 %x ١٢
"""

WRITTEN = (
    '"on"', "'1'", '"1.0"', "!!str on", "!!str 12", '!!int "12"', "!!float 1", '!!bool "yes"',
    "!!binary aGVsbG8=", "!!timestamp 2001-12-14", "!foo bar", '!!null ""', "! 12", '! "12"',
    "|\n    a\n    b", ">-\n    a\n    b", "2001-12-14 21:59:43.10 -5", '"\\u00e4\\x41\\n"', "''",
    "{a: 1, b: [on, {c: ~}]}", "[]", "{}", "[1, 2]", "x",
    "!!float 1.5", "&x 1", '"a\\\n      b"', "plain\n    folded",
)  # fmt: skip

KEYS = (
    "1", "1.5", "on", "n", "0o17", "1e3", "2001-12-14", '"on"', "1e6", "1e7", "123456.7",
    "0.0001", "0.00001", "1e20", "1e21", "1e22", "16777217.5", "9223372036854775807", "0.1", "-2.5",
    "1.0", "33333333.3", "1234567.0", "y", "0x10", "=", ".5", "-0.0", "1e-10",
)  # fmt: skip

DOCUMENTS = {
    "merge": "base: &b {a: 1, b: 2}\nm: {<<: *b, b: 3}\n",
    "merge after": "base: &b {a: 1, b: 2}\nm: {b: 3, <<: *b}\n",
    "merge of a list": "base: &b {a: 1, b: 2}\nm: {<<: [*b, {c: 5, a: 9}], d: 1}\n",
    "merge quoted": 'm: {"<<": {a: 1}}\n',
    "merge nested": "a: &a {x: {p: 1}}\nb: &b {<<: *a, y: 2}\nc: {<<: *b, x: {q: 1}}\n",
    "merge inline": "m: {<<: {a: 1}, b: 2}\n",
    "alias": "a: &a [1, {b: c}]\nb: *a\nc: [*a, *a]\n",
    "alias as key": "a: &a k\n? *a\n: v\n",
    "anchor again": "a: &a 1\nb: *a\nc: &a 2\nd: *a\n",
    "explicit key": "? a\n: b\n? c\n",
    "flow without values": "a: {b, c: , d: 1}\n",
    "sequence at the key's level": "a:\n- 1\n- 2\n",
    "no space after a quoted key": 'a: {"b":1}\n',
    "comments": "a: 1 # c\n# d\nb: 'x # y'\n",
    "carriage returns": "a: 1\r\nb:\r\n  - x\r\n",
    "long text": "a: |2-\n     x\n    y\nb: >+\n  z\n\n",
    "empty values": "a:\nb: \nc: ''\n",
    "emoji": 'a: "\U0001f600 \\U0001F600"\n',
}

JSON = (
    '{"a": 1.0, "b": 1e3, "c": 1E-7, "d": 12345678901234567890, "e": 1e21, "f": -0.0, "g": -1}',
    '{"a": "on", "b": true, "c": null, "d": [1, {"e": "\\u00e4\\ud83d\\ude00\\/"}]}',
    '{\t"a":\t1,\n\t"b": [\n\t\t2\n\t]\n}',
    '{"a": 9223372036854775808, "b": 18446744073709551616, "c": -9223372036854775809}',
)


@pytest.fixture(scope="session")
def kubectl(toolbox: Toolbox) -> Callable[[str], dict[str, Any] | None]:
    """The real kubectl's reading of one document; None where it refuses."""
    program = toolbox.tool(Tool.KUBECTL)

    def read(text: str) -> dict[str, Any] | None:
        # With --local nothing is asked of a server, and the object is shown as it would be sent.
        done = subprocess.run(
            [program, "annotate", "--local", "-o", "json", "-f", "-", "added=1"],
            input=text.encode(),
            capture_output=True,
            check=False,
            env={"HOME": "/nonexistent"},
        )
        if done.returncode != 0:
            return None
        body: dict[str, Any] = orjson.loads(done.stdout)
        del body["metadata"]["annotations"]
        return body

    return read


def ours(text: str) -> tuple[dict[str, Any] | None, list[ManifestProblem]]:
    into = Collection(Limits())
    into.read(text.encode(), lambda line: SourceLocation("x.yaml", line))
    return (into.manifests[0].body if into.manifests else None), into.problems


def same(one: Any, other: Any) -> bool:
    """Equal, and of the same types: to Python 1 is True."""
    return orjson.dumps(one, option=orjson.OPT_SORT_KEYS) == orjson.dumps(
        other, option=orjson.OPT_SORT_KEYS
    )


def _differences(mine: Any, theirs: Any) -> list[Any]:
    return [
        (key, mine.get(key), theirs.get(key))
        for key in sorted({*mine, *theirs})
        if not same(mine.get(key), theirs.get(key))
    ]


def test_plain_values(kubectl: Callable[[str], Any]) -> None:
    values = PLAIN.split()
    text = f"{HEAD}spec:\n" + "".join(
        f"  v{index}: {value}\n" for index, value in enumerate(values) if value not in ("%x", "-")
    )
    mine, problems = ours(text)
    assert problems == []
    assert mine is not None
    assert _differences(mine["spec"], kubectl(text)["spec"]) == []


@pytest.mark.parametrize("value", WRITTEN)
def test_written_values(kubectl: Callable[[str], Any], value: str) -> None:
    text = f"{HEAD}spec:\n  v: {value}\n"
    assert same(ours(text)[0], kubectl(text))


def test_keys(kubectl: Callable[[str], Any]) -> None:
    text = f"{HEAD}spec:\n" + "".join(f"  k{i}: {{{key}: v}}\n" for i, key in enumerate(KEYS))
    mine, problems = ours(text)
    assert problems == []
    assert mine is not None
    assert _differences(mine["spec"], kubectl(text)["spec"]) == []


@pytest.mark.parametrize("name", DOCUMENTS)
def test_documents(kubectl: Callable[[str], Any], name: str) -> None:
    text = f"{HEAD}spec:\n" + "".join(
        f"  {line}\n" for line in DOCUMENTS[name].removesuffix("\n").split("\n")
    )
    theirs = kubectl(text)
    assert theirs is not None
    assert same(ours(text)[0], theirs)


@pytest.mark.parametrize("spec", JSON)
def test_json(kubectl: Callable[[str], Any], spec: str) -> None:
    head = '{"apiVersion": "example.dev/v1", "kind": "Thing", "metadata": {"name": "a"}, "spec":'
    text = f"{head} {spec}}}"
    theirs = kubectl(text)
    assert theirs is not None
    assert same(ours(text)[0], theirs)


@pytest.mark.parametrize(
    "spec",
    ["{null: 1}", "{~: 1}", "{[a]: 1}", "{{a: b}: 1}", ".nan", ".inf", "-.INF", "*x", "!!int a",
     "!!bool 1", "&a [*a]", "{<<: 1}", "{18446744073709551615: 1}", "@x", "a: b: c", "[1",
     "{a: 1}}", "!!float x", "!!null x", "`x`"],
)  # fmt: skip
def test_what_kubectl_refuses_so_do_we(kubectl: Callable[[str], Any], spec: str) -> None:
    text = f"{HEAD}spec: {spec}\n"
    assert kubectl(text) is None
    _, problems = ours(text)
    assert len(problems) == 1
    assert problems[0].line >= 4
    assert problems[0].fix


_SCALARS = st.one_of(
    st.text(alphabet="0123456789+-._eExXoObB:", min_size=1, max_size=9),
    st.sampled_from(PLAIN.split()),
    st.integers().map(str),
    st.floats(allow_nan=False, allow_infinity=False).map(repr),
)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(values=st.lists(_SCALARS, min_size=20, max_size=60))
def test_any_plain_values(kubectl: Callable[[str], Any], values: list[str]) -> None:
    # In flow style a plain value can't hold what ends it; libyaml decides what is plain.
    lines = []
    for index, value in enumerate(values):
        if value.startswith(("%", "- ", "? ")) or value in ("-", "?") or value.endswith(":"):
            continue
        if value.startswith((":", "-:", "---", "...")):
            continue
        lines.append(f"  v{index}: {value}\n")
    text = f"{HEAD}spec:\n  first: 1\n{''.join(lines)}"
    mine, problems = ours(text)
    theirs = kubectl(text)
    assert mine is not None, problems
    assert theirs is not None
    assert _differences(mine["spec"], theirs["spec"]) == []


def test_lists_are_flattened_as_kubectl_does(toolbox: Toolbox) -> None:
    text = """\
apiVersion: v1
kind: List
items:
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: a}
  - apiVersion: v1
    kind: ConfigMap
    metadata: {name: b}
---
apiVersion: v1
kind: ConfigMapList
items:
  - metadata: {name: c}
"""
    into = Collection(Limits())
    into.read(text.encode(), lambda line: SourceLocation("x.yaml", line))
    assert into.problems == []
    assert [(m.kind, m.name, m.source.line) for m in into.manifests] == [
        ("ConfigMap", "a", 4),
        ("ConfigMap", "b", 7),
        ("ConfigMap", "c", 14),
    ]
    done = subprocess.run(
        [toolbox.tool(Tool.KUBECTL), "annotate", "--local", "-o", "json", "-f", "-", "x=1"],
        input=text.encode(),
        capture_output=True,
        check=True,
    )
    assert re.findall(r'"name": "(\w)"', done.stdout.decode()) == ["a", "b", "c"]

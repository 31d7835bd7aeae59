"""Reports about images: as text, as data, as Markdown."""

from dataclasses import replace
from datetime import timedelta

import jsonschema
import pytest
import yaml
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.desired import SourceLocation
from reconciler.core.drift import Severity
from reconciler.core.images.facts import Signature, Unknown
from reconciler.core.images.naming import RunningId
from reconciler.core.images.report import (
    ImageDrift,
    ImageEntry,
    ImageReport,
    ImageRule,
    ImageSummary,
)
from reconciler.core.images.running import Container, ContainerKind, Use
from reconciler.core.images.versions import Newer, Step
from reconciler.core.images.vulnerabilities import Grade, Vulnerability
from reconciler.core.resource import ResourceKey
from reconciler.render.image_documents import images_document
from reconciler.render.image_markdown import images_markdown
from reconciler.render.image_schema import images_schema
from reconciler.render.images import images_text
from reconciler.render.markdown import LIMIT
from reconciler.render.serialized import json_text, yaml_text
from reconciler.render.terminal import Style
from tests.unit.render.cases import CHECKED_AT, NOW, REVISION, WEB
from tests.unit.render.strategies import KEYS, TEXT, TIMES
from tests.unit.render.test_harmless import _check_text, harmful, slow
from tests.unit.render.test_json_schema import _closed

A, B = f"sha256:{'a' * 64}", f"sha256:{'b' * 64}"
PLAIN = Style(colour=False, width=100)
FOUND = tuple(Vulnerability(f"CVE-{n}", Grade.HIGH, "openssl", "3.0.1", "3.0.2") for n in range(7))
POD = Container(
    "web-1", "u1", "n1", "registry.example/web:1.2.0", RunningId(A, "registry.example/web"),
    "containerd://4f0c", "2026-11-21T12:00:00Z",
)  # fmt: skip
USE = Use(
    WEB,
    "apps/v1",
    "u",
    ContainerKind.CONTAINER,
    "app",
    "registry.example/web:1.2.0",
    SourceLocation("apps/web.yaml", 12),
    (POD, replace(POD, pod="web-2", running=RunningId(B))),
)
MOVED = ImageDrift(
    "d-000000000001", ImageRule.MOVED, Severity.MEDIUM, USE,
    "tag 1.2.0 is sha256:bbbbbbbbbbbb by now, 1 pod runs sha256:aaaaaaaaaaaa",
    (A,), f"registry.example/web:1.2.0@{B}", timedelta(days=40), "policies[1]",
)  # fmt: skip
VULNERABLE = replace(
    MOVED,
    rule=ImageRule.VULNERABLE,
    severity=Severity.HIGH,
    text="7 known vulnerabilities (7 high)",
    running=(),
    latest="",
    vulnerabilities=FOUND,
)
STALE = ImageEntry(
    use=USE,
    digests=((A, 1), (B, 1)),
    since="2026-11-21T12:00:00Z",
    resolved=B,
    created="2026-10-15T12:00:00Z",
    age=timedelta(days=40),
    newer=(Newer("1.2.9", Step.PATCH), Newer("2.0.0", Step.MAJOR)),
    unlisted="",
    signature=Signature.NONE,
    base="debian:12",
    policy="policies[1]",
    drifts=(VULNERABLE, MOVED),
)
IDLE_USE = replace(
    USE,
    owner=ResourceKey("", "Pod", "shop", "debug"),
    kind=ContainerKind.INIT,
    declared="",
    source=None,
    containers=(replace(POD, running=RunningId(), image="", waiting="ImagePullBackOff"),),
)
UNTOLD = ImageEntry(
    use=IDLE_USE,
    digests=(),
    since="",
    resolved="",
    created="",
    age=None,
    newer=(),
    unlisted="registry x can't be reached",
    signature=Unknown("registry x can't be reached"),
    base="",
    policy="default",
    drifts=(
        ImageDrift(
            "d-000000000002", ImageRule.UNREADABLE, Severity.MEDIUM, IDLE_USE,
            "unknown what its name means now: registry x can't be reached",
        ),
    ),
)  # fmt: skip
FINE = replace(
    UNTOLD,
    use=replace(USE, owner=ResourceKey("apps", "DaemonSet", "shop", "agent"), containers=()),
    drifts=(),
    signature=Signature.COSIGN,
    digests=((A, 3),),
)


CLOSED = jsonschema.Draft202012Validator(_closed(images_schema()))


def report(
    *entries: ImageEntry, stale: int = 0, unreadable: int = 0, **more: object
) -> ImageReport:
    summary = ImageSummary(len(entries), len(entries), stale, unreadable)
    return replace(
        ImageReport("shop", REVISION, CHECKED_AT, summary, entries),
        **more,  # type: ignore[arg-type]
    )


FULL = report(
    FINE,
    UNTOLD,
    STALE,
    stale=1,
    unreadable=2,
    unread=("pods in shop: forbidden",),
    notes=("the vulnerability report of x concerns nothing that runs here",),
)


def test_text() -> None:
    assert (
        images_text(FULL, PLAIN, NOW)
        == """\
✗ Deployment shop/web   app  apps/web.yaml:12
    registry.example/web:1.2.0
    runs sha256:aaaaaaaaaaaa in 1 pod, sha256:bbbbbbbbbbbb in 1 pod since 3 days ago; built 40 days
    ago; no signature; built on debian:12
    vulnerable · 7 known vulnerabilities (7 high)
      CVE-0 high openssl 3.0.1, fixed in 3.0.2
      CVE-1 high openssl 3.0.1, fixed in 3.0.2
      CVE-2 high openssl 3.0.1, fixed in 3.0.2
      CVE-3 high openssl 3.0.1, fixed in 3.0.2
      CVE-4 high openssl 3.0.1, fixed in 3.0.2
      2 more: --full names all
    moved · tag 1.2.0 is sha256:bbbbbbbbbbbb by now, 1 pod runs sha256:aaaaaaaaaaaa
    newer: 1.2.9 (patch), 2.0.0 (major)

? Pod shop/debug        app (init container)
    (no image)
    runs in no pod (ImagePullBackOff); signature unknown
    unreadable · unknown what its name means now: registry x can't be reached

✓ DaemonSet shop/agent  app  apps/web.yaml:12
    registry.example/web:1.2.0
    runs sha256:aaaaaaaaaaaa in 3 pods; signature by cosign present
    newer tags are unknown: registry x can't be reached

? pods in shop: forbidden
the vulnerability report of x concerns nothing that runs here
✗ shop @ 4f0c12a: 3 images in 3 containers, 1 stale, 2 could not be told
"""
    )


def test_a_newer_tag_is_told_once() -> None:
    found = replace(MOVED, rule=ImageRule.NEWER, text="1.2.9 is newer (patch)")
    one = replace(STALE, drifts=(found,), newer=STALE.newer[:1])
    text = images_text(report(one, stale=1), PLAIN, NOW)
    assert text.count("1.2.9") == 1
    assert "newer: 1.2.9" in images_text(
        report(replace(one, newer=STALE.newer), stale=1), PLAIN, NOW
    )


def test_text_in_full_names_all_vulnerabilities() -> None:
    text = images_text(FULL, replace(PLAIN, full=True), NOW)
    assert "CVE-6" in text
    assert "more:" not in text
    unfixed = Vulnerability("CVE-9", Grade.LOW)
    one = replace(STALE, drifts=(replace(VULNERABLE, vulnerabilities=(unfixed,)),))
    assert "CVE-9 low, not fixed yet\n" in images_text(report(one, stale=1), PLAIN, NOW)


@pytest.mark.parametrize(
    ("looked_at", "line"),
    [
        (report(FINE), "✓ shop @ 4f0c12a: 1 image in 1 container, none stale\n"),
        (report(), "✓ shop @ 4f0c12a: 0 images in 0 containers, none stale\n"),
        (
            report(UNTOLD, unreadable=1),
            "? shop @ 4f0c12a: 1 image in 1 container, 1 could not be told\n",
        ),
    ],
)
def test_the_last_line(looked_at: ImageReport, line: str) -> None:
    assert images_text(looked_at, PLAIN, NOW).endswith(line)


def test_data() -> None:
    document = images_document(FULL)
    jsonschema.Draft202012Validator.check_schema(images_schema())
    CLOSED.validate(document)
    assert document["schema"] == "plumbline.dev/images/v1"
    unreadable, vulnerable, moved = document["drifts"]
    assert (unreadable["type"], moved["type"]) == ("Unreadable", "Image")
    assert moved["rule"] == "moved"
    assert moved["declared"] == "registry.example/web:1.2.0"
    assert moved["running"] == [A]
    assert moved["latest"] == f"registry.example/web:1.2.0@{B}"
    assert moved["age"] == 40 * 86400
    assert moved["container"]["pod"] == "web-1"
    assert [each["pod"] for each in moved["containers"]] == ["web-1"]
    assert [each["pod"] for each in vulnerable["containers"]] == ["web-1", "web-2"]
    assert vulnerable["vulnerabilities"][0] == {
        "id": "CVE-0",
        "grade": "high",
        "package": "openssl",
        "installed": "3.0.1",
        "fixed": "3.0.2",
    }
    fine, untold, stale = document["images"]
    assert (fine["drifts"], fine["signature"], untold["signature"]) == ([], "cosign", None)
    assert stale["running"] == [{"digest": A, "containers": 1}, {"digest": B, "containers": 1}]
    assert stale["newer"] == [{"tag": "1.2.9", "step": "patch"}, {"tag": "2.0.0", "step": "major"}]
    assert document["unreadable"] == ["pods in shop: forbidden"]
    assert yaml.safe_load(yaml_text(document)) == document
    idle = replace(MOVED, use=replace(USE, containers=()), running=())
    (drift,) = images_document(report(replace(FINE, drifts=(idle,))))["drifts"]
    assert drift["container"] is None


def test_markdown() -> None:
    text = images_markdown(FULL, NOW)
    assert text.startswith(
        "### ❌ `shop` @ `4f0c12a`: 3 images in 3 containers, 1 stale, 2 could not be told\n"
    )
    assert (
        "- `Deployment shop/web app` — `apps/web.yaml:12`: `registry.example/web:1.2.0`\n" in text
    )
    assert "  - **moved** (medium): `tag 1.2.0 is " in text
    assert "    - `CVE-6 high openssl 3.0.1, fixed in 3.0.2`\n" in text
    assert "  - `newer: 1.2.9 (patch), 2.0.0 (major)`\n" in text
    assert "> `pods in shop: forbidden`\n> `the vulnerability report" in text
    assert "DaemonSet" not in text
    assert text.endswith(
        "<sub>1 container without findings · ages as of 2026-11-24 12:00 UTC</sub>\n"
    )
    assert images_markdown(report(FINE), NOW).startswith("### ✅ ")
    assert images_markdown(report(UNTOLD, unreadable=1), NOW).startswith("### ❔ ")


def test_markdown_is_never_too_long() -> None:
    many = replace(VULNERABLE, vulnerabilities=FOUND * 4)
    entries = [replace(STALE, drifts=(many,))] * 100
    text = images_markdown(report(*entries, stale=100, notes=("x",) * 30), NOW)
    assert len(text.encode("utf-16-le")) // 2 <= LIMIT
    assert "    - 8 more\n" in text
    assert "more, left out: a comment can't be longer.**" in text
    assert "> … and 10 more\n" in text


CONTAINERS = st.builds(
    Container, TEXT, TEXT, TEXT, TEXT, st.builds(RunningId, TEXT, TEXT), TEXT, TIMES, TEXT
)
USES = st.builds(
    Use, KEYS, TEXT, TEXT, st.sampled_from(ContainerKind), TEXT, TEXT,
    st.none() | st.builds(SourceLocation, TEXT, st.integers(0, 99)),
    st.lists(CONTAINERS, max_size=2).map(tuple),
)  # fmt: skip
VULNERABILITIES = st.builds(Vulnerability, TEXT, st.sampled_from(Grade), TEXT, TEXT, TEXT)
AGES = st.none() | st.timedeltas(timedelta(0), timedelta(days=9000))
DRIFTS = st.builds(
    ImageDrift, TEXT, st.sampled_from(ImageRule), st.sampled_from(Severity), USES, TEXT,
    st.lists(TEXT, max_size=2).map(tuple), TEXT, AGES, TEXT,
    st.lists(VULNERABILITIES, max_size=7).map(tuple),
)  # fmt: skip
ENTRIES = st.builds(
    ImageEntry, USES, st.lists(st.tuples(TEXT, st.integers(1, 9)), max_size=2).map(tuple), TIMES,
    TEXT, TIMES, AGES,
    st.lists(st.builds(Newer, TEXT, st.sampled_from(Step)), max_size=2).map(tuple), TEXT,
    st.none() | st.sampled_from(Signature) | st.builds(Unknown, TEXT), TEXT, TEXT,
    st.lists(DRIFTS, max_size=2).map(tuple),
)  # fmt: skip
COUNTS = st.integers(0, 9)
REPORTS = st.builds(
    ImageReport, TEXT, TEXT, TIMES, st.builds(ImageSummary, COUNTS, COUNTS, COUNTS, COUNTS),
    st.lists(ENTRIES, max_size=3).map(tuple), st.lists(TEXT, max_size=2).map(tuple),
    st.lists(TEXT, max_size=2).map(tuple),
)  # fmt: skip


@slow
@given(REPORTS, st.integers(40, 200) | st.just(0), st.booleans())
def test_whatever_a_cluster_holds_is_harmless(
    looked_at: ImageReport, width: int, full: bool
) -> None:
    _check_text(lambda style: images_text(looked_at, style, NOW), width, full)
    document = images_document(looked_at)
    CLOSED.validate(document)
    for text in (json_text(document), yaml_text(document), images_markdown(looked_at, NOW)):
        assert not harmful(text)

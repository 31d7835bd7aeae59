"""An audit as text, Markdown and a document: true, short, harmless."""

import json
from dataclasses import replace

import yaml

from reconciler.core.desired import SourceLocation
from reconciler.core.hardening.auditing import Subject, audit
from reconciler.core.hardening.findings import Audit, Measure, Verdict
from reconciler.core.resource import ResourceKey
from reconciler.render.hardening import audit_document, audit_markdown, audit_text, summary
from reconciler.render.serialized import json_text, yaml_text
from reconciler.render.terminal import Style
from tests.unit.core.test_hardening import CONTAINER, KEY, POD, RULES, deployment, with_container
from tests.unit.render.cases import HOSTILE_TEXT
from tests.unit.render.test_harmless import harmful

PLAIN = Style(colour=False, width=80)


def made(*, image: str = "web", revision: str = "4f0c12a9d1b7", count: int = 1) -> Audit:
    pod = with_container({"image": image}, hostNetwork=True)
    pod["containers"].append({**CONTAINER, "name": "side", "image": image})
    subjects = [
        Subject(KEY._replace(name=f"web{n}"), deployment(pod), SourceLocation("web.yaml", 3))
        for n in range(count)
    ]
    return audit("shop", revision, subjects, RULES, (), ["something to know"])


def test_text_names_object_source_rule_fix_and_controls() -> None:
    text = audit_text(made(), PLAIN)
    assert text.startswith("Deployment shop/web0  web.yaml:3\n")
    assert "  high     host-network               true\n" in text
    assert "  high     image-mutable              side, web: web\n" in text
    assert "    fix: name a version, and best its digest\n" in text
    assert "PCI DSS 11.5.2" in text
    assert "note: something to know\n" in text
    assert text.endswith("✗ shop @ 4f0c12a: 1 workload, 2 containers, 3 findings (3 high)\n")


def test_what_was_measured_stands_beside_its_finding() -> None:
    safe = Measure(Verdict.MOUNTS, 2, 7200, False, ("/tmp", f"/{HOSTILE_TEXT}"))
    writes = Measure(Verdict.WRITES, 2, 7200, True, (), f"it wrote /{HOSTILE_TEXT}")
    findings = made().findings
    told = replace(
        made(),
        findings=(replace(findings[0], measure=safe), replace(findings[1], measure=writes)),
    )
    text = audit_text(told, PLAIN)
    assert "✓ : as measured in 2 pods (told by name) over 2 hours or more" in " ".join(text.split())
    assert not harmful(text)
    document = json.loads(json_text(audit_document(told)))
    first, second = (each["measured"] for each in document["findings"])
    assert (first["verdict"], first["pods"], first["seconds"]) == ("mounts", 2, 7200)
    assert (first["matchedBy"], first["reason"], first["mounts"][0]) == ("name", None, "/tmp")
    assert (second["matchedBy"], second["mounts"]) == ("owner", [])
    assert "as measured in 2 pods" in audit_markdown(told)
    assert not harmful(audit_markdown(told))


def test_what_has_no_finding_is_one_line() -> None:
    sound = audit("shop", "", [Subject(KEY, deployment(POD))], RULES, ())
    assert audit_text(sound, PLAIN) == "✓ shop: 1 workload, 1 container, nothing amiss\n"
    hidden = replace(made(), findings=made().findings[:1], ignored=2)
    assert summary(hidden).endswith("1 finding (1 high), 2 explained by rules")
    empty = audit("shop", "sha256:0123456789abcdef", [], RULES, ())
    assert "0 workloads, 0 containers" in summary(empty)
    assert audit_markdown(empty).count("\n") == 2


def test_live_findings_have_no_source() -> None:
    live = audit("x", "", [Subject(KEY, deployment(with_container({"image": "web"})))], RULES, ())
    assert audit_text(live, PLAIN).startswith("Deployment shop/web\n")
    assert audit_document(live)["findings"][0]["source"] is None
    assert " at <code>" not in audit_markdown(live)


def test_the_document_says_all_of_it() -> None:
    document = audit_document(made())
    assert document["schema"] == "plumbline.dev/guard-audit/v1"
    assert document["summary"] == {"workloads": 1, "containers": 2, "findings": 3, "ignored": 0}
    first = document["findings"][0]
    assert first["source"] == {"path": "web.yaml", "line": 3}
    assert first["path"] == "spec.template.spec.hostNetwork"
    assert json.loads(json_text(document)) == yaml.safe_load(yaml_text(document)) == document


def test_long_details_are_cut_unless_all_is_wanted() -> None:
    long = made(image="x" * 500)
    assert "…" in audit_text(long, PLAIN)
    assert "…" not in audit_text(long, replace(PLAIN, full=True))


def test_hostile_text_stays_text() -> None:
    hostile = made(image=HOSTILE_TEXT + "|`<b>[a](javascript:x)@who#1")
    markdown = audit_markdown(hostile)
    for bad in ("<b>", "\x1b", "[a]", "@who", "`"):
        assert bad not in markdown
    assert all(line.count("|") == 6 for line in markdown.splitlines() if line.startswith("|"))
    assert "\x1b" not in audit_text(hostile, PLAIN)


def test_markdown_stays_below_a_comment_s_limit() -> None:
    markdown = audit_markdown(made(count=300))
    assert len(markdown) <= 65_536
    assert "more findings are left out here." in markdown


def test_keys_of_other_kinds_are_shown_as_such() -> None:
    key = ResourceKey("", "Pod", "", "one")
    result = audit("x", "", [Subject(key, {"spec": {"containers": [{"image": "a"}]}})], RULES, ())
    assert "Pod one" in audit_text(result, PLAIN)

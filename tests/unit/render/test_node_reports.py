"""What agents said last, as text and as data."""

import json
from dataclasses import replace
from datetime import timedelta

import jsonschema

from reconciler.core.containers import NodeReport
from reconciler.render.node_reports import node_report_schema, report_document, reports_text
from reconciler.render.serialized import json_text
from reconciler.render.terminal import Style
from tests.unit.render.cases import NOW
from tests.unit.render.test_containers import LOOK, STYLE
from tests.unit.render.test_harmless import harmful
from tests.unit.render.test_json_schema import _closed

PATIENCE = timedelta(minutes=5)
AT = "2026-11-24T11:59:00Z"
HEARD = NodeReport(LOOK, AT)
SILENT = NodeReport(replace(LOOK, node="vm-2\x1b[31m"), "2026-11-24T10:00:00Z")
ODD = NodeReport(replace(LOOK, node="vm-3", looks=()), "whenever")


def test_how_old_a_word_is_is_said() -> None:
    text = reports_text([SILENT, HEARD, ODD], PATIENCE, STYLE, NOW)
    assert text.index("✗ vm: 3 containers") < text.index("? vm-2")
    flat = " ".join(text.split())
    assert "2 not fully told said 1 minute ago" in flat
    since = r"? vm-2\x1b[31m: unknown since 2026-11-24T10:00:00Z, when its agent was heard last"
    assert f"{since} (2 hours ago)" in flat
    assert "then it told of 3 containers with 13 drifts; see that its agent runs" in flat
    assert "? vm-3: unknown since whenever" in flat
    assert "no container runs here" not in flat


def test_a_stale_look_is_not_taken_for_one() -> None:
    heard = report_document(HEARD, PATIENCE, NOW)
    assert (heard["stale"], heard["lastLook"]) == (False, None)
    assert heard["look"]["node"] == "vm"
    silent = report_document(SILENT, PATIENCE, NOW)
    assert (silent["stale"], silent["look"]) == (True, None)
    assert len(silent["lastLook"]["drifts"]) == 13
    for report in (HEARD, SILENT):
        document = json.loads(json_text(report_document(report, PATIENCE, NOW)))
        jsonschema.Draft202012Validator(_closed(node_report_schema())).validate(document)


def test_what_an_agent_says_harms_no_reader() -> None:
    documents = [json_text(report_document(each, PATIENCE, NOW)) for each in (HEARD, SILENT)]
    texts = [reports_text([HEARD, SILENT], PATIENCE, Style(False, 60, full=True), NOW)]
    for text in (*documents, *texts):
        assert not harmful(text.replace("\n", ""))

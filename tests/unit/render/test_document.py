from dataclasses import replace

from reconciler.core.outcome import Outcome, OutcomeType
from reconciler.render.document import explanation_document, plan_document, report_document
from tests.unit.render.cases import (
    DRIFTED,
    DRIFTS,
    EXPLAINED,
    HOSTILE,
    OFFLINE,
    PLAN,
    READER,
    RESTORED,
    SETTINGS,
    WEB,
)


def test_a_change_is_as_the_design_says() -> None:
    document = report_document(DRIFTED)
    web = document["drifts"][0]
    assert web["resource"] == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "namespace": "shop",
        "name": "web",
        "uid": "11111111-2222",
    }
    assert web["source"] == {"path": "apps/web.yaml", "line": 12}
    assert web["changes"][1] == {
        "path": "spec.replicas",
        "change": "changed",
        "desired": 2,
        "live": 5,
        "by": {
            "manager": "kubectl",
            "operation": "Update",
            "subresource": "scale",
            "time": "2026-11-24T10:00:00Z",
        },
    }
    assert web["decision"]["action"] == "restore"
    assert web["outcome"] is None


def test_a_removal_names_candidates() -> None:
    removal = report_document(DRIFTED)["drifts"][0]["changes"][3]
    assert removal["by"] is None
    assert [each["manager"] for each in removal["candidates"]] == [
        "kubectl-edit",
        "kubectl-client-side-apply",
    ]
    assert removal["lastChanged"] == "2026-11-24T11:56:00Z"
    assert removal["live"] is None


def test_masked_values_carry_digests() -> None:
    changed, added = report_document(DRIFTED)["drifts"][2]["changes"]
    assert changed["digest"] == {"desired": "a1b29f0c77de", "live": "c3d4e8a90012"}
    assert (changed["desired"], changed["live"]) == ("***", "***")
    assert added["digest"] == {"desired": None, "live": "77aa01bc33de"}


def test_what_rules_explain_names_the_rule() -> None:
    hidden = report_document(DRIFTED)["drifts"][0]["hidden"][0]
    assert hidden["rule"] == "rollout-revision"
    assert hidden["reason"] == "the Deployment controller counts its rollouts there"


def test_nothing_is_null() -> None:
    intruder, missing = (report_document(DRIFTED)["drifts"][n] for n in (1, 4))
    assert intruder["source"] is None
    assert intruder["note"] is None
    assert intruder["by"]["manager"] == "kubectl-run"
    assert missing["resource"]["uid"] is None
    assert missing["resource"]["namespace"] is None
    assert report_document(DRIFTED)["drifts"][2]["source"]["line"] is None


def test_outcomes_stand_with_their_drift_and_all_of_them_together() -> None:
    document = report_document(RESTORED)
    assert document["drifts"][0]["outcome"] == {
        "type": "conflict",
        "reason": "it was edited since the plan was made",
    }
    assert [each["resource"]["name"] for each in document["outcomes"]] == [
        READER.name,
        WEB.name,
        SETTINGS.name,
        "database",
        "migrate",
    ]
    assert document["outcomes"][1] == {
        "resource": {"group": "apps", "kind": "Deployment", "namespace": "shop", "name": "web"},
        "type": "restored",
        "reason": None,
    }


def test_what_could_not_be_proven() -> None:
    assert report_document(OFFLINE)["unproven"][0] == {
        "resource": {"group": "", "kind": "ConfigMap", "namespace": "shop", "name": "settings"},
        "path": "data.key0",
        "reason": "no schema of ConfigMap is known",
    }


def test_what_json_cannot_hold_is_written_so_that_it_can() -> None:
    change = replace(
        DRIFTS[0].changes[0], live={"half": "\ud800", "huge": 2**70, "inf": float("inf")}
    )
    report = replace(HOSTILE, drifts=(replace(DRIFTS[0], changes=(change,)),))
    assert report_document(report)["drifts"][0]["changes"][0]["live"] == {
        "half": "\\ud800",
        "huge": float(2**70),
        "inf": "inf",
    }


def test_a_plan_has_no_bodies() -> None:
    document = plan_document(PLAN)
    assert [each["action"] for each in document["actions"]] == [
        "create",
        "replace",
        "replace",
        "recreate",
        "delete",
    ]
    assert document["actions"][4]["resource"]["uid"] == "uid"
    assert document["actions"][1]["resource"]["uid"] is None
    assert document["actions"][1]["changes"][1]["path"] == "spec.replicas"
    assert document["held"][0]["resource"]["kind"] == "Widget"
    assert "never shown" not in str(document)


def test_an_explanation_accounts_for_every_field() -> None:
    document = explanation_document(EXPLAINED)
    assert len(document["fields"]) == len(EXPLAINED.fields)
    assert document["fields"][8]["change"]["desired"] == 2
    assert document["fields"][0]["source"] == {"path": "apps/web.yaml", "line": 12}
    assert document["fields"][2]["reason"].startswith("rollout-revision: ")


def test_an_outcome_of_an_object_in_sync_is_not_lost() -> None:
    done = replace(RESTORED, drifts=(), outcomes=(Outcome(WEB, OutcomeType.RESTORED),))
    assert report_document(done)["outcomes"][0]["type"] == "restored"

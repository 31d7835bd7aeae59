"""Who did it, as the real API server tells: several clients, each of the three witnesses."""

import json
import re
import time
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from pathlib import Path as File

import jsonschema
import pytest

from reconciler.adapters.cluster.writer import FIELD_MANAGER
from reconciler.adapters.observations.witnesses import AllWitnesses
from reconciler.bootstrap import How, open_target
from reconciler.controller import check
from reconciler.core.actors import Actor, AuditEvent
from reconciler.core.attribution import OWN_MANAGER, who_did, with_actors
from reconciler.core.drift import Change, ChangeType, Drift, DriftType, Severity
from reconciler.core.ownership import Ownership
from reconciler.core.path import Path, value_at
from reconciler.core.resource import ResourceKey
from reconciler.render.document import report_document
from reconciler.render.json_schema import report_schema
from reconciler.render.terminal import Style
from reconciler.render.text import report_text
from reconciler.settings import (
    ClusterSettings,
    ScopeSettings,
    Settings,
    SourceSettings,
    TargetSettings,
)
from tests.benchmarks.workload import commit
from tests.integration.observations.conftest import Witnessed, wait_until_asked

pytestmark = pytest.mark.xdist_group("witnessed")

WITNESSES = ("log", "receiver", "recorder")
AUDITS = ("log", "receiver")
JANE, BOB = "jane@example.org", "bob@example.org"
COLOUR: Path = ("data", "colour")


def _settings(space: str) -> ResourceKey:
    return ResourceKey("", "ConfigMap", space, "settings")


def _made(witnessed: Witnessed, space: str, *words: str, user: str = BOB) -> None:
    if not words:
        words = ("configmap", "settings", "--from-literal=colour=red")
    witnessed.plane.kubectl("create", *words, "-n", space, user=user, groups=["team"])


def _patched(witnessed: Witnessed, space: str, colour: str, *words: str, user: str = JANE) -> None:
    patch = json.dumps({"data": {"colour": colour}})
    where = ("patch", "configmap", "settings", "-n", space, "--type=merge", "-p", patch)
    witnessed.plane.kubectl(*where, *words, user=user, groups=["team"])


def _change(live: dict[str, object], path: Path) -> Change:
    value = value_at(live, path)
    if value is None:
        return Change(path, ChangeType.REMOVED, "declared", None)
    by = Ownership(live).owner(path, value)
    return Change(path, ChangeType.CHANGED, "declared", value, by)


def _who_set(
    witnessed: Witnessed, name: str, space: str, writes: int, path: Path = COLOUR
) -> Actor:
    """Reads the object, waits for so many events of it, and asks who set a field."""
    live = witnessed.live("configmap", "settings", space)
    witness = witnessed.witnesses[name]
    events = witnessed.events(witness, _settings(space), lambda found: len(found) >= writes)
    actor = who_did(_change(live, path), events, uid=live["metadata"]["uid"])
    assert actor is not None, events
    return actor


def _is_person(actor: Actor, user: str, name: str) -> None:
    assert actor.user == user
    assert "team" in actor.groups
    assert actor.request_id
    if name in AUDITS:
        assert actor.addresses == ("127.0.0.1",)
        assert actor.user_agent.startswith("kubectl/")


@pytest.mark.parametrize("name", WITNESSES)
def test_the_person_behind_an_edit_is_named(witnessed: Witnessed, space: str, name: str) -> None:
    _made(witnessed, space)
    _patched(witnessed, space, "green")
    actor = _who_set(witnessed, name, space, 2)
    _is_person(actor, JANE, name)
    assert (actor.certain, actor.manager) == (True, "kubectl-patch")
    assert actor.verb == ("patch" if name in AUDITS else "update")


@pytest.mark.parametrize("name", WITNESSES)
def test_a_server_side_apply_is_told_from_an_update(
    witnessed: Witnessed, space: str, name: str
) -> None:
    _made(witnessed, space)
    manifest = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"name": "settings", "namespace": space},
        "data": {"colour": "blue", "size": "9"},
    }
    witnessed.plane.kubectl(
        "apply",
        "--server-side",
        "--force-conflicts",
        "--field-manager=tool",
        "-f",
        "-",
        input=json.dumps(manifest),
        user=JANE,
        groups=["team"],
    )
    _patched(witnessed, space, "green", "--field-manager=tool", user=BOB)
    live = witnessed.live("configmap", "settings", space)
    witness = witnessed.witnesses[name]
    events = witnessed.events(witness, _settings(space), lambda found: len(found) >= 3)
    entries = {m.operation: m for m in Ownership(live).managers if m.manager == "tool"}
    for operation, user, field in (("Update", BOB, "colour"), ("Apply", JANE, "size")):
        change = Change(("data", field), ChangeType.CHANGED, "red", "green", entries[operation])
        actor = who_did(change, events)
        assert actor is not None
        assert actor.user == user


@pytest.mark.parametrize("name", AUDITS)
def test_impersonation_names_both(witnessed: Witnessed, space: str, name: str) -> None:
    _made(witnessed, space)
    _patched(witnessed, space, "green", "--as=system:serviceaccount:ci:deployer", "--as-group=team")
    actor = _who_set(witnessed, name, space, 2)
    assert actor.user == JANE
    assert actor.impersonated == "system:serviceaccount:ci:deployer"


def test_a_webhook_is_told_as_whom_somebody_acted_alone(witnessed: Witnessed, space: str) -> None:
    _made(witnessed, space)
    _patched(witnessed, space, "green", "--as=deployer", "--as-group=team")
    assert _who_set(witnessed, "recorder", space, 2).user == "deployer"
    live = witnessed.live("configmap", "settings", space)
    everybody = AllWitnesses(tuple(witnessed.witnesses.values()))
    events = witnessed.events(everybody, _settings(space), lambda found: len(found) >= 6)
    actor = who_did(_change(live, COLOUR), events, uid=live["metadata"]["uid"])
    assert actor is not None
    assert (actor.user, actor.impersonated, actor.certain) == (JANE, "deployer", True)


@pytest.mark.parametrize("name", WITNESSES)
def test_the_same_program_used_by_two_people_is_ambiguous_but_for_what_each_touched(
    witnessed: Witnessed, space: str, name: str
) -> None:
    _made(witnessed, space)
    _patched(witnessed, space, "green", user=JANE)
    where = ("patch", "configmap", "settings", "-n", space, "--type=merge", "-p")
    size = json.dumps({"data": {"size": "9"}})
    witnessed.plane.kubectl(*where, size, user=BOB, groups=["team"])
    actor = _who_set(witnessed, name, space, 3)
    if name == "recorder":
        assert (actor.user, actor.certain) == (JANE, True)
    else:
        assert not actor.certain
        assert {actor.user, *actor.others} == {JANE, BOB}


@pytest.mark.parametrize("name", WITNESSES)
def test_a_removal_is_found_though_managed_fields_know_nothing_of_it(
    witnessed: Witnessed, space: str, name: str
) -> None:
    _made(witnessed, space)
    where = ("patch", "configmap", "settings", "-n", space, "--type=json", "-p")
    removal = json.dumps([{"op": "remove", "path": "/data/colour"}])
    witnessed.plane.kubectl(*where, removal, user=JANE, groups=["team"])
    actor = _who_set(witnessed, name, space, 2)
    _is_person(actor, JANE, name)
    assert actor.certain


@pytest.mark.parametrize("name", WITNESSES)
def test_who_deleted_what_is_missing(witnessed: Witnessed, space: str, name: str) -> None:
    _made(witnessed, space)
    witnessed.plane.kubectl(
        "delete", "configmap", "settings", "-n", space, user=JANE, groups=["team"]
    )
    key = _settings(space)
    events = witnessed.events(witnessed.witnesses[name], key, lambda found: len(found) >= 2)
    missing = Drift("d-1", DriftType.MISSING, Severity.LOW, key, "v1")
    actor = who_did(missing, events)
    assert actor is not None
    _is_person(actor, JANE, name)
    assert (actor.verb, actor.certain) == ("delete", True)


@pytest.mark.parametrize("name", WITNESSES)
def test_who_made_what_is_unmanaged(witnessed: Witnessed, space: str, name: str) -> None:
    _made(witnessed, space, user=JANE)
    live = witnessed.live("configmap", "settings", space)
    key = _settings(space)
    events = witnessed.events(witnessed.witnesses[name], key, lambda found: len(found) >= 1)
    by = min(Ownership(live).managers)
    uid = live["metadata"]["uid"]
    stranger = Drift("d-1", DriftType.UNMANAGED, Severity.LOW, key, "v1", uid=uid, by=by)
    actor = who_did(stranger, events)
    assert actor is not None
    _is_person(actor, JANE, name)
    assert (actor.verb, actor.certain, actor.manager) == ("create", True, "kubectl-create")


@pytest.mark.parametrize("name", WITNESSES)
def test_a_scale_is_joined_through_its_subresource(
    witnessed: Witnessed, space: str, name: str
) -> None:
    _made(witnessed, space, "deployment", "web", "--image=nginx")
    scale = ("scale", "deployment", "web", "--replicas=3", "-n", space)
    witnessed.plane.kubectl(*scale, user=JANE, groups=["team"])
    live = witnessed.live("deployment", "web", space)
    key = ResourceKey("apps", "Deployment", space, "web")
    events = witnessed.events(witnessed.witnesses[name], key, lambda found: len(found) >= 2)
    change = _change(live, ("spec", "replicas"))
    assert change.by is not None
    assert (change.by.subresource, change.by.time) == ("scale", "")
    actor = who_did(change, events, uid=live["metadata"]["uid"])
    assert actor is not None, (change.by, events)
    _is_person(actor, JANE, name)
    assert not actor.certain
    # It is, if the object was seen as declared between.
    seen = live["metadata"]["creationTimestamp"]
    actor = who_did(change, events, uid=live["metadata"]["uid"], since=seen)
    assert actor is not None
    assert actor.certain


@pytest.mark.parametrize("name", WITNESSES)
def test_reads_dry_runs_and_refusals_are_nobodys_doing(
    witnessed: Witnessed, space: str, name: str
) -> None:
    _made(witnessed, space)
    _patched(witnessed, space, "green", "--dry-run=server")
    delete = ("delete", "configmap", "settings", "-n", space)
    witnessed.plane.kubectl(*delete, user="eve", check=False)
    witnessed.plane.kubectl("get", "configmap", "settings", "-n", space, user=JANE, groups=["team"])
    _patched(witnessed, space, "last")
    last = f"{name}: the last write"
    key = _settings(space)
    events = witnessed.events(witnessed.witnesses[name], key, lambda found: len(found) >= 2)
    assert [(event.user, event.verb) for event in events] in (
        [(BOB, "create"), (JANE, "patch")],
        [(BOB, "create"), (JANE, "update")],
    ), last


@pytest.mark.parametrize("name", AUDITS)
def test_a_dry_run_deletion_is_known_from_its_body(witnessed: Witnessed, name: str) -> None:
    # In this namespace the policy's level is RequestResponse.
    words = ("configmap", f"kept-{name}", "-n", "bodies")
    witnessed.plane.kubectl("create", *words)
    witnessed.plane.kubectl("delete", *words, "--dry-run=server", user=JANE, groups=["team"])
    witnessed.plane.kubectl("label", *words, "a=b")
    key = ResourceKey("", "ConfigMap", "bodies", f"kept-{name}")
    witness = witnessed.witnesses[name]
    events = witnessed.events(witness, key, lambda found: any(e.verb == "patch" for e in found))
    assert [event.verb for event in events] == ["create", "patch"]


@pytest.mark.parametrize("name", WITNESSES)
def test_a_name_that_the_server_makes(witnessed: Witnessed, name: str) -> None:
    body = {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": {"generateName": "made-", "namespace": "bodies"},
    }
    words = ("create", "-f", "-", "-o", "name")
    said = witnessed.plane.kubectl(*words, input=json.dumps(body), user=JANE, groups=["team"])
    made = said.stdout.strip().partition("/")[2]
    key = ResourceKey("", "ConfigMap", "bodies", made)
    events = witnessed.events(witnessed.witnesses[name], key, lambda found: len(found) >= 1)
    assert [(event.user, event.verb) for event in events] == [(JANE, "create")]


@pytest.mark.parametrize("name", WITNESSES)
def test_no_secret_is_kept(witnessed: Witnessed, name: str) -> None:
    secret = "left-41-right-07-9923"
    words = ("secret", "generic", f"safe-{name}", f"--from-literal=password={secret}")
    witnessed.plane.kubectl("create", *words, "-n", "bodies")
    key = ResourceKey("", "Secret", "bodies", f"safe-{name}")
    patch = json.dumps({"stringData": {"password": f"{secret}-new"}})
    where = ("patch", "secret", f"safe-{name}", "-n", "bodies", "--type=merge", "-p", patch)
    witnessed.plane.kubectl(*where)
    events = witnessed.events(witnessed.witnesses[name], key, lambda found: len(found) >= 2)
    encoded = re.compile("left-41|bGVmdC00MS")
    assert not encoded.search(repr(list(events)))
    patched = next(event for event in events if event.verb in ("patch", "update"))
    assert patched.touched is not None
    assert {names[-1] for names in patched.touched} == {"password"}


@pytest.mark.parametrize("name", WITNESSES)
def test_a_service_account_is_named_in_full(witnessed: Witnessed, space: str, name: str) -> None:
    _made(witnessed, space)
    account = ("serviceaccount", "robot", "-n", space)
    witnessed.plane.kubectl("create", *account)
    words = ("robot", "--clusterrole=cluster-admin", f"--serviceaccount={space}:robot", "-n", space)
    witnessed.plane.kubectl("create", "rolebinding", *words)
    token = witnessed.plane.kubectl("create", "token", "robot", "-n", space).stdout.strip()
    patch = json.dumps({"data": {"colour": "white"}})
    bare = ("--kubeconfig=/dev/null", f"--server={witnessed.plane.url}", f"--token={token}")
    where = ("patch", "configmap", "settings", "-n", space, "--type=merge", "-p", patch)
    authority = f"--certificate-authority={witnessed.plane.ca}"
    for _ in range(50):
        # The authorizer reads bindings from a cache that follows a moment later.
        done = witnessed.plane.kubectl(*where, *bare, authority, check=False)
        if not done.returncode:
            break
    assert not done.returncode, done.stderr
    actor = _who_set(witnessed, name, space, 2)
    assert (actor.user, actor.certain) == (f"system:serviceaccount:{space}:robot", True)
    assert f"system:serviceaccounts:{space}" in actor.groups


def test_our_own_writes_go_by_the_name_that_the_join_knows() -> None:
    assert OWN_MANAGER == FIELD_MANAGER


def test_a_look_at_a_target_names_the_people(
    witnessed: Witnessed, space: str, tmp_path: File
) -> None:
    repo = tmp_path / "repo"
    repo.mkdir()
    for name in ("settings", "lost"):
        manifest = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "labels": {"team": "shop"}},
            "data": {"colour": "red"},
        }
        (repo / f"{name}.yaml").write_text(json.dumps(manifest))
    commit(repo)
    witnessed.plane.kubectl("apply", "-f", str(repo), "-n", space, user=BOB, groups=["team"])
    settings = Settings(
        cluster=ClusterSettings(kubeconfig=str(witnessed.plane.kubeconfig)),
        cache_dir=str(tmp_path / "cache"),
        state_dir=str(tmp_path / "state"),
    )
    target = TargetSettings(
        "shop", SourceSettings(str(repo)), namespace=space, scope=ScopeSettings((space,))
    )
    with open_target(settings, target, How()) as opened:
        assert check(opened.target).report.drifts == ()
        seen = datetime.now(UTC).isoformat()
        # As much as clocks may differ: else who applied comes into question, too.
        time.sleep(4)
        _patched(witnessed, space, "green")
        label = ("label", "configmap", "settings", "team-", "-n", space)
        witnessed.plane.kubectl(*label, user=JANE, groups=["team"])
        delete = ("delete", "configmap", "lost", "-n", space)
        witnessed.plane.kubectl(*delete, user="eve", groups=["team"])
        _made(witnessed, space, "configmap", "strange", user="mallory")
        report = check(opened.target).report
        everybody = AllWitnesses(tuple(witnessed.witnesses.values()))
        everybody.learn(opened.target.live.catalog())
    since = {drift.key: seen for drift in report.drifts}
    waited = {"settings": 9, "lost": 6, "strange": 3}
    events = {}
    for key in since:
        told = partial(_are_told, count=waited[key.name])
        events[key] = witnessed.events(everybody, key, told)
    report = replace(report, drifts=with_actors(report.drifts, events, since))
    document = report_document(report)
    jsonschema.validate(document, report_schema())
    found = {drift["resource"]["name"]: drift for drift in document["drifts"]}
    assert found.keys() == {"settings", "lost", "strange"}
    actors = [change["actor"] for change in found["settings"]["changes"]]
    assert [each["user"] for each in actors] == [JANE, JANE]
    actors += [found["lost"]["actor"], found["strange"]["actor"]]
    assert [each["user"] for each in actors[-2:]] == ["eve", "mallory"]
    assert all(each["certain"] for each in actors)
    text = report_text(report, Style(colour=False, width=0), datetime.now(UTC))
    assert f"by kubectl-patch ({JANE} from 127.0.0.1), just now" in text
    assert "deleted by kubectl (eve from 127.0.0.1)" in text


def test_the_log_is_followed_through_the_servers_own_rotation(witnessed: Witnessed) -> None:
    # Each event holds its object twice, and a file is renamed at a megabyte.
    names = [f"large-{number}" for number in range(8)]
    for name in names:
        body = {
            "apiVersion": "v1",
            "kind": "ConfigMap",
            "metadata": {"name": name, "namespace": "bodies"},
            "data": {"text": "x" * 300_000},
        }
        witnessed.plane.kubectl("create", "-f", "-", input=json.dumps(body))
    for name in names:
        key = ResourceKey("", "ConfigMap", "bodies", name)
        witnessed.events(witnessed.log, key, lambda found: len(found) == 1)
    assert len(list(witnessed.folder.glob("audit-*.log"))) >= 2
    assert witnessed.log.tally.broken == 0


def test_the_recorder_away_holds_up_nobody(witnessed: Witnessed, space: str) -> None:
    configuration = "validatingwebhookconfiguration"
    patch = [
        {"op": "replace", "path": "/webhooks/0/clientConfig/url", "value": "https://127.0.0.1:9/"}
    ]
    bundle = json.dumps(patch)
    plain = json.loads(
        witnessed.plane.kubectl("get", configuration, "recorder", "-o", "json").stdout
    )
    witnessed.plane.kubectl("patch", configuration, "recorder", "--type=json", "-p", bundle)
    try:
        for number in range(5):
            _made(witnessed, space, "configmap", f"unseen-{number}")
    finally:
        back = [{**patch[0], "value": plain["webhooks"][0]["clientConfig"]["url"]}]
        words = ("patch", configuration, "recorder", "--type=json", "-p", json.dumps(back))
        witnessed.plane.kubectl(*words)
        wait_until_asked(witnessed)


def _are_told(events: Sequence[AuditEvent], count: int) -> bool:
    return len(events) >= count

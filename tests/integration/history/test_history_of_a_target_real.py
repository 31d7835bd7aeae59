"""What happens to a target in a real cluster, as its history tells it afterwards."""

import argparse
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from reconciler.adapters.history.database import DatabaseHistory
from reconciler.bootstrap import How, open_target
from reconciler.cli import history as verb
from reconciler.controller import Look, check
from reconciler.core.events import events_of_look
from reconciler.core.history import EventType, HistoryQuery
from reconciler.core.plan_events import events_of_outcomes, events_of_verdict
from reconciler.core.planning import Permissions
from reconciler.core.words import Speaker
from reconciler.memory import open_history
from reconciler.restoration import plan_restore, restore
from reconciler.settings import (
    ClusterSettings,
    ScopeSettings,
    Settings,
    SourceSettings,
    TargetSettings,
)
from tests.tools.controlplane import ControlPlane
from tests.tools.real_target import RealTarget

pytestmark = pytest.mark.xdist_group("history-real")

_DECLARED = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: one}
data: {colour: blue}
---
apiVersion: v1
kind: Secret
metadata: {name: key}
stringData: {token: declared-hidden-value}
"""


@pytest.fixture
def target(control_plane: ControlPlane, namespace: str, tmp_path: Path) -> Iterator[RealTarget]:
    made = RealTarget(control_plane, tmp_path / "repo", tmp_path / "home", (namespace,))
    made.make("all.yaml", _DECLARED)
    yield made


def settings_of(target: RealTarget) -> Settings:
    scope = ScopeSettings(target.namespaces)
    source = SourceSettings(str(target.repo))
    return Settings(
        targets=(TargetSettings("shop", source, target.namespaces[0], scope),),
        cluster=ClusterSettings(str(target.plane.kubeconfig)),
        cache_dir=str(target.home / "cache"),
        state_dir=str(target.home / "state"),
    )


def remember(history: DatabaseHistory, look: Look) -> list[EventType]:
    now = look.report.checked_at
    events, known = events_of_look(history.known("shop"), look.report, look.sides, now)
    history.append(events)
    assert history.known("shop") == known
    return [event.type for event in events if event.type is not EventType.DECIDED]


def told(target: RealTarget, capsys: pytest.CaptureFixture[str], *words: str) -> str:
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    capsys.readouterr()
    assert verb.run(parser.parse_args(["--state-dir", str(target.home / "state"), *words])) == 0
    return capsys.readouterr().out


def test_an_edit_is_remembered_from_its_sighting_to_its_end(
    target: RealTarget, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = settings_of(target)
    opened_history = open_history(settings)
    with (
        closing(opened_history) as history,
        open_target(settings, settings.targets[0], How()) as opened,
    ):
        assert remember(history, check(opened.target)) == []

        target.patch("configmap/one", {"data": {"colour": "red"}}, manager="kubectl-edit")
        target.patch("secret/key", {"stringData": {"token": "edited-hidden-value"}})
        look = check(opened.target)
        assert remember(history, look) == [EventType.SEEN, EventType.SEEN]
        assert remember(history, check(opened.target)) == []

        target.patch("configmap/one", {"data": {"colour": "green"}}, manager="kubectl-edit")
        look = check(opened.target)
        assert remember(history, look) == [EventType.CHANGED]

        assert opened.cluster is not None
        now = look.report.checked_at
        plan = plan_restore(opened.target, look, Permissions())
        history.append(
            events_of_verdict(
                plan, look.report, EventType.APPROVED, Speaker("jane@example.org"), now
            )
        )
        report = restore(opened.target, opened.cluster, look, plan)
        about = (look.report, look.sides, "plumbline", now)
        history.append(events_of_outcomes(plan, report.outcomes, *about, verified=True))
        assert remember(history, check(opened.target)) == [EventType.GONE, EventType.GONE]

        life = [e.type.value for e in history.find(HistoryQuery(kinds=frozenset({"configmap"})))]
        assert life == ["seen", "decided", "changed", "approved", "restored", "gone"]
        assert history.verify().sound

    text = told(target, capsys, "--object", "cm/one")
    assert "by kubectl-edit" in text
    assert "~ data.colour  blue → red" in text
    assert "~ data.colour  red → green" in text
    assert f"approved    ConfigMap {target.namespaces[0]}/one\n" in text.replace("  by", "\n")
    assert "by jane@example.org" in text
    assert "~ data.colour  green → blue" in text
    everything = told(target, capsys, "--full") + told(target, capsys, "-o", "json")
    kept = b"".join(file.read_bytes() for file in (target.home / "state").glob("history.db*"))
    for hidden in ("hidden-value", "ZWRpdGVkLWhpZGRlbi12YWx1ZQ", "ZGVjbGFyZWQtaGlkZGVuLXZhbHVl"):
        assert hidden not in everything
        assert hidden.encode() not in kept


def test_what_may_not_be_read_any_more_is_not_gone(target: RealTarget) -> None:
    plane, place = target.plane, ("-n", target.namespaces[0])
    target.patch("configmap/one", {"data": {"colour": "red"}})
    plane.kubectl("create", "configmap", "stranger", *place)
    settings = settings_of(target)
    with closing(open_history(settings)) as history:
        with open_target(settings, settings.targets[0], How()) as opened:
            assert remember(history, check(opened.target)) == [EventType.SEEN, EventType.SEEN]
        before = history.known("shop")

        user = f"blind-{target.namespaces[0]}"
        plane.kubectl("create", "role", "blind", "--verb=get,list", "--resource=secrets", *place)
        plane.kubectl("create", "rolebinding", "blind", "--role=blind", f"--user={user}", *place)
        blind = ClusterSettings(str(target.await_right(user, "list", "secrets")))
        other = Settings(settings.targets, blind, cache_dir=settings.cache_dir,
                         state_dir=settings.state_dir)  # fmt: skip
        with open_target(other, other.targets[0], How(offline=True)) as opened:
            look = check(opened.target)
        assert EventType.GONE not in remember(history, look)
        assert history.known("shop").items() >= before.items()

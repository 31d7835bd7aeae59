"""`plumbline approve` and `plumbline reject`, the whole of them, over a real HTTP server."""

import getpass
import os
import re
import socket
import sys
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.adapters.history.database import DatabaseHistory
from reconciler.bootstrap import How, open_target
from reconciler.cli.main import main
from reconciler.controller import check
from reconciler.core.approving import ApprovalPolicy
from reconciler.core.history import Event, EventType, HistoryQuery
from reconciler.core.moments import rfc3339
from reconciler.deliberation import Deliberation, deliberate
from reconciler.memory import open_history
from reconciler.policies import policy_of
from reconciler.settings import Settings, load_settings
from tests.unit.cli.conftest import SETTINGS, Shop, Terminal

Captured = pytest.CaptureFixture[str]

_DIGEST = re.compile(r"\bp-[0-9a-f]{16}\b")
APPROVAL_LASTS = ApprovalPolicy().lasts
_VERDICTS = frozenset({EventType.APPROVED, EventType.REJECTED})


def configure(shop: Shop, mode: str = "approve", more: str = "") -> None:
    target = f"{{name: shop, source: {{repo: shop}}, scope: {{namespaces: [shop]}}, mode: {mode}}}"
    (shop.folder / "plumbline.yaml").write_text(f"targets: [{target}{more}]\n")


def settings(shop: Shop) -> Settings:
    return load_settings(
        None,
        {
            "cluster": {"kubeconfig": str(shop.kubeconfig)},
            "state_dir": str(shop.folder / "state"),
            "cache_dir": str(shop.folder / "cache"),
        },
    )


def history(shop: Shop) -> DatabaseHistory:
    return open_history(settings(shop))


def verdicts(shop: Shop) -> list[Event]:
    with closing(history(shop)) as kept:
        return list(kept.find(HistoryQuery(types=_VERDICTS)))


def deliberated(shop: Shop, now: datetime | None = None) -> Deliberation:
    """Decides as the controller would, looking at the same cluster and history."""
    wanted = settings(shop)
    (target,) = wanted.targets
    with closing(history(shop)) as kept, open_target(wanted, target, How(), kept) as opened:
        look = check(opened.target)
        return deliberate(
            opened.target, look, policy_of(wanted, target), kept, now or datetime.now(UTC)
        )


def shown(shop: Shop, capsys: Captured) -> str:
    """Gives the digest of all that is shown to wait."""
    assert main(["approve", *shop.places()]) == 1
    return str(_DIGEST.findall(capsys.readouterr().out)[0])


@pytest.fixture
def waiting(shop: Shop) -> Shop:
    """A shop of which a drift waits for a person."""
    configure(shop)
    shop.recolour()
    return shop


def test_what_waits_is_shown_with_how_to_agree(waiting: Shop, capsys: Captured) -> None:
    assert main(["approve", *waiting.places()]) == 1
    out = capsys.readouterr().out
    assert "1. replace  ConfigMap shop/settings" in out
    assert "data.colour  red → blue" in out
    (digest,) = set(_DIGEST.findall(out))
    assert f"plumbline approve {digest}" in out
    assert verdicts(waiting) == []
    assert waiting.writes == 0


def test_a_terminal_is_shown_it_too(
    waiting: Shop, terminal: Terminal, monkeypatch: pytest.MonkeyPatch
) -> None:
    with open(terminal.line, "w", encoding="utf-8", closefd=False) as stream:
        monkeypatch.setattr(sys, "stdout", stream)
        assert main(["approve", *waiting.places()]) == 1
    assert "\x1b[" in terminal.shown()


@pytest.mark.parametrize("mode", ["approve", "restore", "observe"])
def test_where_nothing_drifted_nothing_waits(shop: Shop, capsys: Captured, mode: str) -> None:
    configure(shop, mode)
    assert main(["approve", *shop.places()]) == 0
    assert capsys.readouterr().out == "no plan waits for anybody\n"


@pytest.mark.parametrize("mode", ["restore", "observe"])
def test_what_needs_no_yes_waits_for_nobody_and_cannot_be_judged(
    waiting: Shop, capsys: Captured, mode: str
) -> None:
    digest = shown(waiting, capsys)
    configure(waiting, mode)
    assert main(["approve", *waiting.places()]) == 0
    assert capsys.readouterr().out == "no plan waits for anybody\n"
    for verb in ("approve", "reject"):
        assert main([verb, digest, *waiting.places()]) == 2
    assert verdicts(waiting) == []


def test_a_yes_is_written_down_with_who_and_why_and_writes_nothing(
    waiting: Shop, capsys: Captured
) -> None:
    digest = shown(waiting, capsys)
    words = ["approve", digest, "--reason", "jane is on holiday", *waiting.places()]
    assert main(words) == 0
    actor = f"{getpass.getuser()}@{socket.gethostname()}"
    assert capsys.readouterr().out == f"{digest} of shop is approved by {actor}\n"
    (event,) = verdicts(waiting)
    assert (event.type, event.target, event.key) == (EventType.APPROVED, "shop", SETTINGS)
    assert (event.plan, event.actor, event.reason) == (digest, actor, "jane is on holiday")
    assert event.drift
    assert len(event.revision) == 40
    assert waiting.writes == 0
    done = deliberated(waiting)
    assert (done.approved, len(done.plan.actions)) == (actor, 1)
    # It waits no more.
    assert main(["approve", *waiting.places()]) == 0


def test_a_no_is_written_down_and_it_waits_on(waiting: Shop, capsys: Captured) -> None:
    digest = shown(waiting, capsys)
    assert main(["reject", digest, "--reason", "red it is", *waiting.places()]) == 0
    assert f"{digest} of shop is rejected by " in capsys.readouterr().out
    (event,) = verdicts(waiting)
    assert (event.type, event.reason) == (EventType.REJECTED, "red it is")
    assert deliberated(waiting).plan.actions == ()
    assert shown(waiting, capsys) == digest


@pytest.mark.parametrize(
    ("verbs", "approved"),
    [(("approve", "reject"), False), (("reject", "approve"), True)],
)
def test_the_later_verdict_counts(
    waiting: Shop, capsys: Captured, verbs: tuple[str, ...], *, approved: bool
) -> None:
    digest = shown(waiting, capsys)
    for verb in verbs:
        assert main([verb, digest, *waiting.places()]) == 0
    assert [each.type.value for each in verdicts(waiting)] == [
        {"approve": "approved", "reject": "rejected"}[verb] for verb in verbs
    ]
    assert bool(deliberated(waiting).plan.actions) is approved


def test_a_yes_expires(waiting: Shop, capsys: Captured) -> None:
    assert main(["approve", shown(waiting, capsys), *waiting.places()]) == 0
    at = datetime.fromisoformat(verdicts(waiting)[0].time)
    last = at + APPROVAL_LASTS - timedelta(seconds=1)
    assert deliberated(waiting, last).approved
    assert not deliberated(waiting, at + APPROVAL_LASTS).approved


def test_an_old_yes_waits_again_and_can_be_given_again(waiting: Shop, capsys: Captured) -> None:
    digest = shown(waiting, capsys)
    old = rfc3339(datetime.now(UTC) - APPROVAL_LASTS)
    yes = Event(old, "shop", EventType.APPROVED, key=SETTINGS, actor="john", plan=digest)
    with closing(history(waiting)) as kept:
        kept.append([yes])
    assert shown(waiting, capsys) == digest
    assert main(["approve", digest, *waiting.places()]) == 0
    assert deliberated(waiting).approved


def _live_moved(shop: Shop) -> None:
    shop.recolour("green")


def _git_moved(shop: Shop) -> None:
    shop.declare("apiVersion: v1\nkind: Namespace\nmetadata: {name: annexe}\n")


@pytest.mark.parametrize("move", [_live_moved, _git_moved])
def test_what_moved_voids_a_yes(waiting: Shop, capsys: Captured, move: object) -> None:
    digest = shown(waiting, capsys)
    assert main(["approve", digest, *waiting.places()]) == 0
    assert callable(move)
    move(waiting)
    done = deliberated(waiting)
    assert (done.approved, done.plan.actions) == ("", ())
    capsys.readouterr()
    now = shown(waiting, capsys)
    assert now != digest
    # And it can't be given to what is there no more.
    assert main(["approve", digest, *waiting.places()]) == 2
    assert f"what is there now: {now} of shop" in capsys.readouterr().err


@pytest.mark.parametrize("verb", ["approve", "reject"])
def test_a_plan_that_does_not_wait_is_refused_with_what_does(
    waiting: Shop, capsys: Captured, verb: str
) -> None:
    digest = shown(waiting, capsys)
    assert main([verb, "p-0000000000000000", *waiting.places()]) == 2
    err = capsys.readouterr().err
    assert "no plan p-0000000000000000 is there to judge" in err
    assert f"what is there now: {digest} of shop" in err
    assert "fix: look at what waits with `plumbline approve`" in err
    assert verdicts(waiting) == []


def test_where_nothing_waits_nothing_is_named(shop: Shop, capsys: Captured) -> None:
    configure(shop)
    assert main(["approve", "p-0000000000000000", *shop.places()]) == 2
    assert "what is there now: nothing" in capsys.readouterr().err


def test_a_no_needs_a_plan(shop: Shop) -> None:
    configure(shop)
    with pytest.raises(SystemExit) as ended:
        main(["reject", *shop.places()])
    assert ended.value.code == 2


def test_a_target_of_several_is_found_by_its_plan(waiting: Shop, capsys: Captured) -> None:
    other = "{name: other, source: {repo: shop}, mode: observe}"
    configure(waiting, more=f", {other}")
    digest = shown(waiting, capsys)
    assert main(["approve", digest, *waiting.places()]) == 0
    assert {event.target for event in verdicts(waiting)} == {"shop"}


def test_a_user_without_a_name_is_told_by_number(
    waiting: Shop, capsys: Captured, monkeypatch: pytest.MonkeyPatch
) -> None:
    def nobody() -> str:
        raise KeyError("getpwuid(): uid not found: 12345")

    monkeypatch.setattr(getpass, "getuser", nobody)
    assert main(["approve", shown(waiting, capsys), *waiting.places()]) == 0
    (event,) = verdicts(waiting)
    assert event.actor == f"uid-{os.getuid()}@{socket.gethostname()}"


def test_of_several_drifts_each_can_be_agreed_to_alone(waiting: Shop, capsys: Captured) -> None:
    waiting.cluster.remove(SETTINGS)
    waiting.cluster.edit(
        "kubectl-edit",
        next(key for key in waiting.cluster.objects() if key.kind == "Namespace"),
        lambda body: body["metadata"].setdefault("labels", {}).update(mine="yes"),
    )
    assert main(["approve", *waiting.places()]) == 1
    out = capsys.readouterr().out
    alone = next(line for line in out.splitlines() if "Namespace shop alone" in line)
    digest = _DIGEST.findall(alone)[0]
    assert main(["approve", digest, *waiting.places()]) == 0
    done = deliberated(waiting)
    assert [action.key.kind for action in done.plan.actions] == ["Namespace"]


def test_a_yes_that_is_not_enough_is_shown(waiting: Shop, capsys: Captured) -> None:
    config = waiting.folder / "plumbline.yaml"
    config.write_text(config.read_text() + "approvals: {rules: [{needed: 2}]}\n")
    digest = shown(waiting, capsys)
    assert main(["approve", digest, *waiting.places()]) == 0
    assert "1 of 2 who must say yes to ConfigMap shop/settings have" in capsys.readouterr().out
    assert main(["approve", *waiting.places()]) == 1
    assert f"{digest}: 1 of 2 who must say yes" in capsys.readouterr().out
    assert deliberated(waiting).plan.actions == ()


def test_who_may_not_say_yes_is_told_so(waiting: Shop, capsys: Captured) -> None:
    config = waiting.folder / "plumbline.yaml"
    config.write_text(config.read_text() + "approvals: {rules: [{approvers: [jane]}]}\n")
    digest = shown(waiting, capsys)
    assert main(["approve", digest, *waiting.places()]) == 2
    assert "may not say yes to ConfigMap shop/settings" in capsys.readouterr().err
    assert verdicts(waiting) == []

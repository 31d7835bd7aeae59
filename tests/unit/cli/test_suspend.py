"""`plumbline suspend` and `plumbline resume`, the whole of them, over a real HTTP server."""

import json
from contextlib import closing
from datetime import UTC, datetime, timedelta

import pytest

from reconciler.cli.main import main
from reconciler.cli.person import person
from reconciler.core.history import Event, EventType, HistoryQuery
from reconciler.core.moments import moment_of
from reconciler.core.suspension import SUSPENSION_TYPES
from reconciler.memory import open_history
from reconciler.settings import load_settings
from tests.unit.cli.conftest import SETTINGS, WEB, Shop

Captured = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def configured(shop: Shop) -> None:
    configure(shop, "shop")


def configure(shop: Shop, *names: str) -> None:
    each = "{{name: {}, source: {{repo: shop}}, scope: {{namespaces: [shop]}}, mode: restore}}"
    targets = ", ".join(each.format(name) for name in names)
    (shop.folder / "plumbline.yaml").write_text(f"targets: [{targets}]\n")


def said(shop: Shop) -> list[Event]:
    settings = load_settings(None, {"state_dir": str(shop.folder / "state")})
    with closing(open_history(settings)) as history:
        return list(history.find(HistoryQuery(types=SUSPENSION_TYPES)))


def call(shop: Shop, capsys: Captured, *words: str) -> tuple[int, str]:
    code = main([*words, *shop.places()])
    captured = capsys.readouterr()
    return code, captured.out + captured.err


def test_a_target_is_suspended_with_who_and_why_and_resumed(shop: Shop, capsys: Captured) -> None:
    words = ("suspend", "shop", "--reason", "load test")
    assert call(shop, capsys, *words) == (
        0,
        f"shop is suspended by {person()} until `plumbline resume shop`\n",
    )
    (event,) = said(shop)
    assert (event.type, event.target, event.key) == (EventType.SUSPENDED, "shop", None)
    assert (event.actor, event.reason, event.after) == (person(), "load test", None)
    code, shown = call(shop, capsys, "suspend")
    assert code == 1
    assert "target shop" in shown
    assert "load test" in shown
    code, text = call(shop, capsys, "resume", "--reason", "it went well")
    assert (code, text) == (0, f"shop is resumed by {person()}\n")
    assert said(shop)[-1].type is EventType.RESUMED
    assert said(shop)[-1].reason == "it went well"
    assert call(shop, capsys, "suspend", "--list") == (0, "nothing is suspended by command\n")
    assert shop.writes == 0


def test_an_end_is_kept_to_the_second(shop: Shop, capsys: Captured) -> None:
    assert call(shop, capsys, "suspend", "--for", "2h", "--reason", "x")[0] == 0
    until = moment_of(str((said(shop)[0].after or {})["until"]))
    assert until is not None
    assert timedelta(hours=1, minutes=59) < until - datetime.now(UTC) <= timedelta(hours=2)
    words = ("suspend", "--until", "2126-12-01T09:00+01:00", "--reason", "x")
    assert call(shop, capsys, *words)[0] == 0
    assert said(shop)[1].after == {"until": "2126-12-01T08:00:00Z"}
    assert call(shop, capsys, "suspend", "--until", "2126-12-02", "--reason", "x")[0] == 0
    assert said(shop)[2].after == {"until": "2126-12-02T00:00:00Z"}


def test_an_object_is_found_as_people_name_it(shop: Shop, capsys: Captured) -> None:
    words = ("suspend", "--object", "deploy/web", "-n", "shop", "--reason", "x")
    code, text = call(shop, capsys, *words)
    assert code == 0
    assert text.startswith("Deployment shop/web of shop is suspended by ")
    assert text.endswith(" until `plumbline resume` of it\n")
    assert said(shop)[0].key == WEB
    assert call(shop, capsys, "suspend", "--object", "cm/settings", "--reason", "x")[0] == 0
    assert said(shop)[1].key == SETTINGS
    shop.cluster.remove(WEB)
    code, text = call(shop, capsys, "resume", "--object", "deployments.apps/web")
    assert code == 0
    assert text.endswith("; still suspended: ConfigMap shop/settings\n")
    code, text = call(shop, capsys, "suspend", "-o", "json")
    (left,) = json.loads(text)["suspensions"]
    assert (code, left["resource"]["name"]) == (1, "settings")
    code, text = call(shop, capsys, "resume", "--object", "configmap/settings", "-o", "json")
    assert (code, json.loads(text)["suspensions"]) == (0, [])


def test_several_that_are_meant_are_told_apart(shop: Shop, capsys: Captured) -> None:
    assert call(shop, capsys, "suspend", "--object", "deploy/web", "--reason", "x")[0] == 0
    settings = load_settings(None, {"state_dir": str(shop.folder / "state")})
    with closing(open_history(settings)) as history:
        (event,) = history.find(HistoryQuery(types=SUSPENSION_TYPES))
        other = WEB._replace(namespace="other")
        history.append([Event(event.time, "shop", EventType.SUSPENDED, key=other)])
    code, text = call(shop, capsys, "resume", "--object", "deploy/web")
    assert (code, "name its namespace" in text) == (2, True)
    assert call(shop, capsys, "resume", "--object", "deploy/web", "-n", "other")[0] == 0
    assert said(shop)[-1].key == other


def test_the_history_shows_them(shop: Shop, capsys: Captured) -> None:
    words = ("suspend", "--until", "2126-12-01T08:00:00Z", "--reason", "load test")
    assert call(shop, capsys, *words)[0] == 0
    place = ("--state-dir", str(shop.folder / "state"))
    assert main(["history", *place]) == 0
    text = capsys.readouterr().out
    assert "suspended" in text
    assert "target shop" in text
    assert "+ until  2126-12-01T08:00:00Z" in text
    assert main(["history", "-o", "json", *place]) == 0
    (event,) = json.loads(capsys.readouterr().out)["events"]
    assert (event["type"], event["resource"], event["reason"]) == ("suspended", None, "load test")
    assert event["fields"] == [{"path": "until", "before": None, "after": "2126-12-01T08:00:00Z"}]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("suspend shop", "a suspension needs a reason"),
        ("suspend shop --reason", "expected one argument"),
        ("suspend shop --for 2h --until 2126-12-01 --reason x", "not allowed with"),
        ("suspend --list --reason x", "--list only shows"),
        ("suspend --reason x --for often", "--for: 'often' is no duration"),
        ("suspend --reason x --for 0s", "would end before it begins"),
        ("suspend --reason x --for 99999999d", "'99999999d' is too long"),
        ("suspend --reason x --until 2020-12-01T08:00:00Z", "would end before it begins"),
        ("suspend --reason x --until soon", "'soon' is no time"),
        ("suspend --reason x --until 0001-01-01T00:00+14:00", "is no time"),
        ("suspend --reason x --object web", "'web' names no object"),
        ("suspend --reason x --object deploy/nobody", "deploy/nobody is neither declared nor live"),
        ("suspend sho --reason x", "sho"),
        ("resume", "no history"),
        ("suspend", "no history"),
    ],
)
def test_what_cannot_be_meant_is_named_and_nothing_is_written(
    shop: Shop, capsys: Captured, words: str, message: str
) -> None:
    try:
        code, text = call(shop, capsys, *words.split())
    except SystemExit as end:
        code, text = int(end.code or 0), capsys.readouterr().err
    assert (code, message in text) == (2, True), text
    assert said(shop) == []


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ("resume shop", "shop as a whole is not suspended"),
        ("resume --object deploy/nobody", "name one of ConfigMap shop/settings"),
        ("resume --object settings", "names no object"),
    ],
)
def test_what_is_not_suspended_cannot_be_resumed(
    shop: Shop, capsys: Captured, words: str, message: str
) -> None:
    assert call(shop, capsys, "suspend", "--object", "cm/settings", "--reason", "x")[0] == 0
    code, text = call(shop, capsys, *words.split())
    assert (code, message in text) == (2, True), text
    assert len(said(shop)) == 1


def test_of_several_targets_one_must_be_named(shop: Shop, capsys: Captured) -> None:
    configure(shop, "shop", "stage")
    code, text = call(shop, capsys, "suspend", "--reason", "x")
    assert (code, "several targets are configured: shop, stage" in text) == (2, True)
    assert call(shop, capsys, "suspend", "stage", "--reason", "x")[0] == 0
    assert call(shop, capsys, "suspend", "--list", "shop") == (
        0,
        "nothing is suspended by command\n",
    )
    assert call(shop, capsys, "suspend", "--list", "stage")[0] == 1
    (shop.folder / "plumbline.yaml").write_text("targets: []\n")
    code, text = call(shop, capsys, "suspend", "--reason", "x")
    assert (code, "no target is configured" in text) == (2, True)


def test_a_restore_by_hand_goes_on_and_says_so(shop: Shop, capsys: Captured) -> None:
    shop.recolour()
    assert call(shop, capsys, "suspend", "--object", "cm/settings", "--reason", "fair")[0] == 0
    assert call(shop, capsys, "suspend", "--object", "deploy/web", "--reason", "x")[0] == 0
    assert main(["restore", "--yes", *shop.places()]) == 0
    (line,) = capsys.readouterr().err.splitlines()
    assert line.startswith("plumbline: ConfigMap shop/settings: the object is suspended by ")
    assert line.endswith(": fair; a restore by hand is carried out all the same")
    assert shop.colour == "blue"
    # Nothing is left to say where nothing would be written.
    assert main(["restore", "--yes", *shop.places()]) == 0
    assert capsys.readouterr().err == ""


def test_a_restore_by_hand_needs_no_history(shop: Shop, capsys: Captured) -> None:
    shop.recolour()
    (shop.folder / "state").mkdir(exist_ok=True)
    (shop.folder / "state" / "history.db").write_text("no database")
    assert main(["restore", "--yes", *shop.places()]) == 0
    assert "whether shop is suspended can't be told: " in capsys.readouterr().err
    assert shop.colour == "blue"

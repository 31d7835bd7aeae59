"""`plumbline history`, the whole of it, over a history in SQLite."""

import argparse
import json
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

import pytest

from reconciler.cli import history as verb
from reconciler.cli.exit_codes import ExitCode
from reconciler.cli.options import settings_of
from reconciler.core.errors import ConfigError, HistoryError
from reconciler.core.history import Event, EventType, HistoryQuery
from reconciler.core.resource import ResourceKey
from reconciler.memory import open_history

WEB = ResourceKey("apps", "Deployment", "shop", "web")
KEY = ResourceKey("", "Secret", "shop", "key")
NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
EVENTS = (
    Event("2026-11-24T10:00:00Z", "shop", EventType.SEEN, "d-1", WEB, "jane with kubectl-edit",
          reason="Modified (high)", before={"spec.replicas": 3}, after={"spec.replicas": 5}),
    Event("2026-11-24T10:00:05Z", "shop", EventType.APPROVED, "d-1", WEB, "john", plan="p-1"),
    Event("2026-11-24T10:00:06Z", "shop", EventType.RESTORED, "d-1", WEB, "plumbline", plan="p-1",
          before={"spec.replicas": 5}, after={"spec.replicas": 3}),
    Event("2026-11-24T11:30:00Z", "bank", EventType.SEEN, "d-2", KEY, "jane",
          before={"data.a": "***"}, after={"data.a": "***"}),
)  # fmt: skip


def options_of(*words: str) -> argparse.Namespace:
    parser = argparse.ArgumentParser()
    verb.configure(parser)
    return parser.parse_args(words)


@pytest.fixture
def state(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The state folder of a user without a configuration."""
    for name in ("XDG_CACHE_HOME", "XDG_STATE_HOME", "PLUMBLINE_CONFIG", "PLUMBLINE_STATE_DIR"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    return tmp_path / "state"


@pytest.fixture
def kept(state: Path) -> Path:
    with closing(open_history(settings_of(options_of("--state-dir", str(state))))) as history:
        history.append(EVENTS)
    return state


def run(state: Path, *words: str) -> ExitCode:
    return verb.run(options_of("--state-dir", str(state), *words))


def shown(state: Path, capsys: pytest.CaptureFixture[str], *words: str) -> list[str]:
    """Gives the types and drifts of the events that are shown."""
    assert run(state, "-o", "json", *words) is ExitCode.DONE
    document = json.loads(capsys.readouterr().out)
    return [f"{event['type']} {event['drift']}" for event in document["events"]]


ALL = ["seen d-1", "approved d-1", "restored d-1", "seen d-2"]


@pytest.mark.parametrize(
    ("words", "found"),
    [
        ([], ALL),
        (["shop"], ALL[:3]),
        (["--object", "deploy/web"], ALL[:3]),
        (["--object", "deployments/web", "-n", "shop"], ALL[:3]),
        (["--object", "deployments/web", "-n", "bank"], []),
        (["--object", "Secret/"], ALL[3:]),
        (["--object", "/web"], ALL[:3]),
        (["--actor", "JANE"], [ALL[0], ALL[3]]),
        (["--type", "approved", "--type", "restored"], ALL[1:3]),
        (["--drift", "d-2"], ALL[3:]),
        (["--plan", "p-1"], ALL[1:3]),
        (["--limit", "2"], ALL[2:]),
        (["--since", "2026-11-24T10:00:05Z", "--until", "2026-11-24T12:00:06+02:00"], ALL[1:3]),
    ],
)
def test_filters_choose_events(
    kept: Path, capsys: pytest.CaptureFixture[str], words: list[str], found: list[str]
) -> None:
    assert shown(kept, capsys, *words) == found


def test_it_answers_what_happened_who_approved_and_what_was_before(
    kept: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(kept, "--object", "deployment/web") is ExitCode.DONE
    text = capsys.readouterr().out
    assert "approved    Deployment shop/web  by john" in text
    assert "~ spec.replicas  5 → 3" in text
    assert "3 events" in text


def test_a_sound_history_is_said_to_be(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(kept, "verify") is ExitCode.DONE
    assert "4 events, all as written" in capsys.readouterr().out
    assert run(kept, "verify", "-o", "json") is ExitCode.DONE
    assert json.loads(capsys.readouterr().out)["sound"] is True


def test_a_broken_history_is_said_to_be(kept: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with closing(sqlite3.connect(kept / "history.db")) as connection:
        connection.execute("UPDATE events SET actor = 'nobody' WHERE number = 2")
        connection.commit()
    assert run(kept, "verify") is ExitCode.COULD_NOT
    assert "event 2 isn't as it was written" in capsys.readouterr().out
    assert run(kept, "verify", "-o", "json") is ExitCode.COULD_NOT
    assert json.loads(capsys.readouterr().out)["brokenAt"] == 2


def test_where_there_is_no_history_none_is_made(state: Path) -> None:
    with pytest.raises(HistoryError, match="there is no history"):
        run(state)
    assert not (state / "history.db").exists()


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--since", "yesterday"], "--since 'yesterday' is no time"),
        (["--until", "99999999w"], "is no time"),
        (["--object", "web"], "'web' names no object"),
        (["--object", "/"], "'/' names no object"),
        (["--limit", "-1"], "can't be negative"),
    ],
)
def test_a_filter_that_cannot_be_read_is_refused(words: list[str], message: str) -> None:
    with pytest.raises(ConfigError, match=message):
        verb.query_of(options_of(*words), NOW)


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("90s", "2026-11-24T11:58:30Z"),
        ("90m", "2026-11-24T10:30:00Z"),
        ("2h", "2026-11-24T10:00:00Z"),
        ("7d", "2026-11-17T12:00:00Z"),
        ("1w", "2026-11-17T12:00:00Z"),
        ("2026-11-24T12:00:00", "2026-11-24T12:00:00Z"),
        ("2026-11-24T12:00:00+01:00", "2026-11-24T11:00:00Z"),
        ("2026-11-24", "2026-11-24T00:00:00Z"),
    ],
)
def test_a_time_is_a_moment_or_how_long_ago(text: str, time: str) -> None:
    assert verb.query_of(options_of("--since", text), NOW).since == time


@pytest.mark.parametrize(
    ("word", "kind"),
    [
        ("deploy", "Deployment"),
        ("Deployment", "Deployment"),
        ("deployments", "Deployment"),
        ("netpol", "NetworkPolicy"),
        ("networkpolicies", "NetworkPolicy"),
        ("ingresses", "Ingress"),
        ("ingress", "Ingress"),
        ("endpoints", "Endpoints"),
        ("redis", "Redis"),
    ],
)
def test_a_kind_is_what_people_type(word: str, kind: str) -> None:
    query = verb.query_of(options_of("--object", f"{word}/web"), NOW)
    event = Event("2026-11-24T10:00:00Z", "shop", EventType.SEEN, "d-1", WEB._replace(kind=kind))
    assert query.matches(event)
    assert not query.matches(Event("2026-11-24T10:00:00Z", "shop", EventType.SEEN, "d-1", KEY))


def test_no_filter_asks_for_the_latest_hundred() -> None:
    assert verb.query_of(options_of(), NOW) == HistoryQuery(limit=100)

"""What a history and people are told of what was seen in a container."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given

from reconciler.core.container_fields import about, news_of, now_of, place_of, plain, was_of
from reconciler.core.containers import ContainerDrift
from reconciler.core.drift import Drift, Severity
from tests.unit.render import strategies as some
from tests.unit.render.pods import CONF, DEVICE, EVIL, LINK, PORT, PROCESS, SESSION, seen


@pytest.mark.parametrize(
    ("what", "place", "was", "now"),
    [
        (
            EVIL,
            "web:/usr/bin/evil",
            None,
            "file, 0755, owner 0:0, 70,000 bytes, sha256 bbbbbbbbbbbb…",
        ),
        (
            LINK,
            r"web:/etc/a" + "\n" + r"b\udcff",
            r"symlink, 0777, owner 0:0, → /tmp/\udcffx",
            None,
        ),
        (
            DEVICE,
            "web:/dev/x",
            None,
            "block device, 0600, owner 0:0, device 8:0, capabilities",
        ),
        (
            SESSION,
            "web:exec",
            None,
            "sh -i (pid 60, user 0, since 2026-11-24T11:58:00Z)",
        ),
        (replace(SESSION, started_at=""), "web:exec", None, "sh -i (pid 60, user 0)"),
        (PORT, "web:TCP 0.0.0.0 4444", None, "pid 70"),
    ],
)
def test_what_is_told_of_each(
    what: ContainerDrift, place: str, was: str | None, now: str | None
) -> None:
    drift = seen(what)
    assert place_of(drift) == place
    assert was_of(drift) == {place: was}
    assert now_of(drift) == {place: now}


def test_a_process_is_told_by_its_command() -> None:
    (text,) = now_of(seen(PROCESS)).values()
    assert text.startswith("evil --password '***'")
    assert place_of(seen(PROCESS)) == "web:/usr/bin/evil"


@pytest.mark.parametrize(
    ("what", "words"),
    [
        (EVIL, "in the container web of Deployment shop/web; executable; setuid"),
        (PROCESS, "in the container web of Deployment shop/web; origin added; on emptyDir x"),
        (SESSION, "in the container web of Deployment shop/web; by runc"),
        (PORT, "in the container web of Deployment shop/web"),
    ],
)
def test_where_it_was_seen_is_said(what: ContainerDrift, words: str) -> None:
    assert about(seen(what)) == words
    assert about(seen(what, owner=None)) == words.replace(" of Deployment shop/web", "")


def test_of_an_object_only_its_note_is_said() -> None:
    assert about(replace(seen(EVIL), container=None, note="why")) == "why"
    nothing = replace(seen(EVIL), seen=None, container=None)
    assert (place_of(nothing), now_of(nothing)) == (":", {":": None})


def test_content_that_matters_is_news_and_a_growing_log_is_none() -> None:
    assert CONF.now is not None
    other = replace(CONF, now=replace(CONF.now, sha256="f" * 64, size=13))
    assert news_of(seen(CONF)) != news_of(seen(other))
    log, grown = (replace(each, severity=Severity.LOW) for each in (CONF, other))
    assert news_of(seen(log)) == news_of(seen(grown))
    executable = replace(log, now=replace(CONF.now, mode=0o4755))
    assert news_of(seen(log)) != news_of(seen(executable))
    assert news_of(seen(LINK)) == ["low", "removed", "link", ""]
    assert news_of(seen(PROCESS)) == ["high"]


@given(some.IN_PODS)
def test_everything_can_be_kept_in_a_database(drift: Drift) -> None:
    told: list[Any] = [place_of(drift), *was_of(drift).values(), *now_of(drift).values()]
    told += [about(drift), *news_of(drift)]
    for text in filter(None, told):
        assert "\0" not in str(text)
        assert len(str(text).encode()) < 8_000


def test_what_no_database_takes_is_escaped() -> None:
    assert plain("a\0\udcff\x1b") == "a\\x00\\udcff\x1b"

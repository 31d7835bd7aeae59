"""Pull requests: what a person on call reads, and what nobody can smuggle into it."""

import json
import re
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.core.drift import DriftType, Severity
from reconciler.core.history import WHOLE
from reconciler.core.notices import Episode, Notice, notice_of
from reconciler.core.resource import ResourceKey
from reconciler.render.markdown import LIMIT
from reconciler.render.proposals import (
    proposal_body,
    proposal_message,
    proposal_title,
    record_path,
    record_text,
)
from tests.unit.render.proposing import EDITED, HOSTILE, MISSING, NOTICES, PLAN, SECRET

WORDS = st.text(max_size=40) | st.sampled_from(
    ["@all", "#1", "```", "`", "<b>", "[x](y)", "![x](y)", "https://evil.example", "/merge\n"]
)


def episode(name: str = "web", **values: object) -> Episode:
    key = ResourceKey("apps", "Deployment", "shop", name)
    return replace(EDITED, key=key, drift=f"d-{name}", **values)  # type: ignore[arg-type]


def outside_of_code(markdown: str) -> str:
    """What a forge reads as markup: everything but code fences and code spans."""
    shown, fence = [], ""
    for line in markdown.split("\n"):
        found = re.match(r"`{3,}", line)
        if fence:
            if re.fullmatch(rf"{fence}`*\s*", line):
                fence = ""
        elif found:
            fence = found[0]
        else:
            shown.append(line)
    assert not fence
    # As CommonMark says: a span ends at as many backticks as it began with.
    return re.sub(r"(?<!`)(`+)(?!`)(.*?)(?<!`)\1(?!`)", "", "\n".join(shown), flags=re.DOTALL)


def test_title_and_message_tell_one_object_by_its_name() -> None:
    notice = notice_of([MISSING])
    assert proposal_title(notice) == "Restore shop: ConfigMap shop/prices is missing"
    message = proposal_message(notice, PLAN)
    assert message.startswith("Record the drift of shop\n\nConfigMap shop/prices is missing.\n")
    assert PLAN in message


def test_title_counts_several() -> None:
    assert proposal_title(NOTICES["edited"]) == "Restore shop: 3 objects drifted"


def test_the_body_says_what_a_merge_does() -> None:
    body = proposal_body(NOTICES["edited"], PLAN)
    assert f"**Merge** this to restore them: it approves exactly the plan `{PLAN}`" in body
    assert "**Close** this" in body
    assert "~ spec.replicas: 3 → 5" in body
    assert "by `kubectl-edit (alice@example.dev)`" in body


def test_the_worst_comes_first() -> None:
    body = proposal_body(NOTICES["edited"], PLAN)
    assert body.index("Deployment shop/web") < body.index("ConfigMap shop/prices")


def test_a_body_without_a_revision_says_none() -> None:
    assert "as of Git" not in proposal_body(notice_of([MISSING]), PLAN)


def test_the_order_of_finding_does_not_matter() -> None:
    one, other = notice_of([EDITED, SECRET]), notice_of([SECRET, EDITED])
    other = replace(other, episodes=tuple(reversed(other.episodes)))
    assert proposal_body(one, PLAN) == proposal_body(other, PLAN)
    assert record_text(one, PLAN) == record_text(other, PLAN)


def test_a_body_that_is_too_long_says_how_much_is_left_out() -> None:
    many = notice_of([episode(f"web-{number}") for number in range(400)])
    body = proposal_body(many, PLAN)
    assert len(body) <= LIMIT
    assert "more objects, left out here: the record in this pull request has all.**" in body
    assert len(json.loads(record_text(many, PLAN))["drifts"]) == 400


def test_an_object_that_is_too_long_says_how_much_is_left_out() -> None:
    fields = {f"data.{'k' * 200}{number}": "v" * 50 for number in range(200)}
    long = episode(before={}, after=fields)
    body = proposal_body(notice_of([long]), PLAN)
    assert "more fields, left out here." in body
    lines = episode(before={}, after={"data.text": "\n".join(map(str, range(1000)))})
    assert "… (962 more lines)" in proposal_body(notice_of([lines]), PLAN)


def test_even_the_largest_field_is_shown() -> None:
    value = ["v" * 900] * 100
    huge = episode(before={}, after={"k" * 900: value}, note="n" * 900, actor="a" * 900)
    body = proposal_body(notice_of([huge]), PLAN)
    assert "… (60 more lines)" in body
    assert "left out here" not in body


def test_an_object_of_which_no_field_is_told_has_no_fence() -> None:
    assert "```" not in proposal_body(notice_of([episode(before=None, after=None)]), PLAN)


def test_the_record_holds_each_field_masked() -> None:
    record = json.loads(record_text(NOTICES["edited"], PLAN))
    assert record["plan"] == PLAN
    assert record["schema"] == "plumbline.dev/revert/v1"
    secret = next(each for each in record["drifts"] if each["resource"]["kind"] == "Secret")
    assert secret["changes"] == [
        {
            "path": "data.password",
            "change": "changed",
            "desired": "***",
            "live": "***",
            "digest": {"desired": "a1b2c3", "live": "d4e5f6"},
        }
    ]


def test_a_masked_field_that_is_new_has_one_digest() -> None:
    added = episode(before={"data.a": None}, after={"data.a": "***", "***": {"data.a": "a1"}})
    record = json.loads(record_text(notice_of([added]), PLAN))
    assert record["drifts"][0]["changes"][0]["digest"] == {"desired": None, "live": "a1"}


@pytest.mark.parametrize(
    ("target", "path"),
    [
        ("shop", ".plumbline/reverts/shop.json"),
        ("shop/eu west", ".plumbline/reverts/shop%2Feu%20west.json"),
        ("..", ".plumbline/reverts/%2E..json"),
        ("läden", ".plumbline/reverts/l%C3%A4den.json"),
    ],
)
def test_a_record_has_a_path_of_its_own(target: str, path: str) -> None:
    assert record_path(target) == path


def test_hostile_names_are_no_markup() -> None:
    title = proposal_title(NOTICES["hostile"])
    message = proposal_message(NOTICES["hostile"], PLAN)
    for text in (title, message):
        assert not re.search(r"[@#\[\]`<>!]|://", text)
    outside = outside_of_code(proposal_body(NOTICES["hostile"], PLAN))
    assert not re.search(r"@|#1|\]\(|<|https?:|/merge|/close", outside)


@given(WORDS, WORDS, WORDS, WORDS, WORDS, WORDS)
def test_nothing_foreign_is_ever_markup(
    name: str, actor: str, note: str, path: str, old: str, new: str
) -> None:
    kind = DriftType.MODIFIED
    key = ResourceKey("", "ConfigMap", "shop", name)
    hostile = replace(
        HOSTILE, key=key, type=kind, actor=actor, note=note, before={path: old}, after={path: new}
    )
    plain = replace(
        HOSTILE, key=replace_name(key), type=kind, actor="a" if actor else "", note="n" if note
        else "", before={WHOLE: "x"}, after={WHOLE: "y"}
    )  # fmt: skip
    # Outside of code the body is the same, whatever the cluster says.
    body, expected = (proposal_body(Notice("s", "shop", (e,)), PLAN) for e in (hostile, plain))
    assert outside_of_code(body).split() == outside_of_code(expected).split()
    assert "\n" not in proposal_title(Notice("s", "shop", (hostile,)))


def replace_name(key: ResourceKey) -> ResourceKey:
    return key._replace(name="web")


@given(st.lists(st.sampled_from([EDITED, MISSING, SECRET, HOSTILE]), min_size=1, max_size=6))
def test_a_title_fits_every_forge(episodes: list[Episode]) -> None:
    notice = notice_of([replace(each, severity=Severity.LOW) for each in episodes])
    assert len(proposal_title(notice)) <= 255

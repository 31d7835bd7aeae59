"""Profiles as a file, what was learned as text, and both as a pull request."""

import json
from dataclasses import replace
from datetime import date

import jsonschema
import pytest

from reconciler.core.learned import ProfileProposal, Window
from reconciler.core.learning import Evidence, LeftOut
from reconciler.core.profiles import ImageProfile, Profiles, WriteRule, profiles_of
from reconciler.core.resource import JsonObject
from reconciler.render.markdown import LIMIT
from reconciler.render.profile_documents import learned_text, profiles_document, profiles_text
from reconciler.render.profile_proposals import (
    proposal_body,
    proposal_document,
    proposal_message,
    proposal_text,
    proposal_title,
)
from reconciler.render.profile_schema import profiles_schema
from reconciler.render.terminal import Style
from tests.unit.core.test_learned import WINDOW
from tests.unit.render.cases import HOSTILE_TEXT
from tests.unit.render.test_harmless import harmful
from tests.unit.render.test_proposals import outside_of_code

STYLE = Style(False, 100)
WEB = ImageProfile(
    "registry.example/web",
    (
        WriteRule("/app/data/**", "its index", date(2027, 1, 31)),
        WriteRule("/app/pid", "its number"),
    ),
    ("/bin/app",),
    date(2028, 1, 31),
)
ADDED = Profiles((WEB, ImageProfile("other", (WriteRule("/x", "why"),))))
HOSTILE = replace(
    WINDOW,
    node=HOSTILE_TEXT,
    images=(Evidence(HOSTILE_TEXT, (HOSTILE_TEXT,), 1, 1),),
    left=(LeftOut(HOSTILE_TEXT, HOSTILE_TEXT, "executable"), LeftOut("", HOSTILE_TEXT, "x")),
    unknown=(HOSTILE_TEXT,),
)


def proposal(*windows: Window, added: Profiles = ADDED, before: str | None = None) -> (
    ProfileProposal
):  # fmt: skip
    after = profiles_text(added)
    return ProfileProposal("shop", "a" * 40, ".plumbline/p.json", before, after, added, windows)


def test_a_file_comes_back_as_it_was_written() -> None:
    text = profiles_text(ADDED, [WINDOW])
    assert text == profiles_text(ADDED, [WINDOW])
    assert text.endswith("}\n")
    assert profiles_of(json.loads(text)) == ADDED
    assert "learned" not in json.loads(profiles_text(ADDED))


def test_the_schema_is_as_strict_as_the_reader() -> None:
    schema = jsonschema.Draft202012Validator(profiles_schema())
    jsonschema.Draft202012Validator.check_schema(profiles_schema())
    schema.validate(profiles_document(ADDED, [WINDOW]))
    schema.validate({"profiles": [{"image": "a"}]})
    wrongs: tuple[JsonObject, ...] = (
        {},
        {"profiles": [{}]},
        {"profiles": [{"image": "a", "wriet": []}]},
        {"profiles": [{"image": "a", "write": [{"path": "/a"}]}]},
        {"profiles": [{"image": "a", "execute": ["sh"]}]},
        {"schema": "x", "profiles": []},
    )
    for wrong in wrongs:
        assert not schema.is_valid(wrong)


def test_what_was_learned_is_told_with_what_was_not() -> None:
    text = learned_text([WINDOW], ADDED, "p.json", STYLE)
    assert text.startswith("Learned from 1 container of 1 image on vm, 2026-11-25T12:00:00Z to")
    assert "    write /app/data/**  its index\n" in text
    assert "    execute /bin/app\n" in text
    assert "  - web /opt/x: executable\n" in text
    assert "unknown vm: shop/web/app: not read" in text
    assert "propose it with `plumbline propose" in text
    nothing = learned_text([replace(WINDOW, left=(), unknown=())], Profiles(), "p.json", STYLE)
    assert "Nothing that isn't allowed already" in nothing
    assert "Left out" not in nothing
    many = replace(WINDOW, left=tuple(LeftOut("web", f"/{n}", "x") for n in range(30)))
    assert "… (10 more)" in learned_text([many], ADDED, "p.json", STYLE)
    assert "more)" not in learned_text([many], ADDED, "p.json", replace(STYLE, full=True))


def test_a_pull_request_says_what_is_allowed_and_by_what_evidence() -> None:
    made = proposal(replace(WINDOW, unknown=(), left=()), WINDOW)
    assert proposal_title(made) == "Profiles for shop: 3 places and 1 program of 2 images"
    body = proposal_body(made)
    assert "- write `/app/data/**`: `its index`" in body
    assert "- execute `/bin/app`" in body
    assert "  - `web`: 3 files, 1 program in `shop/web/app`" in body
    assert "1 thing couldn't be told, such as `shop/web/app: not read`" in body
    assert "- `web` `/opt/x`: `executable`" in body
    assert proposal_message(made).startswith("Profiles of images, as learned\n\n3 places and 1")
    only = proposal(added=Profiles((ImageProfile("a", (), ("/b",)),)))
    assert proposal_title(only) == "Profiles for shop: 1 program of 1 image"
    assert "Left out" not in proposal_body(only)
    text = proposal_text(made, STYLE)
    assert '+      "image": "registry.example/web",' in text
    assert "Allows 3 places and 1 program of 2 images in shop @ aaaaaaa" in text
    assert "1 thing left out: stays drift" in text
    document = proposal_document(made, "https://x")
    assert (document["pullRequest"], len(document["learned"])) == ("https://x", 2)


def test_nothing_new_changes_no_file() -> None:
    made = proposal(added=Profiles())
    assert made.files == {}
    assert proposal_text(made, STYLE) == "Nothing that isn't allowed already in shop @ aaaaaaa\n"
    assert proposal_document(made)["learned"] == []


def test_a_pull_request_has_an_end() -> None:
    images = tuple(
        ImageProfile(f"i{n}", (WriteRule("/" + "x" * 900, "y" * 900),)) for n in range(99)
    )
    window = replace(
        WINDOW,
        images=tuple(Evidence(f"i{n}", tuple("abcdefg"), 1, 1) for n in range(30)),
        left=tuple(LeftOut("web", f"/{n}", "x") for n in range(60)),
    )
    body = proposal_body(proposal(*[window] * 20, added=Profiles(images)))
    assert len(body) <= LIMIT
    assert "more images, left out here" in body
    assert "… and 10 more images" in body
    assert "… and 20 more" in body
    assert "and 2 more" in body


@pytest.mark.parametrize("window", [HOSTILE, WINDOW])
def test_names_of_containers_do_no_harm(window: Window) -> None:
    made = proposal(window)
    assert not harmful(learned_text([window], ADDED, HOSTILE_TEXT, STYLE))
    assert not harmful(proposal_text(made, STYLE))
    body = proposal_body(made)
    assert not harmful(body)
    assert "@" not in outside_of_code(body)
    profiles_text(ADDED, [window]).encode()
    json.dumps(proposal_document(made)).encode()

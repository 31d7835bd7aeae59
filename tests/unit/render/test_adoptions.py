"""What people read of an adoption, and what nobody can smuggle into it."""

import re
from dataclasses import replace

from reconciler.core.actors import Actor
from reconciler.core.adoption import Adopted, Adoption, Left
from reconciler.core.drift import Change, ChangeType
from reconciler.render.adoptions import (
    adoption_body,
    adoption_diff,
    adoption_document,
    adoption_message,
    adoption_text,
    adoption_title,
)
from reconciler.render.markdown import LIMIT
from reconciler.render.terminal import Style
from tests.unit.render.adopting import ADOPTIONS, EDITED, HOSTILE, OWNED, SECRET, URL
from tests.unit.render.test_proposals import outside_of_code

STYLE = Style(colour=False, width=80)
DAY = ADOPTIONS["edited"]


def many(count: int, size: int = 1) -> Adoption:
    values = tuple(
        Change(("data", f"k{at}"), ChangeType.ADDED, None, "x" * 300) for at in range(size)
    )
    adopted = tuple(
        Adopted(
            replace(EDITED, id=f"d-{at}", key=EDITED.key._replace(name=f"n{at}"), changes=values),
            ("a.yaml",),
        )
        for at in range(count)
    )
    return replace(DAY, adopted=adopted, left=(SECRET,) * 50)


def test_a_difference_is_that_of_the_files_without_their_secrets() -> None:
    diff = adoption_diff(DAY)
    assert "-  replicas: 3   # three\n+  replicas: 5   # three\n" in diff
    assert "--- a/apps/prices.yaml\n+++ /dev/null\n" in diff
    assert "--- /dev/null\n+++ b/apps/namespace-stray.yaml\n" in diff
    for text in (diff, adoption_text(DAY, STYLE), str(adoption_document(DAY))):
        assert "hunter2" not in text


def test_a_secret_of_several_lines_is_masked_line_by_line() -> None:
    secret = "-----BEGIN\nabc\n-----END\n"
    files = {"a.yaml": "key: |\n  -----BEGIN\n  abc\n  -----END\nb: 2\n"}
    before = {"a.yaml": "key: |\n  -----BEGIN\n  abc\n  -----END\nb: 1\n"}
    made = replace(DAY, files=files, before=before, secrets=frozenset({secret}))
    assert "abc" not in adoption_diff(made)
    assert "+b: 2" in adoption_diff(made)


def test_it_says_what_it_does_and_what_it_leaves() -> None:
    assert adoption_title(DAY) == "Adopt into shop: 3 objects as they are live"
    body = adoption_body(DAY)
    assert "by `kubectl-edit`. Edited: `apps/web.yaml`." in body
    assert "- `Secret shop/db` `data.password`: `its value is a secret" in body
    assert "- `Pod shop/x`: `another object owns it`" in body
    text = adoption_text(DAY, STYLE)
    assert "✓ ConfigMap shop/prices  no longer declared (apps/prices.yaml)" in text
    assert "Left as it is" in text


def test_who_was_witnessed_is_named_before_a_program() -> None:
    person = replace(EDITED, actor=Actor("alice@example.dev"))
    body = adoption_body(replace(DAY, adopted=(Adopted(person, ("a.yaml",)),)))
    assert "by `alice@example.dev`" in body
    assert "kubectl-edit" not in body
    nobody = replace(EDITED, changes=EDITED.changes[1:])
    assert "UTC. Edited" in adoption_body(replace(DAY, adopted=(Adopted(nobody, ("a.yaml",)),)))


def test_nothing_to_adopt_is_said_so() -> None:
    text = adoption_text(ADOPTIONS["nothing"], STYLE)
    assert text.startswith("Nothing to adopt in shop @ 4f0c1b7\n")
    assert adoption_text(replace(ADOPTIONS["nothing"], left=()), STYLE).count("\n") == 1
    assert adoption_document(ADOPTIONS["nothing"])["pullRequest"] is None
    assert adoption_document(DAY, URL)["pullRequest"] == URL


def test_a_body_fits_every_forge() -> None:
    for made in (many(400), many(6, 200), many(1, 400)):
        body = adoption_body(made)
        assert len(body.encode("utf-16-le")) // 2 <= LIMIT
        assert "left out here" in body
        assert "… and 10 more" in body
    whole = adoption_body(replace(DAY, left=()))
    assert "Left as it is" not in whole


def test_hostile_names_are_no_markup() -> None:
    made = ADOPTIONS["hostile"]
    for text in (adoption_title(made), adoption_message(made)):
        assert not re.search(r"[@#\[\]`<>!]|://", text)
    outside = outside_of_code(adoption_body(made))
    assert not re.search(r"@|#1|\]\(|<|https?:|/close", outside)
    assert "\x1b" not in adoption_text(made, STYLE)
    assert "\x1b" not in adoption_body(made)


def test_one_object_alone_is_named() -> None:
    one = replace(DAY, adopted=(Adopted(EDITED, ("a.yaml",)),))
    assert adoption_title(one) == "Adopt into shop: Deployment shop/web differs from Git"
    long = replace(one, target="s" * 200)
    assert len(adoption_title(long)) <= 120
    assert Left("d", HOSTILE.key, "", "x") != OWNED

"""What people read of fixes, and what nobody can smuggle into it."""

import re
from dataclasses import replace

from reconciler.core.fixes import Fixed, Purpose
from reconciler.render.fixes import (
    fixing_body,
    fixing_diff,
    fixing_document,
    fixing_message,
    fixing_text,
    fixing_title,
)
from reconciler.render.markdown import LIMIT
from reconciler.render.terminal import Style
from tests.unit.render.fixing import DIGEST, DROP, FIXINGS, IMAGE, LEFT
from tests.unit.render.test_proposals import outside_of_code

STYLE = Style(colour=False, width=80)


def test_a_table_says_what_becomes_of_images() -> None:
    made = FIXINGS["images"]
    body = fixing_body(made)
    row = f"| `Deployment shop/web` | `app` | `web:1.2.0` | `web:1.3.0@{DIGEST}` | `newer` |"
    assert f"{row} 41 days |\n" in body
    assert "- `Deployment shop/web` `side` `newer`: `the template decides" in body
    assert "which no edit of an image's name ends: `old` (2)." in body
    assert fixing_title(made) == "Update images of shop: 1 image in 1 object"
    unknown = replace(made, fixed=(Fixed(replace(IMAGE, age=""), ()),))
    assert "| `newer` | unknown |" in fixing_body(unknown)


def test_a_rule_is_told_with_its_reason_and_its_risk() -> None:
    body = fixing_body(FIXINGS["hardened"])
    assert "| `securityContext.capabilities.drop` | `not set` | `[ALL]` |" in body
    assert "| `Deployment shop/web` |  | `automountServiceAccountToken` |" in body
    assert "- `capabilities-kept`: `a root program may need one`. It concerns:" in body
    safe = replace(FIXINGS["hardened"], fixed=FIXINGS["hardened"].fixed[1:], left=(), others={})
    assert "Try before" not in fixing_body(safe)
    assert "Left as it is" not in fixing_body(safe)


def test_secrets_of_the_files_are_shown_nowhere() -> None:
    made = FIXINGS["images"]
    for text in (fixing_diff(made), fixing_text(made, STYLE), str(fixing_document(made))):
        assert "hunter2" not in text


def test_hostile_names_are_no_markup_and_end_no_cell() -> None:
    made = FIXINGS["hostile"]
    for text in (fixing_title(made), fixing_message(made)):
        assert not re.search(r"[@#\[\]`<>!]|://", text)
    body = fixing_body(made)
    assert not re.search(r"@|#1|\]\(|<|https?:", outside_of_code(body))
    assert "\x1b" not in body + fixing_text(made, STYLE)
    (row,) = (line for line in body.split("\n") if line.startswith("| ``Deployment"))
    assert row.count("|") == 7


def test_a_body_fits_every_forge() -> None:
    for purpose, fix in ((Purpose.IMAGES, IMAGE), (Purpose.HARDEN, DROP)):
        fixed = tuple(
            Fixed(replace(fix, key=fix.key._replace(name=f"n{at}" * 30)), ()) for at in range(900)
        )
        made = replace(FIXINGS["images"], purpose=purpose, fixed=fixed, left=(LEFT,) * 50)
        body = fixing_body(made)
        assert len(body.encode("utf-16-le")) // 2 <= LIMIT
        assert "left out here" in body
        assert "… and 860 more" in body
        assert "… and 10 more" in body

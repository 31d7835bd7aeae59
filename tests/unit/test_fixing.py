"""Fields of manifests made otherwise: edits are tried, and judged by what comes out."""

from dataclasses import replace
from pathlib import Path

from reconciler.adapters.manifests.editor import TextEditor
from reconciler.adapters.sources.rendering import RenderChoice
from reconciler.adapters.sources.source import GitSource
from reconciler.adopting.fixing import fix
from reconciler.core.desired import SourceLocation
from reconciler.core.fixes import Fix, Fixing, Purpose, Unfixed, Wanted
from reconciler.core.path import Path as FieldPath
from reconciler.core.resource import ResourceKey

_SHOP = """\
apiVersion: v1
kind: ConfigMap
metadata: {name: web, namespace: shop}
data:
  # what everybody sees
  colour: blue   # our blue
---
apiVersion: v1
kind: ConfigMap
metadata: {generateName: made-, namespace: shop}
data: {colour: blue}
"""


def key(name: str) -> ResourceKey:
    return ResourceKey("", "ConfigMap", "shop", name)


def wish(name: str, path: FieldPath, value: object, line: int = 1) -> Fix:
    return Fix(key(name), SourceLocation("shop.yaml", line), "", path, value, "r", "why")


def fixed(folder: Path, *fixes: Fix, left: tuple[Unfixed, ...] = ()) -> Fixing:
    folder.mkdir()
    (folder / "shop.yaml").write_text(_SHOP)
    source = GitSource(str(folder), "", "", RenderChoice.PLAIN, folder.parent / "cache")
    revision = source.fetch().revision
    wanted = Wanted(fixes, left)
    with source.draft(revision) as draft:
        return fix(Purpose.HARDEN, "shop", revision, "shop", wanted, draft, TextEditor())


def test_one_field_is_made_otherwise_and_nothing_else(tmp_path: Path) -> None:
    made = fixed(tmp_path / "shop", wish("web", ("data", "colour"), "red"))
    assert made.files == {"shop.yaml": _SHOP.replace("blue   #", "red   #")}
    assert made.before == {"shop.yaml": _SHOP}
    assert [each.files for each in made.fixed] == [("shop.yaml",)]


def test_what_is_so_already_needs_no_edit(tmp_path: Path) -> None:
    made = fixed(tmp_path / "shop", wish("web", ("data", "colour"), "blue"))
    assert (made.files, [each.files for each in made.fixed]) == ({}, [()])


def test_what_can_not_be_edited_is_left_and_the_rest_is_done(tmp_path: Path) -> None:
    other = Unfixed(key("x"), "", "r", "known before")
    made = fixed(
        tmp_path / "shop",
        wish("web", ("data", "colour"), "red"),
        wish("made-*", ("data", "colour"), "red", 8),
        wish("gone", ("data", "colour"), "red"),
        left=(other,),
    )
    assert [each.fix.key.name for each in made.fixed] == ["web"]
    reasons = {each.key.name: each.reason for each in made.left}
    assert reasons == {
        "x": "known before",
        "made-*": "no manifest names it",
        "gone": "no manifest names it",
    }


def test_what_belongs_together_is_made_all_or_not_at_all(tmp_path: Path) -> None:
    red = replace(wish("web", ("data", "colour"), "red"), together="a")
    blunt = replace(wish("web", ("data", "more"), 1), together="a")  # no text, and so refused
    size = wish("web", ("data", "size"), "10")
    made = fixed(tmp_path / "shop", red, replace(blunt, path=("data", "colour", "deep")), size)
    assert [each.fix.path for each in made.fixed] == [("data", "size")]
    assert [each.rule for each in made.left] == ["r"]
    assert "colour: blue" in (made.files["shop.yaml"] or "")
    whole = fixed(tmp_path / "other", red, replace(size, together="a"))
    assert [len(each.files) for each in whole.fixed] == [1, 1]


def test_nothing_wanted_renders_nothing(tmp_path: Path) -> None:
    assert fixed(tmp_path / "shop").files == {}

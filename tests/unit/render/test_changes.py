from typing import Any

from reconciler.core.drift import Change, ChangeType, MaskedDigest
from reconciler.core.path import Path
from reconciler.render.changes import FOUND, PLANNED, changes_lines, digest_words, inverted
from reconciler.render.terminal import Style, painted

AT: Path = ("spec", "field")
NARROW = Style(False, 60)


def added(live: Any, **rest: Any) -> Change:
    return Change(AT, ChangeType.ADDED, None, live, **rest)


def removed(desired: Any, **rest: Any) -> Change:
    return Change(AT, ChangeType.REMOVED, desired, None, **rest)


def changed(desired: Any, live: Any, **rest: Any) -> Change:
    return Change(AT, ChangeType.CHANGED, desired, live, **rest)


def shown(*changes: Change, credit: str = "by X", style: Style = NARROW) -> list[str]:
    lines = changes_lines(changes, [credit] * len(changes), style, FOUND)
    return painted(lines, style).splitlines()


def test_short_values_stand_beside_their_path() -> None:
    assert shown(added("x")) == ["    + spec.field  x  by X"]
    assert shown(removed("x")) == ['    - spec.field  was "x"  by X']
    assert shown(removed(3)) == ["    - spec.field  was 3  by X"]
    assert shown(changed(2, "2")) == ['    ~ spec.field  2 → "2"  by X']
    assert shown(changed(["a", "b"], [])) == ["    ~ spec.field  [a, b] → []  by X"]
    assert shown(added({}), credit="") == ["    + spec.field  {}"]


def test_trees_stand_below() -> None:
    assert shown(added({"a": 1})) == ["    + spec.field  added by X", "          a: 1"]
    assert shown(removed([{"a": 1}])) == ["    - spec.field  removed; by X", "          - a: 1"]
    assert shown(added({"a": 1}), credit="") == ["    + spec.field  added", "          a: 1"]
    assert shown(removed({"a": 1}), credit="")[0] == "    - spec.field  removed"
    assert shown(changed({"a": 1, "b": 2}, {"a": 1, "b": 3})) == [
        "    ~ spec.field  by X",
        "            a: 1",
        "          - b: 2",
        "          + b: 3",
    ]


def test_a_value_of_another_type_is_shown_beside_the_old_one() -> None:
    assert shown(changed("a\nb\n", {"a": 1}))[1:] == [
        "          - |",
        "          -   a",
        "          -   b",
        "          + a: 1",
    ]


def test_long_lines_show_where_they_differ() -> None:
    old = "a" * 100 + "OLD" + "z" * 100
    lines = shown(changed(old, old.replace("OLD", "NEW")))
    assert lines == [
        "    ~ spec.field  by X",
        "          - …" + "a" * 24 + "OLD" + "z" * 20,
        "            " + "z" * 4 + "…",
        "          + …" + "a" * 24 + "NEW" + "z" * 20,
        "            " + "z" * 4 + "…",
    ]
    whole = shown(changed(old, old.replace("OLD", "NEW")), style=Style(False, 0, full=True))
    assert whole == [f"    ~ spec.field  {old} → {old.replace('OLD', 'NEW')}  by X"]
    long_old = old * 2
    whole = shown(changed(long_old, "x"), style=Style(False, 0, full=True))
    assert whole == ["    ~ spec.field  by X", f"          - {long_old}", "          + x"]


def test_what_is_too_long_is_cut_and_said_to_be() -> None:
    many = "".join(f"{n}\n" for n in range(40))
    lines = shown(added(many))
    assert lines[1] == "          0"
    assert lines[-1] == "          … (24 more lines)"
    assert len(lines) == 18
    assert len(shown(added(many), style=Style(False, 60, full=True))) == 41
    wide = shown(added("w" * 300 + "\nx\n"), style=Style(False, 0))
    assert wide[1] == "          " + "w" * 240 + "… (60 more characters)"
    # One line too many is no longer than the line that would say so.
    assert len(shown(added("".join(f"{n}\n" for n in range(17))))) == 18


def test_values_nested_too_deep_for_the_width_are_shown_less_deep() -> None:
    value: Any = "bottom"
    for _ in range(40):
        value = {"k": value}
    lines = shown(added(value), style=Style(False, 40, full=True))
    assert max(map(len, lines)) <= 40
    assert lines[-1].endswith("k: bottom")


def test_masked_values_show_that_they_changed() -> None:
    masked = MaskedDigest("a1b29f0c77de", "c3d4e8a90012")
    assert shown(changed("***", "***", masked=masked), credit="") == [
        "    ~ spec.field  *** → *** (a1b2 → c3d4)"
    ]
    assert shown(removed("***", masked=MaskedDigest("a1b29f0c77de", "")), credit="") == [
        "    - spec.field  was *** (a1b2)"
    ]
    tree = {"a": "***", "b": "***"}
    assert shown(added(tree, masked=MaskedDigest("", "c3d4e8a90012")))[0] == (
        "    + spec.field  (c3d4)  added by X"
    )
    assert shown(changed(tree, {"a": "***"}, masked=masked))[0] == (
        "    ~ spec.field  (a1b2 → c3d4)  by X"
    )
    assert digest_words(MaskedDigest("a1b200000000", "a1b2ffffffff")) == (
        "(a1b200000000 → a1b2ffffffff)"
    )
    assert digest_words(None) == ""


def test_values_stand_under_each_other_where_that_costs_no_line() -> None:
    short = Change(("a",), ChangeType.ADDED, None, 1)
    long = Change(("a" * 20,), ChangeType.ADDED, None, 2)
    assert shown(short, long) == [
        "    + a" + " " * 21 + "1  by X",
        "    + " + "a" * 20 + "  2  by X",
    ]
    wide = Change(("a",), ChangeType.ADDED, None, "v" * 30)
    assert shown(wide, long, credit="by somebody")[0] == "    + a  " + "v" * 30 + "  by somebody"


def test_a_plan_sees_changes_from_live_to_git() -> None:
    masked = MaskedDigest("a1b29f0c77de", "c3d4e8a90012")
    assert inverted(added(1)) == removed(1)
    assert inverted(removed(1)) == added(1)
    assert inverted(changed(1, 2, masked=masked)) == changed(
        2, 1, masked=MaskedDigest("c3d4e8a90012", "a1b29f0c77de")
    )
    lines = changes_lines([removed({"a": 1})], ["undoes X"], NARROW, PLANNED)
    assert painted(lines, NARROW).splitlines()[0] == "    - spec.field  undoes X"

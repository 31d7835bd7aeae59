from dataclasses import replace

from reconciler.core.drift import Change, ChangeType
from reconciler.core.explain import Explanation, FieldOrigin, Origin
from reconciler.core.path import Path
from reconciler.render.explanations import explanation_text
from reconciler.render.terminal import Style
from tests.unit.render.cases import EDIT, EXPLAINED, NOW, STRANGE

STYLE = Style(False, 120)


def shown(explanation: Explanation, style: Style = STYLE) -> list[str]:
    return explanation_text(explanation, style, NOW).splitlines()


def rows(*fields: FieldOrigin, style: Style = STYLE) -> list[str]:
    lines = shown(replace(STRANGE, fields=fields), style)[3:]
    return lines[: lines.index("")]


def drift(path: Path, live: object, change: Change) -> FieldOrigin:
    return FieldOrigin(path, live, Origin.DRIFT, by=change.by, change=change)


def test_every_field_has_its_line_and_is_counted() -> None:
    lines = shown(EXPLAINED)
    origins = {origin.value for origin in Origin}
    fields = [line for line in lines if line.split(" ", 1)[0] in origins]
    assert len(fields) == len(EXPLAINED.fields)
    counts = [line.split() for line in lines[lines.index("", 4) + 1 :]]
    assert {name: int(count) for count, name, *_ in counts} == {
        origin.value: sum(f.origin is origin for f in EXPLAINED.fields) for origin in Origin
    }


def test_the_place_of_the_declaration_is_named() -> None:
    assert shown(EXPLAINED)[0] == "Deployment shop/web  apps/v1  apps/web.yaml:12 @ 4f0c12a"
    assert shown(STRANGE)[0] == "Pod shop/debug  v1  not in 4f0c12a"
    assert shown(EXPLAINED)[-4].endswith("Git says so: apps/web.yaml:12")


def test_an_added_field_is_not_in_git() -> None:
    change = Change(("a",), ChangeType.ADDED, None, 1, EDIT)
    assert rows(drift(("a",), 1, change)) == [
        "drift       a: 1  not in Git · kubectl-edit, 4 minutes ago"
    ]


def test_a_removed_field_is_shown_with_what_git_says() -> None:
    change = Change(("a",), ChangeType.REMOVED, "x", None, candidates=(EDIT,))
    assert rows(drift(("a",), None, change)) == [
        "drift       a: (removed)  Git says x · last written by kubectl-edit, 4 minutes ago"
    ]


def test_a_changed_field_is_shown_with_what_git_says() -> None:
    change = Change(("a",), ChangeType.CHANGED, 1, 2, EDIT)
    assert rows(drift(("a",), 2, change)) == [
        "drift       a: 2  Git says 1 · kubectl-edit, 4 minutes ago"
    ]


def test_a_field_of_a_value_that_changed_as_a_whole() -> None:
    change = Change(("a",), ChangeType.CHANGED, {"c": 1}, {"b": 1}, EDIT)
    assert rows(drift(("a", "b"), 1, change)) == [
        "drift       a.b: 1  Git says otherwise of a · kubectl-edit, 4 minutes ago"
    ]


def test_a_text_that_changed_counts_lines() -> None:
    change = Change(("a",), ChangeType.CHANGED, "x\ny\n", "x\nz\nw\n", EDIT)
    (line,) = rows(drift(("a",), "x\nz\nw\n", change))
    assert line.startswith(
        "drift       a: x … (2 more)  1 line less and 2 more than in Git · kubectl"
    )


def test_a_drift_that_no_change_tells_of() -> None:
    assert rows(FieldOrigin(("a",), 1, Origin.DRIFT)) == ["drift       a: 1"]


def test_long_values_are_cut_unless_all_is_asked_for() -> None:
    field = FieldOrigin(("a",), "x" * 100, Origin.DEFAULTED)
    assert rows(field) == ["defaulted   a: " + "x" * 59 + "…"]
    assert rows(field, style=Style(False, 0, full=True)) == ["defaulted   a: " + "x" * 100]


def test_managed_fields_are_counted_not_shown() -> None:
    path = ("metadata", "managedFields")
    assert rows(FieldOrigin(path, [{}], Origin.SERVER)) == [
        "server      metadata.managedFields: 1 manager"
    ]
    assert rows(FieldOrigin(path, None, Origin.SERVER)) == [
        "server      metadata.managedFields: null"
    ]


def test_a_field_that_is_told_of_twice_has_two_lines() -> None:
    removed = Change(("a",), ChangeType.REMOVED, 1, None)
    both = (FieldOrigin(("a",), {}, Origin.DEFAULTED), drift(("a",), None, removed))
    assert [line.split()[0] for line in rows(*both)] == ["defaulted", "drift"]


def test_an_object_in_sync() -> None:
    assert shown(replace(EXPLAINED, note="in sync", fields=()))[1:] == ["in sync"]

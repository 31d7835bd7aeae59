from datetime import UTC, datetime

from reconciler.core.actors import Actor
from reconciler.core.drift import Change, ChangeType, Drift, DriftType, Severity
from reconciler.core.ownership import FieldManager
from reconciler.core.resource import ResourceKey
from reconciler.render.credits import actor_and_when, credit, maker, person, who_and_when

NOW = datetime(2026, 11, 24, 12, 0, tzinfo=UTC)
TIME = "2026-11-24T11:56:00Z"


def test_managers_are_named_with_what_is_out_of_the_ordinary() -> None:
    assert who_and_when(FieldManager(TIME, "kubectl-edit", "Update"), NOW) == (
        "kubectl-edit, 4 minutes ago"
    )
    assert who_and_when(FieldManager("", "kubectl", "Update", "scale"), NOW) == (
        "kubectl through scale"
    )
    assert who_and_when(FieldManager(TIME, "", "Apply"), NOW) == (
        "an unknown writer (server-side apply), 4 minutes ago"
    )


def test_a_removal_leaves_no_trace_of_who_did_it() -> None:
    change = Change(("spec", "x"), ChangeType.REMOVED, 1, None)
    assert credit(change, NOW) == "by an unknown writer"
    writers = (FieldManager(TIME, "kubectl-edit", "Update"), FieldManager("", "a", "Update"))
    change = Change(("spec", "x"), ChangeType.REMOVED, 1, None, candidates=writers)
    assert credit(change, NOW) == "last written by kubectl-edit, 4 minutes ago"
    change = Change(("spec", "x"), ChangeType.CHANGED, 1, 2, by=writers[0])
    assert credit(change, NOW) == "by kubectl-edit, 4 minutes ago"


JANE = Actor("jane@example.org", addresses=("10.0.0.7",), time=TIME, manager="kubectl-edit")
PERHAPS = Actor("jane@example.org", addresses=("10.0.0.7",), certain=False)


def test_a_witnessed_change_names_the_program_and_the_person() -> None:
    by = FieldManager(TIME, "kubectl-edit", "Update")
    change = Change(("spec", "x"), ChangeType.CHANGED, 1, 2, by=by, actor=JANE)
    assert credit(change, NOW) == (
        "by kubectl-edit (jane@example.org from 10.0.0.7), 4 minutes ago"
    )
    timeless = FieldManager("", "kubectl", "Update", "scale")
    change = Change(("spec", "x"), ChangeType.CHANGED, 1, 2, by=timeless, actor=PERHAPS)
    assert credit(change, NOW) == (
        "by kubectl through scale (perhaps jane@example.org from 10.0.0.7)"
    )


def test_a_witnessed_removal_is_credited() -> None:
    change = Change(("spec", "x"), ChangeType.REMOVED, 1, None, actor=JANE)
    assert credit(change, NOW) == "by kubectl-edit (jane@example.org from 10.0.0.7), 4 minutes ago"
    doubted = Actor("jane", time=TIME, manager="kubectl", certain=False, others=("bob",))
    change = Change(("spec", "x"), ChangeType.REMOVED, 1, None, actor=doubted)
    assert credit(change, NOW) == "perhaps by kubectl (jane or bob), 4 minutes ago"


def test_people_are_named_with_where_from_and_as_whom() -> None:
    assert person(Actor("jane", impersonated="root", addresses=("1.2.3.4", "10.0.0.1"))) == (
        "jane as root from 1.2.3.4 via 10.0.0.1"
    )
    assert person(Actor("")) == "an unknown user"


def test_all_who_may_have_been_it_are_named_within_reason() -> None:
    def several(*others: str) -> str:
        return person(Actor("a", certain=False, others=others))

    assert several("b") == "a or b"
    assert several("b", "c", "d") == "a, b, c or d"
    assert several("b", "c", "d", "e") == "a, b, c or 2 others"
    # One user, as two others.
    assert several("a") == "a"


def test_whoever_made_an_object() -> None:
    key = ResourceKey("", "Pod", "shop", "debug")
    drift = Drift("d-1", DriftType.UNMANAGED, Severity.LOW, key, "v1")
    assert maker(drift, NOW) == ""
    by = FieldManager(TIME, "kubectl-run", "Update")
    drift = Drift("d-1", DriftType.UNMANAGED, Severity.LOW, key, "v1", by=by)
    assert maker(drift, NOW) == "kubectl-run, 4 minutes ago"
    drift = Drift("d-1", DriftType.UNMANAGED, Severity.LOW, key, "v1", by=by, actor=JANE)
    assert maker(drift, NOW).startswith("kubectl-edit (jane@example.org from ")
    assert actor_and_when(Actor("jane"), NOW) == "jane"

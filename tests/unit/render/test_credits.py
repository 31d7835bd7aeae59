from datetime import UTC, datetime

from reconciler.core.drift import Change, ChangeType
from reconciler.core.ownership import FieldManager
from reconciler.render.credits import credit, who_and_when

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

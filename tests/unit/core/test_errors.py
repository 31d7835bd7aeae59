import pytest

from reconciler.core.errors import (
    ClusterError,
    ConfigError,
    ManifestError,
    ManifestProblem,
    PlumblineError,
    Rejected,
    SourceError,
)


@pytest.mark.parametrize("family", [ConfigError, SourceError, ClusterError, PlumblineError])
def test_an_error_shows_its_fix_if_it_has_one(family: type[PlumblineError]) -> None:
    assert str(family("it is wrong")) == "it is wrong"
    assert str(family("it is wrong", fix="mend it")) == "it is wrong\n  fix: mend it"
    assert isinstance(family("x"), PlumblineError)


@pytest.mark.parametrize(
    ("problem", "text"),
    [
        (ManifestProblem("a.yaml", 3, "no kind", "name one"), "a.yaml:3: no kind\n  fix: name one"),
        (ManifestProblem("a.yaml", 0, "too large"), "a.yaml: too large"),
    ],
)
def test_a_problem_names_its_place(problem: ManifestProblem, text: str) -> None:
    assert str(problem) == text


def test_all_problems_of_the_manifests_are_told_at_once() -> None:
    problems = ManifestProblem("a", 1, "x"), ManifestProblem("b", 2, "y")
    error = ManifestError(*problems)
    assert error.problems == problems
    assert str(error) == "a:1: x\nb:2: y"


def test_a_refusal_is_a_failure_of_the_cluster_that_names_fields() -> None:
    refusal = Rejected("no", code=422, reason="Invalid", fields=("spec.x",), fix="recreate it")
    assert isinstance(refusal, ClusterError)
    assert (refusal.code, refusal.reason, refusal.fields) == (422, "Invalid", ("spec.x",))
    assert str(refusal) == "no\n  fix: recreate it"

import pytest

from reconciler.core.actors import default_manager, guessed_plural


@pytest.mark.parametrize(
    ("agent", "manager"),
    [
        ("kubectl/v1.37.2 (linux/amd64) kubernetes/abc", "kubectl"),
        ("", ""),
        ("curl", "curl"),
        ("a\x00b\u200bc/1", "abc"),
        ("x" * 200 + "/1", "x" * 128),
        ("é" * 100, "é" * 64),
        ("x" * 127 + "éy", "x" * 127),
    ],
)
def test_a_manager_that_isnt_given_is_derived_as_the_server_does(agent: str, manager: str) -> None:
    assert default_manager(agent) == manager


@pytest.mark.parametrize(
    ("kind", "plural"),
    [
        ("Deployment", "deployments"),
        ("NetworkPolicy", "networkpolicies"),
        ("Ingress", "ingresses"),
        ("Endpoints", "endpoints"),
    ],
)
def test_plurals_are_guessed_as_apimachinery_does(kind: str, plural: str) -> None:
    assert guessed_plural(kind) == plural

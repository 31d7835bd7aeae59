"""Refusals: what is said, what is to be done, and that nothing sent is repeated."""

import pytest

from reconciler.adapters.cluster.rejection import Attempt, rejected
from reconciler.adapters.cluster.wire import Answer
from reconciler.core.resource import ResourceKey
from tests.fakes.kinds import named
from tests.fakes.wire import refusal

CONFLICT = 'Operation cannot be fulfilled on x "web": the object has been modified'
BUDGET = "Cannot evict pod as it would violate the pod's disruption budget."


def attempt(kind: str = "ConfigMap", verb: str = "update") -> Attempt:
    served = named(kind)
    return Attempt(verb, served, ResourceKey(served.group, kind, "shop", "web"))


def causes(*fields: str, message: str = 'Invalid value: "s3cret"') -> list[dict[str, str]]:
    reason = "FieldValueInvalid"
    return [{"reason": reason, "message": message, "field": field} for field in fields]


@pytest.mark.parametrize(
    ("answer", "said", "to_do"),
    [
        (refusal(404, "NotFound", "s3cret"), "it isn't there", "look again"),
        (refusal(409, "Conflict", CONFLICT), "it was changed meanwhile", "look again"),
        (refusal(409, "AlreadyExists", "x already exists"), "it exists already", "look again"),
        (refusal(413, "", "s3cret"), "too large", "split"),
        (refusal(429, "TooManyRequests", BUDGET), "pod's disruption budget", "tried again"),
        (refusal(429, "TooManyRequests", "s3cret"), "the server answered 429", "log"),
        (refusal(400, "BadRequest", "s3cret"), "can't read what was sent", "validate"),
        (refusal(422, "Invalid", "s3cret"), "invalid: some field", "correct"),
        (refusal(418, "", "s3cret"), "the server answered 418", "log"),
        (Answer(502, b"<html>s3cret"), "the server answered 502", "log"),
    ],
)
def test_a_refusal_says_what_is_wrong_and_what_to_do(answer: Answer, said: str, to_do: str) -> None:
    error = rejected(attempt(), answer)
    assert error.message.startswith("ConfigMap shop/web: ")
    assert said in error.message
    assert to_do in error.fix
    assert error.code == answer.status
    assert "s3cret" not in str(error)


def test_rbacs_own_words_are_repeated() -> None:
    message = 'configmaps "web" is forbidden: User "jane" cannot update resource "configmaps"'
    error = rejected(attempt(), refusal(403, "Forbidden", message))
    assert message in error.message
    assert error.fix == "grant update on configmaps in namespace shop"


def test_an_invalid_objects_fields_are_named_without_their_values() -> None:
    details = causes("spec.a", "spec.b[0]") + causes("spec.a")
    error = rejected(attempt(), refusal(422, "Invalid", "s3cret", causes=details))
    assert error.fields == ("spec.a", "spec.b[0]")
    assert "spec.a has an invalid value; spec.b[0] has an invalid value" in error.message
    assert "s3cret" not in str(error)


def test_an_immutable_field_is_told_from_a_wrong_one() -> None:
    details = causes("spec.selector", message="Invalid value: s3cret: field is immutable")
    error = rejected(attempt("Deployment"), refusal(422, "Invalid", causes=details))
    assert "spec.selector can't be changed once the object is there" in error.message


@pytest.mark.parametrize("noise", ["", " s3cret"])
def test_a_wrong_type_is_told_without_the_value(noise: str) -> None:
    message = (
        'Deployment in version "v1" cannot be handled as a Deployment: json: cannot unmarshal '
        f"number{noise} into Go struct field DeploymentSpec.spec.replicas of type int32"
    )
    error = rejected(attempt("Deployment"), refusal(400, "BadRequest", message))
    assert "DeploymentSpec.spec.replicas must be int32, not number" in error.message
    assert "s3cret" not in str(error)


@pytest.mark.parametrize(
    "message",
    [
        'admission webhook "w.example" denied the request: s3cret isn\'t allowed',
        'Internal error occurred: failed calling webhook "w.example": s3cret',
        "ValidatingAdmissionPolicy 'w.example' with binding 'b' denied request: s3cret",
        "exceeded quota: s3cret",
    ],
)
@pytest.mark.parametrize("code", [400, 403, 422, 500])
def test_admissions_own_words_are_repeated_but_for_a_secret(message: str, code: int) -> None:
    if "quota" in message and code != 403:
        code = 403
    told = rejected(attempt(), refusal(code, "", message))
    assert "s3cret" in told.message
    hidden = rejected(attempt("Secret"), refusal(code, "", message, causes=causes("data[p]")))
    assert "s3cret" not in str(hidden)
    assert "data[p]" in hidden.message
    assert ("w.example" in hidden.message) == ("w.example" in message)


def test_a_long_message_is_cut_and_put_on_one_line() -> None:
    message = 'admission webhook "w" denied the request:\n' + "x" * 2000
    error = rejected(attempt(), refusal(400, "", message))
    assert len(error.message) < 600
    assert "\n" not in error.message

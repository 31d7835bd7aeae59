"""What is repeated, what isn't, and what is said when nothing helps."""

import http.client
import socket
import ssl

import pytest

from reconciler.adapters.cluster.credentials import FixedCredentials
from reconciler.adapters.cluster.wire import Answer, WireError, broken, unconnected
from reconciler.core.errors import ClusterError
from tests.fakes.wire import ScriptedWire, answer, refusal

BROKEN = broken(ConnectionResetError())
GONE = unconnected(ConnectionRefusedError())
GOOD = answer({"fine": True})


class Renewable(FixedCredentials):
    """Credentials of which the second is better than the first."""

    tokens = ("old", "new")

    def __init__(self) -> None:
        object.__setattr__(self, "header", None)
        self.__class__.at = 0

    at = 0

    def authorization(self) -> str:
        return f"Bearer {self.tokens[self.at]}"

    def renew(self) -> bool:
        self.__class__.at = 1
        return True


@pytest.mark.parametrize("passing", [refusal(429), refusal(503), refusal(500), BROKEN])
def test_a_read_is_repeated_where_that_may_help(passing: Answer | WireError) -> None:
    wire = ScriptedWire({"/x": [passing, passing, GOOD]})
    assert wire.transport().get("/x").json() == {"fine": True}
    assert wire.slept == [0.1, 0.2]


def test_a_read_ends_with_the_servers_last_word() -> None:
    wire = ScriptedWire({"/x": [refusal(503)]})
    assert wire.transport().get("/x").status == 503
    assert len(wire.asked) == 4


def test_the_server_says_how_long_to_wait_within_reason() -> None:
    replies: list[Answer | Exception] = [
        answer({}, 429, retry_after=3.0),
        answer({}, 429, retry_after=3600.0),
        GOOD,
    ]
    wire = ScriptedWire({"/x": replies})
    wire.transport().get("/x")
    assert wire.slept == [3.0, 10.0]


@pytest.mark.parametrize("final", [refusal(404), refusal(403), refusal(410), refusal(422)])
def test_a_plain_refusal_is_not_repeated(final: Answer) -> None:
    wire = ScriptedWire({"/x": [final]})
    assert wire.transport().get("/x").status == final.status
    assert len(wire.asked) == 1


def test_a_webhook_that_cannot_be_called_is_not_called_again() -> None:
    failed = refusal(500, "InternalError", 'failed calling webhook "w": deadline exceeded')
    wire = ScriptedWire({"/x": [failed]})
    assert wire.transport().ask("PUT", "/x", None, {}).status == 500
    assert len(wire.asked) == 1


def test_a_server_that_is_not_there_is_tried_once_more_only() -> None:
    wire = ScriptedWire({"/x": [GONE]})
    with pytest.raises(ClusterError, match=r"https://api\.example refuses connections"):
        wire.transport().get("/x")
    assert len(wire.asked) == 2


def test_a_server_that_takes_too_long_is_not_tried_again() -> None:
    wire = ScriptedWire({"/x": [broken(TimeoutError())]})
    with pytest.raises(ClusterError, match="sent nothing for 65 s"):
        wire.transport().get("/x")
    assert len(wire.asked) == 1


def test_a_write_is_not_repeated_where_the_server_may_have_begun() -> None:
    wire = ScriptedWire({"/x": [BROKEN, GOOD]})
    with pytest.raises(ClusterError, match="whether it wrote is unknown"):
        wire.transport().write("POST", "/x", None, {})
    assert len(wire.asked) == 1


@pytest.mark.parametrize("harmless", [refusal(429), GONE])
def test_a_write_is_repeated_where_it_cannot_have_begun(harmless: Answer | WireError) -> None:
    wire = ScriptedWire({"/x": [harmless, GOOD]})
    assert wire.transport().write("POST", "/x", None, {}).ok
    assert len(wire.asked) == 2


@pytest.mark.parametrize("code", [500, 502, 503, 504])
def test_a_write_that_failed_is_not_repeated(code: int) -> None:
    wire = ScriptedWire({"/x": [refusal(code), GOOD]})
    assert wire.transport().write("POST", "/x", None, {}).status == code


def test_refused_credentials_are_renewed_once() -> None:
    def reply(asked: object) -> Answer:
        good = getattr(asked, "headers", {}).get("Authorization") == "Bearer new"
        return GOOD if good else refusal(401)

    wire = ScriptedWire(reply)
    assert wire.transport(Renewable()).get("/x").ok
    assert wire.closed == 1


def test_credentials_that_cannot_be_renewed_are_told_of_without_them() -> None:
    wire = ScriptedWire({"/x": [refusal(401)]})
    credentials = FixedCredentials("Bearer s3cret")
    with pytest.raises(ClusterError, match="credentials of context 'test'") as caught:
        wire.transport(credentials).get("/x")
    assert "s3cret" not in str(caught.value)
    assert wire.asked[0].headers["Authorization"] == "Bearer s3cret"


def test_numbers_beyond_64_bits_are_left_for_the_server_to_judge() -> None:
    wire = ScriptedWire({"/x": [GOOD]})
    wire.transport().ask("POST", "/x", None, {"n": 2**70})
    assert wire.asked[0].body == {"n": 2**70}


def test_a_body_that_is_not_json_is_an_empty_document() -> None:
    assert Answer(502, b"<html>Bad Gateway").json() == {}


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ssl.SSLCertVerificationError(1, "s3cret"), "could not be verified by TLS"),
        (ssl.SSLError(1, "s3cret"), "speaks no TLS"),
        (socket.gaierror(-2, "s3cret"), "can't be resolved"),
        (TimeoutError("s3cret"), "did not answer within 10 s"),
        (ConnectionRefusedError("s3cret"), "refuses connections"),
        (OSError("s3cret"), "can't be reached"),
    ],
)
def test_why_no_connection_came_about(error: OSError, said: str) -> None:
    if isinstance(error, ssl.SSLCertVerificationError):
        error.verify_message = "self-signed certificate"
    fault = unconnected(error)
    assert said in fault.what
    assert fault.fix
    assert not fault.sent
    assert "s3cret" not in f"{fault} {fault.fix}"


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (ssl.SSLError(1, "s3cret"), "broke off the TLS connection"),
        (TimeoutError("s3cret"), "sent nothing for 65 s"),
        (http.client.RemoteDisconnected("s3cret"), "broke off the connection"),
        (ConnectionResetError("s3cret"), "broke off the connection"),
        (http.client.BadStatusLine("s3cret"), "isn't HTTP"),
    ],
)
def test_why_an_answer_did_not_come(error: Exception, said: str) -> None:
    fault = broken(error)
    assert said in fault.what
    assert fault.fix
    assert fault.sent
    assert "s3cret" not in f"{fault} {fault.fix}"

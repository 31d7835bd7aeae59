"""Challenges, tokens, and errors in our own words."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from requests import exceptions

from reconciler.adapters.images.challenges import Challenge, challenges
from reconciler.adapters.images.credentials import Credential, Keychain
from reconciler.adapters.images.endpoints import Endpoint
from reconciler.adapters.images.failing import Attempt
from reconciler.adapters.images.registry import OciRegistry
from reconciler.adapters.images.tokens import Sent, Tokens
from reconciler.core.errors import RegistryError
from reconciler.core.images.facts import ImageFacts
from tests.fakes.answering_http import Call, Reply
from tests.unit.adapters.test_images import (
    PASSWORD,
    basic,
    docker,
    serving,
    world,
)


@pytest.mark.parametrize(
    ("header", "found"),
    [
        ("", ()),
        ('Basic realm="x"', (Challenge("basic", "x"),)),
        ("basic", (Challenge("basic"),)),
        ("=", ()),
        (
            'Bearer realm="https://auth.example/token",service="r",scope="repository:a:pull,push"',
            (Challenge("bearer", "https://auth.example/token", "r", "repository:a:pull,push"),),
        ),
        (
            'Bearer realm=x, error="invalid_token", Basic realm="a \\"b\\""',
            (Challenge("bearer", "x"), Challenge("basic", 'a "b"')),
        ),
        ("Negotiate, Basic realm=x", (Challenge("negotiate"), Challenge("basic", "x"))),
        ('Bearer realm="unclosed', (Challenge("bearer"),)),
    ],
)
def test_what_a_registry_wants_to_see(header: str, found: tuple[Challenge, ...]) -> None:
    assert challenges(header) == found


BEARER = Challenge("bearer", "https://auth.example/token", "registry", "repository:web:pull")
ENDPOINT = Endpoint("registry.example", "registry.example")
ATTEMPT = Attempt("registry.example", "1 of web")
ANN = Credential("ann", PASSWORD)


class Server:
    """A token server that gives what it is told to."""

    def __init__(self, *replies: tuple[int, Any]) -> None:
        self.replies = list(replies)
        self.sent: list[Sent] = []

    def __call__(self, sent: Sent) -> tuple[int, bytes]:
        self.sent.append(sent)
        status, content = self.replies.pop(0)
        return status, content if isinstance(content, bytes) else json.dumps(content).encode()


def test_a_token_is_kept_as_long_as_it_holds() -> None:
    now = [0.0]
    tokens = Tokens(lambda: now[0])
    server = Server((200, {"token": "one", "expires_in": 300}), (200, {"access_token": "two"}))
    for moment, header in ((0.0, "Bearer one"), (289.0, "Bearer one"), (290.0, "Bearer two")):
        now[0] = moment
        assert tokens.header(BEARER, ANN, ENDPOINT, ATTEMPT, server) == header
    query = {"service": "registry", "scope": "repository:web:pull"}
    assert server.sent[0] == Sent(BEARER.realm, query, None, f"Basic {basic()}")
    nobody = Server((200, {"token": "three"}))
    assert tokens.header(BEARER, None, ENDPOINT, ATTEMPT, nobody) == "Bearer three"
    assert nobody.sent[0].authorization == ""


def test_a_refresh_token_is_posted() -> None:
    server = Server((200, {"access_token": "one"}))
    refreshing = Credential(identity_token="refresh")
    bare = replace(BEARER, scope="")
    assert Tokens().header(bare, refreshing, ENDPOINT, ATTEMPT, server) == "Bearer one"
    (sent,) = server.sent
    assert sent.form is not None
    assert (sent.form["grant_type"], sent.form["refresh_token"]) == ("refresh_token", "refresh")
    assert "scope" not in sent.form
    assert (sent.query, sent.authorization) == ({}, "")
    with_basic = Tokens().header(Challenge("basic"), refreshing, ENDPOINT, ATTEMPT, server)
    assert with_basic is None


@pytest.mark.parametrize("status", [400, 401, 403])
def test_a_token_server_that_does_not_know_us(status: int) -> None:
    assert Tokens().header(BEARER, ANN, ENDPOINT, ATTEMPT, Server((status, b""))) is None


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        ((500, b"hostile"), "its token server answers 500"),
        ((200, b"hostile"), "gives no token"),
        ((200, ["hostile"]), "gives no token"),
        ((200, {"token": 7}), "gives no token"),
        ((200, {"token": "a\r\nX-Hostile: yes"}), "gives no token"),
    ],
)
def test_token_servers_that_do_not_behave(reply: tuple[int, Any], words: str) -> None:
    with pytest.raises(RegistryError, match=words) as caught:
        Tokens().header(BEARER, None, ENDPOINT, ATTEMPT, Server(reply))
    assert "hostile" not in str(caught.value)


@pytest.mark.parametrize("realm", ["http://auth.example/", "file:///x", "//[/", "", "https://"])
def test_a_password_goes_nowhere_but_over_tls(realm: str) -> None:
    server = Server()
    with pytest.raises(RegistryError, match="isn't reached by https"):
        Tokens().header(replace(BEARER, realm=realm), ANN, ENDPOINT, ATTEMPT, server)
    assert server.sent == []


def test_ways_in_that_we_do_not_know() -> None:
    assert Tokens().header(Challenge("negotiate"), ANN, ENDPOINT, ATTEMPT, Server()) is None
    assert Tokens().header(Challenge("basic"), None, ENDPOINT, ATTEMPT, Server()) is None


def test_a_token_is_fetched_where_the_registry_says(tmp_path: Path) -> None:
    def wanting(call: Call) -> Reply:
        if call.path == "/token":
            known = call.headers.get("Authorization") == f"Basic {basic()}"
            return Reply(200, {"token": call.query["scope"]}) if known else Reply(401, {})
        if call.headers.get("Authorization") != "Bearer repository:shop/web:pull":
            realm = f"http://{call.headers['Host']}/token"
            scope = "repository:shop/web:pull"
            wanted = f'Bearer realm="{realm}",service="r",scope="{scope}"'
            return Reply(401, {}, {"WWW-Authenticate": wanted})
        return serving(call)

    with world(wanting) as made:
        keychain = Keychain(docker(tmp_path, auths={made.host: {"auth": basic()}}), {})
        registry = OciRegistry(made.endpoints, keychain)
        assert isinstance(registry.facts(made.ask()), ImageFacts)
        assert registry.tags(made.ask()) == ("1", "latest")
        assert made.paths.count("/token") == 1
        with pytest.raises(RegistryError, match="wants credentials"):
            made.registry.facts(made.ask())


def test_a_token_that_is_refused_before_its_end_is_fetched_anew() -> None:
    given: list[str] = []

    def forgetful(call: Call) -> Reply:
        if call.path == "/token":
            given.append(f"t{len(given)}")
            return Reply(200, {"token": given[-1], "expires_in": 3600})
        # The first token is good for a manifest and its configuration, and then no more.
        fresh = given and call.headers.get("Authorization") == f"Bearer {given[-1]}"
        if not fresh or (len(given) == 1 and call.path.endswith("/tags/list")):
            wanted = f'Bearer realm="http://{call.headers["Host"]}/token"'
            return Reply(401, {}, {"WWW-Authenticate": wanted})
        return serving(call)

    with world(forgetful) as made:
        assert isinstance(made.registry.facts(made.ask()), ImageFacts)
        assert made.registry.tags(made.ask()) == ("1", "latest")
        assert given == ["t0", "t1"]


@pytest.mark.parametrize(
    ("error", "words"),
    [
        (exceptions.SSLError(), "has a certificate that isn't trusted, or speaks no TLS"),
        (exceptions.ProxyError(), "can't be reached through the proxy"),
        (exceptions.ConnectTimeout(), "didn't answer in time"),
        (exceptions.ReadTimeout(), "didn't answer in time"),
        (exceptions.ConnectionError(f"ann:{PASSWORD}@"), "can't be reached"),
        (exceptions.ChunkedEncodingError(), "sends answers that break off"),
    ],
)
def test_no_answer_in_our_own_words(error: exceptions.RequestException, words: str) -> None:
    told = ATTEMPT.unreachable(error)
    assert told.message.startswith(f"registry registry.example {words}")
    assert told.fix
    assert PASSWORD not in str(told)


def test_an_answer_that_trickles_in_is_given_up() -> None:
    def slow(call: Call) -> Reply:
        made.now += 61.0
        return serving(call)

    with world(slow) as made, pytest.raises(RegistryError, match="didn't answer in time"):
        made.registry.facts(made.ask())
    assert len(made.paths) == 1

"""Hooks as forges document them: which are believed, and what they are taken to tell."""

import base64
import hashlib
import hmac
import json
from email.message import Message
from typing import Any
from urllib.parse import urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reconciler.adapters.hooks.pushes import Push, Repository, push_of, repository_of
from reconciler.adapters.hooks.receiver import HookReceiver, HookResult
from reconciler.adapters.hooks.signatures import has_proof, is_genuine
from reconciler.core.errors import ConfigError
from reconciler.core.resource import JsonObject

SECRET = b"It's a Secret to Everybody"
KEY = base64.b64encode(b"k" * 32).decode()

#: What is read of the payloads that the forges document, and something of what isn't.
GITHUB = {
    "ref": "refs/heads/main",
    "before": "6113728f27ae82c7b1a177c8d03f9e96e0adf246",
    "after": "0000000000000000000000000000000000000000",
    "repository": {
        "id": 186853002,
        "full_name": "Codertocat/Hello-World",
        "html_url": "https://github.com/Codertocat/Hello-World",
        "url": "https://github.com/Codertocat/Hello-World",
        "git_url": "git://github.com/Codertocat/Hello-World.git",
        "ssh_url": "git@github.com:Codertocat/Hello-World.git",
        "clone_url": "https://github.com/Codertocat/Hello-World.git",
        "default_branch": "main",
    },
    "pusher": {"name": "Codertocat", "email": "21031067+Codertocat@users.noreply.github.com"},
    "commits": [],
}
GITLAB = {
    "object_kind": "push",
    "ref": "refs/heads/main",
    "project": {
        "name": "Diaspora",
        "web_url": "http://example.com/mike/diaspora",
        "git_ssh_url": "git@example.com:mike/diaspora.git",
        "git_http_url": "http://example.com/mike/diaspora.git",
        "ssh_url": "git@example.com:mike/diaspora.git",
        "http_url": "http://example.com/mike/diaspora.git",
    },
    "repository": {
        "url": "git@example.com:mike/diaspora.git",
        "git_http_url": "http://example.com/mike/diaspora.git",
        "git_ssh_url": "git@example.com:mike/diaspora.git",
    },
}
GITEA = {
    "ref": "refs/heads/develop",
    "repository": {
        "full_name": "gitea/webhooks",
        "html_url": "http://localhost:3000/gitea/webhooks",
        "ssh_url": "ssh://gitea@localhost:2222/gitea/webhooks.git",
        "clone_url": "http://localhost:3000/gitea/webhooks.git",
    },
}


def headers(**given: str) -> Message:
    made = Message()
    for name, value in given.items():
        made[name.replace("_", "-")] = value
    return made


def hexed(body: bytes, secret: bytes = SECRET) -> str:
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


def standard(body: bytes, key: bytes = b"k" * 32, number: str = "m-1", time: str = "17") -> str:
    signed = f"{number}.{time}.".encode() + body
    return "v1," + base64.b64encode(hmac.digest(key, signed, "sha256")).decode()


# --- who is believed


def test_githubs_own_example_is_believed() -> None:
    # docs.github.com, "Validating webhook deliveries", testing the payload validation.
    told = "sha256=757107ea0eb2509fc211221cce984b8a37570b6d7586c22c46f4379c8b043e17"
    assert is_genuine(b"Hello, World!", headers(X_Hub_Signature_256=told), [SECRET])
    assert not is_genuine(b"Hello, World", headers(X_Hub_Signature_256=told), [SECRET])


@pytest.mark.parametrize("name", ["X-Gitea-Signature", "X-Forgejo-Signature"])
def test_giteas_signature_is_bare(name: str) -> None:
    body = json.dumps(GITEA).encode()
    assert is_genuine(body, headers(**{name: hexed(body)}), [b"another", SECRET])
    assert not is_genuine(body, headers(**{name: "sha256=" + hexed(body)}), [SECRET])
    assert not is_genuine(body, headers(**{name: hexed(body, b"x")}), [SECRET])


def test_gitlabs_token_is_the_secret_itself() -> None:
    assert is_genuine(b"{}", headers(X_Gitlab_Token=SECRET.decode()), [SECRET])
    for wrong in ("", "It's", "é", "\udcff"):
        assert not is_genuine(b"{}", headers(X_Gitlab_Token=wrong), [SECRET])


def test_gitlabs_signing_token_signs_id_time_and_body() -> None:
    secret = f"whsec_{KEY}".encode()
    more = {"webhook-id": "m-1", "webhook-timestamp": "17"}
    for value in (standard(b"{}"), f"v1a,x v1,wrong {standard(b'{}')}"):
        assert is_genuine(b"{}", headers(**{"webhook-signature": value}, **more), [secret])
    for value in (standard(b"{ }"), standard(b"{}", b"x"), standard(b"{}", number="m-2"), "v1,"):
        assert not is_genuine(b"{}", headers(**{"webhook-signature": value}, **more), [secret])
    alone = headers(**{"webhook-signature": standard(b"{}")})
    assert not is_genuine(b"{}", alone, [secret])
    other = headers(**{"webhook-signature": standard(b"{}")}, **more)
    assert not is_genuine(b"{}", other, [SECRET, b"whsec_no base64"])


def test_every_proof_must_hold() -> None:
    right, wrong = hexed(b"{}"), hexed(b"{}", b"x")
    both = headers(X_Gitea_Signature=right, X_Hub_Signature_256=f"sha256={right}")
    assert is_genuine(b"{}", both, [SECRET])
    forged = headers(X_Gitea_Signature=right, X_Hub_Signature_256=f"sha256={wrong}")
    assert not is_genuine(b"{}", forged, [SECRET])


def test_without_a_proof_nobody_is_believed() -> None:
    none = headers(X_GitHub_Event="push", X_Hub_Signature="sha1=abc")
    assert not has_proof(none)
    assert not is_genuine(b"{}", none, [SECRET])


@given(st.binary(), st.text(st.characters(codec="latin-1")))
def test_no_invented_proof_is_believed(body: bytes, text: str) -> None:
    for name in ("X-Hub-Signature-256", "X-Gitea-Signature", "X-Gitlab-Token", "webhook-signature"):
        assert not is_genuine(body, headers(**{name: text}), [SECRET, f"whsec_{KEY}".encode()])


# --- what is told


@pytest.mark.parametrize(
    ("payload", "repo", "other"),
    [
        (GITHUB, "https://github.com/codertocat/hello-world", "https://github.com/x/hello-world"),
        (GITHUB, "git@GitHub.com:Codertocat/Hello-World.git", "git@example:Codertocat/Hello-World"),
        (GITHUB, "ssh://git@github.com/Codertocat/Hello-World/", "/srv/Codertocat/Hello-World"),
        (GITLAB, "https://user:token@example.com/mike/diaspora.git", "http://example.com/diaspora"),
        (GITLAB, "ssh://git@example.com:2222/mike/diaspora", "example.com"),
        (GITEA, "http://LOCALHOST:3000/gitea/webhooks", "./webhooks"),
        (GITEA, "gitea@localhost:gitea/webhooks.git", "file:///gitea/webhooks"),
    ],
)
def test_a_push_concerns_its_repository_however_it_is_written(
    payload: JsonObject, repo: str, other: str
) -> None:
    push = told(payload)
    assert push is not None
    assert push.concerns(repo, "")
    assert not push.concerns(other, "")


@pytest.mark.parametrize(
    ("moved", "ref", "concerned"),
    [
        ("refs/heads/main", "main", True),
        ("refs/heads/main", "refs/heads/main", True),
        ("refs/heads/main", "heads/main", True),
        ("refs/heads/main", "", True),
        ("refs/heads/main", "HEAD", True),
        ("refs/tags/v1", "v1", True),
        ("main", "main", True),
        ("refs/heads/feature/main", "main", False),
        ("refs/heads/main", "6113728f27ae82c7b1a177c8d03f9e96e0adf246", False),
        ("refs/heads/Main", "main", False),
    ],
)
def test_a_push_concerns_what_it_may_have_moved(moved: str, ref: str, concerned: bool) -> None:
    push = told({**GITHUB, "ref": moved})
    assert push is not None
    assert push.concerns("https://github.com/Codertocat/Hello-World", ref) is concerned


@pytest.mark.parametrize(
    ("address", "repository"),
    [
        ("git@h:/a/b.git/", Repository("h", "a/b")),
        ("[::1]:a/b", Repository("::1", "a/b")),
        ("ssh://git@[::1]:22/a/b.git", Repository("::1", "a/b")),
        ("git://h/a.git", Repository("h", "a")),
        ("https://h", None),
        ("https://[x/a", None),
        ("h:", None),
        ("", None),
    ],
)
def test_addresses(address: str, repository: Repository | None) -> None:
    assert repository_of(address) == repository


def told(payload: Any) -> Push | None:
    return push_of(json.dumps(payload).encode(), "application/json")


@pytest.mark.parametrize(
    "payload",
    [
        {"zen": "Keep it logically awesome.", "repository": GITHUB["repository"]},
        {"ref": "refs/heads/main"},
        {"ref": 7, "repository": GITHUB["repository"]},
        {"ref": "refs/heads/main", "repository": "x", "project": {"url": 7, "ssh_url": "/a"}},
        ["x"],
        None,
    ],
)
def test_what_is_no_push_is_none(payload: Any) -> None:
    assert told(payload) is None


def test_a_form_holds_the_same() -> None:
    body = urlencode({"payload": json.dumps(GITHUB)}).encode()
    assert push_of(body, "application/x-www-form-urlencoded; charset=utf-8") == told(GITHUB)
    for broken in (b"payload", b"a=1&b=2", b"\xff"):
        with pytest.raises(ValueError):
            push_of(broken, "application/x-www-form-urlencoded")


@given(st.text())
def test_no_address_breaks_it(address: str) -> None:
    repository_of(address)


@given(st.recursive(st.none() | st.text() | st.integers(), lambda t: st.lists(t) | st.dictionaries(
    st.sampled_from(["ref", "repository", "project", "clone_url", "url"]), t)))  # fmt: skip
def test_no_payload_breaks_it(payload: Any) -> None:
    told(payload)


# --- the receiver's answers; tests/integration has it over sockets


def test_nobody_is_believed_without_a_secret() -> None:
    for secrets in ([], [b""]):
        with pytest.raises(ConfigError, match="anybody"):
            HookReceiver(
                ("127.0.0.1", 0),
                tls=None,
                secrets=secrets,
                wake=lambda push: (),
                told=lambda result, woken: None,
            )


def test_each_hook_is_told_of_by_what_became_of_it() -> None:
    results: list[tuple[HookResult, tuple[str, ...]]] = []
    receiver = HookReceiver(
        ("127.0.0.1", 0),
        tls=None,
        secrets=[SECRET],
        wake=lambda push: ["shop"] if push.concerns("https://github.com/o/shop", "main") else [],
        told=lambda result, woken: results.append((result, tuple(woken))),
    )
    shop = {"ref": "refs/heads/main", "repository": {"clone_url": "https://github.com/o/shop.git"}}
    try:
        for payload in (shop, GITHUB, {"zen": "x"}):
            assert answer(receiver, json.dumps(payload).encode()) == 202
        assert answer(receiver, b"no json") == 400
        assert answer(receiver, b"{}", "sha256=x") == 401
        assert not receiver.lets_in(headers(X_GitHub_Event="push"), {})
        assert receiver.lets_in(headers(X_Gitlab_Token=""), {})
    finally:
        receiver.stop()
    ignored, refused = (HookResult.IGNORED, ()), (HookResult.REFUSED, ())
    broken = (HookResult.BROKEN, ())
    assert results == [(HookResult.WOKE, ("shop",)), ignored, ignored, broken, refused, refused]


def answer(receiver: HookReceiver, body: bytes, proof: str = "") -> int:
    proof = proof or f"sha256={hexed(body)}"
    return int(receiver.answer(body, headers(X_Hub_Signature_256=proof)).status)

"""A token server for a real registry: https://distribution.github.io/distribution/spec/auth/jwt/."""

import json
import time
from base64 import b64decode, b64encode, urlsafe_b64encode
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, utils

from tests.fakes.answering_http import AnsweringServer, Call, Reply
from tests.tools.controlplane.certificates import Authority

_SIZE = 32


class TokenServer:
    """Gives whoever knows the password tokens for pulling; a context manager.

    Attributes:
        service: What its tokens are for.
        issuer: Who it says that it is.
        certificate: What its tokens are checked with.
        calls: All that was asked.
    """

    service = "tests-registry"
    issuer = "tests-tokens"

    def __init__(self, user: str, password: str) -> None:
        pair = Authority("tokens", datetime.now(UTC)).issue_server("tokens", ["tokens"], [])
        self.certificate = pair.certificate
        key = serialization.load_pem_private_key(pair.key, None)
        assert isinstance(key, ec.EllipticCurvePrivateKey)
        self._key = key
        self._basic = b64encode(f"{user}:{password}".encode()).decode()
        self._server = AnsweringServer(self._answer)
        self.calls = self._server.calls

    @property
    def url(self) -> str:
        return f"{self._server.url}/token"

    def __enter__(self) -> "TokenServer":
        self._server.__enter__()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.__exit__()

    def _answer(self, call: Call) -> Reply:
        if call.headers.get("Authorization") != f"Basic {self._basic}":
            return Reply(401, {"details": "who are you?"})
        kind, repository, _ = call.query["scope"].split(":")
        assert (kind, call.query["service"]) == ("repository", self.service)
        user = b64decode(self._basic).decode().partition(":")[0]
        return Reply(200, {"token": self.token(user, repository, ("pull",)), "expires_in": 300})

    def token(self, user: str, repository: str, actions: Sequence[str]) -> str:
        """Signs a token."""
        now = int(time.time())
        certificate = x509.load_pem_x509_certificate(self.certificate)
        der = certificate.public_bytes(serialization.Encoding.DER)
        head = {"typ": "JWT", "alg": "ES256", "x5c": [b64encode(der).decode()]}
        access = [{"type": "repository", "name": repository, "actions": list(actions)}]
        body = {
            "iss": self.issuer,
            "sub": user,
            "aud": self.service,
            "exp": now + 300,
            "nbf": now - 60,
            "iat": now,
            "jti": uuid4().hex,
            "access": access,
        }
        text = f"{_part(head)}.{_part(body)}"
        r, s = utils.decode_dss_signature(self._key.sign(text.encode(), ec.ECDSA(hashes.SHA256())))
        return f"{text}.{_b64(r.to_bytes(_SIZE, 'big') + s.to_bytes(_SIZE, 'big'))}"


def _part(value: Any) -> str:
    return _b64(json.dumps(value).encode())


def _b64(content: bytes) -> str:
    return urlsafe_b64encode(content).decode().rstrip("=")

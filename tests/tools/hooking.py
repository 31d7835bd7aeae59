"""Sends hooks as a forge does."""

import http.client
import json
from collections.abc import Mapping
from hashlib import sha256
from hmac import digest


def send_push(port: int, repo: str, ref: str, secret: bytes) -> int:
    """Tells of a push as Gitea does, signed with a secret; gives the answer's status."""
    body = json.dumps({"ref": ref, "repository": {"clone_url": repo}}).encode()
    signature = digest(secret, body, sha256).hex()
    proofs = {"X-Gitea-Signature": signature, "X-Hub-Signature-256": f"sha256={signature}"}
    return send(port, body, {"X-Gitea-Event": "push", **proofs})


def send(port: int, body: bytes, headers: Mapping[str, str], method: str = "POST") -> int:
    """Sends a hook; gives the answer's status."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
    try:
        headers = {"Content-Type": "application/json", **headers}
        connection.request(method, "/hooks", body, headers)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()

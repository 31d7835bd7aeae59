"""Asks a server of the control plane, as its administrator."""

import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any

from tests.tools.controlplane.identity import Identity

_TIMEOUT = 10.0


class Client:
    """Requests over TLS to one loopback port, trusting this control plane's authority alone."""

    def __init__(self, identity: Identity, port: int) -> None:
        # Not urllib: it would send loopback requests through a proxy named in the environment.
        self._port = port
        self._context = ssl.create_default_context(cafile=str(identity.ca))
        files = identity.credentials("admin")
        self._context.load_cert_chain(files.certificate, files.key)

    def request(
        self, method: str, path: str, body: Mapping[str, Any] | None = None
    ) -> tuple[int, bytes]:
        """The status and body of the answer.

        Raises:
            OSError: the server isn't there, or isn't ours.
            http.client.HTTPException: the answer makes no sense.
        """
        connection = http.client.HTTPSConnection(
            "127.0.0.1", self._port, timeout=_TIMEOUT, context=self._context
        )
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, path, content, {"Content-Type": "application/json"})
            answer = connection.getresponse()
            return answer.status, answer.read()
        finally:
            connection.close()

    def answers(self, path: str) -> bool:
        """Whether the server is there and says 200."""
        try:
            return self.request("GET", path)[0] == http.client.OK
        except (OSError, http.client.HTTPException):
            return False

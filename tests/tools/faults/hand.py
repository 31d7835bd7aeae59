"""Edits on the API server by somebody who isn't Plumbline, and what is live there."""

import base64
import http.client
import json
import ssl
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

from tests.tools.faults.proxy import Upstream

_CONFLICT = 409
_TRIES = 50


def upstream_of(kubeconfig: Path) -> Upstream:
    """Gives the API server of a kubeconfig, and whom we are to it."""
    document = yaml.safe_load(kubeconfig.read_text(encoding="utf-8"))
    cluster = document["clusters"][0]["cluster"]
    user = document["users"][0]["user"]

    def decoded(name: str) -> str:
        return base64.b64decode({**cluster, **user}[name]).decode()

    context = ssl.create_default_context(cadata=decoded("certificate-authority-data"))
    with tempfile.NamedTemporaryFile("w") as file:  # OpenSSL reads them from files alone
        file.write(decoded("client-certificate-data") + decoded("client-key-data"))
        file.flush()
        context.load_cert_chain(file.name)
    port = urlsplit(cluster["server"]).port
    assert port is not None
    return Upstream(port, context)


@dataclass(frozen=True, slots=True)
class Hand:
    """Somebody who edits ConfigMaps of one namespace.

    Attributes:
        server: The API server, and who this is to it.
        namespace: Where.
        manager: The field manager of the edits.
    """

    server: Upstream
    namespace: str
    manager: str = "by-hand"

    def colours(self) -> dict[str, str]:
        """Gives the colour of each live ConfigMap."""
        code, answer = self._ask("GET", "")
        assert code == http.client.OK, answer
        return {each["metadata"]["name"]: each["data"]["colour"] for each in answer["items"]}

    def make(self, name: str, colour: str) -> None:
        """Creates one."""
        metadata = {"name": name}
        body = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": metadata}
        code, answer = self._ask("POST", "", {**body, "data": {"colour": colour}})
        assert code == http.client.CREATED, answer

    def recolour(self, name: str, colour: str) -> None:
        """Edits one; makes it where it is gone."""
        code, answer = self._ask("PATCH", f"/{name}", {"data": {"colour": colour}})
        if code == http.client.NOT_FOUND:
            self.make(name, colour)
            return
        assert code == http.client.OK, answer

    def remove(self, name: str) -> None:
        """Deletes one, as it was seen last; nothing where it is gone."""
        for _ in range(_TRIES):
            code, live = self._ask("GET", f"/{name}")
            if code == http.client.NOT_FOUND:
                return
            metadata = live["metadata"]
            seen = {"uid": metadata["uid"], "resourceVersion": metadata["resourceVersion"]}
            options = {"apiVersion": "v1", "kind": "DeleteOptions", "preconditions": seen}
            code, answer = self._ask("DELETE", f"/{name}", options)
            if code != _CONFLICT:
                assert code == http.client.OK, answer
                return
        raise AssertionError(f"{name} never stands still")

    def _ask(self, method: str, path: str, body: object = None) -> tuple[int, dict[str, Any]]:
        form = "application/merge-patch+json" if method == "PATCH" else "application/json"
        query = f"?fieldManager={self.manager}" if method in ("PATCH", "POST") else ""
        target = f"/api/v1/namespaces/{self.namespace}/configmaps{path}{query}"
        connection = self.server.connect(30)
        try:
            content = None if body is None else json.dumps(body)
            connection.request(method, target, content, {"Content-Type": form})
            answer = connection.getresponse()
            read: dict[str, Any] = json.loads(answer.read())
            return answer.status, read
        finally:
            connection.close()

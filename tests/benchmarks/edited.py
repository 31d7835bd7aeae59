"""Objects edited over one open connection, and a watch that does nothing but listen.

kubectl takes longer to start than what is measured here.
"""

import http.client
import json
import ssl
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from tests.benchmarks.measure import MeasureError
from tests.tools.controlplane import ControlPlane

_MERGE = {"Content-Type": "application/merge-patch+json"}
_PATIENCE = 60.0
_PATHS = {
    "Deployment": "/apis/apps/v1/namespaces/{}/deployments",
    "ConfigMap": "/api/v1/namespaces/{}/configmaps",
}


@dataclass(frozen=True, slots=True)
class Place:
    """Objects of one kind in one namespace, as the administrator reaches them.

    Attributes:
        plane: The cluster.
        namespace: Where they are.
        kind: `Deployment` or `ConfigMap`.
    """

    plane: ControlPlane
    namespace: str
    kind: str

    @property
    def path(self) -> str:
        """The collection's path."""
        return _PATHS[self.kind].format(self.namespace)

    def connection(self, timeout: float | None = _PATIENCE) -> http.client.HTTPSConnection:
        """Gives a connection of one's own."""
        address, identity = urlsplit(self.plane.url), self.plane.ca.parent
        context = ssl.create_default_context(cafile=str(self.plane.ca))
        context.load_cert_chain(identity / "admin.crt", identity / "admin.key")
        host, port = str(address.hostname), address.port
        return http.client.HTTPSConnection(host, port, timeout=timeout, context=context)


class Hand:
    """Edits objects, one after the other."""

    def __init__(self, place: Place) -> None:
        self.place = place
        self._connection = place.connection()

    def edit(self, name: str, number: int) -> float:
        """Edits a field that is declared; gives the moment at which that was asked for.

        Raises:
            MeasureError: The server refused.
        """
        if self.place.kind == "ConfigMap":
            return self._patch(name, {"data": {"LOG_LEVEL": f"debug-{number}"}})
        return self._patch(name, {"spec": {"replicas": 10 + number % 90}})

    def touch(self, name: str, number: int) -> float:
        """Moves a Deployment's status, as its controllers do: no drift.

        Raises:
            MeasureError: The server refused.
        """
        return self._patch(f"{name}/status", {"status": {"observedGeneration": number}})

    def close(self) -> None:
        """Lets the connection go."""
        self._connection.close()

    def _patch(self, name: str, patch: dict[str, Any]) -> float:
        began = time.monotonic()
        path = f"{self.place.path}/{name}?fieldManager=by-hand"
        self._connection.request("PATCH", path, json.dumps(patch), _MERGE)
        answer = self._connection.getresponse()
        content = answer.read()
        if answer.status != http.client.OK:
            raise MeasureError(f"{name}: {answer.status} {content.decode(errors='replace')}")
        return began


class BareWatch:
    """When each event of an object came to somebody who only listens."""

    def __init__(self, place: Place) -> None:
        """Begins to listen from now on."""
        self._connection = place.connection(timeout=None)
        self._came: dict[str, list[float]] = {}
        self._more = threading.Condition()
        with_version = place.connection()
        with_version.request("GET", f"{place.path}?limit=1")
        listed = json.loads(with_version.getresponse().read())
        with_version.close()
        version = listed["metadata"]["resourceVersion"]
        self._connection.request("GET", f"{place.path}?watch=1&resourceVersion={version}")
        self._answer = self._connection.getresponse()
        self._thread = threading.Thread(target=self._listen, daemon=True)
        self._thread.start()

    def await_events(self, name: str, count: int) -> list[float]:
        """Gives when the first so many events of an object came.

        Raises:
            MeasureError: They never did.
        """
        with self._more:
            came = self._more.wait_for(lambda: len(self._came.get(name, ())) >= count, _PATIENCE)
            if not came:
                raise MeasureError(f"the watch never told of {name}")
            return self._came[name][:count]

    def close(self) -> None:
        """Listens no more."""
        with suppress(OSError):
            # Wakes the thread, which a close alone would not.
            self._connection.sock.shutdown(2)
        self._thread.join()
        self._connection.close()

    def _listen(self) -> None:
        with suppress(OSError, ValueError, http.client.HTTPException):
            while line := self._answer.readline():
                at = time.monotonic()
                event = json.loads(line)
                with self._more:
                    self._came.setdefault(event["object"]["metadata"]["name"], []).append(at)
                    self._more.notify_all()

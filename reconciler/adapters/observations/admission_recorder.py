"""An admission webhook that only records who asked: it allows everything and changes nothing.

For clusters whose audit log can't be had. It must never be in anybody's way: its configuration
(`webhook_configuration`) lets requests pass when it doesn't answer within a second, and it answers
before it looks at what it was told.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from email.message import Message
from http import HTTPStatus
from typing import Final

import orjson

from reconciler.adapters.observations.reviewed import event_of_review
from reconciler.adapters.observations.store import EventStore
from reconciler.adapters.receiving import Bounds, JsonServer, Reply
from reconciler.adapters.serving_tls import Tls
from reconciler.core.actors import AuditEvent
from reconciler.core.resource import Catalog, JsonObject, ResourceKey

#: A review holds an object twice, before and after; the API server takes none above 3 MiB.
LIMIT: Final = 8 << 20

PATH: Final = "/admission"


@dataclass(slots=True)
class Asked:
    """How many reviews came, and of how many nothing could be recorded."""

    reviews: int = 0
    broken: int = 0


class AdmissionRecorder(JsonServer):
    """A witness that the API server asks before each write.

    What it records is as trustworthy as whoever can reach it: without an authority of clients in
    `tls` (API servers show a certificate to webhooks only if they are configured to), anybody in
    the cluster's network can claim that somebody did something. A NetworkPolicy is the other way.

    Args:
        address: Host and port to listen at; port 0 for any free one.
        tls: The certificate, and whom to let in. API servers ask webhooks by TLS alone.
        clock: Tells the time, with its zone.
        store: Where events go; one of its own if None.

    Raises:
        ConfigError: It can't listen there, or the certificate is unusable.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        tls: Tls,
        clock: Callable[[], datetime],
        store: EventStore | None = None,
        path: str = PATH,
    ) -> None:
        # Who doesn't send within a second isn't an API server that still waits for an answer.
        super().__init__(address, path, Bounds(body=LIMIT, patience=2.0), tls)
        self._clock = clock
        self._store = store if store is not None else EventStore()
        self.asked = Asked()

    def learn(self, catalog: Catalog) -> None:
        """See `ports.Witnesses`."""
        self._store.learn(catalog)

    def events_of(self, key: ResourceKey) -> Sequence[AuditEvent]:
        """See `ports.Witnesses`."""
        return self._store.events_of(key)

    def answer(self, body: bytes, headers: Message) -> Reply:
        """Allows it, whatever it is."""
        try:
            review = orjson.loads(body)
            request = review.get("request")
            uid = request.get("uid")
        except (orjson.JSONDecodeError, AttributeError):
            uid = ""
        allowed = {
            "apiVersion": "admission.k8s.io/v1",
            "kind": "AdmissionReview",
            "response": {"uid": uid, "allowed": True},
        }
        return Reply(HTTPStatus.OK, orjson.dumps(allowed))

    def after(self, body: bytes) -> None:
        """Records who asked."""
        self.asked.reviews += 1
        try:
            event = event_of_review(orjson.loads(body), self._now())
        except Exception:
            # Whatever was sent: the next review shall find the recorder at work.
            self.asked.broken += 1
            return
        if event is not None:
            self._store.add([event])

    def _now(self) -> str:
        return self._clock().astimezone(UTC).isoformat().replace("+00:00", "Z")


def webhook_configuration(name: str, client: Mapping[str, object]) -> JsonObject:
    """Gives the configuration by which an API server asks a recorder.

    Args:
        name: The configuration's name.
        client: Its `clientConfig`: `service` or `url`, and `caBundle`.

    Returns:
        A ValidatingWebhookConfiguration: it is asked last, about the object as it will be kept.
    """
    return {
        "apiVersion": "admissionregistration.k8s.io/v1",
        "kind": "ValidatingWebhookConfiguration",
        "metadata": {"name": name},
        "webhooks": [
            {
                "name": "recorder.plumbline.dev",
                "clientConfig": dict(client),
                "admissionReviewVersions": ["v1"],
                "failurePolicy": "Ignore",
                "timeoutSeconds": 1,
                # It isn't asked about dry runs, so that they aren't refused for its sake.
                "sideEffects": "NoneOnDryRun",
                "matchPolicy": "Equivalent",
                "rules": [
                    {
                        "apiGroups": ["*"],
                        "apiVersions": ["*"],
                        "operations": ["CREATE", "UPDATE", "DELETE"],
                        "resources": ["*/*"],
                    }
                ],
                "matchConditions": [
                    {"name": "writes", "expression": _EXPRESSION},
                ],
            }
        ],
    }


#: What is worth a request: no dry run, no status, and nothing that nobody declares.
_EXPRESSION: Final = (
    "!(has(request.dryRun) && request.dryRun)"
    " && !(has(request.subResource) && request.subResource == 'status')"
    " && !(request.resource.group in ['coordination.k8s.io', 'events.k8s.io',"
    " 'authentication.k8s.io', 'authorization.k8s.io'])"
    " && !(request.resource.group == '' && request.resource.resource == 'events')"
)

"""Takes audit events from the API server's audit webhook (`--audit-webhook-config-file`)."""

from collections.abc import Sequence
from dataclasses import dataclass
from email.message import Message
from http import HTTPStatus
from typing import Final

import orjson

from reconciler.adapters.observations.audited import events_of_list
from reconciler.adapters.observations.store import EventStore
from reconciler.adapters.receiving import Bounds, JsonServer, Reply
from reconciler.adapters.serving_tls import Tls
from reconciler.core.actors import AuditEvent
from reconciler.core.errors import ConfigError
from reconciler.core.resource import Catalog, ResourceKey

#: A batch holds up to 400 events (`--audit-webhook-batch-max-size`), some kilobytes each where the
#: policy's level is Metadata; `--audit-webhook-truncate-enabled` limits it to 10 MiB.
LIMIT: Final = 16 << 20


@dataclass(slots=True)
class Received:
    """How many batches came, and how many of them couldn't be read."""

    batches: int = 0
    broken: int = 0


class AuditReceiver(JsonServer):
    """A witness that the API server tells of its audit events.

    Args:
        address: Host and port to listen at; port 0 for any free one.
        tls: The certificate, and whom to let in; None for plain HTTP, as behind a proxy.
        token: The bearer token that the webhook's kubeconfig holds; empty for none.
        store: Where events go; one of its own if None.
        path: The path that the webhook's kubeconfig names.
        limit: Bytes of a batch; a larger one is refused.

    Raises:
        ConfigError: Anybody could send events: there is neither a token nor an authority of
            clients. Or it can't listen there.
    """

    def __init__(
        self,
        address: tuple[str, int],
        *,
        tls: Tls | None,
        token: str = "",
        store: EventStore | None = None,
        path: str = "/audit",
        limit: int = LIMIT,
    ) -> None:
        if not token and (tls is None or tls.client_authority is None):
            raise ConfigError(
                "the audit receiver would believe anybody",
                fix="give it a bearer token, or the authority of the API server's certificate",
            )
        super().__init__(address, path, Bounds(body=limit), tls, token)
        self._store = store if store is not None else EventStore()
        self.received = Received()

    def learn(self, catalog: Catalog) -> None:
        """See `ports.Witnesses`."""
        self._store.learn(catalog)

    def events_of(self, key: ResourceKey) -> Sequence[AuditEvent]:
        """See `ports.Witnesses`."""
        return self._store.events_of(key)

    def answer(self, body: bytes, headers: Message) -> Reply:
        """Takes a batch. The API server sends it again where it hears of a failure."""
        self.received.batches += 1
        try:
            self._store.add(events_of_list(orjson.loads(body)))
        except orjson.JSONDecodeError:
            self.received.broken += 1
            return Reply(HTTPStatus.BAD_REQUEST)
        return Reply(HTTPStatus.OK)

    def after(self, body: bytes) -> None:
        """Does nothing: what was taken is kept before the API server is told so."""

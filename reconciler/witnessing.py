"""Witnesses of requests, as they are configured: they know persons, where managers are programs."""

from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path

from reconciler.adapters.observations.admission_recorder import AdmissionRecorder
from reconciler.adapters.observations.audit_log import AuditLog
from reconciler.adapters.observations.audit_receiver import AuditReceiver
from reconciler.adapters.observations.store import EventStore
from reconciler.adapters.observations.witnesses import AllWitnesses
from reconciler.adapters.serving_tls import tls_named
from reconciler.core.errors import ConfigError
from reconciler.ports import Witnesses
from reconciler.settings import WitnessSettings
from reconciler.settings.addresses import address_of
from reconciler.settings.named_files import text_named


def witnesses_of(settings: WitnessSettings, folder: Path, stack: ExitStack) -> Witnesses | None:
    """Starts the witnesses that are configured.

    Args:
        settings: Which.
        folder: Where what they have seen is kept between runs.
        stack: Is given what must be ended.

    Raises:
        ConfigError: An address, a certificate or a file isn't as it must be.
    """
    found: list[Witnesses] = []
    tls = tls_named(settings.certificate, settings.key, settings.client_authority)
    if settings.audit_log:
        log = AuditLog(Path(settings.audit_log), folder / "audit-log.json")
        log.start()
        stack.callback(log.stop)
        found.append(log)
    if settings.audit_webhook:
        store = _kept(folder / "audit-webhook.json", stack)
        receiver = AuditReceiver(
            address_of("witnesses.audit_webhook", settings.audit_webhook),
            tls=tls,
            token=_token(settings),
            store=store,
        )
        receiver.start()
        stack.callback(receiver.stop)
        found.append(receiver)
    if settings.admission:
        if tls is None:
            raise ConfigError(
                "witnesses.admission needs a certificate: API servers ask webhooks by TLS alone",
                fix="name witnesses.certificate and witnesses.key",
            )
        store = _kept(folder / "admission.json", stack)
        recorder = AdmissionRecorder(
            address_of("witnesses.admission", settings.admission),
            tls=tls,
            clock=lambda: datetime.now(UTC),
            store=store,
        )
        recorder.start()
        stack.callback(recorder.stop)
        found.append(recorder)
    return AllWitnesses(found) if found else None


def _kept(path: Path, stack: ExitStack) -> EventStore:
    store = EventStore()
    store.load(path)
    stack.callback(store.save, path)
    return store


def _token(settings: WitnessSettings) -> str:
    if not settings.token_file:
        return ""
    fix = "name a file that holds the webhook's bearer token"
    return text_named("witnesses.token_file", settings.token_file, fix, if_empty=fix)

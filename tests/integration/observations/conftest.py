"""A real API server that is witnessed in all three ways: its log, its webhook, and admission."""

import base64
import datetime as dt
import json
import time
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import yaml

from reconciler.adapters.observations.admission_recorder import (
    AdmissionRecorder,
    webhook_configuration,
)
from reconciler.adapters.observations.audit_log import AuditLog
from reconciler.adapters.observations.audit_receiver import AuditReceiver
from reconciler.adapters.serving_tls import Tls
from reconciler.core.actors import AuditEvent
from reconciler.core.resource import ResourceKey
from reconciler.ports import Witnesses
from tests.tools.controlplane import ControlPlane
from tests.tools.controlplane.certificates import Authority
from tests.tools.controlplane.toolbox import Toolbox

TOKEN = "s3same-0pen-audit-5517"

POLICY = """\
apiVersion: audit.k8s.io/v1
kind: Policy
omitStages: [RequestReceived]
rules:
  - level: None
    verbs: [get, list, watch]
  - level: RequestResponse
    resources: [{group: "", resources: [configmaps, secrets]}]
    namespaces: [bodies]
  - level: Metadata
"""

#: How soon an event has to be there.
_WITHIN = 20.0


@dataclass(frozen=True, slots=True)
class Witnessed:
    """The API server, and who witnesses it."""

    plane: ControlPlane
    log: AuditLog
    receiver: AuditReceiver
    recorder: AdmissionRecorder
    folder: Path

    @property
    def witnesses(self) -> dict[str, Witnesses]:
        return {"log": self.log, "receiver": self.receiver, "recorder": self.recorder}

    def live(self, kind: str, name: str, namespace: str) -> dict[str, Any]:
        """Reads an object with its managedFields."""
        words = ("get", kind, name, "-n", namespace, "-o", "json", "--show-managed-fields")
        body: dict[str, Any] = json.loads(self.plane.kubectl(*words).stdout)
        return body

    def events(
        self,
        witness: Witnesses,
        key: ResourceKey,
        until: Callable[[Sequence[AuditEvent]], bool],
    ) -> Sequence[AuditEvent]:
        """Waits until a witness has told what a test wants to hear."""
        deadline = time.monotonic() + _WITHIN
        while not until(events := witness.events_of(key)):
            assert time.monotonic() < deadline, f"{key}: only {list(events)}"
            time.sleep(0.05)
        return events


@pytest.fixture(scope="session")
def witnessed(toolbox: Toolbox, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Witnessed]:
    folder = tmp_path_factory.mktemp("witnessed")
    authority = Authority("recorder", dt.datetime.now(dt.UTC))
    pair = authority.issue_server("recorder", ["localhost"], ["127.0.0.1"])
    certificate, key = folder / "recorder.crt", folder / "recorder.key"
    certificate.write_bytes(pair.certificate)
    key.write_bytes(pair.key)
    ca = authority.pair.certificate
    tls = Tls(certificate, key)
    receiver = AuditReceiver(("127.0.0.1", 0), tls=tls, token=TOKEN)
    recorder = AdmissionRecorder(("127.0.0.1", 0), tls=tls, clock=lambda: dt.datetime.now(dt.UTC))
    receiver.start()
    recorder.start()
    log = AuditLog(folder / "audit.log")
    with ControlPlane(_flags(folder, receiver.port, ca), tools=toolbox) as plane:
        log.start()
        client = {
            "url": f"https://127.0.0.1:{recorder.port}{recorder.path}",
            "caBundle": base64.b64encode(ca).decode(),
        }
        plane.kubectl(
            "create", "-f", "-", input=json.dumps(webhook_configuration("recorder", client))
        )
        all_of_us = ("--clusterrole=cluster-admin", "--group=team")
        plane.kubectl("create", "clusterrolebinding", "team", *all_of_us)
        for name in ("bodies", "warm-up"):
            plane.create_namespace(name)
        together = Witnessed(plane, log, receiver, recorder, folder)
        wait_until_asked(together)
        yield together
    receiver.stop()
    recorder.stop()
    log.stop()


def _flags(folder: Path, port: int, ca: bytes) -> tuple[str, ...]:
    policy = folder / "policy.yaml"
    policy.write_text(POLICY)
    cluster = {
        "server": f"https://127.0.0.1:{port}/audit",
        "certificate-authority-data": base64.b64encode(ca).decode(),
    }
    config = folder / "webhook.kubeconfig"
    config.write_text(
        yaml.safe_dump(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "clusters": [{"name": "receiver", "cluster": cluster}],
                "users": [{"name": "api-server", "user": {"token": TOKEN}}],
                "contexts": [
                    {"name": "it", "context": {"cluster": "receiver", "user": "api-server"}}
                ],
                "current-context": "it",
            }
        )
    )
    return (
        f"--audit-policy-file={policy}",
        f"--audit-log-path={folder / 'audit.log'}",
        # It is renamed at a megabyte: what a long run writes must be followed through that.
        "--audit-log-maxsize=1",
        f"--audit-webhook-config-file={config}",
        "--audit-webhook-batch-max-wait=200ms",
    )


def wait_until_asked(witnessed: Witnessed) -> None:
    """A new webhook configuration is in force a moment after it was written."""
    deadline = time.monotonic() + _WITHIN
    before = witnessed.recorder.asked.reviews
    while witnessed.recorder.asked.reviews == before:
        assert time.monotonic() < deadline, "the API server doesn't ask the recorder"
        name = f"warm-{uuid.uuid4().hex[:12]}"
        witnessed.plane.kubectl("create", "configmap", name, "-n", "warm-up")


@pytest.fixture
def space(witnessed: Witnessed) -> Iterator[str]:
    """A fresh namespace of the witnessed control plane."""
    name = f"test-{uuid.uuid4().hex[:12]}"
    witnessed.plane.create_namespace(name)
    yield name
    witnessed.plane.delete_namespace(name)

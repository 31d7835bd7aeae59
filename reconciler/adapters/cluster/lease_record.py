"""What stands in a Lease (kubernetes.io/docs/concepts/architecture/leases), as client-go has it."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Any

from reconciler.core.resource import JsonObject, ResourceKind, metadata_of

LEASE = ResourceKind("coordination.k8s.io", "v1", "Lease", "leases", namespaced=True)


@dataclass(frozen=True, slots=True)
class LeaseRecord:
    """Who holds a Lease.

    Attributes:
        version: The Lease's resourceVersion.
        holder: Who; empty for nobody.
        duration: Seconds for which the holder keeps it without renewing it.
        acquired: Since when, RFC 3339 with microseconds.
        renewed: When it was renewed last, on the holder's clock, which says nothing here: only
            that it is another than before does.
        transitions: How often it went to another holder.
    """

    version: str = ""
    holder: str = ""
    duration: int = 0
    acquired: str = ""
    renewed: str = ""
    transitions: int = 0

    @classmethod
    def of(cls, body: JsonObject) -> "LeaseRecord":
        """Reads a Lease; what isn't as it should be counts as not there."""
        spec = body.get("spec")
        spec = spec if isinstance(spec, Mapping) else {}
        return cls(
            version=str(metadata_of(body).get("resourceVersion") or ""),
            holder=str(spec.get("holderIdentity") or ""),
            duration=_number(spec.get("leaseDurationSeconds")),
            acquired=str(spec.get("acquireTime") or ""),
            renewed=str(spec.get("renewTime") or ""),
            transitions=_number(spec.get("leaseTransitions")),
        )

    def taken(self, holder: str, duration: int, now: datetime) -> "LeaseRecord":
        """Gives what the Lease is to be when this holder takes or renews it."""
        time = micro_time(now)
        if self.holder == holder:
            return replace(self, duration=duration, renewed=time)
        # As client-go counts: the very first holder is no transition.
        transitions = self.transitions + 1 if self.version else 0
        return replace(
            self,
            holder=holder,
            duration=duration,
            acquired=time,
            renewed=time,
            transitions=transitions,
        )

    def released(self, now: datetime) -> "LeaseRecord":
        """Gives what the Lease is to be when its holder lets go of it."""
        return replace(self, holder="", duration=1, renewed=micro_time(now))

    def body(self, namespace: str, name: str, labels: Mapping[str, str]) -> JsonObject:
        """Writes the Lease; with its resourceVersion, if it has one, as the precondition."""
        metadata: dict[str, Any] = {"name": name, "namespace": namespace}
        if labels:
            metadata["labels"] = dict(labels)
        if self.version:
            metadata["resourceVersion"] = self.version
        spec: dict[str, Any] = {
            "leaseDurationSeconds": self.duration,
            "leaseTransitions": self.transitions,
        }
        times = {"acquireTime": self.acquired, "renewTime": self.renewed}
        spec |= {field: time for field, time in times.items() if time}
        if self.holder:
            spec["holderIdentity"] = self.holder
        return {
            "apiVersion": LEASE.api_version,
            "kind": LEASE.kind,
            "metadata": metadata,
            "spec": spec,
        }


def micro_time(moment: datetime) -> str:
    """Writes a time as a Lease has it."""
    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def _number(value: object) -> int:
    return value if isinstance(value, int) else 0

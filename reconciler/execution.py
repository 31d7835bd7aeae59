"""Carries out a plan: every write with its precondition, every failure an outcome."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import assert_never

from reconciler.core.errors import ClusterError, LeaseLostError, Rejected
from reconciler.core.outcome import Outcome, OutcomeType
from reconciler.core.plan import (
    Action,
    Create,
    Delete,
    Evict,
    Plan,
    Quarantine,
    Recreate,
    Replace,
)
from reconciler.core.planning import live_digest
from reconciler.core.quarantine import in_quarantine, isolation, serves
from reconciler.core.resource import Catalog, JsonObject, ResourceKey, ResourceKind
from reconciler.ports import Cluster

#: How often a write is tried again because something else, such as a status, moved meanwhile.
_TRIES = 5
_CONFLICT = 409


def carry_out(plan: Plan, cluster: Cluster, catalog: Catalog) -> tuple[Outcome, ...]:
    """Carries out a plan's actions in their order.

    An action whose namespace or definition couldn't be made is skipped; other failures don't stop
    the rest.

    Returns:
        One outcome an action. What was written is `RESTORED` until a comparison says otherwise.
    """
    execution = _Execution(cluster, catalog)
    return tuple(execution.carry_out(action) for action in plan.actions)


class _MovedError(Exception):
    """The live object isn't the one that the plan was made for."""


class _HalfDoneError(Exception):
    """Something was written, and what should have followed it was refused."""


@dataclass(slots=True)
class _Execution:
    cluster: Cluster
    catalog: Catalog
    failed: set[ResourceKey] = field(default_factory=set)

    def carry_out(self, action: Action) -> Outcome:
        outcome = self._attempt(action)
        if outcome.outcome is not OutcomeType.RESTORED:
            self.failed.add(action.key)
        return outcome

    def _attempt(self, action: Action) -> Outcome:
        key = action.key
        if key.namespace and ResourceKey("", "Namespace", "", key.namespace) in self.failed:
            return Outcome(key, OutcomeType.SKIPPED, "its namespace could not be made")
        if self._has_no_definition(action):
            return Outcome(key, OutcomeType.SKIPPED, "its definition could not be made")
        try:
            kind = self._kind(action)
            if kind is None:
                reason = f"the cluster doesn't serve {action.api_version} {key.kind}"
                return Outcome(key, OutcomeType.SKIPPED, reason)
            self._write(action, kind)
        except _HalfDoneError as half:
            return Outcome(key, OutcomeType.UNVERIFIED, str(half))
        except _MovedError as moved:
            return Outcome(key, OutcomeType.CONFLICT, str(moved))
        except Rejected as rejected:
            moved_meanwhile = rejected.code == _CONFLICT
            how = OutcomeType.CONFLICT if moved_meanwhile else OutcomeType.REFUSED
            return Outcome(key, how, _said(action, rejected))
        except LeaseLostError as lost:
            # Whoever holds it may put this right: then it wasn't us.
            return Outcome(key, OutcomeType.SKIPPED, lost.message)
        except ClusterError as error:
            return Outcome(key, OutcomeType.UNVERIFIED, error.message)
        return Outcome(key, OutcomeType.RESTORED)

    def _has_no_definition(self, action: Action) -> bool:
        """Whether nothing serves this kind, since its CRD (named `plural.group`) wasn't made."""
        group, kind = action.key.group, action.key.kind
        return self.catalog.find(action.api_version, kind) is None and any(
            failed.kind == "CustomResourceDefinition" and failed.name.endswith(f".{group}")
            for failed in self.failed
        )

    def _kind(self, action: Action) -> ResourceKind | None:
        kind = self.catalog.find(action.api_version, action.key.kind)
        if kind is None:
            # A definition that this plan has just made may be served by now.
            kind = self.cluster.await_kind(action.api_version, action.key.kind)
        return kind

    def _write(self, action: Action, kind: ResourceKind) -> None:
        match action:
            case Create():
                self.cluster.writes.create(kind, action.body)
            case Replace():
                self._retried(action, kind, lambda live: self._replace(action, kind, live))
            case Recreate():
                self._retried(action, kind, lambda live: self._delete(action, kind, live))
                self._make_anew(action, kind)
            case Delete():
                self._retried(action, kind, lambda live: self._delete(action, kind, live))
            case Evict():
                self._serving(action, kind)
                self.cluster.writes.evict(kind, action.key, uid=action.uid)
            case Quarantine():
                self._isolate(action)
                self._take_out(action, kind)
            case _:
                assert_never(action)

    def _serving(self, action: Evict | Quarantine, kind: ResourceKind) -> JsonObject:
        """Gives the pod that is meant, if it is still there and in service."""
        live = self.cluster.get(kind, action.key)
        if live is None or not serves(live, action.uid):
            raise _MovedError("it is gone, or out of service already; nothing was written")
        return live

    def _isolate(self, action: Quarantine) -> None:
        """Sees that what is in quarantine is off the network before a pod is put there."""
        policy = isolation(action.key.namespace)
        kind = self.catalog.find(policy["apiVersion"], policy["kind"])
        if kind is None:
            raise _MovedError("the cluster serves no NetworkPolicy; nothing was written")
        name = policy["metadata"]["name"]
        key = ResourceKey(kind.group, kind.kind, action.key.namespace, name)
        there = self.cluster.get(kind, key)
        if there is None:
            self.cluster.writes.create(kind, policy)
        elif there.get("spec") != policy["spec"]:
            raise _MovedError(f"{key} is not as Plumbline makes it: delete it; nothing was written")

    def _take_out(self, action: Quarantine, kind: ResourceKind) -> None:
        for attempt in range(_TRIES):
            try:
                live = self._serving(action, kind)
                self.cluster.writes.replace(kind, in_quarantine(live))
            except Rejected as rejected:
                if rejected.code != _CONFLICT or attempt == _TRIES - 1:
                    raise
            else:
                return

    def _make_anew(self, action: Recreate, kind: ResourceKind) -> None:
        self.cluster.await_absence(kind, action.key, action.uid)
        try:
            self.cluster.writes.create(kind, action.body)
        except (Rejected, LeaseLostError) as error:
            why = _said(action, error) if isinstance(error, Rejected) else error.message
            raise _HalfDoneError(f"it was deleted, and could not be made anew: {why}") from error

    def _retried(
        self,
        action: Replace | Recreate | Delete,
        kind: ResourceKind,
        write: Callable[[JsonObject], None],
    ) -> None:
        """Writes onto the object that the plan was made for, whatever its status does meanwhile."""
        for attempt in range(_TRIES):
            live = self.cluster.get(kind, action.key)
            if live is None:
                raise _MovedError("it is gone; nothing was written")
            if live_digest(live, sealed=action.sealed) != action.live_digest:
                raise _MovedError("it was edited since the plan was made; nothing was written")
            try:
                write(live)
            except Rejected as rejected:
                if rejected.code != _CONFLICT or attempt == _TRIES - 1:
                    raise
            else:
                return

    def _replace(self, action: Replace, kind: ResourceKind, live: JsonObject) -> None:
        metadata = {
            **action.body["metadata"],
            "uid": live["metadata"].get("uid"),
            "resourceVersion": live["metadata"].get("resourceVersion"),
        }
        body = {**action.body, "metadata": metadata}
        if "status" in live:
            body["status"] = live["status"]
        self.cluster.writes.replace(kind, body)

    def _delete(self, action: Recreate | Delete, kind: ResourceKind, live: JsonObject) -> None:
        version = str(live["metadata"].get("resourceVersion") or "")
        self.cluster.writes.delete(kind, action.key, uid=action.uid, version=version)


def _said(action: Action, rejected: Rejected) -> str:
    """Says why the server refused; not in its words where they may quote what came encrypted."""
    match action:
        case Evict() | Quarantine():
            return rejected.message
        case Create() | Replace() | Recreate() | Delete():
            return rejected.unquoted if action.sealed else rejected.message
        case _:
            assert_never(action)

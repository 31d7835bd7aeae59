"""Structured logs: one JSON object a line, on standard error."""

import logging
import sys
from typing import TextIO

import structlog

from reconciler.core.cycle import Cycle, CycleResult
from reconciler.core.drift import Drift


class Logs:
    """See `keeper.Observer`. Values never reach a log: what drifted is named, not quoted."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self._log = structlog.wrap_logger(
            structlog.PrintLogger(stream or sys.stderr),
            processors=[
                structlog.processors.add_log_level,
                structlog.processors.TimeStamper(fmt="iso", utc=True),
                structlog.processors.JSONRenderer(sort_keys=True),
            ],
            wrapper_class=structlog.BoundLogger,
        )
        self._known: dict[str, frozenset[str]] = {}
        self._waiting: dict[str, str] = {}
        self._revisions: dict[str, str] = {}
        # What libraries have to say comes in the same form.
        logging.basicConfig(level=logging.ERROR, handlers=[_Forward(self)], force=True)

    def say(self, event: str, **fields: object) -> None:
        """Tells of something that isn't a cycle."""
        self._log.info(event, **fields)

    def saw(self, cycle: Cycle) -> None:
        """Tells of a finished cycle where there is something new to tell."""
        if cycle.result is CycleResult.FAILED:
            # Git may be what failed: the revision is the last one that was looked at.
            revision = self._revisions.get(cycle.target, "")
            log = self._log.bind(target=cycle.target, revision=revision)
            log.error("cycle failed", error=cycle.error)
        report = cycle.report
        if report is None:
            return
        self._revisions[cycle.target] = report.revision
        log = self._log.bind(target=cycle.target, revision=report.revision)
        known = self._known.get(cycle.target, frozenset())
        found = {drift.id: drift for drift in report.drifts}
        before = {drift.id: drift for drift in cycle.before.drifts} if cycle.before else {}
        drifts = before | found
        for each in sorted(drifts.keys() - known):
            log.warning("drift found", **_fields(drifts[each]))
        ids = {drift.key: drift.id for drift in drifts.values()}
        waiting = cycle.waiting.digest if cycle.waiting is not None else ""
        if waiting != self._waiting.get(cycle.target, ""):
            self._waiting[cycle.target] = waiting
            if cycle.waiting is not None:
                keys = [action.key for action in cycle.waiting.actions]
                concerns = [ids[key] for key in keys if key in ids]
                log.warning(
                    "plan waits for approval", plan=waiting, writes=len(keys), drifts=concerns
                )
        for outcome in report.outcomes:
            log.info(
                "restored" if outcome.outcome == "restored" else "not restored",
                drift=ids.get(outcome.key, ""),
                resource=str(outcome.key),
                outcome=outcome.outcome.value,
                reason=outcome.reason,
            )
        for each in sorted((known | drifts.keys()) - found.keys()):
            log.info("drift gone", drift=each)
        self._known[cycle.target] = frozenset(found)


def _fields(drift: Drift) -> dict[str, object]:
    decision = drift.decision
    return {
        "drift": drift.id,
        "type": drift.type.value,
        "severity": drift.severity.value,
        "resource": str(drift.key),
        "changes": len(drift.changes),
        "action": str(decision.action) if decision else "",
    }


class _Forward(logging.Handler):
    def __init__(self, logs: Logs) -> None:
        super().__init__()
        self._logs = logs

    def emit(self, record: logging.LogRecord) -> None:
        self._logs.say("library", logger=record.name, message=record.getMessage())

"""What an audit log holds already: read once, from its end, and not followed."""

from pathlib import Path

import orjson

from reconciler.adapters.observations.audited import event_of
from reconciler.core.actors import AuditEvent
from reconciler.core.errors import ConfigError

#: So much of the file's end is read, in bytes: some hundred thousand requests.
_MOST = 1 << 28
#: No event is that long (the API server cuts bodies off before), and no line that is is kept.
_LONGEST_LINE = 1 << 24


def recorded_events(path: Path) -> list[AuditEvent]:
    """Gives what the log tells of requests that changed objects, in its order.

    Args:
        path: The file, as `--audit-log-path` names it.

    Raises:
        ConfigError: It can't be read.
    """
    found = []
    try:
        with path.open("rb") as file:
            size = file.seek(0, 2)
            file.seek(max(0, size - _MOST))
            if size > _MOST:
                file.readline(_LONGEST_LINE)  # the rest of a line
            while line := file.readline(_LONGEST_LINE):
                try:
                    event = event_of(orjson.loads(line))
                except orjson.JSONDecodeError:
                    continue  # the line that is being written, or no event
                if event is not None:
                    found.append(event)
    except OSError as error:
        raise ConfigError(
            f"witnesses.audit_log: {path} can't be read: {error.strerror}",
            fix="run this where the API server writes it, or leave the setting out",
        ) from error
    return found

"""What a history is asked for, as the database is asked."""

from typing import Any, Final

from sqlalchemy import Select, select

from reconciler.adapters.history.records import column_text
from reconciler.adapters.history.tables import EVENTS
from reconciler.core.history import HistoryQuery

#: A statement takes so many values and no more.
_MOST_VALUES: Final = 500


def selected_events(query: HistoryQuery) -> Select[Any]:
    """Asks for the events that a query may mean, the latest first; `matches` has the last word."""
    selected = select(EVENTS).order_by(EVENTS.c.number.desc())
    for name in ("target", "name", "namespace", "drift", "plan"):
        value = getattr(query, name)
        if value:
            selected = selected.where(EVENTS.c[name] == column_text(value))
    if query.since:
        selected = selected.where(EVENTS.c.time >= query.since)
    if query.until:
        selected = selected.where(EVENTS.c.time <= query.until)
    if query.types:
        selected = selected.where(EVENTS.c.type.in_(sorted(query.types)))
    if 0 < len(query.drifts) <= _MOST_VALUES:
        drifts = sorted(map(column_text, query.drifts))
        selected = selected.where(EVENTS.c.drift.in_(drifts))
    return selected

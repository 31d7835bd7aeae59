"""Remembers what people were told of a target, so that they are told once, whatever restarts."""

import json
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import Engine, delete, insert, select
from sqlalchemy.engine import URL

from reconciler.adapters.history.opening import foreign_errors, reading, writing
from reconciler.adapters.history.records import column_text
from reconciler.adapters.history.tables import TOLD, TOLD_UNTIL
from reconciler.core.telling import Told


class NoticeTable:
    """See `ports.NoticeStore`."""

    def __init__(self, url: URL, engine: Engine, target: str) -> None:
        """Asks nothing yet.

        Args:
            url: Names the database in errors.
            engine: Connects to it.
            target: The target's name.
        """
        self._url = url
        self._engine = engine
        self._target = column_text(target)

    def load(self, notifier: str) -> Sequence[Told]:
        """Gives what a notifier showed last under each subject."""
        selected = select(TOLD).where(
            TOLD.c.target == self._target, TOLD.c.notifier == column_text(notifier)
        )
        with foreign_errors(self._url), reading(self._engine) as connection:
            rows = connection.execute(selected.order_by(TOLD.c.subject))
            return [_told(row._asdict()) for row in rows]

    def save(self, told: Told) -> None:
        """Remembers what a notifier shows now under a subject, in place of what it did."""
        mine = (TOLD.c.target == self._target) & (TOLD.c.notifier == column_text(told.notifier))
        row = {
            "target": self._target,
            "notifier": column_text(told.notifier),
            "subject": column_text(told.subject),
            "episodes": json.dumps(list(told.episodes)),
            "shown": column_text(told.shown),
            "digest": told.digest,
            "at": told.at.isoformat(),
            "over": told.is_over,
            "reminder": told.reminder,
        }
        with foreign_errors(self._url), writing(self._engine) as connection:
            connection.execute(delete(TOLD).where(mine, TOLD.c.subject == row["subject"]))
            connection.execute(insert(TOLD).values(**row))

    def forget(self, notifier: str, subjects: Sequence[str]) -> None:
        """Lets go of what nobody will ask for again."""
        mine = (TOLD.c.target == self._target) & (TOLD.c.notifier == column_text(notifier))
        with foreign_errors(self._url), writing(self._engine) as connection:
            for subject in subjects:
                connection.execute(delete(TOLD).where(mine, TOLD.c.subject == subject))

    def until(self, notifier: str) -> str:
        """Gives until when a notifier was told of everything, RFC 3339; empty before the first."""
        selected = select(TOLD_UNTIL.c.time).where(
            TOLD_UNTIL.c.target == self._target, TOLD_UNTIL.c.notifier == column_text(notifier)
        )
        with foreign_errors(self._url), reading(self._engine) as connection:
            return str(connection.scalar(selected) or "")

    def set_until(self, notifier: str, time: str) -> None:
        """Remembers until when a notifier was told of everything."""
        row = {"target": self._target, "notifier": column_text(notifier)}
        mine = [TOLD_UNTIL.c[name] == value for name, value in row.items()]
        with foreign_errors(self._url), writing(self._engine) as connection:
            connection.execute(delete(TOLD_UNTIL).where(*mine))
            connection.execute(insert(TOLD_UNTIL).values(**row, time=time))


def _told(row: Mapping[str, Any]) -> Told:
    return Told(
        notifier=row["notifier"],
        subject=row["subject"],
        episodes=tuple(json.loads(row["episodes"])),
        shown=row["shown"],
        digest=row["digest"],
        at=datetime.fromisoformat(row["at"]),
        is_over=row["over"],
        reminder=row["reminder"],
    )

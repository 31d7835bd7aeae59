"""When a target is looked at, however quiet it is."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from apscheduler.executors.pool import ThreadPoolExecutor
from apscheduler.schedulers.background import BackgroundScheduler
from apscheduler.triggers.interval import IntervalTrigger

from reconciler.keeper import Keeper


class Schedule:
    """Runs each keeper's cycle at its interval, never two of one at a time."""

    def __init__(
        self, keepers: Sequence[Keeper], *, interval: float, jitter: float, workers: int
    ) -> None:
        """Starts nothing yet.

        Args:
            keepers: Whose cycles.
            interval: Seconds from one to the next.
            jitter: Up to so many seconds more or less, so that targets don't all look at once.
            workers: How many targets at the same time.
        """
        self._scheduler = BackgroundScheduler(
            timezone=UTC,
            executors={"default": ThreadPoolExecutor(workers)},
            # What was missed, while the machine slept or a cycle took long, is done once.
            job_defaults={"coalesce": True, "max_instances": 1, "misfire_grace_time": None},
        )
        for keeper in keepers:
            self._scheduler.add_job(
                keeper.cycle,
                IntervalTrigger(seconds=interval, jitter=jitter or None, timezone=UTC),
                id=keeper.name,
                next_run_time=datetime.now(UTC),
            )

    def also(self, name: str, seconds: float, chore: Callable[[], object]) -> None:
        """Does something else, too: at once, and each so many seconds."""
        self._scheduler.add_job(
            chore,
            IntervalTrigger(seconds=seconds, timezone=UTC),
            id=f"chore {name}",
            next_run_time=datetime.now(UTC),
        )

    def start(self) -> None:
        """Begins."""
        self._scheduler.start()

    def stop(self) -> None:
        """Lets the cycles that are under way finish, and begins no more."""
        if self._scheduler.running:
            self._scheduler.shutdown(wait=True)

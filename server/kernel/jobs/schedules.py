"""Work that comes round by the clock: each run is one job row, unique by (job, due_at)."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from cronsim import CronSim

from server.kernel import clock
from server.kernel.jobs import queue


@dataclass(frozen=True, slots=True)
class Schedule:
    """A named piece of recurring work; `cron` has five fields and is read in Asia/Shanghai."""

    name: str
    cron: str
    handler: Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any] | None]]

    def last_due(self, now: datetime) -> datetime:
        """Return the newest moment at or before `now` at which it is due."""
        # the reverse iterator leaves its own start out, so it starts one second later
        after = now.astimezone(clock.SHANGHAI).replace(microsecond=0) + timedelta(seconds=1)
        return next(CronSim(self.cron, after, reverse=True)).astimezone(UTC)


class Scheduler:
    """Puts due runs into the job table. Any number may tick at once; the database keeps each run single."""

    def __init__(self, schedules: Sequence[Schedule]) -> None:
        self._schedules = schedules
        self._seen: dict[str, datetime] = {}

    async def tick(self) -> None:
        """Enqueue whatever has become due; after a standstill only the newest run of each schedule."""
        now = clock.now()
        for schedule in self._schedules:
            due = schedule.last_due(now)
            if self._seen.get(schedule.name) != due:
                await queue.enqueue_due(schedule.name, due)
                self._seen[schedule.name] = due

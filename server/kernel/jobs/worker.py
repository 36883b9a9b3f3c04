"""The loop that does the work: claims rows by lease, runs them side by side, notes what became of them."""

import asyncio
import contextlib
import os
import socket
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any
from uuid import UUID

import structlog

from server.kernel import clock
from server.kernel.jobs import queue
from server.kernel.jobs.models import Job
from server.kernel.jobs.schedules import Schedule, Scheduler

BATCH = 20
POLL_SECONDS = 1.0
LONGEST_PAUSE_SECONDS = 8.0
"""While the database is away."""
MAX_ATTEMPTS = 5
FIRST_RETRY = timedelta(seconds=5)

Handler = Callable[[Mapping[str, Any]], Awaitable[Mapping[str, Any] | None]]
_log = structlog.get_logger(__name__)


@dataclass
class Worker:
    """Runs jobs until cancelled. Several may run at once, in one process or many; each job has one holder.

    `handlers` says what each kind does with its payload; a handler must bear being run again, since a worker
    may die after the work and before its note of it.
    """

    handlers: Mapping[str, Handler]
    wakeup: queue.Wakeup
    schedules: Sequence[Schedule] = ()
    lease: timedelta = timedelta(seconds=30)
    name: str = field(default_factory=lambda: f"{socket.gethostname()[:40]}-{os.getpid()}")
    _held: dict[UUID, Job] = field(default_factory=dict)
    _pause: float = POLL_SECONDS

    async def run(self) -> None:
        """Work until cancelled; an error of the database is logged and outlived."""
        scheduler = Scheduler(self.schedules)
        handlers = {**self.handlers, **{schedule.name: schedule.handler for schedule in self.schedules}}
        async with asyncio.TaskGroup() as group:
            renewing = group.create_task(self._renew())
            try:
                while True:
                    await self._turn(scheduler, handlers)
            finally:
                renewing.cancel()

    async def _turn(self, scheduler: Scheduler, handlers: Mapping[str, Handler]) -> None:
        try:
            await scheduler.tick()
            jobs = await queue.claim(self.name, list(handlers), self.lease, BATCH)
        except Exception as error:  # noqa: BLE001 -- whatever it was, the next turn may be better
            self._pause = min(self._pause * 2, LONGEST_PAUSE_SECONDS)
            _log.warning("job loop could not claim", error=type(error).__name__, pause=self._pause)
            jobs = []
        else:
            self._pause = POLL_SECONDS
        if jobs:
            await asyncio.gather(*(self._do(job, handlers[job.kind]) for job in jobs))
        else:
            await self.wakeup.wait(self._pause)

    async def _do(self, job: Job, handler: Handler) -> None:
        self._held[job.id] = job
        try:
            await _attempt(job, handler)
        except Exception as error:  # noqa: BLE001 -- the lease runs out and the job is taken up again
            _log.warning("job could not be noted", kind=job.kind, job=str(job.id), error=type(error).__name__)
        finally:
            del self._held[job.id]

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(self.lease.total_seconds() / 3)
            with contextlib.suppress(Exception):
                await queue.renew(list(self._held.values()), self.lease)


async def _attempt(job: Job, handler: Handler) -> None:
    if job.attempts > MAX_ATTEMPTS:
        await queue.end(job, error="its workers died")
        return
    try:
        result = await handler(job.payload)
    except Exception as error:  # noqa: BLE001 -- whatever it was, the job is tried again
        name = type(error).__name__
        _log.warning("job failed", kind=job.kind, job=str(job.id), attempt=job.attempts, exc_info=error)
        if job.attempts < MAX_ATTEMPTS:
            await queue.retry(job, name, clock.now() + FIRST_RETRY * 2 ** (job.attempts - 1))
        else:
            await queue.end(job, error=name)
        return
    await queue.end(job, result=result)

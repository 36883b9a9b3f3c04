"""Working runs off: part by part, each whole or not at all, by whichever worker has the job.

A job does a stretch of some parts and then leaves the rest to the next one, so that a hundred thousand awards hold up
nobody's shorter work.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from datetime import timedelta
from typing import Any
from uuid import UUID

from tortoise.exceptions import IntegrityError

from server.awards import bulk, proposing, runs
from server.awards.models import AwardRun, RunKind, RunState
from server.awards.runs import Part
from server.kernel import clock
from server.kernel.jobs import queue
from server.kernel.jobs.models import Job, JobState
from server.kernel.transactions import transaction

STRETCH = 8
"""So many parts does one job."""
SETTLED = timedelta(seconds=30)
"""For so long a run is left to the job that it began with."""
_POLL_SECONDS = 0.05
_PARTS: Mapping[RunKind, Callable[[AwardRun, int], Awaitable[Part]]] = {
    **dict.fromkeys(RunKind, bulk.part),
    RunKind.PROPOSE: proposing.part,
}


async def work(payload: Mapping[str, Any]) -> Mapping[str, Any]:
    """Do one stretch of a job's run."""
    run_id, more = UUID(payload["run"]), True
    for _ in range(STRETCH):
        more = more and await _step(run_id)
    if more:
        await queue.enqueue(runs.JOB, payload)
    return {"more": more}


async def watch() -> Mapping[str, int]:
    """Go on with runs whose job was lost or given up; return how many."""
    at_work = Job.filter(kind=runs.JOB, state__in=[JobState.PENDING, JobState.RUNNING])
    known = {job.payload["run"] for job in await at_work.only("id", "payload")}
    begun = AwardRun.filter(state=RunState.RUNNING, created_at__lt=clock.now() - SETTLED)
    left = [str(run.id) for run in await begun.only("id") if str(run.id) not in known]
    for run_id in left:
        await queue.enqueue(runs.JOB, {"run": run_id})
    return {"gone_on": len(left)}


async def settled(run_id: UUID, seconds: float) -> AwardRun:
    """Return a run once it is done, or as it is after so many seconds; raises DomainError 404."""
    end = time.monotonic() + seconds
    while True:
        run = await runs.run(run_id)
        if run.state is RunState.DONE or time.monotonic() >= end:
            return run
        await asyncio.sleep(_POLL_SECONDS)


async def _step(run_id: UUID) -> bool:
    """Do the next part of a run, and return whether there may be more of it.

    What the database refuses to take keeps nothing else from being done: parts grow smaller, down to that one thing.
    """
    most = runs.PART
    while most:
        try:
            return await _do(run_id, most)
        except IntegrityError:
            most //= 2
            if not most and (await runs.run(run_id)).kind is not RunKind.PROPOSE:
                raise
    return await _do(run_id, most)


@transaction
async def _do(run_id: UUID, most: int) -> bool:
    """Do so much of a run; with nothing at all, pass over what comes next."""
    run = await runs.hold(run_id)
    if run.state is RunState.DONE:
        return False
    part = await (_PARTS[run.kind](run, most) if most else proposing.pass_over(run))
    await runs.keep(run, part)
    return part.more

"""Putting work into the table and taking it out again."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Protocol

from tortoise.exceptions import IntegrityError
from tortoise.queryset import QuerySet

from server.kernel import clock
from server.kernel.jobs.models import Job, JobState
from server.kernel.transactions import after_commit, transaction

KEPT = timedelta(days=30)
"""How long ended jobs stay to be looked at."""


class Wakeup(Protocol):
    """Tells sleeping workers that there is something to do. Best effort: workers also look by themselves."""

    async def notify(self) -> None:
        """Wake whoever waits; never raises."""

    async def wait(self, seconds: float) -> None:
        """Sleep until notified, at most `seconds`."""


@transaction
async def enqueue(
    kind: str, payload: Mapping[str, Any], *, at: datetime | None = None, wakeup: Wakeup | None = None
) -> Job:
    """Put one job into the table, to run at `at` (default: now); joins the transaction.

    With `wakeup`, waiting workers are woken after the commit.
    """
    now = clock.now()
    job = await Job.create(kind=kind, payload=dict(payload), created_at=now, claimable_at=at or now)
    if wakeup:
        after_commit(wakeup.notify)
    return job


async def enqueue_due(kind: str, due_at: datetime) -> bool:
    """Put the run of a schedule due at `due_at` into the table; False where it is there already.

    Not for use inside a transaction: PostgreSQL would abort that with the refused row.
    """
    try:
        await _insert_due(kind, due_at)
    except IntegrityError:
        return False
    return True


@transaction
async def claim(worker: str, kinds: Sequence[str], lease: timedelta, batch: int) -> list[Job]:
    """Take up to `batch` jobs that are ready or whose worker fell silent, until `lease` from now.

    Jobs of unknown kinds stay, for a worker that knows them. Ordered by the time they became ready.
    """
    now = clock.now()
    ready = Job.filter(claimable_at__lte=now, kind__in=list(kinds)).order_by("claimable_at").limit(batch)
    jobs = await ready.select_for_update(skip_locked=True)
    for job in jobs:
        job.state, job.worker, job.claimable_at = JobState.RUNNING, worker, now + lease
        job.attempts += 1
    if jobs:
        await Job.bulk_update(jobs, ["state", "worker", "claimable_at", "attempts"])
    return jobs


@transaction
async def renew(jobs: Sequence[Job], lease: timedelta) -> None:
    """Keep `jobs` for another `lease`; those that another worker has taken over stay with it."""
    for job in jobs:
        await _mine(job).update(claimable_at=clock.now() + lease)


@transaction
async def end(job: Job, result: Mapping[str, Any] | None = None, error: str | None = None) -> bool:
    """Note how a job ended; False where another worker has taken it over meanwhile."""
    state = JobState.FAILED if error else JobState.DONE
    changed = await _mine(job).update(state=state, result=result, error=error, ended_at=clock.now(), claimable_at=None)
    return bool(changed)


@transaction
async def retry(job: Job, error: str, at: datetime) -> None:
    """Put a job whose attempt failed back, to run again at `at`."""
    await _mine(job).update(state=JobState.PENDING, error=error, claimable_at=at, worker=None)


@transaction
async def put_back(kinds: Collection[str], since: datetime, most: int) -> int:
    """Let up to `most` jobs that were given up try again, the oldest first, if made `since`; return how many."""
    given_up = Job.filter(state=JobState.FAILED, kind__in=list(kinds), created_at__gte=since)
    jobs = await given_up.order_by("created_at").limit(most).select_for_update(skip_locked=True).only("id")
    again = Job.filter(id__in=[job.id for job in jobs])
    if jobs:
        await again.update(
            state=JobState.PENDING, attempts=0, worker=None, claimable_at=clock.now(), error=None, ended_at=None
        )
    return len(jobs)


@transaction
async def prune() -> int:
    """Delete jobs that ended longer ago than they are kept, and return how many."""
    return await Job.filter(ended_at__lt=clock.now() - KEPT).delete()


@transaction
async def _insert_due(kind: str, due_at: datetime) -> None:
    now = clock.now()
    await Job.create(kind=kind, payload={}, due_at=due_at, created_at=now, claimable_at=now)


def _mine(job: Job) -> QuerySet[Job]:
    """Return the query for `job` as this worker holds it: the attempt number tells two holders apart."""
    return Job.filter(id=job.id, worker=job.worker, attempts=job.attempts, state=JobState.RUNNING)

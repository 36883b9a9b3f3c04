"""What became of the jobs, for the operator: on `/metrics` and by `scripts/jobs`."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from tortoise.functions import Count

from server.kernel import metrics
from server.kernel.jobs.models import Job, JobState


@dataclass(frozen=True, slots=True)
class LastRun:
    """The newest run of one schedule that has ended."""

    schedule: str
    due_at: datetime
    ended_at: datetime
    ok: bool
    result: object


async def last_runs(schedules: Sequence[str]) -> list[LastRun]:
    """Return the newest ended run of each schedule that has run."""
    found = []
    for name in schedules:
        job = await Job.filter(kind=name, due_at__isnull=False, ended_at__isnull=False).order_by("-due_at").first()
        if job and job.due_at and job.ended_at:
            ok = job.state is JobState.DONE
            found.append(LastRun(name, job.due_at, job.ended_at, ok, job.result if ok else job.error))
    return found


async def failed(limit: int) -> list[Job]:
    """Return the newest jobs that were given up."""
    return await Job.filter(state=JobState.FAILED).order_by("-ended_at").limit(limit)


async def refresh(schedules: Sequence[str]) -> None:
    """Bring the gauges up to date."""
    rows = await Job.annotate(number=Count("id")).group_by("kind", "state").values("kind", "state", "number")
    metrics.JOBS.clear()
    for row in rows:
        metrics.JOBS.labels(row["kind"], row["state"]).set(row["number"])
    for run in await last_runs(schedules):
        metrics.SCHEDULE_LAST_RUN.labels(run.schedule).set(run.ended_at.timestamp())
        metrics.SCHEDULE_OK.labels(run.schedule).set(run.ok)

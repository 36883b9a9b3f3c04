"""Rows for tests, each with only what the test does not care about filled in."""

from datetime import datetime
from typing import Any

from server.kernel import clock
from server.kernel.jobs.models import Job
from server.kernel.outbox import Event


async def make_event(name: str = "thing.happened", **values: Any) -> Event:
    defaults = {"subject": "thing:1", "people": [], "created_at": clock.now()}
    return await Event.create(name=name, **{**defaults, **values})


async def make_job(kind: str = "work", claimable_at: datetime | None = None, **values: Any) -> Job:
    now = clock.now()
    return await Job.create(
        **{"kind": kind, "payload": {}, "created_at": now, "claimable_at": claimable_at or now, **values}
    )

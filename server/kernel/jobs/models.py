"""One row is one piece of work."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel.ids import new_id


class JobState(StrEnum):
    """`pending → running → done | failed`; a failed attempt with tries left is `pending` again."""

    PENDING = "pending"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"


class Job(Model):
    """A piece of work and what became of it.

    `claimable_at` is when a worker may take it: the time it should run; while it runs, the end of the lease;
    null once it has ended. `due_at` is set on scheduled runs only, unique with `kind`.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    kind = fields.CharField(max_length=64)
    payload: dict[str, Any] = fields.JSONField()
    state = fields.CharEnumField(JobState, max_length=16, default=JobState.PENDING)
    due_at: datetime | None = fields.DatetimeField(null=True)
    claimable_at: datetime | None = fields.DatetimeField(null=True)
    worker = fields.CharField(max_length=64, null=True)
    attempts: int = fields.SmallIntField(default=0)
    result: dict[str, Any] | None = fields.JSONField(null=True)
    error = fields.CharField(max_length=255, null=True)
    created_at: datetime = fields.DatetimeField()
    ended_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "job"

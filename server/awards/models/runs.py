"""Runs: orders to propose or decide many awards, and what became of each."""

from datetime import datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel.ids import new_id


class RunKind(StrEnum):
    """What is done to many awards, one by one."""

    PROPOSE = "propose"
    REVIEW = "review"
    APPROVE = "approve"
    REFUSE = "refuse"
    HOLD = "hold"
    RELEASE = "release"
    CANCEL = "cancel"


class RunState(StrEnum):
    """How far a run has come."""

    RUNNING = "running"
    DONE = "done"


class RunOutcome(StrEnum):
    """What became of one thing in a run; the code beside it says why."""

    DONE = "done"
    REFUSED = "refused"


class AwardRun(Model):
    """One order to propose or decide many awards: each is decided alone and answers alone.

    `chosen` is the filter as it was sent. `reached` is the last thing that was looked at, from which a killed run goes
    on. `counts` are outcomes by code.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    kind = fields.CharEnumField(RunKind, max_length=16)
    chosen: dict[str, Any] = fields.JSONField()
    reason = fields.CharField(max_length=500, default="")
    actor_id: UUID = fields.UUIDField()
    state = fields.CharEnumField(RunState, max_length=16, default=RunState.RUNNING)
    total = fields.IntField(default=0)
    done = fields.IntField(default=0)
    counts: dict[str, int] = fields.JSONField()
    reached: UUID | None = fields.UUIDField(null=True)
    created_at: datetime = fields.DatetimeField(db_index=True)
    ended_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "award_run"


class AwardRunRow(Model):
    """What became of one award, or of one referral that was looked at. Append-only.

    `subject_id` is the referral of a run that proposes, else the award. `verdict` is what the rules said where they
    said no: `{"version", "verdict", "checks", "warnings"}`; beside it, or alone, `facts` of the text of its code, and
    of a stated case of which nothing came `case`: `{"payee", "matter"}`.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    run: fields.ForeignKeyRelation[AwardRun] = fields.ForeignKeyField(
        "yizhitong.AwardRun", related_name="rows", on_delete=fields.RESTRICT
    )
    run_id: UUID
    subject_id: UUID = fields.UUIDField(db_index=True)
    award_id: UUID | None = fields.UUIDField(null=True)
    outcome = fields.CharEnumField(RunOutcome, max_length=16)
    code = fields.CharField(max_length=64, default="")
    verdict: dict[str, Any] | None = fields.JSONField(null=True)

    class Meta:
        table = "award_run_row"
        unique_together = (("run", "subject_id"),)
        indexes = (("run_id", "outcome", "id"),)

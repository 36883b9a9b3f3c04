"""Appeals against refusals."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel.ids import new_id


class AppealState(StrEnum):
    """Whether it was decided, and how."""

    OPEN = "open"
    UPHELD = "upheld"
    """The refusal stands."""
    OVERTURNED = "overturned"


class Appeal(Model):
    """One person's appeal against one refusal, which is an entry of the audit, decided by another than who refused."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    subject = fields.CharField(max_length=64, db_index=True)
    refusal_id: UUID = fields.UUIDField(unique=True)
    refused_by_id: UUID | None = fields.UUIDField(null=True)
    person_id: UUID = fields.UUIDField(db_index=True)
    reason = fields.CharField(max_length=1000)
    state = fields.CharEnumField(AppealState, max_length=32, default=AppealState.OPEN)
    created_at: datetime = fields.DatetimeField(db_index=True)
    decided_by_id: UUID | None = fields.UUIDField(null=True)
    decided_at: datetime | None = fields.DatetimeField(null=True)
    decision = fields.CharField(max_length=1000, default="")

    class Meta:
        table = "appeal"

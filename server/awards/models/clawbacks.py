"""What is claimed back of paid awards, and the payee's word against it."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.awards.models.awards import Award
from server.kernel.ids import new_id
from server.organisations.models import Organisation


class ClawbackState(StrEnum):
    """How far the claiming back of a paid award has come."""

    REQUESTED = "requested"
    """Also a question that came up by itself: nobody has decided anything."""
    APPROVED = "approved"
    DEMANDED = "demanded"
    PARTLY = "partly"
    """Some of it has come back."""
    RECOVERED = "recovered"
    OFFSET = "offset"
    """The last of it was kept back from a later statement."""
    WRITTEN_OFF = "written_off"
    DROPPED = "dropped"


class ContestState(StrEnum):
    """What became of the payee's word against a clawback; it never holds the clawback up."""

    NONE = "none"
    OPEN = "open"
    STANDS = "stands"
    LIFTED = "lifted"


class Clawback(Model):
    """The claiming back of an award that was paid, or of a part of it.

    What is still owed is `amount_fen` less what was recovered, offset and written off. `statement_id` is the live
    statement that is to keep `offsetting_fen` of it back. `requested_by_id` is null where the question came up by
    itself.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    award: fields.ForeignKeyRelation[Award] = fields.ForeignKeyField(
        "yizhitong.Award", related_name="clawbacks", on_delete=fields.RESTRICT, db_index=True
    )
    award_id: UUID
    payee: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="clawbacks", on_delete=fields.RESTRICT
    )
    payee_id: UUID
    amount_fen = fields.BigIntField()
    recovered_fen = fields.BigIntField(default=0)
    offset_fen = fields.BigIntField(default=0)
    written_off_fen = fields.BigIntField(default=0)
    state = fields.CharEnumField(ClawbackState, max_length=16, default=ClawbackState.REQUESTED)
    reason = fields.CharField(max_length=500)
    requested_by_id: UUID | None = fields.UUIDField(null=True)
    approved_by_id: UUID | None = fields.UUIDField(null=True)
    demanded_at: datetime | None = fields.DatetimeField(null=True)
    contest = fields.CharEnumField(ContestState, max_length=16, default=ContestState.NONE)
    contest_reason = fields.CharField(max_length=1000, default="")
    contested_by_id: UUID | None = fields.UUIDField(null=True)
    statement_id: UUID | None = fields.UUIDField(null=True, db_index=True)
    offsetting_fen = fields.BigIntField(default=0)
    version = fields.IntField(default=1)
    created_at: datetime = fields.DatetimeField()
    state_since: datetime = fields.DatetimeField()

    class Meta:
        table = "clawback"
        indexes = (("payee_id", "state"), ("state", "state_since"))

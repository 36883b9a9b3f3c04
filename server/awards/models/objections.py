"""Objections to what was made public."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.awards.models.awards import Award
from server.awards.models.publications import Publication
from server.kernel.ids import new_id
from server.organisations.models import Organisation


class ObjectionState(StrEnum):
    """What became of an objection."""

    OPEN = "open"
    UPHELD = "upheld"
    """It is right: the award is refused."""
    REJECTED = "rejected"


class Objection(Model):
    """A word against a publicised award, or against what is publicised of a school. It holds what it names."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    publication: fields.ForeignKeyRelation[Publication] = fields.ForeignKeyField(
        "yizhitong.Publication", related_name="objections", on_delete=fields.RESTRICT, db_index=True
    )
    publication_id: UUID
    payee: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="objected_to", on_delete=fields.RESTRICT
    )
    payee_id: UUID
    award: fields.ForeignKeyNullableRelation[Award] = fields.ForeignKeyField(
        "yizhitong.Award", related_name="objections", on_delete=fields.RESTRICT, null=True, db_index=True
    )
    award_id: UUID | None
    person_id: UUID = fields.UUIDField()
    reason = fields.CharField(max_length=1000)
    state = fields.CharEnumField(ObjectionState, max_length=16, default=ObjectionState.OPEN)
    decided_by_id: UUID | None = fields.UUIDField(null=True)
    decided_at: datetime | None = fields.DatetimeField(null=True)
    decision = fields.CharField(max_length=500, default="")
    created_at: datetime = fields.DatetimeField()

    class Meta:
        table = "objection"
        indexes = (("state", "created_at"),)

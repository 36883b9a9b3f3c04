"""Organisations and memberships."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel.ids import new_id
from server.organisations.roles import Kind, Role
from server.people.models import Person


class OrganisationState(StrEnum):
    """Where an organisation stands with the secretariat."""

    APPLIED = "applied"
    VERIFIED = "verified"
    REJECTED = "rejected"
    LAPSED = "lapsed"
    SUSPENDED = "suspended"
    CLOSED = "closed"


class Organisation(Model):
    """A body that acts through its members. `region` is a GB/T 2260 code, `version` counts writes."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    kind = fields.CharEnumField(Kind, max_length=32)
    name = fields.CharField(max_length=100)
    region = fields.CharField(max_length=6, null=True)
    state = fields.CharEnumField(OrganisationState, max_length=32, default=OrganisationState.APPLIED)
    version = fields.IntField(default=1)
    created_at: datetime = fields.DatetimeField(db_index=True)

    class Meta:
        table = "organisation"


class Membership(Model):
    """A person's role in an organisation, until it ends, at most one at a time."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    organisation: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="memberships", on_delete=fields.RESTRICT
    )
    organisation_id: UUID
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "yizhitong.Person", related_name="memberships", on_delete=fields.RESTRICT, db_index=True
    )
    person_id: UUID
    role = fields.CharEnumField(Role, max_length=32)
    created_at: datetime = fields.DatetimeField()
    ended_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "membership"

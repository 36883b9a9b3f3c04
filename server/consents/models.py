"""Consents, as they were given."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel.ids import new_id
from server.people.models import Person
from server.students.models import Student


class Capacity(StrEnum):
    """In which capacity a person consented."""

    SELF = "self"
    GUARDIAN = "guardian"


class Consent(Model):
    """A person's consent to one scope of one version of a document, until it is withdrawn.

    `student` is for whom a guardian consented, or whom the person is.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "yizhitong.Person", related_name="consents", on_delete=fields.RESTRICT, db_index=True
    )
    person_id: UUID
    student: fields.ForeignKeyNullableRelation[Student] = fields.ForeignKeyField(
        "yizhitong.Student", related_name="consents", on_delete=fields.RESTRICT, null=True, db_index=True
    )
    student_id: UUID | None
    document = fields.CharField(max_length=64)
    document_version = fields.CharField(max_length=32)
    scope = fields.CharField(max_length=64)
    capacity = fields.CharEnumField(Capacity, max_length=32)
    given_at: datetime = fields.DatetimeField()
    withdrawn_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "consent"

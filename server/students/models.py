"""Students, and the people who speak for them."""

from datetime import datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel.ids import new_id
from server.people.models import Person


class Relation(StrEnum):
    """What a person is to a student."""

    SELF = "self"
    GUARDIAN = "guardian"


class LinkState(StrEnum):
    """Whether the secretariat has checked it."""

    REQUESTED = "requested"
    CONFIRMED = "confirmed"
    REJECTED = "rejected"


class Student(Model):
    """The subject of a referral or an enrolment. One row per ID number, found by its blind index."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    name_sealed = fields.TextField()
    id_number_sealed = fields.TextField()
    id_number_index = fields.CharField(max_length=96, unique=True)
    created_at: datetime = fields.DatetimeField()

    class Meta:
        table = "student"


class StudentLink(Model):
    """A person's word that they are a student, or its guardian, checked by the secretariat."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    person: fields.ForeignKeyRelation[Person] = fields.ForeignKeyField(
        "yizhitong.Person", related_name="student_links", on_delete=fields.RESTRICT, db_index=True
    )
    person_id: UUID
    student: fields.ForeignKeyRelation[Student] = fields.ForeignKeyField(
        "yizhitong.Student", related_name="links", on_delete=fields.RESTRICT, db_index=True
    )
    student_id: UUID
    relation = fields.CharEnumField(Relation, max_length=32)
    name_sealed = fields.TextField()
    state = fields.CharEnumField(LinkState, max_length=32, default=LinkState.REQUESTED)
    created_at: datetime = fields.DatetimeField(db_index=True)
    decided_by_id: UUID | None = fields.UUIDField(null=True)
    decided_at: datetime | None = fields.DatetimeField(null=True)
    reason = fields.CharField(max_length=500, default="")
    ended_at: datetime | None = fields.DatetimeField(null=True)

    class Meta:
        table = "student_link"

"""Enrolments and the states they went through."""

from datetime import date, datetime
from enum import StrEnum
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.kernel.ids import new_id
from server.organisations.models import Organisation
from server.students.models import Student


class Intake(StrEnum):
    """When in the year students enter."""

    AUTUMN = "autumn"
    SPRING = "spring"


class Level(StrEnum):
    """What is studied for; it belongs to the enrolment and not to the school."""

    SECONDARY = "secondary"
    SKILLED_WORKER = "skilled_worker"
    HIGHER = "higher"


class EnrolmentState(StrEnum):
    """How the school's record of the student stands."""

    LISTED = "listed"
    """On the school's list, without evidence from outside as yet."""
    REGISTERED = "registered"
    SUSPENDED = "suspended"
    TRANSFERRED = "transferred"
    """Goes on at another school, in the enrolment that `successor` names."""
    WITHDRAWN = "withdrawn"
    GRADUATED = "graduated"
    VOID = "void"
    """Should never have been listed."""


class MatchVerdict(StrEnum):
    """What a reviewer said of a claim and an enrolment whose names differ."""

    SAME = "same"
    DIFFERENT = "different"


class Enrolment(Model):
    """One student's time at one school, from `entered_on`.

    Evidence from outside is a 学籍 number or a document.
    `repeating`: entered again a year that the student had entered before, so nobody sent them anew.
    `match_referral_id` and `match_verdict` are a reviewer's word on the names in one claim and here.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    student: fields.ForeignKeyRelation[Student] = fields.ForeignKeyField(
        "yizhitong.Student", related_name="enrolments", on_delete=fields.RESTRICT
    )
    student_id: UUID
    school: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="enrolments", on_delete=fields.RESTRICT
    )
    school_id: UUID
    year = fields.IntField()
    intake = fields.CharEnumField(Intake, max_length=32)
    level = fields.CharEnumField(Level, max_length=32)
    name_sealed = fields.TextField()
    major = fields.CharField(max_length=100, default="")
    entered_on: date = fields.DateField()
    repeating = fields.BooleanField(default=False)
    record_number_sealed: str | None = fields.TextField(null=True)
    record_document = fields.CharField(max_length=100, default="")
    state = fields.CharEnumField(EnrolmentState, max_length=32, default=EnrolmentState.LISTED)
    successor: fields.ForeignKeyNullableRelation["Enrolment"] = fields.ForeignKeyField(
        "yizhitong.Enrolment", related_name="predecessors", on_delete=fields.RESTRICT, null=True
    )
    successor_id: UUID | None
    match_referral_id: UUID | None = fields.UUIDField(null=True)
    match_verdict = fields.CharEnumField(MatchVerdict, max_length=32, null=True)
    version = fields.IntField(default=1)
    created_at: datetime = fields.DatetimeField()

    class Meta:
        table = "enrolment"
        indexes = (("student_id", "year"), ("school_id", "year", "id"), ("year", "id"))


class EnrolmentStatus(Model):
    """That an enrolment was in `state` from `effective_on`, as was made known at `made_at`. Append-only.

    The state on a day is the one made known last of those effective by then: what is made known later holds from its
    day on, whatever was said before of that time.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    enrolment: fields.ForeignKeyRelation[Enrolment] = fields.ForeignKeyField(
        "yizhitong.Enrolment", related_name="statuses", on_delete=fields.RESTRICT, db_index=True
    )
    enrolment_id: UUID
    state = fields.CharEnumField(EnrolmentState, max_length=32)
    effective_on: date = fields.DateField()
    made_at: datetime = fields.DatetimeField()

    class Meta:
        table = "enrolment_status"

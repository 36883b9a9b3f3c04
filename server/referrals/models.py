"""Referrals, what is decided about them, what is put forward for them, and the years in which they are made."""

from datetime import date, datetime
from enum import StrEnum
from typing import Any
from uuid import UUID

from tortoise import fields
from tortoise.models import Model

from server.enrolments.models import Enrolment, Intake, Level
from server.kernel.ids import new_id
from server.organisations.models import Organisation
from server.students.models import Student


class ReferralState(StrEnum):
    """How a claim stands."""

    REGISTERED = "registered"
    MATCHED = "matched"
    """A member school has the student."""
    CONFIRMED = "confirmed"
    """And had on the day of the census."""
    DISPUTED = "disputed"
    """Stored beside the claim that lives."""
    REJECTED = "rejected"
    WITHDRAWN = "withdrawn"
    LAPSED = "lapsed"
    """No school had the student by the last day for it."""


LIVE = (ReferralState.REGISTERED, ReferralState.MATCHED, ReferralState.CONFIRMED)
"""Of these there is one at most per student and year."""


class Verdict(StrEnum):
    """What a reviewer says of a claim."""

    UPHOLD = "uphold"
    REJECT = "reject"


class Referral(Model):
    """A feeder school's record that it sent one student to a member school for one entry year.

    `named_school` is where the school says the student went. `flags` say what somebody must look at, and then
    `needs_check` is true: see `server.referrals.flags`. `enrolment` is the one that matches or, flagged `name_differs`,
    the one whose name is to be looked at. `winner` is the claim that a rejected one lost to.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    number = fields.CharField(max_length=16, unique=True)
    student: fields.ForeignKeyRelation[Student] = fields.ForeignKeyField(
        "yizhitong.Student", related_name="referrals", on_delete=fields.RESTRICT
    )
    student_id: UUID
    school: fields.ForeignKeyRelation[Organisation] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="referrals", on_delete=fields.RESTRICT
    )
    school_id: UUID
    year = fields.IntField()
    intake = fields.CharEnumField(Intake, max_length=32)
    named_school: fields.ForeignKeyNullableRelation[Organisation] = fields.ForeignKeyField(
        "yizhitong.Organisation", related_name="named_in", on_delete=fields.RESTRICT, null=True
    )
    named_school_id: UUID | None
    level = fields.CharEnumField(Level, max_length=32, null=True)
    name_sealed = fields.TextField()
    phone_sealed: str | None = fields.TextField(null=True)
    phone_index = fields.CharField(max_length=96, null=True)
    guardian_name_sealed: str | None = fields.TextField(null=True)
    guardian_phone_sealed: str | None = fields.TextField(null=True)
    guardian_consent_on: date | None = fields.DateField(null=True)
    class_name = fields.CharField(max_length=50, default="")
    state = fields.CharEnumField(ReferralState, max_length=32, default=ReferralState.REGISTERED)
    flags: list[str] = fields.JSONField()
    needs_check = fields.BooleanField(default=False)
    evidence_until: date | None = fields.DateField(null=True)
    enrolment: fields.ForeignKeyNullableRelation[Enrolment] = fields.ForeignKeyField(
        "yizhitong.Enrolment", related_name="referrals", on_delete=fields.RESTRICT, null=True
    )
    enrolment_id: UUID | None
    winner: fields.ForeignKeyNullableRelation["Referral"] = fields.ForeignKeyField(
        "yizhitong.Referral", related_name="losers", on_delete=fields.RESTRICT, null=True
    )
    winner_id: UUID | None
    made_by_id: UUID = fields.UUIDField()
    version = fields.IntField(default=1)
    created_at: datetime = fields.DatetimeField()
    state_since: datetime = fields.DatetimeField()

    class Meta:
        table = "referral"
        indexes = (
            ("student_id", "year"),
            ("school_id", "year", "id"),
            ("year", "id"),
            ("year", "state", "state_since"),
            ("enrolment_id",),
        )


class ReferralDecision(Model):
    """A reviewer's word on a claim, or the undoing of one. Append-only.

    `changes` are `[referral id, state before, state after, winner before, winner after, flags before, flags after]` of
    every claim that it changed, which is what its undoing turns round.
    """

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    referral: fields.ForeignKeyRelation[Referral] = fields.ForeignKeyField(
        "yizhitong.Referral", related_name="decisions", on_delete=fields.RESTRICT, db_index=True
    )
    referral_id: UUID
    verdict = fields.CharEnumField(Verdict, max_length=32)
    undoes: fields.OneToOneNullableRelation["ReferralDecision"] = fields.OneToOneField(
        "yizhitong.ReferralDecision", related_name="undone_by", on_delete=fields.RESTRICT, null=True
    )
    undoes_id: UUID | None
    changes: list[Any] = fields.JSONField()
    reason = fields.CharField(max_length=500)
    actor_id: UUID = fields.UUIDField()
    made_at: datetime = fields.DatetimeField()

    class Meta:
        table = "referral_decision"


class Evidence(Model):
    """What a school puts forward for its claim: a note, and a scan where `scan_id` names one."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    referral: fields.ForeignKeyRelation[Referral] = fields.ForeignKeyField(
        "yizhitong.Referral", related_name="evidence", on_delete=fields.RESTRICT, db_index=True
    )
    referral_id: UUID
    note = fields.CharField(max_length=1000, default="")
    scan_id: UUID | None = fields.UUIDField(null=True)
    person_id: UUID = fields.UUIDField()
    created_at: datetime = fields.DatetimeField()

    class Meta:
        table = "referral_evidence"


class ReferralYear(Model):
    """The dates of an entry year as the secretariat set them. `dates` is a `server.referrals.years.Calendar`."""

    id: UUID = fields.UUIDField(primary_key=True, default=new_id)
    year = fields.IntField(unique=True)
    dates: dict[str, Any] = fields.JSONField()
    version = fields.IntField(default=1)
    changed_at: datetime = fields.DatetimeField()

    class Meta:
        table = "referral_year"
